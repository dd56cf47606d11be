"""How Sphinx builds the site: build.py starts it."""

from babel import Locale

from lab_lib.language import ENGLISH, FINISHED

project = html_title = "Serverless Lab Workbook"
copyright = "2026 The Serverless Lab Workbook authors. MIT licence"
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
    "languages": {name: Locale.parse(name).language_name for name in (ENGLISH, *FINISHED)},
}
html_copy_source = html_show_sourcelink = html_use_index = False
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["languages.html", "theme-switcher"],
    "search_bar_text": "Search",
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
