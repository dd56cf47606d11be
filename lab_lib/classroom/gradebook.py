"""Turn the records of a class into points, and write the grade book and the report. Nothing here calls AWS.

A student's record is a dict, in the student's folder as grade.json:

    name, account (masked), folder, id (the school's own, may be empty)
    state       done | failed; without a grade.json: unfinished | not run | missing
    seconds, error, threshold
    steps       [{notebook, ok, seconds, error}]            the notebooks that were run; empty after `lab class check`
    checks      [{step, name, ok, found, wanted, hint}]     of steps 00 to 05, and "further", which gives no points
    totals      {customer: amount as text}
    notebooks   the executed notebooks in the folder
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from lab_lib.checks import STEPS
from lab_lib.checks.reports import Check
from lab_lib.classroom import report
from lab_lib.classroom.job import Record
from lab_lib.errors import UsageError
from lab_lib.private_files import make_folder, write_file
from lab_lib.run import headless

POINTS = 10  # for each step; all its checks count the same
_GRADED = [path.stem for path in headless.notebooks(headless.last_kept()) if path.stem[:2] in STEPS]
TITLES = {stem[:2]: stem.replace("-", " ") for stem in _GRADED}  # such as "02": "02 add triggers"


def book(records: Iterable[Record]) -> dict[str, Any]:
    """Return the content of gradebook.json: each record with its points, in the order of the names."""
    students = [{**record, **_points(record)} for record in records]
    students.sort(key=lambda student: (student["name"].casefold(), student["folder"]))
    return {"steps": TITLES, "points_per_step": POINTS, "students": students}


def write(out: Path, records: Iterable[Record], when: str = "") -> None:
    """Write gradebook.csv, gradebook.json and report.html to `out`."""
    whole = book(records)
    texts = {
        "gradebook.json": json.dumps(whole, indent=2, ensure_ascii=False) + "\n",
        "gradebook.csv": "\ufeff" + _csv(_canvas(whole["students"])),  # the byte order mark lets Excel read all scripts
        "report.html": report.page(whole, when),
    }
    make_folder(out)
    for name, text in texts.items():
        write_file(out / name, text)


def gather(out: Path, blank: list[Record]) -> tuple[list[Record], list[str]]:
    """Return the students' records from their folders in `out`, and the names of the folders of nobody in the class.

    `blank` has a record for each student of the class. It stays where a student has no grade.json. A grade.json says
    itself whose it is, so a renamed folder is found too.
    UsageError if two folders of one student disagree, or if a grade.json cannot be read.
    """
    found: dict[str, dict[str, Record]] = defaultdict(dict)  # the student's folder, then each folder that says so
    folders = sorted(path for path in out.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in folders:
        if (path / "grade.json").exists():
            record = _read(path / "grade.json")
            found[record["folder"]][path.name] = record
    students = {each["folder"]: each for each in blank}
    _refuse_disagreement(out, [found[name] for name in students if name in found])
    records = []
    for name, student in students.items():
        folder, record = next(iter(found[name].items()), (name, student))
        records.append({**student, **record, "id": student["id"], "folder": folder})
    known = {*students, *(folder for name in students for folder in found[name])}
    return records, [path.name for path in folders if path.name not in known]


def _refuse_disagreement(out: Path, found: list[dict[str, Record]]) -> None:
    twice = [folders for folders in found if any(each != next(iter(folders.values())) for each in folders.values())]
    if twice:
        listed = "".join(f"\n  {next(iter(each.values()))['name']}: {', '.join(each)}" for each in twice)
        raise UsageError(
            f"{out} has folders of the same student with different results. Nothing was written. "
            f"Keep one folder for each of these students, and delete or move the others:{listed}"
        )


def _read(path: Path) -> Record:
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        _points(record)
        return {**record, "name": str(record["name"]), "folder": str(record["folder"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} is not the record of a student: {error!r}. Delete it, and run the student again."
        ) from None


def _points(record: Record) -> dict[str, Any]:
    """Return what the grade book adds: the state of each check, and the points (None where nothing was graded)."""
    checks = [{**check, "state": Check(**check).state} for check in record["checks"]]
    points = {step: _share([check["ok"] for check in checks if check["step"] == step]) for step in TITLES}
    graded = [each for each in points.values() if each is not None]
    total = sum(graded, Decimal()) if graded else None
    return {
        "checks": checks,
        "points": {step: _number(each) for step, each in points.items()},
        "total": _number(total),
        "percent": _number(None if total is None else _rounded(100 * total / (POINTS * len(TITLES)))),
    }


def _share(oks: list[bool]) -> Decimal | None:
    """Return the points for a step: the share of its checks that hold."""
    return _rounded(Decimal(POINTS) * sum(oks) / len(oks)) if oks else None


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _number(points: Decimal | None) -> float | None:
    return None if points is None else float(points)


def _canvas(students: list[dict[str, Any]]) -> list[list[str]]:
    """Return the rows of a CSV file that Canvas can import.

    Canvas finds a student by SIS id or login, else by the name. It ignores a column whose name contains "Final Points",
    "Final Score" or "Final Grade", and a column whose points are "(read only)".
    """
    steps = [f"Serverless lab {title}" for title in TITLES.values()]
    final = ["Final Points", "Final Score", "Final Grade: state", "Final Grade: last error", "Final Grade: folder"]
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *steps, *final]
    possible = ["    Points Possible", "", "", "", "", *([str(POINTS)] * len(steps)), *(["(read only)"] * len(final))]
    return [header, possible, *map(_row, students)]


def _row(student: dict[str, Any]) -> list[str]:
    """Return a student's cells. An account that was not graded is left blank, not zero."""
    scores = [*student["points"].values(), student["total"], student["percent"]]
    return [
        _harmless(student["name"]),
        "",
        *([_harmless(student["id"])] * 2),  # the id may be a SIS id or a login: Canvas tries both
        "",
        *("" if score is None else f"{score:.2f}" for score in scores),
        *map(_harmless, [student["state"], student["error"] or "", student["folder"]]),
    ]


def _harmless(cell: str) -> str:
    """Return the text on one line; an apostrophe before =, +, - or @ stops a spreadsheet from making it a formula."""
    line = " ".join(cell.split())
    return f"'{line}" if line.startswith(tuple("=+-@＝＋－＠")) else line


def _csv(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    return stream.getvalue()
