"""Ask the questions of the notebooks, and judge their answers by their meaning.

The solved notebooks say what each asks: its hints, and the answers to choose from. QUESTIONS has what is right: a set,
numbers, a letter, or the text of a message. A verdict says which part is not right yet and what was written there, and
never shows what is right. Nothing that a learner writes is an error.
"""

import functools
import json
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from IPython.display import display

from lab_lib import language
from lab_lib.errors import UsageError
from lab_lib.exercises import cells, copies, translation
from lab_lib.exercises.reading import named_letter, parts_of, plain
from lab_lib.exercises.short_errors import typed_instead
from lab_lib.language import N_, _, ngettext, sentences
from lab_lib.pages.wording import cut, listing, shortened

T = TypeVar("T")
Faults = list[str]  # what is not right yet, as sentences; empty if the answer is right
Judge = Callable[[Any, Any], Faults]  # of an answer, by what is right
MOST_NAMED = 5  # parts that a verdict names


class Text(NamedTuple):
    """An exercise as a notebook asks it. `options` maps a letter to what it stands for."""

    question: str = ""  # its nbgrader id
    cell: str = ""  # the id of the cell that the learner writes
    hints: tuple[str, ...] = ()
    options: dict[str, str] = {}  # noqa: RUF012  # nobody changes it
    answer: str = ""  # the name that the cell gives to the answer; "" if something is made: the account is the answer
    points: int = 0  # by nbgrader and, as a share of its column, in the grade book

    @property
    def is_made(self) -> bool:
        return not self.answer


@functools.cache
def in_language(name: str) -> dict[str, Text]:
    """Return the exercises by their nbgrader ids, in the order of the notebooks. A sandbox lacks them."""
    texts = {}
    above = ""
    for path in copies.solved_notebooks():
        for cell in translation.notebook(path, name)["cells"]:
            source = cell["source"]
            marked = cell["metadata"].get("nbgrader", {})
            id = marked.get("grade_id", "").removesuffix("-check")  # which the cell that judges has
            if cell["cell_type"] == "markdown":
                above = source
            elif marked.get("solution"):
                hints = re.findall("<details><summary>.+?</summary>.+?</details>", above, re.DOTALL)
                options = dict(re.findall(r"^- \*\*([a-z])\*\* (.+)$", above, re.MULTILINE))
                texts[id] = Text(id, cell["id"], tuple(hints), options)
            elif id in texts:
                found = re.search(r"my_\w+", source)
                answer = found[0] if found else ""
                texts[id] = texts[id]._replace(answer=answer, points=marked["points"])
    return texts


def of(exercise: str) -> Text:
    """Return an exercise by its nbgrader id, in the language that is used. In a sandbox it is empty."""
    return in_language(language.used()).get(exercise, Text())


def asked() -> dict[str, Text]:
    """Return the exercises that have points, by their nbgrader ids, in the order of the notebooks."""
    return {id: text for id, text in in_language(language.ENGLISH).items() if text.points}


def options(exercise: str) -> list[tuple[str, str]]:
    """Return the answers to choose from in every language: each letter and what it stands for."""
    found = list[tuple[str, str]]()
    for name in language.names():
        texts = in_language(name)
        if exercise in texts:
            found += texts[exercise].options.items()
    return found


def find(exercise: str, among: Mapping[str, T]) -> T:
    """Return the value of an exercise. UsageError if there is no such exercise, as for an older notebook."""
    if exercise not in among:
        raise UsageError(
            "There is no exercise {exercise!r}. If this notebook is older than the lab, `lab open --fresh` with "
            "its number gives it anew.",
            exercise=exercise,
        )
    return among[exercise]


def show_hints(exercise: str) -> None:
    """Show the hints again, when the exercise is done: each is a way to see why the answer is right."""
    if hints := of(exercise).hints:
        in_words = _("(The hints above: {count}.)", count=len(hints))
        shown = "\n".join([_("The hints once more:"), *hints])
        display({"text/plain": in_words, "text/markdown": shown}, raw=True)  # type: ignore[no-untyped-call]


