"""Hold what happened to a transaction on its way through the chain, when, and the evidence. Nothing here calls AWS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lab_lib.aws.log_runs import Run
from lab_lib.aws.topics import ALERT_TOPIC as TOPIC
from lab_lib.checks.rules import State
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.wording import how_often
from lab_lib.trace import times
from lab_lib.trace.times import Gap, Span

PARTS = {  # of the chain's picture, by the lane of the timeline; a queue is a lane of its own name
    N_("file"): ["transactions.txt"],
    N_("bucket"): ["transactions.txt→bucket", "bucket"],
    "TransactionProcessor": ["bucket→TransactionProcessor", "TransactionProcessor"],
    N_("rejected lines"): ["bucket"],
    "Transactions": ["TransactionProcessor→Transactions", "Transactions"],
    N_("stream"): ["Transactions→TotalNotifier"],
    "TotalNotifier": ["Transactions→TotalNotifier", "TotalNotifier"],
    "TransactionTotal": ["TotalNotifier→TransactionTotal", "TransactionTotal"],
    TOPIC: [f"TotalNotifier→{TOPIC}", TOPIC],
}


@dataclass(frozen=True)
class Event:
    """One thing that happened to a transaction, or should have.

    `lane` is the part of the chain. `when` is its moment, of a run its begin. `started` and `end` are of a run: when
    Lambda began to start the function, if it did, and when the run ended. Both are milliseconds since 1970.
    """

    lane: str
    what: str
    state: State = State.OK
    when: Span | None = None
    source: str = ""  # where the evidence is; like the lane, it may be a marked text
    gaps: Sequence[Gap] = ()  # before it
    started: int | None = None
    end: int | None = None
    is_late: bool = False  # what tells of it may still come

    @property
    def sign(self) -> str:
        return LOOKS[self.state].sign

    @property
    def where(self) -> str:
        """Return the lane as it is shown."""
        return _(self.lane)

    @property
    def parts(self) -> list[str]:
        """Return the parts of the chain's picture that it is about."""
        return PARTS.get(self.lane, [f"{TOPIC}→{self.lane}", self.lane])


class Change(NamedTuple):
    """One change of a transaction on its way: a new one, a correction or a deletion."""

    title: str
    events: list[Event]


def cannot_see(lane: str, why: str, source: str, when: Span | None = None) -> Event:
    """Return the event of something that the evidence does not show, with the reason."""
    return Event(lane, _("cannot see: {why}", why=why), State.CANNOT_SEE, when, source)


def tried(lane: str, failed: Sequence[Run], source: str) -> Event:
    """Return the event of runs that have failed."""
    what = _("tried {times}: {error}", times=how_often(len(failed)), error=failed[-1].error)
    return Event(lane, what, State.NOT_YET, times.at(failed[0].begin), source)


def of_run(lane: str, what: str, source: str, run: Run, gap: str, before: Span) -> Event:
    """Return the event of a run; `gap` names the time from the moment before it until Lambda began."""
    begun, started = times.at(run.begin), times.at(run.begin if run.started is None else run.started)
    gaps = [times.gap(gap, before, started)]
    gaps += [times.gap(_("start of the function"), started, begun)] if run.started else []
    return Event(lane, what, State.OK, begun, source, gaps, run.started, run.end)
