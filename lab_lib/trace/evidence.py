"""Read what an account still has of the way of its transactions: uploads, objects, markers, totals, dead letters."""

import io
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from lab_lib.aws import queues, streams, tables
from lab_lib.aws.json_text import count, moment
from lab_lib.aws.log_runs import Run
from lab_lib.checks import evidence
from lab_lib.checks.reading import PROCESSOR
from lab_lib.errors import error_code
from lab_lib.handlers.transaction_processor.transactions_file import Unreadable, read_lines
from lab_lib.lab import Lab
from lab_lib.language import N_, _

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


class Evidence(evidence.Evidence):
    """The evidence of one account, with what only a trace reads."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.total = cache(self._total)

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