def judge(question: str, answer: Any, *values: Any) -> bool:
    """Print whether the answer is right and why, or what is not right yet; return True if it is right.

    `values` are what the question is about. A right answer has the hints below it once more. UsageError for an unknown
    question.
    """
    known = find(question, QUESTIONS)
    if isinstance(answer, BaseException):
        print(_(cells.FAILED))
        return False
    if _is_empty(answer):
        print(_("No answer yet."))
        return False
    if faults := _faults(known.faults, answer, values or known.right):
        print(sentences(_("Not yet."), *faults))
        return False
    print(sentences(_("Right."), _(known.why)))
    show_hints(question)
    return True


def judge_again(question: str, answer: str, totals: dict[str, Any], threshold: Decimal) -> bool:
    """Return True if an answer of a learner is right. `totals` has each customer's balance, as the learner saw it.

    The answer is as `reading.as_text` gives it.
    """
    known = QUESTIONS[question]
    right = known.right
    if question == "room":
        customers = sorted(totals)
        balances = [totals[customer] for customer in customers]
        right = {"CustomerId": customers, "accountBalance": balances}, threshold
    if _is_empty(answer):
        return False
    return not _faults(known.faults, answer, right)


def compare(prediction: Any, outcome: Any) -> None:
    """Print whether a prediction was right, or the outcome if there is none."""
    parts = outcome if isinstance(outcome, list) else [outcome]
    if isinstance(prediction, BaseException):
        sentence = cells.FAILED
    elif _is_empty(prediction):
        sentence = N_("No prediction. It is {words}.")
    elif _faults(_compare_parts, prediction, parts):
        sentence = N_("You predicted otherwise: it is {words}.")
    else:
        sentence = N_("You predicted right: it is {words}.")
    print(_(sentence, words=listing(map(str, parts), MOST_NAMED)))


def _is_empty(answer: Any) -> bool:
    """Return True if the cell was left as it was, or holds an empty value."""
    if answer is None or answer is ...:
        return True
    return isinstance(answer, str | list | tuple | set | dict) and not answer


def _faults(find_faults: Judge, answer: Any, right: Any) -> Faults:
    """Return what is not right yet, also of an answer that fails when it is read."""
    try:
        return find_faults(answer, right)
    except Exception as error:  # noqa: BLE001  # an answer is any object, and may do anything when it is looked at
        return [_("This answer cannot be read ({kind}).", kind=type(error).__name__)]


def _compare_parts(answer: Any, right: Collection[Any], read: Callable[[Any], Any] = plain) -> Faults:
    """Compare without order."""
    wanted = set(map(read, right))
    parts = {read(part): part for part in parts_of(answer, right)}
    wrong = [part for key, part in parts.items() if key not in wanted]
    missing = len(wanted - parts.keys())
    faults = []
    if wrong:
        faults.append(_("{parts} does not belong there.", parts=_(", ").join(wrong[:MOST_NAMED])))
    if missing:
        fault = ngettext("{count} of {all} is missing.", "{count} of {all} are missing.", missing, all=len(wanted))
        faults.append(fault)
    return faults


def _compare_actions(answer: Any, right: list[str]) -> Faults:
    """Compare actions of IAM without order, with their service or without."""

    def without_service(action: Any) -> str:
        return str(plain(action)).casefold().split(":")[-1]

    return _compare_parts(answer, right, without_service)


def _compare_choice(answer: Any, right: tuple[str, str]) -> Faults:
    """Compare with the letter of an exercise, or with what it stands for in the notebook, in whatever language."""
    exercise, letter = right
    written = str(answer)
    if named_letter(options(exercise), written) == letter:
        return []
    in_one_line = " ".join(written.split())
    return [_("It is not {part}.", part=cut(in_one_line, 80))]


def _compare_room(answer: Any, right: tuple[Any, Decimal]) -> Faults:
    """Compare, row by row, with the amount that each customer has left below the threshold."""
    totals, threshold = right
    amounts = {}
    for customer, balance in zip(totals["CustomerId"], totals["accountBalance"], strict=True):
        amounts[customer] = max(threshold - balance, Decimal(0))
    return _compare_numbers(answer, amounts, N_("customer {name}, where you wrote {item}"))


