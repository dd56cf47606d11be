"""Find the lab's cells in a student's notebook, and add those that it lacks.

A cell is known by its id, else by its exercise, else by its text in any language: some editors give new ids.
"""

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from lab_lib import language
from lab_lib.exercises import copies
from lab_lib.exercises.notebook_files import Cell

Course = dict[str, Any]  # "cells" has the lab's cells of a notebook, "texts" the text of each in every language, by id


@cache  # the sandbox gets it, and the student's errors are read with it
def course(path: Path) -> Course:
    """Return the learner's edition of one of the lab's own notebooks, for a sandbox, which lacks it."""
    editions = {name: copies.learners_edition(path, name)["cells"] for name in language.names()}
    texts = {}
    for cells in zip(*editions.values(), strict=True):  # the same cell in every language
        texts[cells[0]["id"]] = [cell["source"] for cell in cells]
    return {"cells": editions[language.used()], "texts": texts}


def complete(mine: list[Cell], course: Course) -> list[Cell]:
    """Return the student's cells, with the lab's code cells that are missing, each behind the one before it.

    A cell of the lab has the lab's id, and no other cell has it.
    """
    cells = [dict(cell) for cell in mine]
    known = _keys(course)
    there = set[str]()
    for number, cell in enumerate(cells):
        id = f"own-{number}"
        for name in _names(cell):
            if name in known and known[name] not in there:
                id = known[name]
                break
        cell["id"] = id
        there.add(id)
    missing = defaultdict[str, list[Cell]](list)  # by the id of the cell before them
    before = ""
    for cell in course["cells"]:
        if cell["id"] in there:
            before = cell["id"]
        elif cell["cell_type"] == "code":
            missing[before].append(cell)
    completed = missing[""]
    for cell in cells:
        completed += [cell, *missing[cell["id"]]]
    return completed


def is_settings(cell: Cell) -> bool:
    """Return True if a cell holds the settings of a notebook."""
    tags = set(cell.get("metadata", {}).get("tags", []))
    return "parameters" in tags or "injected-parameters" in tags


def _keys(course: Course) -> dict[str, str]:
    """Return the ids of the lab's cells by all that tells one, itself included."""
    ids = dict[str, str]()
    for id, texts in course["texts"].items():
        for text in texts:
            ids[text] = id
    for cell in course["cells"]:
        for name in _names(cell):
            ids[name] = cell["id"]
    return ids


def _names(cell: Cell) -> list[str]:
    """Return what may tell which cell of the lab this is, the surest first."""
    exercise = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
    names = [cell.get("id"), exercise, cell["source"]]
    return [name for name in names if name]
