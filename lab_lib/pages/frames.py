"""Read what the account holds as pandas DataFrames: objects, tables, queues, logs and metrics."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd
from IPython import get_ipython
from pandas import DataFrame

from lab_lib.aws import buckets, cloudwatch, functions, queues, streams, tables
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.transactions import why_rejected

pd.options.display.max_colwidth = 100  # room for the reason why a row was rejected
COLUMNS = {
    "Customer": ["CustomerId", "Address"],
    "Transactions": ["CustomerId", "TransactionId", "TransactionDate", "TransactionAmount"],
    "TransactionTotal": ["CustomerId", "accountBalance", "alerted"],
    "ProcessedRecords": ["EventId", "ExpiresAt"],
}
# Columns that are not AWS's. Code calls them by these names; a table has them as headings in the user's language.
HEADINGS = (
    "line",
    "reason",
    "row",
    "function",
    "message",
    "what",
    "why",
    "kind",
    "old amount",
    "new amount",
    "ended",
    "stuck",
    "lab total",
    "lab alerts",
    "your total",
    "your alerts",
)
MOST_ROWS = 1000
LAMBDAS_OWN = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")  # how these log lines begin


def table(lab: Lab, name: str) -> DataFrame:
    """Return a table's items in the order of their key: all totals, and of another large table any `MOST_ROWS`.

    Numbers are Decimal, so they stay exact; `alerted` is a bool.
    """
    most = None if name == "TransactionTotal" else MOST_ROWS
    frame = DataFrame(tables.items(lab, name, most=most), columns=COLUMNS[name])
    if "alerted" in frame:
        frame["alerted"] = frame["alerted"].eq(True)
    return frame


def alerts(lab: Lab, queue: str) -> DataFrame:
    """Return the alerts in a queue: customerID and accountBalance, both text. The messages stay in the queue.

    Of a queue with many messages, the first `queues.MOST` are read.
    """
    return DataFrame(queues.alerts(lab, queue), columns=["customerID", "accountBalance"])


def rejected(lab: Lab, key: str) -> DataFrame:
    """Return the rejected rows of an upload: line, reason, row."""
    rows = buckets.rejected_rows(lab, key)
    for row in rows:
        row["reason"] = why_rejected(row["code"], row["values"], row["reason"])
    return DataFrame(rows, columns=["line", "reason", "row"])


def logs(lab: Lab) -> DataFrame:
    """Return what the functions printed, without the lines that Lambda adds: function, message."""
    printed = []
    for name in functions.SOURCES:
        read = partial(cloudwatch.log_lines, lab, functions.log_group(lab, name))
        for line in none_if_unseen(read) or []:
            if not line["message"].startswith(LAMBDAS_OWN):
                printed.append((name, line["message"]))
    return DataFrame(printed, columns=["function", "message"])


def stream_changes(lab: Lab, *customers: str) -> DataFrame:
    """Return the changes in the stream of Transactions, all or those of some customers.

    kind, CustomerId, TransactionId, old amount, new amount. The kind is INSERT, MODIFY or REMOVE. An amount is Decimal
    or whatever else the item held. It is None before an INSERT and after a REMOVE.
    """
    columns = ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]
    rows = [streams.change(record) for record in streams.records(lab, *customers)]
    return DataFrame(rows, columns=columns, dtype=object)


def metrics(lab: Lab) -> DataFrame:
    """Return CloudWatch's count of Invocations, Errors and Throttles of each function in the last day."""
    yesterday = datetime.now(UTC) - timedelta(days=1)

    def read() -> list[list[Any]]:
        rows = []
        for name in functions.SOURCES:
            counts = cloudwatch.metrics(lab, name, yesterday)
            rows.append([name, *counts.values()])
        return rows

    return DataFrame(none_if_unseen(read), columns=["function", *cloudwatch.METRICS])


def _in_language(frame: DataFrame) -> str:
    """Return the table as HTML, with its headings in the user's language, each in one line."""
    translated = frame.rename(columns={name: _(name) for name in HEADINGS})
    return str(translated._repr_html_()).replace("thead th {", "thead th {\n        white-space: nowrap;")


if shell := get_ipython():
    shell.display_formatter.formatters["text/html"].for_type(DataFrame, _in_language)
