"""Find the lab's cells in a student's notebook, and add those that it lacks.

A cell is known by its id, else by its exercise, else by its text in any language: some editors give new ids.
"""

from pathlib import Path
from typing import Any

from lab_lib import language
from lab_lib.exercises import copies
from lab_lib.exercises.notebook_files import Cell

Course = dict[str, Any]  # "cells" has the lab's cells of a notebook, "texts" the text of each in every language, by id


def course(path: Path) -> Course:
    """Return the learner's edition of one of the lab's own notebooks, for a sandbox, which lacks it."""
    editions = [copies.learners_edition(path, name)["cells"] for name in language.names()]
    texts = {cells[0]["id"]: ["".join(cell["source"]) for cell in cells] for cells in zip(*editions, strict=True)}
    return {"cells": copies.learners_edition(path)["cells"], "texts": texts}


def complete(mine: list[Cell], course: Course) -> list[Cell]:
    """Return the student's cells, with the lab's code cells that are missing, each behind the one before it.

    A cell of the lab has the lab's id, and no other cell has it.
    """
    cells, known = [dict(cell) for cell in mine], _keys(course)
    there = set[str]()
    for number, cell in enumerate(cells):
        found = next((known[key] for key in _names(cell) if known.get(key, "") not in {"", *there}), "")
        cell["id"] = found or f"own-{number}"
        there.add(cell["id"])
    place = 0
    for cell in course["cells"]:
        ids = [one["id"] for one in cells]
        if cell["id"] in there:
            place = ids.index(cell["id"]) + 1
        elif cell["cell_type"] == "code":
            cells.insert(place, {**cell, "source": "".join(cell["source"])})
            place += 1
    return cells


def _keys(course: Course) -> dict[str, str]:
    """Return the ids of the lab's cells by all that tells one, itself included."""
    ids = {text: id for id, texts in course["texts"].items() for text in texts}
    return ids | {name: cell["id"] for cell in course["cells"] for name in _names(cell)}


def _names(cell: Cell) -> list[str]:
    """Return what may tell which cell of the lab this is, the surest first."""
    exercise = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
    names = str(cell.get("id", "")), exercise and f"exercise {exercise}", "".join(cell["source"])
    return [*filter(None, names)]
