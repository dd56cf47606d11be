"""Define checks, and what they find."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from lab_lib import resources
from lab_lib.language import _
from lab_lib.pages.chain_picture import part_of
from lab_lib.pages.wording import listing

NOBODY = "nobody"  # no cell of the notebooks puts it right
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


class Unasked(str):
    """A setting that is right since nobody asked for another: it does not count."""


Judge = Callable[..., Finding]  # of an account and the subject, if there is one


@dataclass(frozen=True, eq=False)
class Rule:
    """A check before it is made.

    The id never changes; the title may. `after` has the ids of the checks that must hold first, with spaces between
    ("queue-{queue}" names one for each queue of the chain): a judge can rely on the resource being there. With {} in
    the id, there is a rule for each of the `subjects`: names, or the resources of a kind in the handout's chain ("every
    queue" has the others too), without which they are the resources of the kind `of`. The judge gets the account and
    the subject, which replaces {} in all texts.

    `of` is the kind of the resource whose link of the chain breaks if the check does not hold; without a resource,
    `link` names the link. `made_by` is the cell that puts it right, if that is not the resource's: the kind and name of
    a resource, a name of resources.py, or NOBODY. With `by_upload`, it holds if an upload comes through its link: one
    may pass by what the other checks judge, such as a filter, a Deny, a condition, or who else may send.
    """

    step: str
    id: str
    title: str
    after: str = ""
    subjects: str | list[str] = ""
    of: str = ""
    link: str | None = None
    weight: int = 1
    by_upload: bool = False
    made_by: str = ""
    subject: str = ""
    judge: Any = None  # a Judge

    def enter(self, judge: Judge) -> Judge:
        """Let this function judge the check, of each subject. ValueError if there is one with that id."""
        for subject in self._subjects():
            texts = {name: getattr(self, name).replace("{}", subject) for name in ("id", "after", "made_by")}
            rule = replace(self, **texts, subject=subject, judge=judge)
            if rule.id in RULES:
                raise ValueError(f"Two checks have the id {rule.id}.")
            if rule.resource:
                rule = replace(rule, link=rule.resource.link)
            RULES[rule.id] = rule
        return judge

    @property
    def name(self) -> str:
        return _(self.title).replace("{}", self.subject)

    @property
    def needs(self) -> list[str]:
        """Return the ids of the checks that must hold first."""
        ids = []
        for pattern in self.after.split():
            ids += resources.for_each(pattern)
        return ids

    @property
    def probes(self) -> bool:
        """Return True if it uploads files: it is made only if that is asked for."""
        return self.id.startswith("probe-")

    @property
    def resource(self) -> resources.Resource | None:
        """Return the resource that it is about."""
        return resources.get(self.of, self.subject) if self.of else None

    @property
    def finds(self) -> bool:
        """Return True if it says whether its resource is there at all."""
        words = self.of.split()
        if self.subject:
            words.append(self.subject)
        return self.id == "-".join(words)

    @property
    def part(self) -> str:
        """Return the part of the picture that it is about: its own, or that of the last check which must hold first.

        It is "" for what is about no part, or about the whole chain.
        """
        own = part_of(self.resource) if self.resource else ""
        is_about_all = self.probes and not self.link
        if own or is_about_all or not self.needs:
            return own
        return RULES[self.needs[-1]].part

    @property
    def cell(self) -> resources.Cell | None:
        """Return the cell that makes what it is about: its own, or that of the last check which must hold first."""
        if self.made_by == NOBODY:
            return None
        if self.made_by.isupper():
            return getattr(resources, self.made_by)  # type: ignore[no-any-return]
        if self.made_by:
            kind, _blank, name = self.made_by.partition(" ")
            return resources.cell(kind, name)
        if self.resource:
            return self.resource.cell
        return RULES[self.needs[-1]].cell if self.needs else None

    def _subjects(self) -> list[str]:
        if isinstance(self.subjects, list):
            return self.subjects
        kind = self.subjects.removeprefix("every ")
        if not kind and "{}" in self.id:
            kind = self.of
        if not kind:
            return [""]
        names = resources.names if self.subjects.startswith("every ") else resources.in_chain
        return names(kind)


RULES: dict[str, Rule] = {}  # by id


def judged(right: object, found: str, wanted: str, hint: str) -> Finding:
    """Return a finding that is right or, if `right` is nothing, not yet."""
    return Finding(State.OK if right else State.NOT_YET, found, wanted, hint)


def cannot_see(why: str, hint: str, wanted: str = "", counts: bool = True, cause: str = "") -> Finding:
    """Return the finding of a check that is neither right nor wrong, with the reason."""
    found = _("cannot see: {why}", why=why)
    return Finding(State.CANNOT_SEE, found, wanted or _("to be seen"), hint, counts, cause)


def waits_for(id: str, name: str) -> Finding:
    """Return the finding of a check that cannot be made before another one, of this id and name, holds."""
    found = _("waits for {check}", check=name)
    return Finding(State.WAITS, found, _("{check} first", check=name), _("See to that first."), cause=id)


def none_of(faults: Iterable[str], hint: str, right: str = "") -> Finding:
    """Return a finding that is right if there are no faults, and then reads `right`; otherwise it lists the faults."""
    texts = sorted(faults)
    right = right or _("none")
    found = listing(texts) if texts else right
    return judged(not texts, found, right, hint)
