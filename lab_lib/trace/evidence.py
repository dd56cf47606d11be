"""Read what an account still has of the way of its transactions: logs, objects, the stream, markers, messages.

Each is read once, and only when it is asked for. What cannot be read is noted in `unseen`, with the reason.
"""

import io
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from lab_lib.aws import cloudwatch, functions, log_runs, queues, streams, tables, triggers
from lab_lib.aws.json_text import amount, moment
from lab_lib.aws.log_runs import Run
from lab_lib.checks.chain import at_rest
from lab_lib.checks.evidence import PROCESSOR
from lab_lib.errors import error_code, is_access_denied, is_unreachable
from lab_lib.handlers.transaction_processor.transactions_file import Unreadable, read_lines
from lab_lib.lab import Lab

T = TypeVar("T")
MOST_UPLOADS = 100  # the newest that the log names
_LATE = 180_000  # milliseconds
_MARKERS_KEPT = timedelta(hours=48)
_GONE = {"NoSuchKey": "it was deleted", "404": "it was deleted", "PreconditionFailed": "it was replaced since"}


class Line(NamedTuple):
    """A line of an upload: its number, its text, and the row it was read as, None if it is rejected."""

    number: int
    text: str
    row: dict[str, Any] | None
    reason: str | None


class Upload(NamedTuple):
    """An object, as a line of TransactionProcessor's log names it, and the run that took it in.

    Without the log, a marker names it: then there is no run, and no ETag.
    """

    key: str
    etag: str
    when: int | None  # milliseconds since 1970, as S3's event tells
    report: dict[str, Any]
    run: Run | None


