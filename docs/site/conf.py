"""How Sphinx builds the site: build.py starts it."""

from babel import Locale
from sphinx.application import Sphinx

from lab_lib.exercises.notebook_files import without_slow_import
from lab_lib.language import ENGLISH, FINISHED, N_, _, translations, used

without_slow_import("nbformat")  # before myst_nb imports it
language = used()
project = html_title = _("Serverless Lab Workbook")
copyright = _("2026 The Serverless Lab Workbook authors. MIT licence")
extensions = ["myst_nb"]
include_patterns = ["*.md", "docs/*.md", "notebooks/*.ipynb"]
exclude_patterns = ["README.md"]  # index.md includes it
templates_path = ["templates"]
nitpicky = True

nb_execution_mode = "off"
myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4

html_theme = "pydata_sphinx_theme"
html_static_path = html_css_files = ["site.css"]
html_search_language = "en"  # Sphinx finds Chinese by it too; its own way for Chinese raises an error
html_favicon = "icon.svg"
html_sidebars = {"**": ["contents.html"]}
html_context = {
    "default_mode": "auto",  # of the two colour themes: the system's
    "site": language,  # a page in English only has `language` en in each site
    "languages": {name: Locale.parse(name).language_name for name in (ENGLISH, *FINISHED)},
}
html_copy_source = html_show_sourcelink = html_use_index = False
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["languages.html", "theme-switcher"],
    "search_bar_text": _("Search"),
    "footer_start": ["licence.html"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

_NOT_OF_THEME = N_("Color mode"), N_("System Settings")  # which its own catalogues lack


def setup(app: Sphinx) -> None:
    """Let templates have our translation of what Sphinx and the theme do not translate."""
    app.connect("builder-inited", lambda app: app.translator.add_fallback(translations(language)))
