"""Hold what happened to a transaction on its way through the chain, when, and the evidence. Nothing here calls AWS."""

from dataclasses import dataclass

from lab_lib.checks.rules import State
from lab_lib.looks import LOOKS
from lab_lib.trace.times import Gap, Span

TOPIC = "HighBalanceAlert"
PARTS = {  # of the chain's picture, by the lane of the timeline; a queue is a lane of its own name
    "file": ["transactions.txt"],
    "bucket": ["transactions.txt→bucket", "bucket"],
    "TransactionProcessor": ["bucket→TransactionProcessor", "TransactionProcessor"],
    "rejected lines": ["bucket"],
    "Transactions": ["TransactionProcessor→Transactions", "Transactions"],
    "stream": ["Transactions→TotalNotifier"],
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
    source: str = ""  # where the evidence is
    gaps: tuple[Gap, ...] = ()  # before it
    started: int | None = None
    end: int | None = None
    is_late: bool = False  # what tells of it may still come

    @property
    def sign(self) -> str:
        return LOOKS[self.state].sign

    @property
    def parts(self) -> list[str]:
        """Return the parts of the chain's picture that it is about."""
        return PARTS.get(self.lane, [f"{TOPIC}→{self.lane}", self.lane])


@dataclass(frozen=True)
class Change:
    """One change of a transaction on its way: a new one, a correction or a deletion."""

    title: str
    events: list[Event]
