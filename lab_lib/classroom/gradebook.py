"""What a class came to: points, and the files that say so. Nothing here calls AWS.

A student's record is the dict of OUT/<folder>/grade.json; while there is none yet, what the grade book says:

    name, account (masked), folder, id (the school's own, may be empty)
    state       done | failed | unfinished | not run
    seconds, error, threshold
    steps       [{notebook, ok, seconds, error}]            what was run; empty after a mere check
    checks      [{step, name, ok, found, wanted, hint}]     of the steps 00 to 05, and "further", which gives no points
    totals      {customer: amount as text}
    notebooks   the executed notebooks that lie in the folder
"""

import csv
import io
import json
import shutil
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from lab_lib.checks import STEPS, Check
from lab_lib.classroom import report
from lab_lib.errors import UsageError
from lab_lib.run import headless

Record = dict[str, Any]
RECORD, BOOK = "grade.json", "gradebook.json"
POINTS = 10  # of each step; all its checks count the same
# The steps that have checks, but the clean-up: "02" is "02 add triggers".
_GRADED = [path.stem for path in headless.notebooks(headless.last_kept()) if path.stem[:2] in STEPS]
TITLES = {stem[:2]: stem.replace("-", " ") for stem in _GRADED}
_RANKS = {"done": 2, "failed": 2, "unfinished": 1, "not run": 0}  # what says more about a student
_INFORMATION = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
_READ_ONLY = "(read only)"


def book(records: Iterable[Record]) -> dict[str, Any]:
    """The class as it is written to gradebook.json: each record with its points, in the order of the names."""
    students = [{**record, **_graded(record)} for record in records]
    students.sort(key=lambda student: (student["name"].casefold(), student["folder"]))
    return {"steps": TITLES, "points_per_step": POINTS, "students": students}


def write(out: Path, records: Iterable[Record], when: str = "") -> None:
    """Write gradebook.csv, nbgrader.csv, gradebook.json and report.html, each whole or not at all."""
    whole = book(records)
    texts = {
        BOOK: json.dumps(whole, indent=2, ensure_ascii=False) + "\n",
        "gradebook.csv": "\ufeff" + _csv(_canvas(whole)),  # the mark lets Excel read all scripts
        "nbgrader.csv": _csv(_nbgrader(whole)),  # without it: nbgrader would take it for a part of "id"
        "report.html": report.page(whole, when),
    }
    headless.make_folder(out)
    for name, text in texts.items():
        headless.write_file(out / name, text)


def read(out: Path) -> list[Record]:
    """The records of a class, also of those who are not graded yet; UsageError for one that cannot be read."""
    paths = sorted(path for path in out.glob(f"*/{RECORD}") if not path.parent.name.startswith("."))  # no drafts
    graded = {path.parent.name: _record(path) for path in paths}
    return [*graded.values(), *(each for each in _ungraded(out / BOOK) if each["folder"] not in graded)]


def merge(folders: Iterable[Path], out: Path, when: str = "") -> list[Record]:
    """Join shards of a class: copy each student's folder to `out`, and write the grade book there.

    A student in two shards counts where the lab was finished, done or failed; UsageError, before anything is
    written, if that is in both.
    """
    chosen: dict[str, tuple[Record, Path]] = {}
    twice = []
    for shard in dict.fromkeys(folder.resolve() for folder in folders):
        records = read(shard)
        if not records and not (shard / BOOK).exists():  # a small class in many parts has some without a student
            raise UsageError(f"{shard} holds no student. Name what `lab class` wrote to.")
        for record in records:
            other, where = chosen.get(record["folder"], (None, shard))
            if other and _rank(other) == _rank(record) == _RANKS["done"]:
                twice.append(f"\n  {record['name']}: {where / record['folder']} and {shard / record['folder']}")
            elif other is None or _rank(record) > _rank(other):
                chosen[record["folder"]] = record, shard
    if twice:
        raise UsageError(
            f"The same student was graded twice. Take one of each away; nothing is merged.{''.join(twice)}"
        )
    headless.make_folder(out)
    for name, (_, shard) in chosen.items():
        if (shard / name).is_dir():
            _copy(shard / name, out.resolve() / name)
    merged = [record for record, _ in chosen.values()]
    write(out, merged, when)
    return merged


