"""Made-up records of a class, as its engine writes them, for the tests of the grade book and of the report."""

import json

from lab_lib.checks import RULES

NAMES = [
    "Ana García",
    "王小明",
    "Олена Шевченко",
    "محمد الأمين",
    "Priya नायर",
    "김서연",
    "Yōko 佐藤",
    "Siobhán O'Brien",
]
NAMES += ["Nguyễn Thị Đào", "Łukasz Żółć", "Tom Ray", "Ida Ray"]
NOTEBOOKS = ["00-start-here", "01-create-functions", "02-add-triggers", "03-create-topic", "04-create-queues"]
NOTEBOOKS += ["05-upload-and-verify"]


def checks(*missing):
    """All checks; those that are missing do not hold, and what rests on them waits."""
    steps = sorted({rule.step for rule in RULES.values()} - {"99"})
    return [_check(rule, missing) for step in steps for rule in RULES.values() if rule.step == step]


def _check(rule, missing):
    below = next((name for name in rule.after if not _holds(name, missing)), None)
    if below:
        found = (False, f"waits for {below}", f"{below} first", "See to that first.")
    elif rule.name in missing:
        found = (False, "absent", "there", f"Make the {rule.name}, as step {rule.step} shows.")
    else:
        found = (True, "there", "there", "")
    return dict(zip(("step", "name", "ok", "found", "wanted", "hint"), (rule.step, rule.name, *found), strict=True))


def _holds(name, missing):
    return name not in missing and all(_holds(below, missing) for below in RULES[name].after)


def record(name="Ana", account="111122229012", missing=(), **other):
    """A student who is done, and who misses these checks."""
    steps = [
        {"notebook": each, "ok": True, "seconds": 1.5 + number + int(account[-2:]) % 7 / 3, "error": None}
        for number, each in enumerate(NOTEBOOKS)
    ]
    return {
        "name": name,
        "account": f"********{account[-4:]}",
        "folder": f"student-{account[-4:]}",
        "state": "done",
        "seconds": sum(step["seconds"] for step in steps),
        "error": None,
        "steps": steps,
        "checks": checks(*missing),
        "totals": {"C1": "598", "C2": "1750"},
        "threshold": "1500",
        "notebooks": [f"{each}.ipynb" for each in NOTEBOOKS],
        **other,
    }


def not_run(name="Bo", account="111122229013"):
    """A student whose turn did not come."""
    nothing = {"checks": [], "steps": [], "totals": {}, "notebooks": []}
    return record(name, account, state="not run", seconds=0.0, **nothing)


def whole_class():
    """Twelve students of whom some are stuck, one failed and one was not run."""
    found = [record(name, f"1111222200{number:02}") for number, name in enumerate(NAMES, 1)]
    for number, missing in (
        (2, ["bucket trigger"]),
        (4, ["bucket trigger", "topic HighBalanceAlert"]),
        (7, ["queue CreditCollection"]),
    ):
        found[number]["checks"] = checks(*missing)
        found[number] |= {"totals": {"C1": "598", "C2": "1499.50"}, "state": "failed"}
        found[number]["error"] = f"CheckFailed: {missing[0]}: absent; wanted: there. Make it as the step shows."
    found[10]["totals"] = {f"C{number}": str(2200 - 310 * number) for number in range(9)}
    found[11] = not_run(NAMES[11], "111122220012")
    return found


def lay(folder, *records):
    """Write the records where the engine does."""
    for each in records:
        place = folder / each["folder"]
        place.mkdir(parents=True)
        (place / "grade.json").write_text(json.dumps(each, ensure_ascii=False), encoding="utf-8")
        for name in each["notebooks"]:
            (place / name).write_text("{}")
    return folder
