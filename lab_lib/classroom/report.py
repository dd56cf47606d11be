"""Render the report of a class as one HTML file that loads nothing else. Nothing here calls AWS.

The grade book (see gradebook.book) fills the template in templates/. The page works without its script too.
"""

import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from statistics import median, mode
from typing import Any

from jinja2 import Template

from lab_lib.checks.rules import PROBE
from lab_lib.classroom import points
from lab_lib.classroom.exports import Book, Student
from lab_lib.classroom.students import slug
from lab_lib.language import N_
from lab_lib.pages import html
from lab_lib.pages.colours import LOOKS
from lab_lib.resources import heading

TEMPLATES = Path(__file__).parent / "templates"
_WORDS = {"exercises": "answers are right", "function": "cases are passed"}

_END = r"\s,;()'\"<>"  # of a word
# A word that holds a masked value or an account. It begins only at a word's begin, or long words would take long.
_MASKED = rf"(?<![^{_END}])[^{_END}]*(?:\*{{3}}|(?<![0-9])[0-9]{{12}}(?![0-9]))(?:[^{_END}]*[\w*])?"
_NAME_BEGINS = r"(?=[A-Z'\"]|inputs3bucket)"  # after a prefix
Columns = dict[str, dict[str, Any]]


def page(book: Book, when: str) -> str:
    """Return the page; `when` is printed at its top."""
    columns = book["columns"]
    students = [shown(student, columns) | {"number": number} for number, student in enumerate(book["students"], 1)]
    totals = [student["total"] for student in students if student["total"] is not None]
    return template("report.html.j2").render(
        book | {"students": students},
        when=when,
        graded=len(students) - book["ungraded"],
        median=median(totals) if totals else None,
        states=Counter(student["state"] for student in students),
        stuck=_stuck(students, columns),
        style=html.style(TEMPLATES / "report.css"),
        **html.script(TEMPLATES / "report.js"),
    )


@cache
def template(name: str) -> Template:
    """Return a template of the folder templates/."""
    environment = html.templates(TEMPLATES)
    environment.filters["number"] = _number
    environment.globals |= {"looks": LOOKS, "heading": heading}
    return environment.get_template(name)


def shown(student: Student, columns: Columns) -> Student:
    """Add what the page shows: a cell for each column, titles, and what an older record lacks."""
    by_hand = [
        {**override, "title": columns[override["column"]]["title"] if override["column"] else N_("All")}
        for override in student.get("overrides", [])
    ]
    student = {"graded": "", "submitted": None, "remarks": [], **student, "overrides": by_hand}
    return {
        **student,
        "cells": [_cell(name, column, student) for name, column in columns.items()],
        "unseen": sum(check["state"] == "cannot see" for check in student["wrong"]),
    }


def _cell(name: str, column: dict[str, Any], student: Student) -> dict[str, str]:
    """Return a cell of the table: a mark, the points, and both in words."""
    earned, worth, title = student["points"][name], column["worth"], column["title"]
    if earned is None:
        words = "excused" if name in student["excused"] else "not graded"
        return {"kind": "unseen", "mark": LOOKS["unseen"].sign, "points": "", "words": f"{title}: {words}"}
    kind = "full" if earned == worth else "part" if earned else "none"
    words = f"{title}: {_number(earned)} of {worth} points, {_counted(name, student)}"
    return {"kind": kind, "mark": LOOKS[kind].sign, "points": _number(earned), "words": words}


def _counted(column: str, student: Student) -> str:
    """Return in words how the points of a column were earned."""
    if any(override["column"] == column and override["points"] is not None for override in student["overrides"]):
        return "set by the instructor"
    if column == PROBE and not student["probed"]:
        return "not probed, so step 05 counts here"
    entry, name = points.CASES.get(column, ("checks", "id"))
    cases = [case for case in student[entry] if case.get("step", column) == column]
    right = [case for case in cases if points.is_right(case)]
    counts = {
        "shown by the probe": sum(case.get("state") not in ("ok", "passed", None) for case in right),
        "right in the untouched notebooks": sum(case[name] in student["baseline"].get(entry, []) for case in right),
    }
    also = [f", {count} of them {words}" for words, count in counts.items() if count]
    return f"{len(right)} of {len(cases)} {_WORDS.get(column, 'checks hold')}{''.join(also)}"


def _stuck(students: list[Student], columns: Columns) -> list[dict[str, Any]]:
    """Return the checks that fail, the most frequent first. A check that waits for another one is left out."""
    failing = defaultdict(list)
    for student in students:
        for check in student["wrong"]:
            failing[check["id"]].append((student, check))
    problems = [_problem(failures, columns) for failures in failing.values()]
    return sorted(problems, key=lambda problem: (-len(problem["students"]), problem["step"]))


def _problem(failures: list[tuple[Student, dict[str, Any]]], columns: Columns) -> dict[str, Any]:
    """Return the entry of a check that fails for several students. `failures` are pairs of a student and the check."""
    students, (check, *_) = zip(*failures, strict=True)
    most_frequent = {
        part: mode(_without_identity(check[part], student) for student, check in failures) for part in ("hint", "found")
    }
    return {**check, **most_frequent, "title": columns[check["step"]]["title"], "students": students}


def _without_identity(text: str, student: Student) -> str:
    """Return the text with "…" for the accounts, addresses, prefix and names of a student's record."""
    resources = [name.split("/")[-1] for name in student["own"]]
    names = {student["name"], slug(student["name"]), student["folder"], student["id"], *resources} - {""}
    prefix = rf"(?<![\w-])(?i:{re.escape(student['prefix'])}){_NAME_BEGINS}|" if student["prefix"] else ""
    listed = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"{prefix}{_MASKED}|(?<![A-Za-z0-9])(?:{listed})(?![A-Za-z0-9])", "…", text)


def _number(value: float) -> str:
    """Return 10 for 10.0, and 6.67 for 6.67."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
