"""Read what an account still has of the way of its transactions: logs, objects, the stream, markers, messages.

Each is read once, and only when it is asked for. What cannot be read is noted in `unseen`, with the reason.
"""

import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from lab_lib.aws import cloudwatch, functions, log_runs, queues, streams, tables, triggers
from lab_lib.aws.json_text import count, moment
from lab_lib.aws.log_runs import Run
from lab_lib.checks.reading import PROCESSOR
from lab_lib.checks.rules import Account
from lab_lib.errors import LACKING, error_code, is_access_denied, is_not_implemented, is_unreachable
from lab_lib.handlers.transaction_processor.transactions_file import Unreadable, read_lines
from lab_lib.lab import Lab
from lab_lib.language import N_, _

T = TypeVar("T")
MOST_UPLOADS = 100  # the newest that the log names
PROCESSOR_LOG, NOTIFIER_LOG = N_("log of TransactionProcessor"), N_("log of TotalNotifier")
_LATE = 600  # seconds
_MARKERS_KEPT = timedelta(hours=48)
_DELETED = N_("it was deleted")
_GONE = {"NoSuchKey": _DELETED, "404": _DELETED, "PreconditionFailed": N_("it was replaced since")}


class Line(NamedTuple):
    """A line of an upload: its number, the row it was read as, or why it is rejected, and its text."""

    number: int
    row: dict[str, Any] | None
    reason: Unreadable | None
    text: str


class Upload(NamedTuple):
    """An object, as a line of TransactionProcessor's log names it, and the run that took it in."""

    key: str
    etag: str
    when: int  # milliseconds since 1970, as S3's event tells
    written: int  # rows
    rejected: int
    is_again: bool  # the event came again, and changed nothing
    run: Run


class Evidence:
    """The evidence of one account."""

    def __init__(self, lab: Lab) -> None:
        self.lab = Account(lab).lab
        self.unseen: dict[str, str] = {}  # why it cannot be read, by its name
        self.runs, self.total, self.messages = cache(self._runs), cache(self._total), cache(self._messages)

    def read(self, what: str, read: Callable[..., T], *about: Any) -> T | None:
        """Return what a function of lab_lib.aws reads. If AWS denies that, note it, and return None."""
        try:
            return read(self.lab, *about)
        except ClientError as error:
            if not (is_access_denied(error) or is_not_implemented(error)):
                raise
            why = N_("{call} is denied") if is_access_denied(error) else LACKING
            self.unseen[what] = _(why, call=error.operation_name)
            return None

    def _runs(self, name: str) -> list[Run]:
        """Return the runs of a function, oldest first."""
        log = PROCESSOR_LOG if name == PROCESSOR else NOTIFIER_LOG
        described = self.read(f"settings of {name}", functions.describe, name) or {}
        settings = described.get("Configuration", {})
        if settings.get("LoggingConfig", {}).get("LogFormat") == "JSON":
            self.unseen[log] = _("it has Lambda's JSON format")
        group = cloudwatch.group_of(self.lab, name, settings)
        since = None if name == PROCESSOR else datetime.now(UTC) - _MARKERS_KEPT
        runs = self.read(log, log_runs.read, name, group, since) or []
        if not runs and not self.read(log, cloudwatch.describe, group):
            self.unseen.setdefault(log, _("there is no log"))
        return runs

    def is_fresh(self, moment: int) -> bool:
        """Return whether logs and messages of this moment may still come: AWS writes a log up to ten minutes late."""
        return time.time() - moment / 1000 < self.lab.longest(_LATE) and at_rest(self.lab) is not True

    @cached_property
    def mapping(self) -> triggers.Trigger:
        """Return the mapping from the stream to TotalNotifier, {} if there is none."""
        return self.read("the mapping", triggers.find_stream_trigger) or {}

    @cached_property
    def uploads(self) -> list[Upload]:
        """Return the uploads that TransactionProcessor has reported, oldest first."""
        uploads = [_upload(report, run) for run in self.runs(PROCESSOR) for report in run.reports if report.get("key")]
        return uploads[-MOST_UPLOADS:]

    def lines(self, upload: Upload, is_wanted: Callable[[Line], bool]) -> list[Line] | str:
        """Return these lines of an upload; why it cannot be read, for instance if it is another object now.

        The object is read as a stream, and only if it is still the one that the log names.
        """
        same = {"IfMatch": upload.etag} if upload.etag else {}
        try:
            body = self.lab.client("s3").get_object(Bucket=self.lab.bucket, Key=upload.key, **same)["Body"]
            return list(filter(is_wanted, map(Line._make, read_lines(io.BufferedReader(body)))))
        except Unreadable as error:
            return str(error)
        except ClientError as error:
            if is_unreachable(error):
                raise
            if why := _GONE.get(error_code(error)):
                return _(why)
            return _("{call} answers {code}", call=error.operation_name, code=error_code(error))

    def marks(self, records: list[streams.Record]) -> dict[str, str]:
        """Return the run that has counted each of these records, by its eventID; "" if the marker does not tell."""
        keys = [{"EventId": record["eventID"]} for record in records]
        markers = self.read("ProcessedRecords", tables.find_items, "ProcessedRecords", keys) or []
        return {str(item["EventId"]): str(item.get("Run", "")) for item in markers}

    def _total(self, customer: str) -> Any:
        """Return the accountBalance of a customer, None without one."""
        item = self.read("TransactionTotal", tables.find_item, "TransactionTotal", {"CustomerId": customer})
        return (item or {}).get("accountBalance")

    @cached_property
    def letters(self) -> list[queues.Message]:
        """Return the dead letters."""
        return self.read(queues.DEAD_LETTERS, queues.messages, queues.DEAD_LETTERS) or []

    def _messages(self, queue: str) -> list[tuple[int, queues.Message]]:
        """Return the messages of a queue, and when each came."""
        attributes = self.read(queue, queues.attributes, queue) or {}
        waiting = attributes.get("ApproximateNumberOfMessages", "0")
        why = _("there is no such queue")
        if "RedrivePolicy" in attributes:
            why = _("it has a redrive policy, for which receiving counts, and {waiting} waiting", waiting=waiting)
        elif int(waiting) > queues.MOST:
            why = _("it has {waiting} waiting, and at most {most:,} are read", waiting=waiting, most=queues.MOST)
        elif attributes:
            return self.read(queue, queues.arrivals, queue) or []
        self.unseen.setdefault(queue, why)
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


def _upload(report: dict[str, Any], run: Run) -> Upload:
    told = moment(report.get("time"))
    when = int(told.timestamp() * 1000) if told else run.begin
    written, rejected = (count(report.get(name)) or 0 for name in ("written", "rejected"))
    return Upload(str(report["key"]), str(report.get("etag", "")), when, written, rejected, "skipped" in report, run)
