"""Define checks, what they find, and the account that they read: each question is asked once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from lab_lib import resources
from lab_lib.aws import buckets, functions, triggers
from lab_lib.errors import is_unreachable
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.chain_parts import part_of
from lab_lib.pages.wording import listing

T = TypeVar("T")
FURTHER = "further"  # the step of what this workbook adds to the handout; it does not count
PROBE = "probe"  # the step of the checks that upload files
ASKED = "asked"  # the step of the checks that only the exercises make


class State(StrEnum):
    """The verdict of a check, in the order of a report."""

    NOT_YET = "not yet"
    COULD_BE = "could be"  # of the step "further", or what an organisation may forbid
    CANNOT_SEE = "cannot see"  # AWS does not let us read it, or it cannot be judged
    WAITS = "waits"  # for another check, or for AWS
    OK = "ok"


class Finding(NamedTuple):
    """The result of a check: what it found, what it wanted, and what to do if the two differ.

    A finding that does not count gives no points and costs none. `cause` is the id of the check that must hold first,
    if that is why this one waits or cannot be seen.
    """

    state: State
    found: str
    wanted: str
    hint: str
    counts: bool = True
    cause: str = ""

    @property
    def ok(self) -> bool:
        return self.state is State.OK


class Meant(str):
    """A fault that an organisation may want: it "could be", and costs nothing."""


class Unasked(str):
    """A setting that is right since nobody asked for another: it does not count."""


class Account:
    """One account during a run: the answer to each question is kept for the other checks."""

    def __init__(self, lab: Lab) -> None:
        self._answers: dict[tuple[Any, ...], tuple[Any, int]] = {}
        self.made: dict[str, Any] = {}  # the checks, by id
        self.unsettled = set[str]()  # the ids of those that AWS may answer otherwise in a moment
        self.maybe_old = 0  # answers that were used, and were about that
        self.lab = _with_its_bucket(lab)

    def ask(self, read: Callable[..., T], *about: Any) -> T:
        """Return what a function of lab_lib.aws reads, for instance ask(tables.describe, "Transactions")."""
        question = (read, *about)
        if question not in self._answers:
            before = self._changes_read()
            self._answers[question] = read(self.lab, *about), self._changes_read() - before
        answer, maybe_old = self._answers[question]
        self.maybe_old += maybe_old
        return cast("T", answer)

    @property
    def is_recent(self) -> bool:
        """Return True if this process has just made or changed something here."""
        return self.lab.journal is not None and not self.lab.journal.is_empty

    def _changes_read(self) -> int:
        return self.lab.journal.changes_read if self.lab.journal else 0

    def name(self, name: str) -> str:
        """Return the name that a resource of the lab has here, with the prefix."""
        return self.lab.name(name)

    def settings(self, function: str) -> dict[str, Any]:
        """Return the settings of a function, as Lambda gives them; {} if it is not there."""
        return dict((self.ask(functions.describe, function) or {}).get("Configuration", {}))

    def how_to_fix(self, why: str, call: str, console: str = "", cell: resources.Cell | None = None) -> str:
        """Return a whole hint: `why`, without its full stop, the cell that does it, the call and the console's place.

        The place is named on AWS only. The call and the place may be marked texts. Without a call, `why` says it all.
        """
        if not call:
            return _("{why}.", why=why)
        ways = {"why": why, "call": _(call), "run": cell and cell.run}
        text = _("{why}. {run}, or call {call}.", **ways) if cell else _("{why}. Call {call}.", **ways)
        if console and self.lab.is_real:
            text = _("{text} In the console it is under {console}.", text=text, console=_(console))
        return text


Judge = Callable[..., Finding]  # of an account and the subject, if there is one
Read = Callable[..., Any]  # the same for what is read
DOCUMENTS: dict[str, Read] = {}  # by the names that facts.toml uses


def document(read: Read) -> Read:
    """Let facts.toml use what this function reads of an account."""
    DOCUMENTS[read.__name__] = read
    return read


@dataclass(frozen=True)
class Rule:
    """A check before it is made: the ids of the checks that must hold first, and how it judges an account.

    The id never changes; the name may. `title` is the name in English, with {} for the subject. `link` is the link of
    the chain that breaks if the check does not hold. `part` is the part of the chain's picture that it is about; with
    `finds`, it says whether this part is there at all. With `probes`, it uploads files, and is made only if that is
    asked for. With `shown`, it holds if an upload comes through its link. An upload may pass by what the other checks
    judge: a filter, a Deny, a condition, or who else may send.
    """

    id: str
    step: str
    title: str
    after: tuple[str, ...]
    subjects: tuple[str, ...]  # one, or none
    judge: Judge
    link: str | None
    weight: int
    probes: bool
    shown: bool
    part: str
    finds: bool
    made_by: resources.Cell | None

    @property
    def name(self) -> str:
        return _(self.title).replace("{}", "".join(self.subjects))


RULES: dict[str, Rule] = {}  # by id


def check(
    step: str,
    id: str,
    name: str,
    after: str = "",
    subjects: Iterable[str] = (),
    of: str = "",
    link: str | None = None,
    weight: int = 1,
    probes: bool = False,
    shown: bool = False,
    made_by: resources.Cell | Callable[[str], resources.Cell | None] | None = None,
) -> Callable[[Judge], Judge]:
    """Make a function a check of a step; with {} in its id, one for each subject, which replaces {} in its texts.

    The function gets the account and the subject. Without `subjects`, these are the names of the resources of the kind
    `of`. `after` has the ids of the checks that must hold first, separated by spaces: the function can rely on the
    resource being there. `of` is the kind of the resource whose link breaks if the check does not hold; without a
    resource, `link` names the link. The check whose id is that kind, and the subject, says whether the resource is
    there. `made_by` is the cell that puts it right, perhaps by the subject, if that is not the resource's.
    """

    def register(judge: Judge) -> Judge:
        for subject in subjects or (resources.in_chain(of) if of and "{}" in id else [""]):
            full_id, before = (text.replace("{}", subject) for text in (id, after))
            resource = resources.get(of, subject) if of else None
            broken, part, made = (resource.link, part_of(resource), resource.cell) if resource else (link, "", None)
            about, first = (subject,) if subject else (), tuple(before.split())
            other = made_by(subject) if callable(made_by) else made_by
            finds = full_id == "-".join([*of.split(), *about])
            if full_id in RULES:
                raise ValueError(f"Two checks have the id {full_id}.")
            RULES[full_id] = Rule(
                full_id, step, name, first, about, judge, broken, weight, probes, shown, part, finds, other or made
            )
        return judge

    return register


def part(id: str) -> str:
    """Return the part of the picture that a check is about: its own, or that of the last check which must hold first.

    It is "" for what is about no part, or about the whole chain.
    """
    rule = RULES.get(id)
    if not rule or (rule.probes and not rule.link):
        return ""
    return rule.part or "".join(map(part, rule.after[-1:]))


def made_by(rule: Rule) -> resources.Cell | None:
    """Return the cell that makes what a check is about: its own, or that of the last check which must hold first."""
    return rule.made_by or (made_by(RULES[rule.after[-1]]) if rule.after else None)


def judged(right: object, found: str, wanted: str, hint: str, counts: bool = True) -> Finding:
    """Return a finding that is right or, if `right` is nothing, not yet."""
    return Finding(State.OK if right else State.NOT_YET, found, wanted, hint, counts)


def cannot_see(why: str, hint: str, wanted: str = "", counts: bool = True, cause: str = "") -> Finding:
    """Return the finding of a check that is neither right nor wrong, with the reason."""
    found = _("cannot see: {why}", why=why)
    return Finding(State.CANNOT_SEE, found, wanted or _("to be seen"), hint, counts, cause)


def beyond(place: str, plural: str, most: int, hint: str) -> Finding:
    """Return the finding of a check that depends on what is not read, since the place has more than `most`."""
    more = _("{place} has more {plural} than the {most:,} that are read", place=place, plural=_(plural), most=most)
    return cannot_see(more, hint)


def waits_for(id: str, name: str) -> Finding:
    """Return the finding of a check that cannot be made before another one, of this id and name, holds."""
    found, wanted = _("waits for {check}", check=name), _("{check} first", check=name)
    return Finding(State.WAITS, found, wanted, _("See to that first."), cause=id)


def none_of(faults: Iterable[str], hint: str, right: str = "", wanted: str = "") -> Finding:
    """Return a finding that is right if there are no faults, and then reads `right`; otherwise it lists the faults.

    It wants what is right, if it is not told another text.
    """
    named, right = sorted(faults), right or _("none")
    return judged(not named, listing(named) if named else right, wanted or right, hint)


def or_none(read: Callable[[], T]) -> T | None:
    """Return what is read from the account, None if that fails and the check can go on without it."""
    try:
        return read()
    except Exception as error:
        if is_unreachable(error):
            raise
        return None


def _with_its_bucket(lab: Lab) -> Lab:
    """Return the lab with the bucket that starts TransactionProcessor. Without the setting, it may have any name.

    If none does, it is the bucket with the lab's own name, or with the handout's part in it.
    """
    if lab.bucket_name:
        return lab
    by_name = sorted(or_none(lambda: buckets.candidates(lab)) or [], key=lambda name: name != lab.bucket)
    names = [*by_name, *(or_none(lambda: triggers.allowed_buckets(lab)) or [])]
    labs = [lab if name == lab.bucket else replace(lab, bucket_name=name) for name in names]
    starting = (lab for lab in labs if or_none(partial(triggers.find_bucket_trigger, lab)))
    return next(starting, labs[0] if by_name else lab)