def _graded(record: Record) -> dict[str, Any]:
    """What is added to a record: the state of each check, and points; None where nothing was looked at."""
    checks = [{**check, "state": Check(**check).state} for check in record["checks"]]
    points = {step: _points([check for check in checks if check["step"] == step]) for step in TITLES}
    counted = [each for each in points.values() if each is not None]
    total = sum(counted, Decimal()) if counted else None
    percent = None if total is None else float(_rounded(100 * total / (POINTS * len(TITLES))))
    return {
        "checks": checks,
        "points": {step: None if each is None else float(each) for step, each in points.items()},
        "total": None if total is None else float(total),
        "percent": percent,
    }


def _points(checks: list[dict[str, Any]]) -> Decimal | None:
    """The share of the checks that hold; one that waits for another, or cannot be seen, does not hold."""
    if not checks:
        return None
    return _rounded(Decimal(POINTS) * sum(check["ok"] for check in checks) / len(checks))


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _canvas(whole: dict[str, Any]) -> list[list[str]]:
    """The rows as Canvas imports a gradebook, with nbgrader's `id` besides.

    Canvas knows a student by SIS id or login, else by the name, and asks what to do with an assignment that it does
    not have. It leaves out columns with "Final Points", "Final Score" or "Final Grade" in their name, and those that
    the row of the points calls read only.
    """
    steps = [f"Serverless lab {title}" for title in TITLES.values()]
    final = ["Final Points", "Final Score", "Final Grade: state", "Final Grade: last error", "id"]
    points = ["    Points Possible", "", "", "", "", *([str(POINTS)] * len(steps)), *([_READ_ONLY] * len(final))]
    return [[*_INFORMATION, *steps, *final], points, *map(_row, whole["students"])]


def _row(student: dict[str, Any]) -> list[str]:
    own = student.get("id", "")  # both a SIS id and a login: Canvas tries the one, then the other
    scores = [*student["points"].values(), student["total"], student["percent"]]
    last = [student["state"], student["error"] or "", _nbgrader_id(student)]
    return [student["name"], "", own, own, "", *map(_score, scores), *last]


def _nbgrader(whole: dict[str, Any]) -> list[list[str]]:
    """The students for `nbgrader db student import`, which takes no points; a name is not cut in two by guessing."""
    head = ["id", "last_name", "total", "points_possible"]
    possible = str(POINTS * len(TITLES))
    rows = [[_nbgrader_id(each), each["name"], _score(each["total"]), possible] for each in whole["students"]]
    return [head, *rows]


def _nbgrader_id(student: dict[str, Any]) -> str:
    return str(student.get("id") or student["folder"])


def _score(points: float | None) -> str:
    """Nothing for a student whose account was not looked at: that is no 0."""
    return "" if points is None else f"{points:.2f}"


def _csv(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _harmless(cell: str) -> str:
    """The text on one line, and as text: a spreadsheet would take one that begins like this for a formula."""
    line = " ".join(cell.split()) if cell.strip() != "Points Possible" else cell
    return f"'{line}" if line.startswith(tuple("=+-@＝＋－＠")) else line


def _record(path: Path) -> Record:
    """A record as it was written; its folder is the one where it lies, whatever stands in it."""
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        record["folder"] = path.parent.name
        _graded(record)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} is no record of a student: {error!r}. Delete it, and run its student again."
        ) from None
    return record


def _ungraded(path: Path) -> list[Record]:
    """Those whom a grade book lists as not graded yet; none if there is no grade book."""
    try:
        students = json.loads(path.read_text(encoding="utf-8"))["students"]
        ungraded = [each for each in students if _rank(each) < _RANKS["done"]]
        return sorted(ungraded, key=lambda each: str(each["folder"]))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} is no grade book: {error!r}. Delete it, and run `lab class` again.") from None


def _rank(record: Record) -> int:
    return _RANKS.get(record["state"], 0)


def _copy(source: Path, target: Path) -> None:
    """Copy a student's folder, whole or not at all, so that only its owner can open it."""
    if source == target:
        return
    draft = target.with_name(f".{target.name}.copy")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft, copy_function=shutil.copyfile)  # which leaves the modes behind
    draft.chmod(0o700)
    if target.exists():
        shutil.rmtree(target)
    draft.replace(target)
