"""Work out what an upload has used of what AWS charges for: from its runs, and from what each of them does."""

from lab_lib.aws import functions, queues
from lab_lib.aws.json_text import count
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.errors import LabError
from lab_lib.lab import Lab
from lab_lib.trace.evidence import Evidence, Line, Upload

_IN_TRANSACTION = 2  # write units for an item of less than 1 KB


def of_upload(lab: Lab, key: str) -> dict[str, float]:
    """Return how much the newest upload of a key has used, by the names of costs.prices(). LabError without its log."""
    evidence = Evidence(lab)
    taken_in = [
        (upload, upload.run) for upload in evidence.uploads if upload.run and count(upload.report.get("written"))
    ]
    upload, run = next((pair for pair in reversed(taken_in) if pair[0].key == key), (None, None))
    if upload is None or run is None:
        raise LabError(f"The log of TransactionProcessor does not tell of {key}. AWS writes it three minutes late.")
    until = min((other.begin for _, other in taken_in if other.begin > run.begin), default=None)
    runs = [other for other in evidence.runs(NOTIFIER) if run.begin <= other.begin < (until or other.begin + 1)]
    billed = sum(counted.billed for counted in (run, *runs)) / 1000  # seconds
    used = _used(count(upload.report.get("written")) or 0, _customers(evidence, upload), runs)
    return {"runs": 1 + len(runs), **used, "GB-s": billed * functions.MEMORY / 1024}


def _used(rows: int, customers: int, runs: list[Run]) -> dict[str, int]:
    """Return how much the calls of the functions use. A batch has at most as many customers as records."""
    reports = [report for run in runs for report in run.reports]
    records = [count(report.get("records")) or 0 for report in reports]
    totals = sum(min(record, customers) for record in records)
    alerts = sum(len(report["alerted"]) for report in reports if isinstance(report.get("alerted"), list))
    return {
        "s3 writes": 1,
        "s3 reads": 2,
        "write units": rows + customers + 1 + _IN_TRANSACTION * (sum(records) + totals) + alerts,
        "read units": 1 + totals,
        "sns calls": alerts,
        "sqs messages": alerts * len(queues.ALERT_QUEUES),
    }


def _customers(evidence: Evidence, upload: Upload) -> int:
    """Return the number of customers in an upload; 0 if it cannot be read any more."""
    customers = set[str]()

    def note(line: Line) -> bool:
        customers.update([line.row["CustomerId"]] if line.row else [])
        return False  # a large file must not be kept in memory

    evidence.lines(upload, note)
    return len(customers)