def _compare_numbers(
    answer: Any, right: dict[Any, Any], fault: str = N_("number {name}, where you wrote {item}")
) -> Faults:
    """Compare numbers in their order. `right` has each by its name. `fault` is the message about one that is wrong."""
    parts = parts_of(answer, right.values())
    if len(parts) != len(right):
        return [_("{count} numbers; wanted {wanted}.", count=len(parts), wanted=len(right))]
    wrong = []
    for (name, number), item in zip(right.items(), parts, strict=True):
        if plain(item) != number:
            wrong.append(_(fault, name=name, item=item))
    if not wrong:
        return []
    numbers = _("; ").join(shortened(wrong, MOST_NAMED))
    return [_("Look again at {numbers}.", numbers=numbers)]


def _compare_message(answer: Any, right: tuple[str, str]) -> Faults:
    """Read the message as the programs behind the queues do. `right` has its customer and the balance."""
    customer, balance = right
    wanted = {"customerID": customer, "accountBalance": balance}
    if not isinstance(answer, str):
        return [_("It is a {kind}; a message is text.", kind=type(answer).__name__)]
    try:
        message = json.loads(answer)
    except json.JSONDecodeError as error:
        character = error.doc[error.pos : error.pos + 1]
        what_to_type = typed_instead(character, error)
        if what_to_type:
            return [_("It is not JSON."), what_to_type]
        return [_("It is not JSON: {error}.", error=error)]
    if not isinstance(message, dict):
        return [_("It is JSON, but no object with names and values.")]
    faults = [_("{name} is missing.", name=name) for name in wanted if name not in message]
    for name, value in message.items():
        if name not in wanted:
            faults.append(_("{name} is one name too many.", name=name))
        elif not isinstance(value, str):
            faults.append(_("{name} is {value!r}, which is no text.", name=name, value=value))
        elif value != wanted[name]:
            faults.append(_("{name} is {value!r}.", name=name, value=value))
    return faults


class Question(NamedTuple):
    """A question: `faults` compares an answer with what is `right`, `why` explains the right answer."""

    faults: Judge
    right: Any  # what the notebook hands over counts instead
    why: str


QUESTIONS = {  # by the nbgrader id of the cell with the answer
    "actions": Question(
        _compare_actions,
        ["UpdateItem", "BatchGetItem", "Scan"],
        "UpdateItem with ADD makes an item that is missing. BatchGetItem reads up to a hundred customers in one call, "
        "Scan reads all. GetItem, PutItem and DeleteItem are not needed, so they are not allowed.",
    ),
    "rejected": Question(
        _compare_parts,
        [2, 3],
        "The first row is fine: an amount may have cents. The second has a day that does not exist. The third has no "
        "customer, and a key in DynamoDB cannot be empty.",
    ),
    "keys": Question(
        _compare_parts,
        ["march.txt", "2017/march.txt"],
        "S3 compares letter by letter, so .TXT is not .txt. A folder is only a part of the key.",
    ),
    "message": Question(
        _compare_message,
        ('O"Hara', "1750"),
        "Glued from pieces of text, it breaks at the quotation mark, and every program behind the queues with it.",
    ),
    "policy": Question(
        _compare_choice,
        ("policy", "b"),
        "A topic of another account has another aws:SourceArn, and to read is another action: what no statement allows "
        "is refused. The statement does not look into the message.",
    ),
    "room": Question(_compare_room, (), "A customer at or above the threshold has 0."),
    "effect": Question(
        _compare_numbers,
        dict(enumerate([1000, 400, 200, 50, -250, -200, 100], 1)),
        "The new amount minus the old one, where an amount that is not there is 0. One rule for every kind of change.",
    ),
    "one-transaction": Question(
        _compare_choice,
        ("one-transaction", "b"),
        "The total is there and the marker is not, so the change is added again. With the marker first it would be a: "
        "the next delivery finds the marker and adds nothing.",
    ),
    "order": Question(
        _compare_choice,
        ("order", "b"),
        "A topic keeps nothing. What starts the chain is deleted first, and what receives at its end later.",
    ),
}
