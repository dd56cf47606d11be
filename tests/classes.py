"""Make up the records of a class, for the tests of the grade book and of the report."""

import json

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import PROBE, RULES

NAMES = ["Ana García", "王小明", "Олена Шевченко", "محمد الأمين", "Priya नायर", "김서연", "Yōko 佐藤"]
NAMES += ["Siobhán O'Brien", "Nguyễn Thị Đào", "Łukasz Żółć", "Tom Ray", "Ida Ray"]
HOSTILE = "<script>alert(1)</script>\"'&\n\u202eabc" + "W" * 170


def checks(*missing):
    """Return all checks of the steps 00 to 05; the missing ones fail, and those that rest on them wait."""
    steps = sorted({rule.step for rule in RULES.values() if rule.step.isdigit()} - {"99"})
    return [_check(rule, missing) for step in steps for rule in RULES.values() if rule.step == step]


def check(rule, state="ok", found="there", wanted="there", hint="", **more):
    """Return the entry of a record about the check with this id."""
    made = Check(rule, RULES[rule].step, RULES[rule].name, state, found, wanted, hint, **more)
    return made._asdict()


def _check(rule, missing):
    below = next((rule_id for rule_id in rule.after if not _holds(rule_id, missing)), None)
    if below:
        name = RULES[below].name
        return check(rule.id, "waits", f"waits for {name}", f"{name} first", "See to that first.", cause=below)
    if rule.id in missing:
        return check(rule.id, "not yet", "absent", hint=f"Make the {rule.name}, as step {rule.step} shows.")
    return check(rule.id)


def _holds(rule, missing):
    return rule not in missing and all(_holds(below, missing) for below in RULES[rule].after)


def record(name="Ana", account="111122229012", missing=(), **other):
    """Return a student whose run is done, and for whom these checks fail."""
    return {
        "name": name,
        "account": f"********{account[-4:]}",
        "folder": f"student-{account[-4:]}",
        "id": "",
        "prefix": "",
        "own": [],
        "state": "done",
        "seconds": 61.5,
        "error": None,
        "graded": "2026-11-24 15:04",
        "steps": [{"notebook": "05-upload-and-verify", "ok": True, "seconds": 1.5, "error": None}],
        "checks": checks(*missing),
        "answers": None,
        "trial": None,
        "probed": False,
        "baseline": {},
        **other,
    }


def judged(record, right=3):
    """Return the record of a student who has handed in: probed, and `right` of four answers and of four cases."""
    probe = [check(rule.id) for rule in RULES.values() if rule.step == PROBE]
    answers = [{"question": f"question {number}", "right": number < right} for number in range(4)]
    trial = [{"case": f"case {number}", "state": "passed" if number < right else "not yet"} for number in range(4)]
    return {**record, "probed": True, "checks": [*record["checks"], *probe], "answers": answers, "trial": trial}


def override(column, points=None, comment="", late="", excused=False):
    """Return a row of overrides.csv as a record has it."""
    return {"column": column, "points": points, "comment": comment, "late": late, "excused": excused}


def not_graded(name="Bo", account="111122229013", state="missing"):
    """Return a student without results."""
    return record(name, account, state=state, seconds=0.0, graded="", checks=[], steps=[])


def whole_class():
    """Return twelve students: three are stuck and failed, and one is missing."""
    records = [record(name, f"1111222200{number:02}") for number, name in enumerate(NAMES, 1)]
    for number, missing in (
        (2, ["bucket-trigger"]),
        (4, ["bucket-trigger", "topic"]),
        (7, ["queue-CreditCollection"]),
    ):
        records[number]["checks"] = checks(*missing)
        error = f"CheckFailed: {missing[0]}: absent; wanted: there. Make it as the step shows."
        records[number] |= {"state": "failed", "error": error}
    return [*records[:-1], not_graded(NAMES[-1], "111122220012")]


def lay(folder, *records):
    """Write the records into the students' folders."""
    for student in records:
        place = folder / student["folder"]
        place.mkdir(parents=True)
        (place / "grade.json").write_text(json.dumps(student, ensure_ascii=False), encoding="utf-8")
    return folder


def book_of(folder):
    """Return the students of the grade book there by their names, in its order."""
    students = json.loads((folder / "gradebook.json").read_text(encoding="utf-8"))["students"]
    return {student["name"]: student for student in students}
