"""What a check is made of: questions to the account, each asked once, and a finding."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from lab_lib.aws import buckets, triggers
from lab_lib.errors import is_access_denied
from lab_lib.lab import Lab

T = TypeVar("T")
FURTHER = "further"  # the step of what this workbook adds to the handout; an account is whole without it
CANNOT_SEE, WAITS = "cannot see", "waits for"  # how a finding begins that is neither good nor bad


class Finding(NamedTuple):
    """What a check found in the account, beside what it wanted; `hint` says what to do if the two differ."""

    ok: bool
    found: str
    wanted: str
    hint: str


class Account:
    """One account, as it is now: what it answered once is kept for the other checks of the same run."""

    def __init__(self, lab: Lab) -> None:
        self._answers: dict[tuple[Any, ...], Any] = {}
        self.lab = _with_its_bucket(lab)

    def ask(self, read: Callable[..., T], *about: Any) -> T:
        """The answer of a room, such as ask(tables.describe, "Transactions")."""
        question = (read, *about)
        if question not in self._answers:
            self._answers[question] = read(self.lab, *about)
        answer: T = self._answers[question]
        return answer

    def alike(self, names: Callable[[Lab], list[str]], name: str) -> str:
        """A sentence on a thing whose name is nearly right, if there is one: most missing things are misspelled."""
        wanted = self.lab.name(name)
        try:
            there = {each.removesuffix(".fifo").lower(): each for each in self.ask(names)}
        except ClientError as error:
            if is_access_denied(error):
                return ""  # a help less, not a fault
            raise
        near = [there[each] for each in get_close_matches(wanted.lower(), there, n=1, cutoff=0.8)]
        if not near:
            return ""
        if near[0] == f"{wanted}.fifo":
            return f" {near[0]} is there, but it is FIFO, and the lab's topic and queues are standard ones."
        return f" {near[0]} is there: the name must be the same to the letter."


@dataclass(frozen=True)
class Rule:
    """A check before it is made: its step, its name, the checks that it rests on, and how it judges an account."""

    step: str
    name: str
    after: tuple[str, ...]
    subject: str
    judge: Callable[[Account], Finding]


RULES: dict[str, Rule] = {}  # by name, in the order of the lab


def check(
    step: str, name: str, after: tuple[str, ...] = (), each: Iterable[str] = ()
) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
    """Make a function a check of a step; with `each`, one for each of these subjects, which {} in the names stands for.

    The function gets the account, and the subject if there is one. It is called only when all checks that `after`
    names have held, so it need not ask whether the thing that it looks at is there.
    """

    def register(judge: Callable[..., Finding]) -> Callable[..., Finding]:
        for subject in each or [""]:
            about = [subject] if subject else []
            full = name.format(*about)
            rests_on = tuple(other.format(*about) for other in after)
            RULES[full] = Rule(step, full, rests_on, subject, _about(judge, *about))
        return judge

    return register


def equal(found: str, wanted: str, hint: str) -> Finding:
    """A finding that is right if it is the very thing that was wanted."""
    return Finding(found == wanted, found, wanted, hint)


def none_of(faults: Iterable[str], hint: str, right: str = "none") -> Finding:
    """A finding that is right if there are no faults, and then says so; else it names the first few."""
    named = sorted(faults)
    return Finding(not named, few(named) if named else right, right, hint)


def few(names: Iterable[str]) -> str:
    """The names, or the first five and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return ", ".join(listed[:5]) + more or "none"


def _about(judge: Callable[..., Finding], *subject: str) -> Callable[[Account], Finding]:
    return lambda account: judge(account, *subject)


def _with_its_bucket(lab: Lab) -> Lab:
    """The lab with the bucket that takes its uploads, which a classroom may have made, and named, beforehand."""
    labs = [lab]
    try:
        names = sorted(buckets.candidates(lab), key=lambda name: name != lab.bucket)
        labs = [replace(lab, bucket_name=name) for name in names] or labs
        if len(labs) > 1:  # the one with the trigger, if there is one
            labs.sort(key=lambda each: triggers.find_bucket_trigger(each) is None)
    except ClientError as error:
        if not is_access_denied(error):
            raise
    return labs[0]
