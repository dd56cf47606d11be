"""Read what an account still has of the way of its transactions: logs, objects, the stream, markers, messages.

Each is read once, and only when it is asked for. What cannot be read is noted in `unseen`, with the reason.
"""

import io
from collections.abc import Callable
from datetime import datetime
from functools import cache, cached_property
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from lab_lib.aws import cloudwatch, functions, log_runs, queues, streams, tables
from lab_lib.aws.json_text import count, moment
from lab_lib.aws.log_runs import Run
from lab_lib.calls.refusals import why
from lab_lib.errors import error_code, is_unreachable
from lab_lib.handlers.transaction_processor.transactions_file import Unreadable, read_lines
from lab_lib.lab import Lab
from lab_lib.language import N_, _

T = TypeVar("T")
PROCESSOR = "TransactionProcessor"
PROCESSOR_LOG, NOTIFIER_LOG = N_("log of TransactionProcessor"), N_("log of TotalNotifier")
_GONE = {"NoSuchKey": N_("it was deleted"), "PreconditionFailed": N_("it was replaced since")}


class Line(NamedTuple):
    """A line of an upload: its number, the row it was read as, or why it is rejected, and its text."""

    number: int
    row: dict[str, Any] | None
    reason: Unreadable | None
    text: str


class Upload(NamedTuple):
    """An object, as a line of TransactionProcessor's log names it, and the run that took it in."""

    key: str
    when: int  # milliseconds since 1970, as S3's event tells
    etag: str
    written: int  # rows
    rejected: int
    is_again: bool  # the event came again, and changed nothing
    run: Run


class Evidence:
    """The evidence of one account."""

    def __init__(self, lab: Lab, since: datetime | None = None) -> None:
        self.lab, self._since = lab, since  # from when on logs are read; all if that is None
        self.unseen: dict[str, str] = {}  # why it cannot be read, by its name
        self.runs, self.total = cache(self._runs), cache(self._total)
        self.attributes, self.messages = cache(self._attributes), cache(self._messages)

    def read(self, what: str, read: Callable[..., T], *about: Any) -> T | None:
        """Return what a function of lab_lib.aws reads. If AWS refuses that, note it, and return None."""
        try:
            return read(self.lab, *about)
        except ClientError as error:
            reason = why(error)
            if reason is None or is_unreachable(error):
                raise
            self.unseen[what] = reason.cause
            return None

    def _runs(self, name: str) -> list[Run]:
        """Return the runs of a function, oldest first."""
        log = PROCESSOR_LOG if name == PROCESSOR else NOTIFIER_LOG
        settings = (self.read(f"settings of {name}", functions.describe, name) or {}).get("Configuration", {})
        group = cloudwatch.group_of(self.lab, name, settings)
        runs = self.read(log, log_runs.read, name, group, self._since) or []
        if not runs and not self.read(log, cloudwatch.describe, group):
            self.unseen.setdefault(log, _("there is no log"))
        return runs

    def errors(self, name: str) -> list[str]:
        """Return the errors of the runs of a function that have failed, oldest first."""
        return [run.error for run in self.runs(name) if run.error]

    @cached_property
    def uploads(self) -> list[Upload]:
        """Return the uploads that TransactionProcessor has reported, oldest first."""
        uploads = list[Upload]()
        for run in self.runs(PROCESSOR):
            for report in run.reports:
                told = moment(report.get("time"))
                when = int(told.timestamp() * 1000) if told else run.begin
                key, etag = str(report.get("key")), str(report.get("etag"))
                written, rejected = (count(report.get(name)) or 0 for name in ("written", "rejected"))
                uploads.append(Upload(key, when, etag, written, rejected, "skipped" in report, run))
        return uploads

    def lines(self, upload: Upload, is_wanted: Callable[[Line], bool]) -> list[Line] | str:
        """Return these lines of an upload; why it cannot be read, for instance if it is another object now.

        The object is read as a stream, and only if it is still the one that the log names.
        """
        s3 = self.lab.client("s3")
        try:
            body = s3.get_object(Bucket=self.lab.bucket, Key=upload.key, IfMatch=upload.etag)["Body"]
            return list(filter(is_wanted, map(Line._make, read_lines(io.BufferedReader(body)))))
        except Unreadable as error:
            return str(error)
        except ClientError as error:
            code = error_code(error)
            return _(_GONE.get(code, N_("GetObject answers {code}")), code=code)

    def marks(self, records: list[streams.Record]) -> dict[str, str]:
        """Return the run that has counted each of these records, by its eventID; "" if the marker does not tell."""
        keys = [{"EventId": record["eventID"]} for record in records]
        markers = self.read("ProcessedRecords", tables.find_items, "ProcessedRecords", keys) or []
        return {item["EventId"]: item.get("Run", "") for item in markers}

    def _total(self, customer: str) -> Any:
        """Return the accountBalance of a customer, None without one."""
        item = self.read("TransactionTotal", tables.find_item, "TransactionTotal", {"CustomerId": customer})
        return (item or {}).get("accountBalance")

    @cached_property
    def letters(self) -> list[queues.Message]:
        """Return the dead letters."""
        return self.read(queues.DEAD_LETTERS, queues.messages, queues.DEAD_LETTERS) or []

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


def at_rest(lab: Lab) -> bool | None:
    """Return whether nothing more happens by itself: no call runs, and no event or record waits for one.

    What has failed twice, and is tried again and again, does not count. None if nobody can be asked, as on AWS.
    """
    work = lab.work()
    return None if work is None else work.busy == 0


def wait_for_rest(lab: Lab, timeout: float) -> None:
    """Wait until the chain is at rest; at once where nobody can be asked."""
    lab.wait_until(lambda: at_rest(lab) is not False, "the chain to be at rest", timeout=timeout)
