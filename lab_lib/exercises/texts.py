"""Read each exercise from the solved notebooks: its cells, its heading, its hints, and the answers to choose from."""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from IPython.display import display

from lab_lib import language
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, translation
from lab_lib.language import _
from lab_lib.resources import HEADING

T = TypeVar("T")
_HINT = re.compile(r"<details><summary>.+?</summary>.+?</details>", re.DOTALL)
_OPTION = re.compile(r"^- \*\*([a-z])\*\* (.+)$", re.MULTILINE)
_ANSWER = re.compile(r"my_\w+")


class Text(NamedTuple):
    """An exercise as a notebook asks it. `options` maps a letter to what it stands for."""

    question: str = ""  # its nbgrader id
    cell: str = ""  # the id of the cell that the learner writes
    heading: str = ""
    hints: tuple[str, ...] = ()
    options: dict[str, str] = {}  # noqa: RUF012  # nobody changes it
    answer: str = ""  # the name that the cell gives to the answer; "" if something is made: the account is the answer
    points: int = 0  # by nbgrader and, as a share of its column, in the grade book

    @property
    def is_made(self) -> bool:
        return not self.answer

    def __repr__(self) -> str:
        return _("(The hints above: {count}.)", count=len(self.hints))

    def _repr_markdown_(self) -> str:
        return "\n".join((_("The hints once more:"), *self.hints))


def show_hints(exercise: str) -> None:
    """Show the hints again, when the exercise is done: each is a way to see why the answer is right."""
    if (text := of(exercise)).hints:
        display(text)  # type: ignore[no-untyped-call]


def of(exercise: str) -> Text:
    """Return an exercise by its nbgrader id. It is empty in a sandbox, which lacks the notebooks."""
    return in_language(language.used()).get(exercise, Text())


def options(exercise: str) -> list[tuple[str, str]]:
    """Return the answers to choose from in every language: each letter and what it stands for."""
    in_all = (in_language(name).get(exercise, Text()).options for name in language.names())
    return [option for in_one in in_all for option in in_one.items()]


def find(exercise: str, among: Mapping[str, T]) -> T:
    """Return the value of an exercise. UsageError if there is no such exercise, as for an older notebook."""
    if exercise not in among:
        raise UsageError(
            "There is no exercise {exercise!r}. If this notebook is older than the lab, `lab open --fresh` with "
            "its number gives it anew.",
            exercise=exercise,
        )
    return among[exercise]


@functools.cache
def in_language(name: str) -> dict[str, Text]:
    """Return the exercises by their nbgrader ids, in the order of the notebooks."""
    texts, above, heading = dict[str, Text](), "", ""
    for path in copies.solved_notebooks():
        for cell in translation.notebook(path, name)["cells"]:
            marked, source = cell["metadata"].get("nbgrader", {}), "".join(cell["source"])
            id = marked.get("grade_id", "").removesuffix("-check")  # that judges the cell with the question's id
            if cell["cell_type"] == "markdown":
                above, heading = source, (HEADING.findall(source) or [heading])[-1]
            elif marked.get("solution"):
                hints, options = tuple(_HINT.findall(above)), dict(_OPTION.findall(above))
                texts[id] = Text(id, cell["id"], heading, hints, options)
            elif id in texts:
                answer = "".join(_ANSWER.findall(source)[:1])
                texts[id] = texts[id]._replace(answer=answer, points=marked["points"])
    return texts
