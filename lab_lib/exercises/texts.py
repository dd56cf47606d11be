"""Read the text of each exercise from the solved notebooks: its heading, its hints, and the answers to choose from."""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from IPython.display import display

from lab_lib import language
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, edition, translation
from lab_lib.language import _

T = TypeVar("T")
_HINT = re.compile(r"<details><summary>.+?</summary>.+?</details>", re.DOTALL)
_OPTION = re.compile(r"^- \*\*([a-z])\*\* (.+)$", re.MULTILINE)


class Text(NamedTuple):
    """The text above an exercise; `options` maps a letter to what it stands for."""

    heading: str = ""
    hints: tuple[str, ...] = ()
    options: dict[str, str] = {}  # noqa: RUF012  # nobody changes it

    def __repr__(self) -> str:
        return _("(The hints above: {count}.)", count=len(self.hints))

    def _repr_markdown_(self) -> str:
        return "\n".join((_("The hints once more:"), *self.hints))


def show_hints(exercise: str) -> None:
    """Show the hints again, when the exercise is done: each is a way to see why the answer is right."""
    if (text := of(exercise)).hints:
        display(text)  # type: ignore[no-untyped-call]


def of(exercise: str) -> Text:
    """Return the text above an exercise, by its nbgrader id. It is empty in a sandbox, which lacks the notebooks."""
    return _all(language.used()).get(exercise, Text())


def options(exercise: str) -> list[tuple[str, str]]:
    """Return the answers to choose from in every language: each letter and what it stands for."""
    in_all = (_all(name).get(exercise, Text()).options for name in language.names())
    return [option for in_one in in_all for option in in_one.items()]


def find(exercise: str, among: Mapping[str, T]) -> T:
    """Return the value of an exercise. UsageError if there is no such exercise, as for an older notebook."""
    if exercise not in among:
        raise UsageError(
            _(
                "There is no exercise {exercise!r}. If this notebook is older than the lab, `lab open --fresh` with "
                "its number gives it anew.",
                exercise=exercise,
            )
        )
    return among[exercise]


@functools.cache
def _all(name: str) -> dict[str, Text]:
    texts, above = dict[str, Text](), ""
    for path in copies.solved_notebooks():
        notebook = translation.notebook(path, name)
        headings = edition.headings(notebook)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                above = "".join(cell["source"])
            elif cell["metadata"].get("nbgrader", {}).get("solution"):
                text = Text(headings[cell["id"]], tuple(_HINT.findall(above)), dict(_OPTION.findall(above)))
                texts[cell["metadata"]["nbgrader"]["grade_id"]] = text
    return texts
