"""Make up the records of a class, for the tests of the grade book and of the report."""

import json
from pathlib import Path

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import PROBE, RULES, State
from lab_lib.classroom.record import Answer, Override, Record
from lab_lib.classroom.roster import Student
from lab_lib.classroom.work import Work
from lab_lib.exercises.results import Result
from tests.shown import english, read

NAMES = ["Ana García", "王小明", "Олена Шевченко", "محمد الأمين", "Priya नायर", "김서연", "Yōko 佐藤"]
NAMES += ["Siobhán O'Brien", "Nguyễn Thị Đào", "Łukasz Żółć", "Tom Ray", "Ida Ray"]
STUCK = {
    "Олена Шевченко": ["bucket-trigger"],
    "Priya नायर": ["bucket-trigger", "topic"],
    "Siobhán O'Brien": ["queue-CreditCollection"],
}
HOSTILE = "<script>alert(1)</script>\"'&\n\u202eabc" + "W" * 170


def checks(*missing):
    """Return all checks of the steps 00 to 05; the missing ones fail, and those that rest on them wait."""
    made = {}
    for rule in sorted(RULES.values(), key=lambda rule: rule.step):
        if rule.step <= "05":
            causes = [made[below].cause or below for below in rule.needs if below in made and not made[below].ok]
            if causes:
                made[rule.id] = check(rule.id, "waits", cause=causes[0])
            elif rule.id in missing:
                hint = f"Make the {rule.name}, as step {rule.step} shows."
                made[rule.id] = check(rule.id, "not yet", "absent", hint=hint)
            else:
                made[rule.id] = check(rule.id)
    return [*made.values()]


def check(rule, state="ok", found="there", wanted="there", hint="", **more):
    """Return the check with this id."""
    return Check(rule, RULES[rule].step, RULES[rule].name, State(state), found, wanted, hint, **more)


def record(name="Ana", account="111122229012", missing=(), **other):
    """Return a student whose run is done, and for whom these checks fail."""
    entries = {
        "seconds": 61.5,
        "graded": "2026-11-24 15:04",
        "steps": [{"notebook": "05-upload-and-verify", "ok": True, "seconds": 1.5, "error": None}],
        "checks": checks(*missing),
    }
    blank = Work(Student(name, account), Path(), probe=False).record("done")
    return Record.model_validate(blank.as_dict() | entries | other)


def judged(record, right=3):
    """Return the record of a student who has handed in: probed, and `right` of four answers and of four cases."""
    probe = [check(rule.id) for rule in RULES.values() if rule.step == PROBE]
    answers = [Answer(question=f"question {number}", right=number < right, answer=HOSTILE) for number in range(4)]
    trial = [Result(f"case {number}", "", "passed" if number < right else "not yet") for number in range(4)]
    more = {"probed": True, "checks": [*record.checks, *probe], "answers": answers, "trial": trial}
    return record.model_copy(update=more)


def made_by(work, **entries):
    """Return the record of this work, with these entries."""
    return work.record().model_copy(update=entries)


def override(column, points=None, comment="", late="", excused=False):
    """Return a row of overrides.csv as a record has it."""
    return Override(student="", column=column, points=points, comment=comment, late=late, excused=excused)


def silent(*missing, **more):
    """Return the record of a student who failed, was late, and has points by hand. No text in it is English."""
    entries = {"state": "failed", "error": "7", "submitted": {"when": "2026-11-30", "claim": "2026-11-29", "late": 2}}
    entries["overrides"] = [override("03", 1, late="1"), override("02", excused=True)]
    all_checks = [*checks(*missing), check("state-TransactionProcessor", "cannot see")]
    entries["checks"] = [one._replace(found="", wanted="", hint="") for one in all_checks]
    return record("1", **entries | more)


def english_in(page, *ids):
    """Return the English words of a page with their lines, without the ids of answers and cases."""
    words = [word for text in read(str(page)) for word in english(text)]
    return [word for word in words if not word.startswith(ids)]


def not_graded(name="Bo", account="111122229013", **other):
    """Return a student without results."""
    return record(name, account, state="missing", seconds=0.0, graded="", checks=[], steps=[], **other)


def whole_class():
    """Return twelve students: three are stuck and failed, and one is missing."""
    records = []
    for number, name in enumerate(NAMES[:-1], 1):
        missing = STUCK.get(name, ())
        failed = {"state": "failed", "error": "CheckFailed: Make it as the step shows."} if missing else {}
        records.append(record(name, f"1111222200{number:02}", missing, **failed))
    return [*records, not_graded(NAMES[-1], "111122220012")]


def text(element):
    """Return the words of an element of a page."""
    return " ".join(element.get_text(" ").split())


def book_of(folder):
    """Return the students of the grade book there by their names, in its order."""
    students = json.loads((folder / "gradebook.json").read_text(encoding="utf-8"))["students"]
    return {student["name"]: student for student in students}
