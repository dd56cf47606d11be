"""Judge the learner's answers by their meaning: a list, a tuple, a set or text, in any order unless order is asked for.

A verdict says which part is not right yet and what was written there, and never shows what is right. Nothing that a
learner writes is an error.
"""

import json
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.exercises import cells, texts
from lab_lib.exercises.reading import named_letter, only_words, parts_of, plain
from lab_lib.exercises.short_errors import typed_instead
from lab_lib.language import N_, _, ngettext, sentences
from lab_lib.pages.wording import cut, listing, shortened

MOST_NAMED = 5  # parts that a verdict names
Faults = list[str]  # what is not right yet, as sentences; empty if the answer is right


def judge(question: str, answer: Any, *context: Any) -> bool:
    """Print whether the answer is right and why, or what is not right yet. Return True if it is right.

    `context` is what the question is about. A right answer has the hints below it once more. UsageError for an unknown
    question.
    """
    asked = texts.find(question, QUESTIONS)
    faults = _judged(answer, _("No answer yet."), asked.faults, *context)
    if faults:
        print(sentences(_("Not yet."), *faults))
    elif faults is not None:
        print(sentences(_("Right."), _(asked.why)))
        texts.show_hints(question)
    return faults == []


def is_right(question: str, answer: Any, *context: Any) -> bool:
    """Return True if the answer is right."""
    return _faults(QUESTIONS[question].faults, answer, *context) == []


def compare(_question: str, prediction: Any, outcome: Any) -> None:
    """Print whether a prediction was right, or the outcome if there is none."""
    is_one = isinstance(outcome, str) or not isinstance(outcome, Iterable)
    parts = [outcome] if is_one else list(outcome)
    words = listing(map(str, parts), MOST_NAMED)
    none = _("No prediction. It is {words}.", words=words)
    faults = _judged(prediction, none, _set, parts)
    if faults is not None:
        said = N_("You predicted otherwise: it is {words}.") if faults else N_("You predicted right: it is {words}.")
        print(_(said, words=words))


def _judged(answer: Any, none: str, judge: Callable[..., Faults], *context: Any) -> Faults | None:
    """Return what is not right yet. If there is no answer, print that, and return None."""
    faults = _faults(judge, answer, *context)
    if faults is None or isinstance(answer, BaseException):
        print(none if faults is None else _(cells.FAILED))
        return None
    return faults


def _faults(judge: Callable[..., Faults], answer: Any, *context: Any) -> Faults | None:
    """Return what is not right yet, or None if there is no answer."""
    try:
        is_empty = answer is None or answer is ... or (hasattr(answer, "__len__") and len(answer) == 0)
        return None if is_empty else judge(answer, *context)
    except Exception as error:  # noqa: BLE001  # an answer is any object, and may do anything when it is looked at
        return [_("This answer cannot be read ({kind}).", kind=type(error).__name__)]


def _set(answer: Any, right: Collection[Any], read: Callable[[Any], Any] = plain) -> Faults:
    """Compare without order."""
    wanted = set(map(read, right))
    parts = {read(item): item for item in parts_of(answer, right)}
    wrong, missing = [str(item) for key, item in parts.items() if key not in wanted], len(wanted - parts.keys())
    if len(wanted) == 1 and len(parts) == 1:
        return [_("It is not {part}.", part=wrong[0])] if wrong else []
    faults = [_("{parts} does not belong there.", parts=_(", ").join(wrong[:MOST_NAMED]))] if wrong else []
    told = ngettext("{count} of {all} is missing.", "{count} of {all} are missing.", missing, all=len(wanted))
    return faults + ([told] if missing else [])


def _choice(answer: Any, exercise: str, right: str) -> Faults:
    """Compare with a letter, or with the text that it stands for in the notebook, in whatever language."""
    options = [(letter, only_words(text)) for letter, text in texts.options(exercise)]
    if named_letter(options, str(answer)) == right:
        return []
    return [_("It is not {part}.", part=cut(" ".join(str(answer).split()), 80))]


def _room(answer: Any, totals: Any, threshold: Decimal) -> Faults:
    """Compare, row by row, with the amount that is left below the threshold."""
    balances = zip(totals["CustomerId"], totals["accountBalance"], strict=True)
    right = {customer: max(threshold - balance, Decimal(0)) for customer, balance in balances}
    return _numbers(answer, right, N_("customer {name}, where you wrote {item}"))


