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
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
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
        self.lab, self._since = lab, since  # from when on logs are read; all if that is None
        self.unseen: dict[str, str] = {}  # why it cannot be read, by its name
        self.runs, self.attributes, self.messages = cache(self._runs), cache(self._attributes), cache(self._messages)

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

    def counted(self, due: int) -> int:
        """Return how many of the changes that are due TotalNotifier says it has counted: all, if it ran in silence."""
        runs = self.runs(NOTIFIER)
        is_mute = any(run.end for run in runs) and not any(run.reports or run.error for run in runs)
        return due if is_mute else min(sum(run.records for run in runs), due)

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
        return _("tried again {times}: {error}", times=how_often(len(errors)), error=errors[-1]) if errors else ""

    def errors(self, name: str) -> list[str]:
        """Return the errors of the runs of a function that have failed, oldest first."""
        return [run.error for run in self.runs(name) if run.error]

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue. On AWS the number may be a minute old."""
        return count(self.attributes(queue).get("ApproximateNumberOfMessages")) or 0

    def _attributes(self, queue: str) -> dict[str, str]:
        return self.read(queue, queues.attributes, queue) or {}

    def _messages(self, queue: str) -> list[tuple[int, queues.Message]]:
        """Return the messages of a queue, and when each came."""
        attributes, waiting = self.attributes(queue), self.waiting(queue)
        reason = N_("there is no such queue")
        if "RedrivePolicy" in attributes:
            reason = N_("it has a redrive policy, for which receiving counts, and {waiting} waiting")
        elif waiting > queues.MOST:
            reason = N_("it has {waiting:,} waiting, which are too many to be read")
        elif attributes:
            return self.read(queue, queues.arrivals, queue) or []
        self.unseen.setdefault(queue, _(reason, waiting=waiting))
        return []


class Inbox:
    """The messages that have come to a queue since this was made or begun anew, also if somebody took them out since.

    They are only counted if there are more than are read, or in a queue with a redrive policy, which would move a
    message that is received too often.
    """

    def __init__(self, lab: Lab, queue: str) -> None:
        self._lab, self._queue = lab, queue
        self.last: int | None = None  # when the last of them came, in milliseconds since 1970
        self.faults = list[Difference]()  # of the alerts among the new ones
        self._seen = dict[str, queues.Message]()  # by their identities
        self._is_readable = True
        self._read()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Take only what comes from now on as new; "now" is when the queue was read last."""
        self._old, self._held = {*self._seen}, self._waiting

    def messages(self) -> list[queues.Message] | None:
        """Return the new messages, None if they are only counted."""
        self._read()
        new = [message for identity, message in self._seen.items() if identity not in self._old]
        return new if self._is_readable else None

    @property
    def more(self) -> int:
        """Return how many messages more the queue had when it was read last. On AWS that may be a minute old."""
        return max(self._waiting - self._held, 0)

    def alerted(self, due: Mapping[str, Decimal]) -> int:
        """Return for how many of these customers a right alert has come, and keep what is wrong with others."""
        if (messages := self.messages()) is None:
            return min(self.more, len(due))
        alerts = read_alerts(messages, topics.topic_arn(self._lab))
        threshold = self._lab.threshold
        self.faults = [fault for alert in alerts for fault in alert.differences(threshold)]
        right = [alert for alert in alerts if not [*alert.differences(threshold)]]
        return len(due) - len(missing_alerts(due, right))

    def _read(self) -> None:
        """Read the messages in the queue, or how many there are."""
        evidence = Evidence(self._lab)
        arrived = evidence.messages(self._queue)
        self._waiting = evidence.waiting(self._queue)
        self._is_readable = self._is_readable and self._queue not in evidence.unseen
        self.last = max((time for time, _body in arrived), default=self.last)
        for _time, body in arrived:
            self._seen[json.dumps(body, sort_keys=True)] = body  # SNS gives each message an id of its own


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


def is_over(lab: Lab, rest: bool | None, quiet: float) -> bool:
    """Return whether nothing more comes, by `at_rest` and the seconds in which nothing has come."""
    return rest is not False and quiet > (_SURE if rest else lab.longest(_SILENCE))