class Evidence:
    """The evidence of one account."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.unseen: dict[str, str] = {}  # why it cannot be read, by its name
        self._kept: dict[tuple[str, str], Any] = {}

    def read(self, what: str, read: Callable[[], T]) -> T | None:
        """Return what is read. If AWS denies that, note it, and return None."""
        try:
            return read()
        except ClientError as error:
            if not is_access_denied(error):
                raise
            self.unseen[what] = f"{error.operation_name} is denied"
            return None

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a function, oldest first."""
        return self._once("runs", name, lambda: self.read(log_of(name), lambda: self._read_runs(name)) or [])

    def _once(self, what: str, name: str, read: Callable[[], T]) -> T:
        """Keep what is read of a thing of this name, for the next question."""
        if (what, name) not in self._kept:
            self._kept[what, name] = read()
        kept: T = self._kept[what, name]
        return kept

    def _read_runs(self, name: str) -> list[Run]:
        since = None if name == PROCESSOR else datetime.now(UTC) - _MARKERS_KEPT
        group = cloudwatch.group_of(self.lab, name, self._function(name))
        runs = log_runs.read(self.lab, name, group, since)
        if not runs and not cloudwatch.is_group(self.lab, group):
            self.unseen[log_of(name)] = "there is no log"
        return runs

    def _function(self, name: str) -> dict[str, Any]:
        read = partial(self.read, f"settings of {name}", lambda: functions.describe(self.lab, name))
        return dict((self._once("function", name, read) or {}).get("Configuration", {}))

    def is_fresh(self, moment: int) -> bool:
        """Return whether logs and messages of this moment may still come: AWS writes a log up to three minutes late."""
        return time.time() * 1000 - moment < _LATE and at_rest(self.lab) is not True

    @cached_property
    def threshold(self) -> Decimal:
        """Return TotalNotifier's threshold; the lab's, if it has none of its own."""
        variables = self._function("TotalNotifier").get("Environment", {}).get("Variables", {})
        own = amount(variables.get("THRESHOLD"))
        return self.lab.threshold if own is None else own

    @cached_property
    def mapping(self) -> dict[str, Any]:
        """Return the mapping from the stream to TotalNotifier, {} if there is none."""
        return self.read("the mapping", lambda: triggers.find_stream_trigger(self.lab)) or {}

    @cached_property
    def uploads(self) -> list[Upload]:
        """Return the uploads that TransactionProcessor reported, oldest first; without its log, those of markers."""
        runs = self.runs(PROCESSOR)
        uploads = [_upload(report, run) for run in runs for report in run.reports if _is_key(report.get("key"))]
        if not runs:
            beginning = f"{self.lab.bucket}/"
            of_uploads = partial(tables.items, self.lab, "ProcessedRecords", beginning)
            marked = self.read("ProcessedRecords", of_uploads) or []
            keys = [str(marker["EventId"]).removeprefix(beginning).rpartition(" ")[0] for marker in marked]
            uploads = [Upload(key, "", None, {}, None) for key in dict.fromkeys(keys)]
        return uploads[-MOST_UPLOADS:]

    def lines(self, upload: Upload, is_wanted: Callable[[Line], bool]) -> list[Line] | str:
        """Return these lines of an upload; why it cannot be read, for instance if it is another object now.

        The object is read as a stream, and only if it is still the one that the log names.
        """
        same = {"IfMatch": upload.etag} if upload.etag else {}
        try:
            body = self.lab.client("s3").get_object(Bucket=self.lab.bucket, Key=upload.key, **same)["Body"]
            lines = (Line(number, text, row, why) for number, row, why, text in read_lines(io.BufferedReader(body)))
            return [line for line in lines if is_wanted(line)]
        except Unreadable as error:
            return str(error)
        except ClientError as error:
            if is_unreachable(error):
                raise
            return _GONE.get(error_code(error), f"{error.operation_name} answers {error_code(error)}")

    def records(self, customer: str, after: str = "") -> list[streams.Record]:
        """Return the customer's records of the stream, oldest first, from behind this SequenceNumber on."""
        return self.read("the stream", lambda: streams.records(self.lab, customer, after=after)) or []

    def marks(self, records: list[streams.Record]) -> dict[str, str]:
        """Return the run that has counted each of these records, by its eventID; "" if the marker does not tell."""
        keys = [{"EventId": record["eventID"]} for record in records]
        markers = self.read("ProcessedRecords", lambda: tables.find_items(self.lab, "ProcessedRecords", keys)) or []
        return {str(item["EventId"]): str(item.get("Run", "")) for item in markers}

    def total(self, customer: str) -> Any:
        """Return the accountBalance of a customer, None without one."""
        find = partial(tables.find_item, self.lab, "TransactionTotal", {"CustomerId": customer})
        item = self._once("total", customer, lambda: self.read("TransactionTotal", find))
        return (item or {}).get("accountBalance")

    @cached_property
    def letters(self) -> list[dict[str, Any]]:
        """Return the dead letters."""
        return self.read(queues.DEAD_LETTERS, lambda: queues.messages(self.lab, queues.DEAD_LETTERS)) or []

    def messages(self, queue: str) -> list[tuple[int, dict[str, Any]]] | str | None:
        """Return the messages of a queue and when each came; why they are not received, or None without the queue."""

        def read() -> list[tuple[int, dict[str, Any]]] | str | None:
            attributes = queues.attributes(self.lab, queue)
            waiting = attributes.get("ApproximateNumberOfMessages", "0")
            if not attributes:
                return None
            if "RedrivePolicy" in attributes:
                return f"it has a redrive policy, for which receiving counts, and {waiting} waiting"
            if int(waiting) > queues.MOST:
                return f"it has {waiting} waiting, and at most {queues.MOST:,} are read"
            return queues.arrivals(self.lab, queue)

        messages = self._once("messages", queue, lambda: self.read(queue, read))
        return self.unseen.get(queue, messages)


def log_of(name: str) -> str:
    """Return how the log of a function is called here."""
    return f"log of {name}"


def _upload(report: dict[str, Any], run: Run) -> Upload:
    told = moment(report.get("time"))
    when = int(told.timestamp() * 1000) if told else None
    return Upload(report["key"], _etag(report.get("etag")), when, report, run)


def _etag(text: Any) -> str:
    """Return S3's ETag, "" if the text is none: any function may print anything."""
    return text if isinstance(text, str) and re.fullmatch('"[0-9a-f-]{32,40}"', text) else ""


def _is_key(text: Any) -> bool:
    """Return whether an object can have this key."""
    written = text.encode(errors="ignore") if isinstance(text, str) else b""
    return 0 < len(written) <= 1024 and written.decode() == text
