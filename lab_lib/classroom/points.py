"""Say what each step and each check is worth, and what a student has earned. Nothing here calls AWS.

gradebook.py describes a student's record. Points are Decimal, rounded to cents; None where nothing was judged.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from lab_lib.checks.reports import Check, read
from lab_lib.checks.rules import RULES, State
from lab_lib.resources import ALERTS, in_chain, messages

WORTH = {"00": 8, "01": 12, "02": 12, "03": 4, "04": 12, "05": 12, "probe": 20, "exercises": 10, "function": 10}
_OPTIONAL = ("probe", "exercises", "function")  # worth nothing in a class where nobody has them judged
_CASES = {"exercises": "answers", "function": "trial"}  # a column, and the entry of a record that is about it


def columns(records: Iterable[dict[str, Any]]) -> list[str]:
    """Return what gives points in this class: the steps, and what else somebody has judged."""
    found = [earned(record, _OPTIONAL) for record in records]
    judged = {column for each in found for column, score in each.items() if score is not None}
    return [column for column in WORTH if column not in _OPTIONAL or column in judged]


def possible(given: Iterable[str]) -> int:
    """Return the points for full marks in these columns."""
    return sum(WORTH[column] for column in given)


def earned(record: dict[str, Any], given: Iterable[str]) -> dict[str, Decimal | None]:
    """Return the points in each of these columns."""
    checks = weighed(record)
    shares = {column: _share(column, record, checks) for column in given}
    return {column: None if share is None else _points(column, share) for column, share in shares.items()}


def weighed(record: dict[str, Any]) -> list[tuple[Check, int]]:
    """Return the checks of a record with what each is worth; 0 if it costs nothing that it does not hold.

    ValueError if this version of the lab does not know one of them.
    """
    made = [read(each) for each in record["checks"]]
    if unknown := [check.id for check in made if check.id not in RULES]:
        raise ValueError(f"this version of the lab has no check {unknown[0]!r}")
    passed = _passed_by_probe(made)
    return [(check, _weight(check, passed)) for check in made]


def rounded(number: Decimal) -> Decimal:
    """Return the number with two decimals."""
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _weight(check: Check, passed: set[str]) -> int:
    rule = RULES[check.id]
    is_shown = check.state is State.CANNOT_SEE and rule.link in passed
    return 0 if check.step not in WORTH or not check.counts or is_shown else rule.weight


def _passed_by_probe(made: list[Check]) -> set[str]:
    """Return the links that a probe has passed: what they rest on need not be seen."""
    rules = (RULES[check.id] for check in made if check.ok)
    passed = {rule.link for rule in rules if rule.probes and rule.link}
    return passed | ({ALERTS} if passed.intersection(map(messages, in_chain("queue"))) else set())


def _share(column: str, record: dict[str, Any], checks: list[tuple[Check, int]]) -> Fraction | None:
    """Return the part of a column's points that a record has earned."""
    if column in _CASES:
        cases = record.get(_CASES[column])
        right = sum(case.get("right", case.get("state") == "passed") for case in cases or [])
        return None if cases is None else Fraction(right, len(cases) or 1)
    of_step = [(weight, check.ok) for check, weight in checks if check.step == column]
    if not of_step or all(check.state is State.CANNOT_SEE for check, _ in checks):
        return None  # an account of which nothing can be seen was not graded
    whole = sum(each for each, _ in of_step)
    return Fraction(sum(each for each, ok in of_step if ok), whole) if whole else Fraction(1)


def _points(column: str, share: Fraction) -> Decimal:
    points = WORTH[column] * share
    return rounded(Decimal(points.numerator) / points.denominator)
