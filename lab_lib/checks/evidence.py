"""Read what an account has of an upload: the tables, the runs of the functions, and the messages of queues."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, TypeVar

from lab_lib.aws import cloudwatch, functions, log_runs, queues, tables, topics
from lab_lib.aws.json_text import count
from lab_lib.aws.log_runs import Run
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.checks.reading import PROCESSOR
from lab_lib.checks.upload import Difference, Snapshot, missing_alerts, read_alerts
from lab_lib.errors import TimedOut
from lab_lib.lab import Lab
from lab_lib.language import N_, _
from lab_lib.pages.wording import how_often

T = TypeVar("T")
TABLES = "Transactions", "Customer", "TransactionTotal"
# Seconds at rest, or without a change where nobody says so, after which what is missing does not come any more. A queue
# hands a message to a function in between; AWS mostly takes a minute for a new line of a log.
_SURE, _SILENCE = 0.2, 120


def snapshot(lab: Lab) -> Snapshot:
    """Read what the three tables of the handout hold."""
    return Snapshot.of(*(tables.items(lab, name) for name in TABLES))


def count_markers(lab: Lab, key: str) -> int:
    """Return how many uploads of a key this workbook's TransactionProcessor has taken in: it marks each."""
    return len(tables.items(lab, "ProcessedRecords", beginning=f"{lab.bucket}/{key} "))


class Evidence:
    """The runs of the functions of one account, and the messages of its queues.

    Each is read once, and only when it is asked for. What cannot be read is noted in `unseen`, with the reason: the log
    of a function by its name.
    """

    def __init__(self, lab: Lab, since: datetime | None = None) -> None:
        self.lab = lab
        self._since = since  # from when on logs are read; all if that is None
        self.unseen: dict[str, str] = {}  # why it cannot be read, by its name
        self.runs = cache(self._runs)
        self.messages = cache(self._messages)

    def read(self, what: str, read: Callable[..., T], *about: Any) -> T | None:
        """Return what a function of lab_lib.aws reads. If AWS refuses that, note it, and return None."""
        return none_if_unseen(lambda: read(self.lab, *about), partial(self.unseen.__setitem__, what))

    def _runs(self, name: str) -> list[Run]:
        """Return the runs of a function, oldest first."""
        group = self.read(f"settings of {name}", functions.log_group, name) or cloudwatch.log_group(self.lab, name)
        runs = self.read(name, log_runs.read, group, self._since) or []
        if not runs and not self.read(name, cloudwatch.describe, group):
            self.unseen.setdefault(name, _("there is no log"))
        return runs

    def has_taken_in(self, key: str, marked: int) -> bool | None:
        """Return whether TransactionProcessor has taken in an upload with this key, which had so many markers before.

        AWS shows a marker at once, and writes the log a minute later. Of somebody else's function only the log tells;
        without it the result is None.
        """
        has_run = any(run.end and not run.error for run in self.runs(PROCESSOR))
        if has_run or count_markers(self.lab, key) > marked:
            return True
        return None if PROCESSOR in self.unseen else False

    @property
    def first(self) -> int | None:
        """Return when an upload first started a function, in milliseconds since 1970; None if no log tells yet."""
        return min((run.begin for run in self.runs(PROCESSOR)), default=None)

    def last(self, name: str) -> int | None:
        """Return when the last run of a function ended, in milliseconds since 1970; None if no log tells yet."""
        return max((run.end for run in self.runs(name) if run.end), default=None)

    def note(self, name: str) -> str:
        """Return what the log tells of runs that were tried again, "" without one."""
        errors = self.errors(name)
        if not errors:
            return ""
        return _("tried again {times}: {error}", times=how_often(len(errors)), error=errors[-1])

    def errors(self, name: str) -> list[str]:
        """Return the errors of the runs of a function that have failed, oldest first."""
        return [run.error for run in self.runs(name) if run.error]

    def _messages(self, queue: str) -> list[tuple[int, queues.Message]]:
        """Return the messages of a queue, and when each came; none if there is no queue."""
        attributes = self.read(queue, queues.attributes, queue) or {}
        waiting = count(attributes.get("ApproximateNumberOfMessages")) or 0  # on AWS it may be a minute old
        if "RedrivePolicy" in attributes:  # it would move a message that is received too often
            reason = N_("it has a redrive policy, for which receiving counts, and {waiting} waiting")
        elif waiting > queues.MOST:
            reason = N_("it has {waiting:,} waiting, which are too many to be read")
        else:
            return self.read(queue, queues.arrivals, queue) or []
        self.unseen[queue] = _(reason, waiting=waiting)
        return []


class Inbox:
    """The messages that have come to a queue since this was made or begun anew, also those that are gone since."""

    def __init__(self, lab: Lab, queue: str) -> None:
        self._lab = lab
        self._queue = queue
        self.last: int | None = None  # when the last of them came, in milliseconds since 1970
        self.faults = list[Difference]()  # of the alerts among the new ones
        self._seen = dict[str, queues.Message]()  # by their identities
        self._old = set[str]()
        self.messages()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Take only what comes from now on as new; "now" is when the queue was read last."""
        self._old = {*self._seen}

    def messages(self) -> list[queues.Message] | None:
        """Read the queue, and return the new messages, None if it cannot be read."""
        evidence = Evidence(self._lab)
        for time, body in evidence.messages(self._queue):
            self._seen[json.dumps(body, sort_keys=True)] = body  # SNS gives each message an id of its own
            self.last = max(time, self.last or 0)
        if self._queue in evidence.unseen:
            return None
        return [message for identity, message in self._seen.items() if identity not in self._old]

    def alerted(self, due: Mapping[str, Decimal]) -> int | None:
        """Return for how many of these customers a right alert has come, and keep what is wrong with others.

        None if the queue cannot be read.
        """
        messages = self.messages()
        if messages is None:
            return None
        right = []
        self.faults = []
        for alert in read_alerts(messages, topics.topic_arn(self._lab)):
            faults = list(alert.differences(self._lab.threshold))
            self.faults += faults
            if not faults:
                right.append(alert)
        return len(due) - len(missing_alerts(due, right))


def alert_inboxes(lab: Lab) -> dict[str, Inbox]:
    """Return an inbox of each queue for alerts."""
    return {name: Inbox(lab, name) for name in queues.ALERT_QUEUES}


def at_rest(lab: Lab) -> bool | None:
    """Return whether nothing more happens by itself: no call runs, and no event or record waits for one.

    What has failed twice, and is tried again and again, does not count. None if nobody can be asked, as on AWS.
    """
    work = lab.work()
    return None if work is None else work == 0


def wait_for_rest(lab: Lab, timeout: float) -> None:
    """Wait until the chain is at rest, or so many seconds; not at all where nobody can be asked."""
    with suppress(TimedOut):  # what is there by then is judged
        lab.wait_until(lambda: at_rest(lab) is not False, "the chain to be at rest", timeout=timeout)


def is_over(lab: Lab, is_at_rest: bool | None, quiet: float) -> bool:
    """Return whether nothing more comes, by `at_rest` and the seconds in which nothing has come."""
    if is_at_rest is False:
        return False
    enough = _SURE if is_at_rest else lab.longest(_SILENCE)
    return quiet > enough
