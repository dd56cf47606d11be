"""Work out what an upload has used of what AWS charges for: from its runs, and from what each of them does."""

import math

from lab_lib.aws import functions, queues
from lab_lib.aws.log_runs import Run
from lab_lib.aws.parts import is_part
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.errors import LabError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.trace.evidence import Evidence, Line, Upload

_IN_TRANSACTION = 2  # write units for an item of less than 1 KB


def of_upload(lab: Lab, key: str) -> dict[str, float]:
    """Return how much the newest upload of a key, or of its parts, has used, by the names of costs.prices().

    LabError without its log.
    """
    evidence = Evidence(lab)
    newest = {upload.key: upload for upload in evidence.taken_in if upload.key == key or is_part(upload.key, key)}
    if not newest:
        raise LabError(
            _("The log of TransactionProcessor does not tell of {key}. AWS may write it minutes late.", key=key)
        )
    uploads = newest.values()
    begin = min(upload.run.begin for upload in uploads)
    others = (other for other in evidence.taken_in if other.key not in newest)
    until = min((other.run.begin for other in others if other.run.begin > begin), default=math.inf)
    runs = [run for run in evidence.runs(NOTIFIER) if begin <= run.begin < until]
    billed = sum(run.billed for run in (*(upload.run for upload in uploads), *runs)) / 1000  # seconds
    customers = sum(_customers(evidence, upload) for upload in uploads)
    used = _used(len(uploads), sum(upload.written for upload in uploads), customers, runs)
    return {"runs": len(uploads) + len(runs), **used, "GB-s": billed * functions.MEMORY / 1024}


def _used(uploads: int, rows: int, customers: int, runs: list[Run]) -> dict[str, int]:
    """Return how much the calls of the functions use. A batch has at most as many customers as records."""
    records, alerts = sum(run.records for run in runs), sum(len(run.alerted) for run in runs)
    totals = sum(min(run.records, customers) for run in runs)
    return {
        "s3 writes": uploads,
        "s3 reads": 2 * uploads,
        "write units": rows + customers + uploads + _IN_TRANSACTION * (records + totals) + alerts,
        "read units": uploads + totals,
        "sns calls": alerts,
        "sqs messages": alerts * len(queues.ALERT_QUEUES),
    }


def _customers(evidence: Evidence, upload: Upload) -> int:
    """Return the number of customers in an upload; 0 if it cannot be read any more."""
    customers = set[str]()

    def note(line: Line) -> bool:
        if line.row:
            customers.add(line.row["CustomerId"])
        return False  # a large file must not be kept in memory

    evidence.lines(upload, note)
    return len(customers)
