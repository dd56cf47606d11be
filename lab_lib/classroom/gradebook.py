"""Turn the records of a class into points, and write the grade book and the report. Nothing here calls AWS.

A student's record is a dict, in the student's folder as grade.json:

    name, account (masked), folder, id (the school's own, may be empty)
    part        the folder of the part of the class (see shards.py) that the student's folder is in, if it is in one
    state       done | failed | missing: nothing was handed in; without a grade.json: unfinished | not run
    seconds, error
    remarks     what the instructor should know, such as that there were two files
    prefix, own the prefix, and the given names of resources, which only this student has
    graded      the local date and time of the checks, such as "2026-11-26 15:04"
    steps       [{notebook, ok, seconds, error}]            the notebooks that were run; empty after `lab class check`.
                Of a submission: without seconds, and ok if it was not stopped
    checks      [{id, step, name, state, found, wanted, hint, counts, cause}]  see lab_lib.checks.reports.Check; of
                steps 00 to 05 and the probe; "further" gives no points
    probed      whether the probe was sent; if not, step 05 counts for it too
    baseline    {checks, answers, trial: [what is right in them in the untouched edition]}, which gives no points; {} if
                nothing was handed in, None until both are compared
    answers     [{question, right, points}]                 of the exercises; None if nobody judged them
    trial       [{case, sentence, state, sent, expected, found}]  of the student's own function; the texts only if it is
                not passed; None if nobody judged it
    failed_within  the --seconds in which a submission failed; 0 if this computer may be at fault. Absent for an account
    seed        that the cases of the function were drawn from
    overrides   the rows of overrides.csv about the student, see there; absent if they are not merged
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from lab_lib.checks.rules import PROBE
from lab_lib.classroom import exports, feedback, overrides, points, report, shards
from lab_lib.classroom.points import Record
from lab_lib.errors import UsageError
from lab_lib.language import N_
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.workspace.private_files import json_object, make_folder, read_file, write_file

# Of the columns, such as "02": "02 add triggers".
TITLES = {path.stem[:2]: path.stem.replace("-", " ") for path in headless.notebooks(headless.last_kept())}
TITLES |= {PROBE: N_("probe"), "exercises": N_("exercises"), "function": N_("function")}
FEEDBACK, EARLIER = feedback.FOLDER, "earlier"  # folders in `out` that are nobody's
# These are in `out` besides the folders of the students.
FILES = ["gradebook.csv", "gradebook.json", "moodle.csv", "report.html", "summary.md", FEEDBACK]


def book(records: Iterable[Record]) -> exports.Book:
    """Return the content of gradebook.json: each record with its points, in the order of the names."""
    records = list(records)
    columns = points.columns(records)
    students = [{**record, **_points(record, columns)} for record in records]
    students.sort(key=lambda student: (student["name"].casefold(), student["folder"]))
    return {
        "columns": {column: {"title": TITLES[column], "worth": points.WORTH[column]} for column in columns},
        "possible": points.possible(columns),
        "students": students,
        "full": sum(student["percent"] == 100 for student in students),
        "ungraded": sum(student["percent"] is None for student in students),
    }


def write(out: Path, records: Iterable[Record]) -> None:
    """Write the grade book to `out`, for people and for programs, and the feedback for each student."""
    whole = book(records)
    make_folder(out)
    feedback.write(out, whole)
    for name, text in _texts(whole, now()).items():
        write_file(out / name, text)


def gather(out: Path, blank: list[Record]) -> tuple[list[Record], list[str]]:
    """Return the students' records from their folders in `out`, and the names of the folders of nobody in the class.

    The folders of a class in parts are in those of the parts. `blank` has a record for each student of the class. It
    stays where a student has no grade.json. A grade.json says itself whose it is, so a renamed folder is found too.
    UsageError if two folders of one student disagree, or if a grade.json cannot be read.
    """
    graded = defaultdict[str, dict[str, Record]](dict)  # the student's folder, then each folder that says so
    parts = [path for path in out.glob(shards.FOLDERS) if not (path / "grade.json").exists()]
    paths = {path for place in (out, *parts) for path in _folders(place)}.difference(parts)
    folders = sorted(str(path.relative_to(out)) for path in paths)
    for folder in folders:
        if (out / folder / "grade.json").exists():
            record = read(out / folder / "grade.json")
            graded[record["folder"]][folder] = record
    records, known = list[Record](), set[str]()
    for student in blank:
        theirs = graded[student["folder"]] or {student["folder"]: student}
        folder, record = next(iter(theirs.items()))
        if any(other != record for other in theirs.values()):
            raise UsageError(
                f"{out} has folders of one student with different results. Nothing was written. "
                f"Keep one of them, and delete or move the others:\n  {record['name']}: {', '.join(theirs)}"
            )
        part, _, folder = folder.rpartition("/")
        records.append({**student, **record, "id": student["id"], "part": part, "folder": folder})
        known |= {student["folder"], *theirs}
    return records, [folder for folder in folders if known.isdisjoint({folder, folder.rpartition("/")[2]})]


def _folders(place: Path) -> list[Path]:
    """Return the folders that may be a student's."""
    paths = [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return [path for path in paths if path.name not in (FEEDBACK, EARLIER)]


def read(path: Path) -> Record:
    """Return the record of a student. UsageError if no grade book can be made of it."""
    return read_file(path, _tried, "Delete it, and run the student again.")


def _tried(content: bytes) -> Record:
    record = json_object(content)
    if missing := [name for name in ("probed", "baseline") if name not in record]:
        raise ValueError(f"it has no {missing[0]}, so an earlier version of the lab wrote it")
    whole = book([record])
    _texts(whole, "")
    feedback.page(whole, whole["students"][0])
    [f"{record['seconds']:.0f}", *(step["notebook"] for step in record["steps"])]  # only a command's table shows them
    return record | {name: str(record[name]) for name in ("account", "folder")}


def _texts(whole: exports.Book, when: str) -> dict[str, str]:
    """Return the files of the grade book."""
    return {
        "gradebook.json": json.dumps(whole, indent=2, ensure_ascii=False) + "\n",
        "gradebook.csv": exports.canvas(whole),
        "moodle.csv": exports.moodle(whole),
        "report.html": report.page(whole, when),
        "summary.md": exports.summary(whole, when),
    }


def _points(record: Record, columns: list[str]) -> dict[str, Any]:
    """Return what the grade book adds: of each check what it is worth, and the points (None if not graded)."""
    by_hand = record.get("overrides", [])
    earned = points.earned(record, columns) | {
        override["column"]: points.rounded(Decimal(str(override["points"])))
        for override in by_hand
        if override["points"] is not None
    }
    excused = [column for column in columns if overrides.excused(by_hand, column)]
    earned |= dict.fromkeys(excused)
    graded = [score for score in earned.values() if score is not None]
    total = sum(graded, Decimal()) if graded else None
    possible = points.possible({*columns} - {*excused})
    checks = [
        {**check._asdict(), "is_behind": check.is_behind, "weight": weight, "right": right}
        for check, weight, right in points.weighed(record)
    ]
    costly = [check for check in checks if check["weight"] and not check["right"]]
    return {
        "checks": checks,
        "wrong": [check for check in costly if not check["is_behind"]],
        "waiting": sum(check["is_behind"] for check in costly),
        "has_feedback": record["state"] in ("done", "failed") or bool(by_hand),
        "points": {column: None if score is None else float(score) for column, score in earned.items()},
        "excused": excused,
        "possible": possible,
        "total": None if total is None else float(total),
        "percent": None if total is None else float(points.rounded(100 * total / possible)),
    }
