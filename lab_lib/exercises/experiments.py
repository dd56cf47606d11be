"""Run the experiments of notebook 06 with customers and files of their own, and put everything back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, streams, tables, topics, triggers
from lab_lib.handlers.transaction_processor.transactions_file import REJECTED
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until

T = TypeVar("T")
CUSTOMERS = "Break "  # how the ids of the experiments' customers begin
FILES = "break-it"  # how the keys of the experiments' uploads begin


def upload(lab: Lab, path: str | Path) -> dict[str, Any]:
    """Upload a file, wait until its rows are in the totals, and return TransactionProcessor's report of it."""
    key = Path(path).name
    before = len(_reports(lab, key))
    buckets.upload(lab, path)
    report = _wait_for_report(lab, key, before)
    wait_for_totals(lab)
    return report


def wait_for_totals(lab: Lab) -> None:
    """Wait until the total of each customer is the sum of their transactions."""
    hint = "Read the log of TotalNotifier."
    _wait(lambda: _totals(lab) == _sums(lab), "the totals to agree with the transactions", hint)


def wait_for_failure(lab: Lab) -> str:
    """Wait until TotalNotifier fails once more, and return its last error; return "" at once if the topic exists.

    While the topic is missing, the function fails until Lambda has used up the retries of the change.
    """
    before = len(_errors(lab))
    hint = (
        "Nothing fails if the alert was sent already, or if Lambda has given up the change: "
        "put everything back, and begin again at the top."
    )
    _wait(lambda: topics.find_topic(lab) or len(_errors(lab)) > before, "TotalNotifier to fail", hint, timeout=60)
    return next(reversed(_errors(lab)), "")


def wait_for_alert(lab: Lab, customer: str) -> None:
    """Wait until both queues hold an alert of the customer."""
    hint = "After ten failures Lambda gives up a change; the customer's next one brings the alert."
    _wait(lambda: all(_alerted(lab, queue, customer) for queue in queues.ALERT_QUEUES), "the alert", hint)


def wait_for_dead_letters(lab: Lab, *wanted: str) -> None:
    """Wait until there is a dead letter about each of these files and transactions."""
    hint = "Read the logs of both functions."
    _wait(lambda: {*wanted} <= {each["what"] for each in queues.dead_letters(lab)}, "the dead letters", hint, 600)


def check_prediction(prediction: Any, outcome: Any) -> None:
    """Print whether the prediction was right. Print nothing if it is None."""
    if prediction is not None:
        print("You predicted right." if prediction == outcome else f"You predicted {prediction}; it is {outcome}.")


def begun(lab: Lab) -> bool:
    """Return whether the lab stands and holds uploads of experiments that were not put back."""
    return triggers.find_stream_trigger(lab) is not None and any(map(_is_upload, buckets.objects(lab)))


def put_back(lab: Lab) -> None:
    """Repair what the experiments broke, and delete what they made. Safe to run twice.

    Only the markers of their changes stay, until they expire: without them, a redelivered change would count again.
    """
    _repair(lab)
    place = streams.end(lab)
    deleted = _delete_items(lab, "Transactions")
    # The stream keeps the changes of an item in order: once its deletion is counted, so is all that came before.
    _wait(lambda: _counted(lab, place) >= deleted, "TotalNotifier to count the deletions", "Read its log.")
    _delete_items(lab, "Customer")
    _delete_items(lab, "TransactionTotal")
    for queue in queues.ALERT_QUEUES:
        queues.delete_messages(lab, queue, lambda body: _is_ours(queues.alert(body).get("customerID", "")))
    queues.delete_messages(lab, queues.DEAD_LETTERS, lambda letter: _is_our_letter(lab, letter))
    for each in filter(_is_upload, buckets.objects(lab)):  # last, because `begun` looks for them
        buckets.delete_object(lab, each["Key"])
    _leave_errors_behind(lab)


def _wait(probe: Callable[[], T | None], what: str, hint: str, timeout: float = 180) -> T:
    """Wait, and look often: most waits take a second, and some states end with the next delivery."""
    return wait_until(probe, what, timeout=timeout, hint=hint, longest_pause=0.2)