def _numbers(answer: Any, right: dict[Any, Any], fault: str = N_("number {name}, where you wrote {item}")) -> Faults:
    """Compare numbers in their order, or by name if the answer is a dict. `right` has each by its name.

    `fault` is the message about one that is wrong.
    """
    if isinstance(answer, dict) and answer.keys() == right.keys():
        answer = [answer[name] for name in right]
    parts = parts_of(answer, right.values())
    if len(parts) != len(right):
        return [_("{count} numbers; wanted {wanted}.", count=len(parts), wanted=len(right))]
    wrong = [
        _(fault, name=name, item=item)
        for (name, number), item in zip(right.items(), parts, strict=True)
        if plain(item) != number
    ]
    return [_("Look again at {numbers}.", numbers=_("; ").join(shortened(wrong, MOST_NAMED)))] if wrong else []


def _message(answer: Any, customer: str, balance: str) -> Faults:
    """Read the message as the programs behind the queues do."""
    if not isinstance(answer, str):
        return [_("It is a {kind}; a message is text.", kind=type(answer).__name__)]
    try:
        message = json.loads(answer)
    except json.JSONDecodeError as error:
        typed = typed_instead(error.doc[error.pos : error.pos + 1], error)
        return [_("It is not JSON."), typed] if typed else [_("It is not JSON: {error}.", error=error)]
    if not isinstance(message, dict):
        return [_("It is JSON, but no object with names and values.")]
    wanted = {"customerID": customer, "accountBalance": balance}
    faults = [_("{name} is missing.", name=name) for name in wanted if name not in message]
    for name, value in message.items():
        if name not in wanted:
            faults.append(_("{name} is one name too many.", name=name))
        elif value != wanted[name]:
            why = N_("{name} is {value!r}.") if isinstance(value, str) else N_("{name} is {value!r}, which is no text.")
            faults.append(_(why, name=name, value=value))
    return faults


class Question(NamedTuple):
    """A question: `faults` finds what is not right in an answer, `why` explains the right answer."""

    faults: Callable[..., Faults]
    why: str


QUESTIONS = {  # by the nbgrader id of the cell with the answer
    "actions": Question(
        lambda answer: _set(
            answer,
            ["UpdateItem", "BatchGetItem", "Scan"],
            lambda action: str(plain(action)).casefold().split(":")[-1],  # without the service
        ),
        "UpdateItem with ADD makes an item that is missing. BatchGetItem reads up to a hundred customers in one call, "
        "Scan reads all. GetItem, PutItem and DeleteItem are not needed, so they are not allowed.",
    ),
    "rejected": Question(
        lambda answer: _set(answer, [2, 3]),
        "The first row is fine: an amount may have cents. The second has a day that does not exist. The third has no "
        "customer, and a key in DynamoDB cannot be empty.",
    ),
    "keys": Question(
        lambda answer: _set(answer, ["march.txt", "2017/march.txt"]),
        "S3 compares letter by letter, so .TXT is not .txt. A folder is only a part of the key.",
    ),
    "message": Question(
        _message,
        "Glued from pieces of text, it breaks at the quotation mark, and every program behind the queues with it.",
    ),
    "policy": Question(
        lambda answer: _choice(answer, "policy", "b"),
        "A topic of another account has another aws:SourceArn, and to read is another action: what no statement allows "
        "is refused. The statement does not look into the message.",
    ),
    "room": Question(_room, "A customer at or above the threshold has 0."),
    "effect": Question(
        lambda answer: _numbers(answer, dict(enumerate([1000, 400, 200, 50, -250, -200, 100], 1))),
        "The new amount minus the old one, where an amount that is not there is 0. One rule for every kind of change.",
    ),
    "one-transaction": Question(
        lambda answer: _choice(answer, "one-transaction", "b"),
        "The total is there and the marker is not, so the change is added again. With the marker first it would be a: "
        "the next delivery finds the marker and adds nothing.",
    ),
    "order": Question(
        lambda answer: _choice(answer, "order", "b"),
        "A topic keeps nothing. What starts the chain is deleted first, and what receives at its end later.",
    ),
}
