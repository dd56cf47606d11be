"""Judge the learner's answers by their meaning: a list, a tuple, a set or text, in any order unless order is asked for.

A verdict says which part is not right yet, and never shows what is right. Nothing that a learner writes is an error.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from IPython.display import display

from lab_lib import checks
from lab_lib.aws.json_text import json_value
from lab_lib.exercises import workbook
from lab_lib.lab import Lab

MOST_NAMED, MOST_READ, LONGEST = 5, 10_000, 100_000  # parts of an answer; characters of one that is text
Faults = list[str]  # what is not right yet, as sentences; empty if the answer is right


def judge(question: str, answer: Any, *given: Any) -> None:
    """Print whether the answer is right and why, or what is not right yet. `given` is what the question is about."""
    faults = _faults(question, answer, given)
    if faults is None:
        print("No answer yet.")
        return
    workbook.record("answer", question, answer, not faults)
    print(*(["Not yet.", *faults] if faults else ["Right.", QUESTIONS[question].why]))


def is_right(question: str, answer: Any, *given: Any) -> bool:
    """Return True if the answer is right."""
    return _faults(question, answer, given) == []


def look(lab: Lab, *ids: str) -> None:
    """Show these checks of the account, and print whether all of them hold, or cannot be seen."""
    report = checks.some(lab, *ids)
    display(report)  # type: ignore[no-untyped-call]
    workbook.record("answer", ids[0], [check.id for check in report.failed], not report.failed)
    print("Not yet." if report.wrong else "It cannot be seen." if report.failed else "Right.")


def hold(lab: Lab, *ids: str) -> bool:
    """Return True if all these checks of the account hold that AWS lets us see."""
    return not checks.some(lab, *ids).wrong


def compare(question: str, prediction: Any, outcome: Any) -> None:
    """Print whether a prediction was right, or the outcome if there is none."""
    faults = _found(lambda: None if _is_empty(prediction) else _set(prediction, outcome))
    if faults is None:
        print(f"No prediction. It is {_words(outcome)}.")
        return
    workbook.record("prediction", question, prediction, not faults)
    print(f"You predicted {'otherwise' if faults else 'right'}: it is {_words(outcome)}.")


def _faults(question: str, answer: Any, given: tuple[Any, ...]) -> Faults | None:
    """Return what is not right yet, or None if there is no answer."""
    return _found(lambda: None if _is_empty(answer) else QUESTIONS[question].faults(answer, *given))


def _found(faults: Callable[[], Faults | None]) -> Faults | None:
    try:
        return faults()
    except Exception as error:  # noqa: BLE001  # an answer is any object, and may do anything when it is looked at
        return [f"This answer cannot be read ({type(error).__name__})."]


def _is_empty(answer: Any) -> bool:
    return answer is None or answer is ... or (hasattr(answer, "__len__") and len(answer) == 0)


def _plain(item: Any) -> Any:
    """Return a number as Decimal, a truth value as bool, and text without quotes around it."""
    text = str(item).strip(" '\"")
    if text.casefold() in ("true", "yes", "false", "no"):
        return text.casefold() in ("true", "yes")
    try:
        return Decimal(text).normalize()
    except ArithmeticError:
        return text


def _set(answer: Any, right: Any, plain: Callable[[Any], Any] = _plain) -> Faults:
    """Compare without order."""
    wanted = set(map(plain, _items(right)))
    with_spaces = any(" " in str(item) for item in wanted)
    found = {plain(item): item for item in _items(answer, with_spaces)}
    wrong, missing = [str(item) for key, item in found.items() if key not in wanted], len(wanted - found.keys())
    if len(wanted) == 1 and len(found) == 1:
        return [f"It is not {wrong[0]}."] if wrong else []
    faults = [f"{', '.join(wrong[:MOST_NAMED])} does not belong there."] if wrong else []
    return faults + ([f"{missing} of {len(wanted)} {'is' if missing == 1 else 'are'} missing."] if missing else [])


def _room(answer: Any, totals: Any, threshold: Decimal) -> Faults:
    """Compare, row by row, with the amount that is left below the threshold."""
    balances = zip(totals["CustomerId"], totals["accountBalance"], strict=True)
    right = {customer: max(threshold - balance, Decimal(0)) for customer, balance in balances}
    return _numbers(answer, right, "amounts; wanted {}, one for each row of totals", "The amount of")


def _effects(answer: Any) -> Faults:
    """Compare, row by row, with what each change of notebook 06 adds to a total."""
    right = dict(enumerate([1000, 400, 200, 50, -250, -200, 100], 1))
    return _numbers(answer, right, "numbers; wanted {}", "Number")


def _numbers(answer: Any, right: dict[Any, Any], how_many: str, wrong_one: str) -> Faults:
    """Compare numbers in their order. `right` has each by its name; the texts say what is not right."""
    found = [_plain(item) for item in _items(answer)]
    if len(found) != len(right):
        return [f"{len(found)} {how_many.format(len(right))}."]
    wrong = [str(name) for (name, number), other in zip(right.items(), found, strict=True) if other != number]
    return [f"{wrong_one} {', '.join(wrong[:MOST_NAMED])} is not right."] if wrong else []


def _message(answer: Any, customer: str, balance: str) -> Faults:
    """Read the message as the programs behind the queues do."""
    if not isinstance(answer, str):
        return [f"It is a {type(answer).__name__}; a message is text."]
    try:
        message = json_value(answer)
    except ValueError as error:
        return [f"It is not JSON: {error}."]
    if not isinstance(message, dict):
        return ["It is JSON, but no object with names and values."]
    wanted = {"customerID": customer, "accountBalance": balance}
    faults = [f"{name} is missing." for name in wanted.keys() - message.keys()]
    faults += [f"{name} is one name too many." for name in message.keys() - wanted.keys()]
    wrong = [name for name in wanted.keys() & message.keys() if message[name] != wanted[name]]
    return faults + [
        f"{name} is {message[name]!r}{'' if isinstance(message[name], str) else ', which is no text'}."
        for name in wrong
    ]


def _items(answer: Any, with_spaces: bool = False) -> list[Any]:
    """Return the parts of an answer: of text, what stands between commas, or between spaces if no part has one."""
    if isinstance(answer, str):
        parts = re.split(r"[,;\n]+" if with_spaces else r"[\s,;]+", answer[:LONGEST].strip("[](){} "))
        return [part for part in parts if part.strip()]
    return list(islice(answer, MOST_READ)) if isinstance(answer, Iterable) else [answer]


def _letters(item: Any) -> str:
    """Return the text in small letters, an action of DynamoDB without the service."""
    return str(item).strip(" '\"").casefold().removeprefix("dynamodb:")


@dataclass(frozen=True)
class Question:
    """A question: `faults` finds what is not right in an answer, `why` explains the right answer."""

    faults: Callable[..., Faults]
    why: str


QUESTIONS = {
    "what TotalNotifier may do": Question(
        lambda answer: _set(answer, ["UpdateItem", "BatchGetItem", "Scan"], _letters),
        "UpdateItem with ADD makes an item that is missing. BatchGetItem reads up to a hundred customers in one call, "
        "Scan reads all. GetItem, PutItem and DeleteItem are not needed, so they are not allowed.",
    ),
    "rows that are rejected": Question(
        lambda answer: _set(answer, [2, 3]),
        "The first row is fine: an amount may have cents. The second has a day that does not exist. The third has no "
        "customer, and a key in DynamoDB cannot be empty.",
    ),
    "keys that start the function": Question(
        lambda answer: _set(answer, ["march.txt", "2017/march.txt"]),
        "S3 compares letter by letter, so .TXT is not .txt. A folder is only a part of the key.",
    ),
    "a message that any program can read": Question(
        _message,
        "Glued from pieces of text, it breaks at the quotation mark, and every program behind the queues with it.",
    ),
    "what the topic may do": Question(
        lambda answer: _set(answer, ["sqs:SendMessage"], _letters), "It may put messages in, and do nothing else."
    ),
    "whether the topic may read the queue": Question(
        lambda answer: _set(answer, [False]), "What no statement allows is refused."
    ),
    "room below the threshold": Question(_room, "A customer at or above the threshold has 0."),
    "what each change adds": Question(
        _effects,
        "The new amount minus the old one, where an amount that is not there is 0. One rule for every kind of change.",
    ),
    "a stop between total and marker": Question(
        lambda answer: _set(answer, ["b"], _letters),
        "The total is there and the marker is not, so the change is added again. With the marker first it would be a: "
        "the next delivery finds the marker and adds nothing.",
    ),
    "what becomes of the alerts": Question(
        lambda answer: _set(answer, ["b"], _letters),
        "A topic keeps nothing. What starts the chain is deleted first, and what receives at its end later.",
    ),
}


def _words(outcome: Any) -> str:
    items = _items(outcome, with_spaces=True)
    more = f" and {len(items) - MOST_NAMED:,} more" if len(items) > MOST_NAMED else ""
    return (", ".join(map(str, items[:MOST_NAMED])) or "none") + more
