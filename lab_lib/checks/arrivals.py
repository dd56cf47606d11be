"""Read the evidence of an upload: the tables, the runs of the functions, and the new messages of a queue."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from lab_lib.aws import cloudwatch, functions, queues, tables
from lab_lib.aws.json_text import count
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.upload import Alert, Difference, Snapshot, missing_alerts, read_alerts
from lab_lib.lab import Lab
from lab_lib.language import _, ngettext
from lab_lib.pages.wording import how_often

AGAIN = "taken in before"  # says TransactionProcessor of an event that came again
TABLES = "Transactions", "Customer", "TransactionTotal"


def snapshot(lab: Lab) -> Snapshot:
    """Read what the three tables of the handout hold."""
    return Snapshot.of(*(tables.items(lab, name) for name in TABLES))


def markers(lab: Lab, key: str) -> list[tables.Item]:
    """Return the markers of the uploads of a key that this workbook's TransactionProcessor has taken in."""
    return tables.items(lab, "ProcessedRecords", beginning=f"{lab.bucket}/{key} ")


class Runs:
    """The runs of both functions since this was made, told from earlier ones.

    This workbook's TransactionProcessor marks each upload that it has taken in, by the key and S3's sequencer. Of
    another function the log tells: Lambda ends each run with a line of its own.
    """

    def __init__(self, lab: Lab, key: str) -> None:
        self._lab, self._key, self._since = lab, key, datetime.now(UTC)
        settings = {name: (functions.describe(lab, name) or {}).get("Configuration", {}) for name in functions.SOURCES}
        self._groups = {name: cloudwatch.group_of(lab, name, settings[name]) for name in functions.SOURCES}
        self._marks = "MARKER_TABLE" in functions.environment(settings[PROCESSOR])
        self._is_logged = cloudwatch.describe(lab, self._groups[PROCESSOR]) is not None
        self._marked = self._markers()
        self.lines: dict[str, list[str]] = {name: [] for name in functions.SOURCES}

    def read(self) -> None:
        """Read the logs again."""
        for name, group in self._groups.items():
            read = partial(cloudwatch.log_lines, self._lab, name, self._since, group)
            self.lines[name] = none_if_unseen(read) or []

    def has_begun(self) -> bool:
        """Return whether TransactionProcessor has run, whatever came of it."""
        return cloudwatch.runs(self.lines[PROCESSOR]) > 0 or (self._marks and self._markers() > self._marked)

    def has_ended(self) -> bool | None:
        """Return whether TransactionProcessor has taken in the upload; None where only the rows can tell."""
        if self._marks:
            return self._markers() > self._marked
        lines = self.lines[PROCESSOR]
        return cloudwatch.runs(lines) > len(cloudwatch.failures(lines)) if self._is_logged else None

    def counted(self, due: int) -> int:
        """Return how many of the changes that are due TotalNotifier says it has counted: all, if it ran in silence."""
        reports = self._records()
        is_mute = not reports and not self.errors(NOTIFIER) and cloudwatch.runs(self.lines[NOTIFIER]) > 0
        return due if is_mute else min(sum(reports), due)

    def errors(self, name: str) -> list[str]:
        """Return the errors in the log of a function."""
        return cloudwatch.failures(self.lines[name])

    def note(self, name: str, most: int, settled: bool = False) -> str:
        """Return what the log tells of runs that were tried again, and of what came again; "" as a rule.

        The upload leads to at most so many records of the stream. With `settled`, all totals are right.
        """
        errors, more = self.errors(name), sum(self._records()) - most if name == NOTIFIER else 0
        events = sum(AGAIN in str(report.get("skipped")) for report in cloudwatch.reports(self.lines[name]))
        notes = [_("tried again {times}: {error}", times=how_often(len(errors)), error=errors[-1])] if errors else []
        if more > 0:
            came = ngettext("{count:,} record came again", "{count:,} records came again", more)
            notes.append(_("{came}, and nothing counts twice", came=came) if settled else came)
        if events > 0:
            notes.append(_("the event came again {times}, and changed nothing", times=how_often(events)))
        return _("; ").join(notes)

    def _records(self) -> list[int]:
        counts = (report.get("records") for report in cloudwatch.reports(self.lines[NOTIFIER]))
        return [records for records in counts if isinstance(records, int)]

    def _markers(self) -> int:
        return len(markers(self._lab, self._key)) if self._marks else 0


class Inbox:
    """The messages that have come to a queue since this was made.

    They are only counted if there are more than are read, or in a queue with a redrive policy, which would move a
    message that is received too often.
    """

    def __init__(self, lab: Lab, queue: str) -> None:
        self._lab, self._queue = lab, queue
        self.now = 0  # messages in the queue, when somebody looked last
        self.faults = list[Difference]()  # of the alerts among the new ones
        self._held, is_read = self._count()
        self._before = {*map(_identity, queues.messages(lab, queue))} if is_read else None

    def messages(self) -> list[queues.Message] | None:
        """Return the new messages, None if they are only counted."""
        if self._before is None or not self._count()[1]:
            return None
        messages = queues.messages(self._lab, self._queue)
        self.now = max(self.now, len(messages))
        return [message for message in messages if _identity(message) not in self._before]

    def more(self) -> int:
        """Return how many messages more the queue has. On AWS the number may be a minute old."""
        return max(self._count()[0] - self._held, 0)

    def alerted(self, due: Mapping[str, Decimal]) -> int:
        """Return for how many of these customers a right alert has come, and keep what is wrong with others."""
        if (messages := self.messages()) is None:
            return min(self.more(), len(due))
        alerts = read_alerts(messages, self._lab.arn("sns", self._lab.name(ALERT_TOPIC)))
        right = list[Alert]()
        self.faults = []
        for alert in alerts:
            faults = [*alert.differences(self._lab.threshold)]
            self.faults += faults
            if not faults:
                right.append(alert)
        return len(due) - len(missing_alerts(due, right))

    def clear(self) -> None:
        """Delete the new messages. Where they are only counted, they stay."""
        before = self._before
        if before is not None and self._count()[1]:
            queues.delete_messages(self._lab, self._queue, lambda body: _identity(body) not in before)

    def _count(self) -> tuple[int, bool]:
        """Return the number of messages, and whether they may be read."""
        now = queues.attributes(self._lab, self._queue)
        self.now = count(now.get("ApproximateNumberOfMessages")) or 0
        return self.now, "RedrivePolicy" not in now and self.now <= queues.MOST


def alert_inboxes(lab: Lab) -> dict[str, Inbox]:
    """Return an inbox of each queue for alerts."""
    return {name: Inbox(lab, name) for name in queues.ALERT_QUEUES}


def _identity(message: queues.Message) -> str:
    return json.dumps(message, sort_keys=True)  # SNS gives each message an id of its own
