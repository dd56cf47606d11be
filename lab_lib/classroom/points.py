"""Say what each step and each check is worth, and what a student has earned. Nothing here calls AWS.

Points have two decimals; None where nothing was judged.
"""

from collections.abc import Collection
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import PROBE, RULES, State
from lab_lib.classroom.record import Record
from lab_lib.exercises.cases import CASES
from lab_lib.resources import CHANGES, in_chain, messages

# Of 100: 30 for the settings, 50 for what becomes of an upload, 20 for the student's own answers and function.
WORTH = {"00": 5, "01": 8, "02": 8, "03": 2, "04": 7, "05": 15, PROBE: 35, "exercises": 10, "function": 10}


_NEEDED = 4  # exercises, more than half of those in which something is made
_FREE = {case.id for case in CASES if case.free}


class Weighed(NamedTuple):
    """A check, an answer or a case that was judged, and its weight in its column. A weight of 0 gives no points."""

    column: str
    id: str
    weight: int
    right: bool
    check: Check | None = None


def columns(records: list[Record]) -> list[str]:
    """Return the columns of this class: the steps, the probe, and what else was judged or set by hand."""
    needed = {column for record in records for column in WORTH if record.has_judged(column)}
    needed |= {override.column for record in records for override in record.overrides}
    return [column for column in WORTH if column in needed or column not in ("exercises", "function")]


def earned(record: Record, columns: Collection[str]) -> dict[str, float | None]:
    """Return the points in each of these columns. Without a probe, step 05 counts for it too. Overrides come last."""
    judged = weighed(record)
    points = {column: _points(column, record, judged) for column in columns}
    for override in record.overrides:
        if override.points is not None:
            points[override.column] = rounded(Decimal(str(override.points)))
    return points | {column: None for column in columns if record.is_excused(column)}


def share(record: Record) -> Decimal:
    """Return the share, from 0 to 1, with which the steps and the probe count: how much of the chain the student made.

    Of the six exercises in which something is made, _NEEDED make a whole. It is 1 where nobody has handed in any.
    """
    held = [Decimal(str(answer.held)) for answer in record.answers or [] if answer.held is not None]
    return min(sum(held, Decimal(0)) / _NEEDED, Decimal(1)) if held else Decimal(1)


def weighed(record: Record) -> list[Weighed]:
    """Return each check, answer and case of a record with its weight.

    Checks that this version of the lab does not have are left out: an earlier one may have made the record.
    """
    made = [check for check in record.checks if check.id in RULES]
    proven, judged = _proven(made), list[Weighed]()
    for check in made:
        rule, counts = RULES[check.id], check.step in WORTH and check.counts
        is_right = check.ok or (rule.shown and rule.link in proven)
        judged.append(Weighed(check.step, check.id, rule.weight if counts else 0, is_right, check))
    for answer in record.answers or []:
        judged.append(Weighed("exercises", answer.question, answer.points, answer.right))
    for case in record.trial or []:
        judged.append(Weighed("function", case.case, int(case.case not in _FREE), case.state == "passed"))
    return judged


def rounded(number: Decimal) -> float:
    """Return the number with two decimals."""
    return float(number.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _proven(made: list[Check]) -> set[str | None]:
    """Return the links that the probe has come through. TotalNotifier has shown all that it does if an alert came."""
    probes = [(RULES[check.id].link, check.ok) for check in made if check.step == PROBE]
    proven = {link for link, _ in probes} - {link for link, ok in probes if not ok}
    return proven if proven.intersection(map(messages, in_chain("queue"))) else proven - {CHANGES}


def _points(column: str, record: Record, everything: list[Weighed]) -> float | None:
    """Return the points for the part of a column that is right; None if nothing was graded.

    In what was handed in, all that could not be judged gives 0.
    """
    if not record.has_judged(column):
        return None
    step = "05" if column == PROBE and not record.probed else column
    judged = [one for one in everything if one.column == step]
    seen = [one for one in everything if one.check and one.check.state is not State.CANNOT_SEE]
    if record.answers is None and not (judged and seen):
        return None  # an account of which nothing can be seen was not graded
    earned, possible = sum(one.weight for one in judged if one.right), sum(one.weight for one in judged)
    part = Decimal(1) if column in ("exercises", "function") else share(record)
    return rounded(part * WORTH[column] * earned / (possible or 1))
