"""Render the report of a class as one HTML file that loads nothing else. Nothing here calls AWS.

The grade book (see gradebook.book) fills the template in templates/. The page works without its script too.
"""

import base64
import hashlib
from collections import Counter, defaultdict
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
_HIGHEST = 6  # customers with a bar, for each student
_BINS = 12  # bars of the histogram
_MARKS = {"full": "✔", "part": "◐", "none": "✘", "unseen": "–"}


def page(book: dict[str, Any], when: str = "") -> str:
    """Return the page; `when` is printed at its top."""
    steps, most = book["steps"], book["points_per_step"]
    students = [{**_student(each, most, steps), "number": number} for number, each in enumerate(book["students"], 1)]
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return _template().render(
        when=when,
        steps=steps,
        most=most,
        whole=most * len(steps),
        students=students,
        summary=_summary(students, most * len(steps)),
        stuck=_stuck(students, steps),
        times=_times(students),
        notebooks=_notebooks(students),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704, ours
        script=Markup(script),  # noqa: S704, ours
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@cache
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = _number
    return environment.get_template("report.html.j2")


def _student(student: dict[str, Any], most: int, steps: dict[str, str]) -> dict[str, Any]:
    """Add what the page shows: a cell for each step, the checks that fail, and the totals as bars."""
    wrong = [check for check in student["checks"] if check["step"] in steps and not check["ok"]]
    return {
        **student,
        "cells": [_cell(step, title, student, most) for step, title in steps.items()],
        "wrong": [check for check in wrong if check["state"] != "waits"],
        "waiting": sum(check["state"] == "waits" for check in wrong),
        "unseen": sum(check["state"] == "cannot see" for check in wrong),
        **_bars(student["totals"], student["threshold"]),
    }


def _cell(step: str, title: str, student: dict[str, Any], most: int) -> dict[str, str]:
    """Return a cell of the table: a mark, the points, and both in words."""
    points = student["points"][step]
    checks = [check for check in student["checks"] if check["step"] == step]
    if points is None:
        return {"kind": "unseen", "mark": _MARKS["unseen"], "points": "", "words": f"{title}: not graded"}
    kind = "full" if points == most else "part" if points else "none"
    hold = f"{sum(check['ok'] for check in checks)} of {len(checks)} checks hold"
    unseen = sum(check["state"] == "cannot see" for check in checks)
    hold += f", {unseen} cannot be seen" if unseen else ""
    words = f"{title}: {_number(points)} of {most} points, {hold}"
    return {"kind": kind, "mark": _MARKS[kind], "points": _number(points), "words": words}


def _summary(students: list[dict[str, Any]], whole: int) -> dict[str, Any]:
    totals = [student["total"] for student in students if student["total"] is not None]
    return {
        "students": len(students),
        "graded": len(totals),
        "ungraded": [student for student in students if student["total"] is None],
        "full": sum(total == whole for total in totals),
        "median": median(totals) if totals else None,
        "states": Counter(student["state"] for student in students),
    }


def _stuck(students: list[dict[str, Any]], steps: dict[str, str]) -> list[dict[str, Any]]:
    """Return the checks that fail, the most frequent first. A check that waits for another one is left out."""
    who = defaultdict(list)
    for student in students:
        for check in student["wrong"]:
            who[check["step"], check["name"]].append((student, check))
    found = [
        {
            "step": step,
            "title": steps[step],
            "name": name,
            "students": [student for student, _ in those],
            "hint": Counter(check["hint"] for _, check in those).most_common(1)[0][0],
            "found": Counter(check["found"] for _, check in those).most_common(1)[0][0],
            "unseen": sum(check["state"] == "cannot see" for _, check in those),
        }
        for (step, name), those in who.items()
    ]
    return sorted(found, key=lambda each: (-len(each["students"]), each["step"]))


def _times(students: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the bars of a histogram of the students' seconds, with the lowest, highest and median value."""
    seconds = sorted(student["seconds"] for student in students if student["steps"])
    if not seconds:
        return {}
    low, high = seconds[0], seconds[-1]
    width = (high - low) / _BINS or 1
    counts = Counter(min(int((each - low) / width), _BINS - 1) for each in seconds)
    tallest = max(counts.values())
    bars = [
        {"from": low + number * width, "to": low + (number + 1) * width, "count": counts[number],
         "height": round(90 * counts[number] / tallest, 1)}
        for number in range(_BINS)
    ]  # fmt: skip
    return {"bars": bars, "low": low, "high": high, "median": median(seconds), "count": len(seconds)}


def _notebooks(students: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the seconds of each notebook, and how many runs failed in it."""
    runs = defaultdict(list)
    for student in students:
        for step in student["steps"]:
            runs[step["notebook"]].append(step)
    return [
        {
            "notebook": name,
            "median": median(step["seconds"] for step in those),
            "longest": max(step["seconds"] for step in those),
            "failed": sum(not step["ok"] for step in those),
            "count": len(those),
        }
        for name, those in sorted(runs.items())
    ]


def _bars(totals: dict[str, str], threshold: str) -> dict[str, Any]:
    """Return the highest totals as bars, and the threshold as a line, in percent of the width."""
    line = _amount(threshold)
    amounts = sorted(((_amount(text), name) for name, text in totals.items()), key=lambda each: (-each[0], each[1]))
    shown = amounts[:_HIGHEST]
    scale = max([line, *(amount for amount, _ in shown)]) * Decimal("1.1") or Decimal(1)

    def part(amount: Decimal) -> float:
        return round(float(min(max(amount / scale, Decimal(0)), Decimal(1)) * 100), 2) if scale > 0 else 0.0

    bars = [
        {"customer": name, "amount": totals[name], "width": part(amount), "alert": amount >= line}
        for amount, name in shown
    ]
    return {"bars": bars, "line": part(line), "more": len(amounts) - len(shown)}


def _amount(text: str) -> Decimal:
    """Return the amount, or 0 for a text that is not a number; the page prints the text beside the bar."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _number(value: float) -> str:
    """Return 10 for 10.0, and 6.67 for 6.67."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
