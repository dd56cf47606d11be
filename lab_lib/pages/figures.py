"""Make figures that every screen and every reader can read: in light and dark themes, sharp, described in words."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from html import escape
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot, whose import takes as long as all the rest

from lab_lib import language
from lab_lib.language import _
from lab_lib.pages.tables import image
from lab_lib.pages.wording import cut

BELOW, REACHED = "#4477aa", "#cc6677"  # from Paul Tol's palettes: distinct for colour-blind readers too
INK = "#6b6b6b"  # 5.3:1 on white; no colour has 4.5:1 on white and on JupyterLab's dark background
# JupyterLab keeps a style in the output of a notebook that it trusts. Without it, the ink has 3.5:1 in the dark.
_LIGHTEN = '<style>[data-jp-theme-light="false"] .lab-figure {filter: invert(1) hue-rotate(180deg)}</style>'
# The reader's fonts have every script; ids stay the same.
_AS_TEXT: Any = {"svg.fonttype": "none", "svg.hashsalt": "lab"}


class DescribedFigure(Figure):
    """A figure with a description in words, `alt`, for screen readers and for tests."""

    alt: str = ""

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        """Return an HTML image with the description, and the description. Both say if there is no font for it."""
        drawn, advice = image(self._svg(), self.alt, "lab-figure"), _advice()
        below = f"<p>{escape(advice)}</p>" if advice else ""
        return {"text/html": f"{_LIGHTEN}\n{drawn}{below}", "text/plain": f"{self.alt}\n{advice}".strip()}

    def _svg(self) -> bytes:
        file = io.BytesIO()
        with warnings.catch_warnings(), matplotlib.rc_context(_AS_TEXT):
            warnings.filterwarnings("ignore", "Glyph .* missing")  # from the font that measures, not from the reader's
            self.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        return file.getvalue()


@contextmanager
def in_legible_words() -> Iterator[None]:
    """Draw with a font for the user's language. If the computer has none, draw in English."""
    used, wanted = language.used(), _fonts()
    found = _found(wanted)
    language.use(used if found or not wanted else language.ENGLISH)
    try:
        with matplotlib.rc_context({"font.family": [*matplotlib.rcParams["font.family"], *found[:1]]}):
            yield
    finally:
        language.use(used)


def _fonts() -> list[str]:
    """Return the fonts that have the characters of the user's language; [] if any font has them."""
    folder = language.folder(language.used())
    file = folder and folder / "fonts.txt"
    return file.read_text("utf-8").splitlines() if file and file.is_file() else []


def _found(fonts: list[str]) -> list[str]:
    """Return which of these fonts the computer has, be it that one was installed since matplotlib made its list."""
    manager = font_manager.fontManager
    if fonts and not any(entry.name in fonts for entry in manager.ttflist):
        for path in {*font_manager.findSystemFonts()} - {entry.fname for entry in manager.ttflist}:
            with suppress(OSError, RuntimeError):  # what matplotlib cannot use
                manager.addfont(path)
    there = {entry.name for entry in manager.ttflist}
    return [font for font in fonts if font in there]


def _advice() -> str:
    """Return which font to install if there is none for the user's language."""
    fonts = _fonts()
    if not fonts or _found(fonts):
        return ""
    return _("No font for your language was found, so the figure is in English. Install {font}.", font=fonts[0])


def new_figure(*heights: float) -> tuple[DescribedFigure, list[Axes]]:
    """Return a figure with one set of axes below the other, of these heights in inches."""
    figure = DescribedFigure(figsize=(7.5, sum(heights)), layout="constrained")
    grid = figure.subplots(len(heights), squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
    return figure, list(grid.flat)


def draw_threshold(axes: Axes, threshold: Decimal, across: bool = False) -> None:
    """Draw the threshold as a dashed line with its name, upright or across."""
    style: dict[str, Any] = {"color": INK, "linestyle": "--", "linewidth": 1.4}
    line, name = float(threshold), _("threshold {threshold:f}", threshold=threshold)
    if across:
        axes.axhline(line, **style)
        axes.text(0.01, line, name, color=INK, va="bottom", transform=axes.get_yaxis_transform())
    else:
        axes.axvline(line, **style)
        axes.text(line, 1.01, name, color=INK, va="bottom", ha="center", transform=axes.get_xaxis_transform())


def one_line(text: Any) -> str:
    """Return the text in one line of at most 24 characters."""
    return cut(" ".join(str(text).split()), 24)