def _repair(lab: Lab) -> None:
    """Create the topic and its subscriptions if they are missing, and enable the stream's trigger."""
    topics.ensure_topic(lab)
    for queue in queues.ALERT_QUEUES:
        if triggers.find_queue_subscription(lab, queue) is None:
            triggers.ensure_queue_subscription(lab, queue)
    for protocol, address in (("email", lab.email), ("sms", lab.phone)):
        if address:
            triggers.ensure_subscription(lab, protocol, address)
    if (triggers.find_stream_trigger(lab) or {}).get("State") == "Disabled":
        triggers.switch_stream_trigger(lab, on=True)


def _is_our_letter(lab: Lab, letter: dict[str, Any]) -> bool:
    """Return whether the dead letter is about a file, a record, or given-up changes of the experiments."""
    if batch := letter.get("DDBStreamBatchInfo"):  # names the changes by their place in the stream only
        ours = (each["dynamodb"] for each in streams.records(lab) if _is_ours(streams.customer(each)))
        return batch["startSequenceNumber"] in (each["SequenceNumber"] for each in ours)
    return _is_ours(queues.dead_letter(letter)["what"])


def _delete_items(lab: Lab, name: str) -> int:
    """Delete the customers' items of a table, and return their number."""
    items = tables.items(lab, name, beginning=CUSTOMERS)
    for item in items:
        tables.delete_item(lab, name, item)
    return len(items)


def _counted(lab: Lab, place: streams.Place) -> int:
    """Return how many of the customers' transactions that were deleted behind this place have their marker."""
    records = [each for each in streams.records(lab, after=place) if _is_ours(streams.customer(each))]
    ids = [each["eventID"] for each in records if each["eventName"] == "REMOVE"]
    return sum(tables.find_item(lab, "ProcessedRecords", {"EventId": each}) is not None for each in ids)


def _leave_errors_behind(lab: Lab) -> None:
    """Upload the newest other file again if a function has failed since: checks look only at what comes later."""
    others = [each for each in buckets.uploads(lab) if _reports(lab, each["Key"])]
    if not others or not _failed(lab, since=others[-1]["LastModified"].astimezone(UTC)):
        return
    if lab.is_real:  # CloudWatch counts errors by the minute, so the minute of the last error must be over
        over = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        wait_until(lambda: datetime.now(UTC) >= over, "the minute of the last error to be over", timeout=70)
    key = others[-1]["Key"]
    before = len(_reports(lab, key))
    buckets.put(lab, key, buckets.content(lab, key))
    _wait_for_report(lab, key, before)


def _errors(lab: Lab) -> list[str]:
    return cloudwatch.failures(cloudwatch.log_lines(lab, "TotalNotifier"))


def _alerted(lab: Lab, queue: str, customer: str) -> bool:
    return any(alert["customerID"] == customer for alert in queues.alerts(lab, queue))


def _failed(lab: Lab, since: datetime) -> bool:
    return any(cloudwatch.failures(cloudwatch.log_lines(lab, name, since)) for name in functions.SOURCES)


def _reports(lab: Lab, key: str) -> list[dict[str, Any]]:
    """Return TransactionProcessor's reports of this key, one for each time that it was uploaded."""
    reports = cloudwatch.reports(cloudwatch.log_lines(lab, "TransactionProcessor"))
    return [report for report in reports if report.get("key") == key]


def _wait_for_report(lab: Lab, key: str, before: int) -> dict[str, Any]:
    """Wait for a report of this key behind the first `before` ones, and return it."""
    hint, timeout = "Read the log of TransactionProcessor.", 180 + functions.timeout_of(lab, "TransactionProcessor")
    return _wait(lambda: _reports(lab, key)[before:], f"{key} to be processed", hint, timeout)[0]


def _totals(lab: Lab) -> dict[str, Decimal]:
    """Return the customers' totals, without those that are 0."""
    items = tables.items(lab, "TransactionTotal", beginning=CUSTOMERS)
    return {item["CustomerId"]: item["accountBalance"] for item in items if item["accountBalance"]}


def _sums(lab: Lab) -> dict[str, Decimal]:
    """Return the sums of the customers' transactions, without those that are 0."""
    sums = transactions.totals(transactions.read_amounts(tables.items(lab, "Transactions", beginning=CUSTOMERS)))
    return {customer: total for customer, total in sums.items() if total}


def _is_upload(item: dict[str, Any]) -> bool:
    return str(item["Key"]).removeprefix(REJECTED).startswith(FILES)


def _is_ours(name: str) -> bool:
    return name.startswith((CUSTOMERS, FILES))
