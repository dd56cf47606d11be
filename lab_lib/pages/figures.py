"""Make figures that every screen and every reader can read: in light and dark themes, sharp, described in words."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot, whose import takes as long as all the rest

from lab_lib import language
from lab_lib.pages.tables import image
from lab_lib.pages.wording import cut

BELOW, REACHED = "#4477aa", "#cc6677"  # from Paul Tol's palettes: distinct for colour-blind readers too
INK = "#6b6b6b"  # 5.3:1 on white; no colour has 4.5:1 on white and on JupyterLab's dark background
# JupyterLab keeps a style in the output of a notebook that it trusts. Without it, the ink has 3.5:1 in the dark.
_LIGHTEN = '<style>[data-jp-theme-light="false"] .lab-figure {filter: invert(1) hue-rotate(180deg)}</style>'
# The reader's fonts have every script; ids stay the same.
_AS_TEXT: Any = {"svg.fonttype": "none", "svg.hashsalt": "lab"}
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # or it names each font that it cannot measure


class DescribedFigure(Figure):
    """A figure with a description in words, `alt`, for screen readers and for tests."""

    alt: str = ""

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        """Return an HTML image with the description, and the description."""
        drawn = image(self._svg(), self.alt, "lab-figure")
        return {"text/html": f"{_LIGHTEN}\n{drawn}", "text/plain": self.alt}

    def _svg(self) -> bytes:
        file = io.BytesIO()
        with warnings.catch_warnings(), matplotlib.rc_context(_AS_TEXT):
            warnings.filterwarnings("ignore", "Glyph .* missing")  # from the font that measures, not from the reader's
            self.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        return file.getvalue()


@contextmanager
def in_legible_words() -> Iterator[None]:
    """Draw with the fonts of the user's language: the reader's computer takes the first that it has."""
    folder = language.folder(language.used())
    file = folder and folder / "fonts.txt"
    fonts = file.read_text("utf-8").splitlines() if file and file.is_file() else []
    with matplotlib.rc_context({"font.family": [*matplotlib.rcParams["font.family"], *fonts]}):
        yield


def new_figure(height: float) -> tuple[DescribedFigure, Axes]:
    """Return a figure of this height in inches, and its axes."""
    figure = DescribedFigure(figsize=(7.5, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def one_line(text: Any) -> str:
    """Return the text in one line of at most 24 characters."""
    return cut(" ".join(str(text).split()), 24)
