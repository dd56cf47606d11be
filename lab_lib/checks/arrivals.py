"""Read the evidence of an upload: the tables, the runs of the functions, and the new messages of a queue."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from lab_lib.aws import queues, tables, topics
from lab_lib.aws.json_text import milliseconds, moment
from lab_lib.checks.evidence import PROCESSOR_LOG, Evidence
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.upload import Difference, Snapshot, missing_alerts, read_alerts
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import how_often

TABLES = "Transactions", "Customer", "TransactionTotal"


def snapshot(lab: Lab) -> Snapshot:
    """Read what the three tables of the handout hold."""
    return Snapshot.of(*(tables.items(lab, name) for name in TABLES))


def markers(lab: Lab, key: str) -> list[tables.Item]:
    """Return the markers of the uploads of a key that this workbook's TransactionProcessor has taken in."""
    return tables.items(lab, "ProcessedRecords", beginning=f"{lab.bucket}/{key} ")


class Runs:
    """The runs of both functions since this was made, told from earlier ones.

    This workbook's TransactionProcessor marks each upload that it has taken in, by the key and S3's sequencer. AWS
    shows the marker at once, and writes the log a minute later. Of another function only the log tells.
    """

    def __init__(self, lab: Lab, key: str) -> None:
        self._lab, self._key, self._since = lab, key, datetime.now(UTC)
        self._marked = len(markers(lab, key))
        self.read()

    def read(self) -> None:
        """Read the logs again, when somebody asks for them."""
        self._evidence = Evidence(self._lab, self._since)

    def has_ended(self) -> bool | None:
        """Return whether TransactionProcessor has taken in the upload; None where only the rows can tell."""
        has_run = any(run.end and not run.error for run in self._evidence.runs(PROCESSOR))
        if has_run or len(markers(self._lab, self._key)) > self._marked:
            return True
        return None if PROCESSOR_LOG in self._evidence.unseen else False

    def counted(self, due: int) -> int:
        """Return how many of the changes that are due TotalNotifier says it has counted: all, if it ran in silence."""
        runs = self._evidence.runs(NOTIFIER)
        is_mute = any(run.end for run in runs) and not any(run.reports or run.error for run in runs)
        return due if is_mute else min(sum(run.records for run in runs), due)

    def errors(self, name: str) -> list[str]:
        """Return the errors in the log of a function."""
        return self._evidence.errors(name)

    @property
    def uploaded(self) -> int | None:
        """Return when the file was uploaded, in milliseconds since 1970; None if no log tells yet."""
        runs = self._evidence.runs(PROCESSOR)
        told = [moment(report.get("time")) for run in runs for report in run.reports]
        return min([*(milliseconds(time) for time in told if time), *(run.begin for run in runs)], default=None)

    def last(self, name: str) -> int | None:
        """Return when the last run of a function ended, in milliseconds since 1970; None if no log tells yet."""
        return max((run.end for run in self._evidence.runs(name) if run.end), default=None)

    def note(self, name: str) -> str:
        """Return what the log tells of runs that were tried again, "" without one."""
        errors = self.errors(name)
        return _("tried again {times}: {error}", times=how_often(len(errors)), error=errors[-1]) if errors else ""


class Inbox:
    """The messages that have come to a queue since this was made or begun anew, also if somebody took them out since.

    They are only counted if there are more than are read, or in a queue with a redrive policy, which would move a
    message that is received too often.
    """

    def __init__(self, lab: Lab, queue: str) -> None:
        self._lab, self._queue = lab, queue
        self.now = 0  # messages in the queue, when somebody looked last
        self.last: int | None = None  # when the last of them came, in milliseconds since 1970
        self.faults = list[Difference]()  # of the alerts among the new ones
        self._seen = dict[str, queues.Message]()  # by their identities
        self._is_readable = self._read()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Take only what comes from now on as new; "now" is when the queue was read last."""
        self._old, self._held = {*self._seen}, self.now

    def messages(self) -> list[queues.Message] | None:
        """Return the new messages, None if they are only counted."""
        self._is_readable &= self._read()
        new = [message for identity, message in self._seen.items() if identity not in self._old]
        return new if self._is_readable else None

    def more(self) -> int:
        """Return how many messages more the queue has. On AWS the number may be a minute old."""
        self.now = Evidence(self._lab).waiting(self._queue)
        return max(self.now - self._held, 0)

    def alerted(self, due: Mapping[str, Decimal]) -> int:
        """Return for how many of these customers a right alert has come, and keep what is wrong with others."""
        if (messages := self.messages()) is None:
            return min(self.more(), len(due))
        alerts = read_alerts(messages, topics.topic_arn(self._lab))
        threshold = self._lab.threshold
        self.faults = [fault for alert in alerts for fault in alert.differences(threshold)]
        right = [alert for alert in alerts if not [*alert.differences(threshold)]]
        return len(due) - len(missing_alerts(due, right))

    def _read(self) -> bool:
        """Read the messages in the queue. Return False if they are only counted."""
        evidence = Evidence(self._lab)
        arrived = evidence.messages(self._queue)
        messages = {_identity(body): body for _time, body in arrived}
        self.now = max(evidence.waiting(self._queue), len(messages))
        self.last = max((time for time, _body in arrived), default=self.last)
        self._seen |= messages
        return self._queue not in evidence.unseen


def alert_inboxes(lab: Lab) -> dict[str, Inbox]:
    """Return an inbox of each queue for alerts."""
    return {name: Inbox(lab, name) for name in queues.ALERT_QUEUES}


def _identity(message: queues.Message) -> str:
    return json.dumps(message, sort_keys=True)  # SNS gives each message an id of its own
