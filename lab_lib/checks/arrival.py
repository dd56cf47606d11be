"""Wait until an upload has gone through the whole chain, and stop at once if it never will."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables
from lab_lib.checks import step_05
from lab_lib.checks.rules import Account, listing
from lab_lib.errors import CheckFailed, LabError, TimedOut
from lab_lib.handlers.transaction_processor.transactions_file import MOST_KEPT
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until

_SPARE = 300  # seconds, beside three runs of TransactionProcessor: AWS waits for three minutes between them
_HINT = "If you left notebook 06 half-way, put everything back there first."


def wait_for_upload(lab: Lab, path: str | Path) -> None:
    """Wait until the rows of a file that was uploaded under its name are in, and totals and alerts agree with them.

    A recount says which rows these are. LabError as soon as Lambda has given up the file or its changes, CheckFailed if
    the function has taken in other rows. TimedOut if nothing happens, with the last error of the functions.
    """
    key, file = Path(path).name, transactions.recount(str(path), Path(path).read_bytes())
    since = _uploaded(lab, key)
    timeout = _SPARE + 3 * functions.timeout_of(lab, "TransactionProcessor")
    before = tables.item_count(lab, "Transactions")

    def progress() -> str:
        """Return how many items there are; AWS counts them only every six hours."""
        count = tables.item_count(lab, "Transactions")
        return f"{count:,} transactions so far" if count != before else ""

    try:
        wait_until(lambda: _is_in(lab, key, file, since), f"the rows of {key}", timeout=timeout, so_far=progress)
        wait_until(lambda: _agrees(lab, key, file, since), "the totals and the alerts", timeout=timeout, hint=_HINT)
    except TimedOut as error:
        last = [f"The last error of {name}: {each}" for name, each in _last_errors(lab, since)]
        raise TimedOut(" ".join([str(error), *last])) from None


def _is_in(lab: Lab, key: str, file: transactions.Recount, since: datetime) -> bool:
    """Return True when the last row of the file is there, or the function has reported: reading all rows takes long."""
    _raise_if_given_up(lab, key, since)
    if not file.amounts:
        return True
    (customer, transaction), amount = next(reversed(file.amounts.items()))
    last = tables.find_item(lab, "Transactions", {"CustomerId": customer, "TransactionId": transaction})
    return (last or {}).get("TransactionAmount") == amount or _has_reported(lab, key, since)


def _agrees(lab: Lab, key: str, file: transactions.Recount, since: datetime) -> bool:
    _raise_if_given_up(lab, key, since)
    reported, account = _has_reported(lab, key, since), Account(lab)
    differences = _differences(account, key, file)
    if differences and reported:
        raise CheckFailed(f"{key} was not taken in as it is: {listing(differences)}. Look at TransactionProcessor.")
    findings = [step_05.totals(account), *(step_05.alerts(account, name) for name in queues.ALERT_QUEUES)]
    return not differences and all(finding.ok for finding in findings)


def _differences(account: Account, key: str, file: transactions.Recount) -> list[str]:
    """Return the rows that are missing or have another amount, and a wrong number of rejected lines."""
    held = transactions.read_amounts(account.ask(tables.items, "Transactions"))
    wrong = [row for row, amount in file.amounts.items() if held.get(row) != amount]
    found = [
        f"{' '.join(row)} is {held[row]}, not {file.amounts[row]}" if row in held else f"{' '.join(row)} is missing"
        for row in wrong
    ]
    kept, wanted = len(account.ask(buckets.rejected_rows, key)), min(len(file.rejected), MOST_KEPT)
    return found if kept == wanted else [*found, f"{kept} lines are kept as rejected, not {wanted}"]


def _raise_if_given_up(lab: Lab, key: str, since: datetime) -> None:
    """Raise LabError if Lambda has sent the file's event, or changes from the stream, to the dead-letter queue."""
    for message in queues.messages(lab, queues.DEAD_LETTERS):
        letter, sent = queues.dead_letter(message), _sent(message)
        if not sent or datetime.fromisoformat(sent) < since:
            continue
        function = "TotalNotifier" if "DDBStreamBatchInfo" in message else "TransactionProcessor"
        if function == "TotalNotifier" or key in letter["what"].split(", "):
            raise LabError(
                f"{lab.name(function)} has failed for good: {letter['what']} is in {lab.name(queues.DEAD_LETTERS)}. "
                f"{letter['why']} Read the function's log, mend the cause, then upload the file again."
            )


def _sent(message: dict[str, Any]) -> str | None:
    """Return when Lambda sent the dead letter, or S3 the event in it: letters of the embedded AWS have no time."""
    events = message.get("requestPayload", {}).get("Records", [])
    return message.get("timestamp") or next((event.get("eventTime") for event in events), None)


def _has_reported(lab: Lab, key: str, since: datetime) -> bool:
    reports = cloudwatch.reports(cloudwatch.log_lines(lab, "TransactionProcessor", since))
    return any(report.get("key") == key and "written" in report for report in reports)


def _last_errors(lab: Lab, since: datetime) -> Iterator[tuple[str, str]]:
    for name in functions.SOURCES:
        for error in cloudwatch.failures(cloudwatch.log_lines(lab, name, since))[-1:]:
            yield lab.name(name), error


def _uploaded(lab: Lab, key: str) -> datetime:
    (found,) = (each["LastModified"] for each in buckets.uploads(lab) if each["Key"] == key)
    uploaded: datetime = found.astimezone(UTC)
    return uploaded
