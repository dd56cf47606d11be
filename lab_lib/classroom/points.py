"""Say what each step and each check is worth, and what a student has earned. Nothing here calls AWS.

gradebook.py describes a student's record. Points are Decimal, rounded to cents; None where nothing was judged.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from lab_lib.aws.functions import ROLES
from lab_lib.aws.queues import ALERT_QUEUES
from lab_lib.checks.broken import of_function, of_table
from lab_lib.checks.reports import Check

WORTH = {"00": 8, "01": 12, "02": 12, "03": 4, "04": 12, "05": 12, "probe": 20, "exercises": 10, "function": 10}
_OPTIONAL = ("probe", "exercises", "function")  # worth nothing in a class where nobody has them judged
_EACH = [f"{what} {function}" for what in ("code of", "permissions of the role for") for function in ROLES]
_EACH += [f"{what} {queue}" for what in ("subscription of", "access policy of", "alerts in") for queue in ALERT_QUEUES]
_EACH += [f"alert of the probe in {queue}" for queue in ALERT_QUEUES]
# The whole chain hangs on these. Every other check has the weight 1.
WEIGHTS = dict.fromkeys(
    [
        *("bucket trigger", "permission of the bucket", "stream trigger", "rows in Transactions", "totals"),
        *("rows of the probe", "totals of the probe", *_EACH),
    ],
    3,
)
# These hold also where nobody asked for them. The check that says whether somebody did then wants nothing.
ASKED = {
    "e-mail subscription": "e-mail subscription",
    "e-mail confirmed": "e-mail subscription",
    "SMS subscription": "SMS subscription",
}
_OF_TOPIC = ["topic HighBalanceAlert", "policy of the topic"]
_OF_QUEUE = ["queue", "subscription of", "raw delivery of", "filter policy of", "access policy of", "encryption of"]
# A check of the probe, and the checks that hold where it does: the chain has worked, so they need not be seen.
SHOWN_BY = {
    "rows of the probe": [
        *("bucket", "policy of the bucket", "bucket trigger", "events of the bucket trigger"),
        *("version of the bucket trigger", "filter of the bucket trigger", "permission of the bucket"),
        *(*of_table("Customer"), *of_table("Transactions"), *of_function("TransactionProcessor")),
    ],
    "totals of the probe": [
        *(*of_table("TransactionTotal"), *of_function("TotalNotifier")),
        *("stream of Transactions", "view of the stream", "stream trigger", "state of the stream trigger"),
        *("version of the stream trigger", "filter of the stream trigger"),
    ],
    **{
        f"alert of the probe in {queue}": _OF_TOPIC + [f"{what} {queue}" for what in _OF_QUEUE]
        for queue in ALERT_QUEUES
    },
}
_CASES = {"exercises": "answers", "function": "trial"}  # a column, and the entry of a record that is about it


def columns(records: Iterable[dict[str, Any]]) -> list[str]:
    """Return what gives points in this class: the steps, and what else somebody has judged."""
    judged = {column for record in records for column in _OPTIONAL if _share(column, record) is not None}
    return [column for column in WORTH if column not in _OPTIONAL or column in judged]


def possible(given: Iterable[str]) -> int:
    """Return the points for full marks in these columns."""
    return sum(WORTH[column] for column in given)


def earned(record: dict[str, Any], given: Iterable[str]) -> dict[str, Decimal | None]:
    """Return the points in each of these columns."""
    shares = {column: _share(column, record) for column in given}
    return {column: None if share is None else _points(column, share) for column, share in shares.items()}


def weight(check: dict[str, Any], checks: Iterable[dict[str, Any]]) -> int:
    """Return what a check is worth among the checks of its step; 0 if it costs nothing that it does not hold."""
    made = {each["name"]: each for each in checks}
    asked = made.get(ASKED.get(check["name"], ""))
    if check["step"] not in WORTH or (asked and asked["ok"] and not asked["wanted"]):
        return 0
    if Check(**check).state == "cannot see" and _is_shown(check["name"], made):
        return 0
    return WEIGHTS.get(check["name"], 1)


def rounded(number: Decimal) -> Decimal:
    """Return the number with two decimals."""
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _is_shown(name: str, made: dict[str, dict[str, Any]]) -> bool:
    shown = (name in names and made.get(probe, {}).get("ok") for probe, names in SHOWN_BY.items())
    return any(shown)


def _share(column: str, record: dict[str, Any]) -> Fraction | None:
    """Return the part of a column's points that a record has earned."""
    if column in _CASES:
        cases = record.get(_CASES[column])
        right = sum(case.get("right", case.get("state") == "passed") for case in cases or [])
        return None if cases is None else Fraction(right, len(cases) or 1)
    checks = record["checks"]
    of_step = [(weight(each, checks), each["ok"]) for each in checks if each["step"] == column]
    if not of_step or all(Check(**each).state == "cannot see" for each in checks):
        return None  # an account of which nothing can be seen was not graded
    whole = sum(each for each, _ in of_step)
    return Fraction(sum(each for each, ok in of_step if ok), whole) if whole else Fraction(1)


def _points(column: str, share: Fraction) -> Decimal:
    points = WORTH[column] * share
    return rounded(Decimal(points.numerator) / points.denominator)
