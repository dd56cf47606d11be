"""Say what each step and each check is worth, and what a student has earned. Nothing here calls AWS.

gradebook.py describes a student's record. Points are Decimal, rounded to cents; None where nothing was judged.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from lab_lib.checks.reports import Check, read
from lab_lib.checks.rules import PROBE, RULES, State
from lab_lib.resources import CHANGES, in_chain, messages

Record = dict[str, Any]  # of a student, see gradebook.py
# Of 100: 30 for the settings, 50 for what becomes of an upload, 20 for the student's own answers and function.
WORTH = {"00": 5, "01": 8, "02": 8, "03": 2, "04": 7, "05": 15, PROBE: 35, "exercises": 10, "function": 10}
# A column, the entry of a record that is about it, and what names a case there.
CASES = {"exercises": ("answers", "question"), "function": ("trial", "case")}


class Weighed(NamedTuple):
    """A check, its weight in its step, and whether it counts as right. A weight of 0 gives no points."""

    check: Check
    weight: int
    right: bool


def columns(records: list[Record]) -> list[str]:
    """Return the columns of this class: the steps, the probe, and what else was judged or set by hand."""
    judged = {column for record in records for column, (entry, _) in CASES.items() if record[entry] is not None}
    judged |= {override["column"] for record in records for override in record.get("overrides", [])}
    return [column for column in WORTH if column not in CASES or column in judged]


def possible(columns: Iterable[str]) -> int:
    """Return the points for full marks in these columns."""
    return sum(WORTH[column] for column in columns)


def earned(record: Record, columns: Iterable[str]) -> dict[str, Decimal | None]:
    """Return the points in each of these columns. Without a probe, step 05 counts for it too."""
    checks = weighed(record)
    steps = {column: "05" if column == PROBE and not record["probed"] else column for column in columns}
    return {column: _points(column, _weights(step, record, checks)) for column, step in steps.items()}


def weighed(record: Record) -> list[Weighed]:
    """Return the checks of a record with their weights. A check that the baseline passes too has no weight.

    Checks that this version of the lab does not have are left out: an earlier one may have made the record.
    """
    made = [check for check in map(read, record["checks"]) if check.id in RULES]
    proven, free = _proven(made), (record["baseline"] or {}).get("checks", [])
    return [
        Weighed(
            check,
            RULES[check.id].weight if check.step in WORTH and check.counts and check.id not in free else 0,
            check.ok or (RULES[check.id].shown and RULES[check.id].link in proven),
        )
        for check in made
    ]


def right(record: Record) -> dict[str, list[str]]:
    """Return the names of the checks, answers and cases that are right, by entry of the record."""
    names = {"checks": [judged.check.id for judged in weighed(record) if judged.right]}
    for entry, name in CASES.values():
        names[entry] = [case[name] for case in record[entry] or [] if is_right(case)]
    return names


def is_right(case: dict[str, Any]) -> bool:
    """Return whether an answer or a case of a record is right, or a check of the grade book."""
    return bool(case.get("right", case.get("state") == "passed"))


def rounded(number: Decimal) -> Decimal:
    """Return the number with two decimals."""
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _proven(made: list[Check]) -> set[str | None]:
    """Return the links that the probe has come through. TotalNotifier has shown all that it does if an alert came."""
    probes = [(RULES[check.id].link, check.ok) for check in made if check.step == PROBE]
    proven = {link for link, _ in probes} - {link for link, ok in probes if not ok}
    return proven if proven.intersection(map(messages, in_chain("queue"))) else proven - {CHANGES}


def _weights(column: str, record: Record, checks: list[Weighed]) -> list[tuple[int, bool]] | None:
    """Return the weight of each check or case of a column, and whether it is right; None if nothing was graded.

    In what was handed in, all that could not be judged gives 0.
    """
    if record["baseline"] is None:
        return None  # what the student has added is not known yet
    if column in CASES:
        entry, name = CASES[column]
        cases, free = record[entry], record["baseline"].get(entry, [])
        return cases and [(case.get("points", 1), is_right(case)) for case in cases if case[name] not in free]
    of_step = [weighed for weighed in checks if weighed.check.step == column]
    if record["answers"] is None and (not of_step or all(seen.check.state is State.CANNOT_SEE for seen in checks)):
        return None  # an account of which nothing can be seen was not graded
    return [(weighed.weight, weighed.right) for weighed in of_step]


def _points(column: str, weights: list[tuple[int, bool]] | None) -> Decimal | None:
    """Return the points for the part of these weights that is right: 0 if there are none, None for None."""
    if weights is None:
        return None
    earned = sum(weight for weight, is_earned in weights if is_earned)
    return rounded(Decimal(WORTH[column] * earned) / (sum(weight for weight, _ in weights) or 1))
