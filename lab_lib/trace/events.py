"""Hold what happened to a transaction on its way through the chain, when, and the evidence. Nothing here calls AWS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lab_lib.aws.log_runs import Run
from lab_lib.aws.queues import ALERT_QUEUES
from lab_lib.aws.topics import ALERT_TOPIC as TOPIC
from lab_lib.checks.evidence import NOTIFIER_LOG, PROCESSOR_LOG
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
SOURCES = {  # where the evidence is, by the lane; of a queue it is the queue
    "file": PROCESSOR_LOG,
    "bucket": PROCESSOR_LOG,
    "TransactionProcessor": PROCESSOR_LOG,
    "Transactions": N_("table Transactions"),
    "stream": N_("the stream, to the second"),
    "TotalNotifier": N_("ProcessedRecords, log of TotalNotifier"),
    "TransactionTotal": N_("TransactionTotal, ProcessedRecords"),
    TOPIC: NOTIFIER_LOG,
}
_GAPS = {  # what the time before an event was spent on, by the lane, and from which lane's event on
    "TransactionProcessor": (N_("delivery"), "bucket"),
    "Transactions": (N_("run"), "TransactionProcessor"),
    "TotalNotifier": (N_("polling, and waiting for a batch"), "stream"),
    TOPIC: (N_("run"), "TotalNotifier"),
    **dict.fromkeys(ALERT_QUEUES, (N_("delivery"), TOPIC)),
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
    source: str = ""  # where the evidence is, if not where the lane has it; like the lane, it may be a marked text
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

    def gaps(self, event: Event) -> list[Gap]:
        """Return what the time before an event was spent on, where both moments are known and the clocks agree."""
        name, lane = _GAPS.get(event.lane, ("", ""))
        before = [other.when for other in self.events if other.lane == lane and other.when]
        if not (before and event.when):
            return []
        begun = times.at(event.started) if event.started else event.when
        gaps = [times.gap(_(name), before[0], begun)]
        if event.started:
            gaps.append(times.gap(_("start of the function"), begun, event.when))
        return [gap for gap in gaps if gap.longest >= 0]


def cannot_see(lane: str, why: str, is_late: bool = False) -> Event:
    """Return the event of something that the evidence does not show, with the reason."""
    return Event(lane, _("cannot see: {why}", why=why), State.CANNOT_SEE, is_late=is_late)


def of_run(lane: str, what: str, run: Run) -> Event:
    """Return the event of a run."""
    return Event(lane, what, when=times.at(run.begin), started=run.started, end=run.end)


def tried(lane: str, failed: Sequence[Run]) -> Event:
    """Return the event of runs that have failed."""
    what = _("tried {times}: {error}", times=how_often(len(failed)), error=failed[-1].error)
    return Event(lane, what, State.NOT_YET, times.at(failed[0].begin))


def during(run: Run) -> Span:
    """Return the span of a moment in a run."""
    return Span(run.begin, run.end or run.begin)
