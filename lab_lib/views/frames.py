"""What the account holds, as pandas DataFrames: objects, tables, queues, logs and metrics."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from lab_lib.aws import buckets, cloudwatch, functions, queues, streams, tables
from lab_lib.lab import Lab

pd.options.display.max_colwidth = 100  # room for the reason why something was rejected
COLUMNS = {
    "Customer": ["CustomerId", "Address"],
    "Transactions": ["CustomerId", "TransactionId", "TransactionDate", "TransactionAmount"],
    "TransactionTotal": ["CustomerId", "accountBalance", "alerted"],
    "ProcessedRecords": ["EventId", "ExpiresAt"],
}


def objects(lab: Lab) -> pd.DataFrame:
    """The objects of the bucket: Key and Size in bytes."""
    return pd.DataFrame(buckets.objects(lab), columns=["Key", "Size"])


def table(lab: Lab, name: str) -> pd.DataFrame:
    """A table's items in the order of their key; numbers are Decimal, so that no cent is lost."""
    return pd.DataFrame(tables.items(lab, name), columns=COLUMNS[name])


def totals(lab: Lab) -> pd.DataFrame:
    """TransactionTotal: CustomerId, accountBalance (Decimal) and whether its alert was sent."""
    frame = table(lab, "TransactionTotal")
    return frame.assign(alerted=frame["alerted"].eq(True))


def alerts(lab: Lab, queue: str) -> pd.DataFrame:
    """The alerts that lie in a queue: customerID and accountBalance, both text. They stay there."""
    return pd.DataFrame(queues.alerts(lab, queue), columns=["customerID", "accountBalance"])


def rejected(lab: Lab, key: str) -> pd.DataFrame:
    """The rows of an upload that could not be read: line, reason, row."""
    return pd.DataFrame(buckets.rejected_rows(lab, key), columns=["line", "reason", "row"])


def logs(lab: Lab) -> pd.DataFrame:
    """What the functions printed, without the lines that Lambda adds: function, message."""
    lines = [(name, line) for name in functions.SOURCES for line in cloudwatch.log_lines(lab, name)]
    return pd.DataFrame([each for each in lines if not _is_lambdas(each[1])], columns=["function", "message"])


def dead_letters(lab: Lab) -> pd.DataFrame:
    """What could not be processed, in the order of its name, and why; it stays in the dead-letter queue."""
    letters = sorted(queues.dead_letters(lab), key=lambda letter: letter["what"])
    return pd.DataFrame(letters, columns=["what", "why"])


def changes(lab: Lab, *customers: str, after: streams.Place | None = None) -> pd.DataFrame:
    """The changes in the stream of Transactions; of these customers, or of all; or those after a place.

    kind (INSERT, MODIFY, REMOVE), CustomerId, TransactionId, old amount, new amount. An amount is Decimal, or whatever
    else somebody wrote there; None before an INSERT and after a REMOVE.
    """
    columns = ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]
    rows = [streams.change(record) for record in streams.records(lab, *customers, after=after)]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def metrics(lab: Lab) -> pd.DataFrame:
    """CloudWatch's count of Invocations, Errors and Throttles of each function in the last day."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    rows = [[name, *cloudwatch.metrics(lab, name, yesterday).values()] for name in functions.SOURCES]
    return pd.DataFrame(rows, columns=["function", *cloudwatch.METRICS])


def runs(lab: Lab) -> pd.DataFrame:
    """How often each function ran, by its own log."""
    counts = [(name, cloudwatch.runs(cloudwatch.log_lines(lab, name))) for name in functions.SOURCES]
    return pd.DataFrame(counts, columns=["function", "runs in the log"])


def _is_lambdas(line: str) -> bool:
    return line.startswith(("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START"))
