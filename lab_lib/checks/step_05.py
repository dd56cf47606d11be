"""Check step 05: rows, totals and alerts of the uploads, counted again, and errors in logs and metrics."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables
from lab_lib.checks import cells
from lab_lib.checks.rules import CANNOT_SEE, Account, Finding, check, listing, none_of, number
from lab_lib.checks.step_02 import UPLOAD, bucket_triggers, takes
from lab_lib.errors import NotATransactionsFile
from lab_lib.lab import Lab

ERRORS_OF_A_PROBE = timedelta(minutes=10)  # Lambda tries what failed again after one and two minutes


@check("05", "upload", after=("bucket",))
def upload(account: Account) -> Finding:
    keys = [each["Key"] for each in account.ask(buckets.uploads)]
    taken = _taken(account)
    hint = f"Upload transactions.txt to the bucket {account.lab.bucket}{account.mend('put_object', cells.UPLOAD)}"
    if keys and not taken:
        hint += f" The trigger takes only keys that fit its filter, and {keys[-1]} does not."
    return Finding(bool(taken), ", ".join(taken or keys) or "none", "a transactions file", hint)


@check("05", "readable uploads", after=("upload",))
def readable(account: Account) -> Finding:
    """Each upload is a transactions file: not a picture, and not saved as UTF-16 by a spreadsheet. One has a row."""
    files = {key: account.ask(read_upload, key) for key in _taken(account)}
    faults = [found for found in files.values() if isinstance(found, str)]
    if not faults and not any(file.good for file in _files(account)):
        faults = [f"no good row in {listing(files)}"]
    hint = "Save the file as UTF-8 text with the header and | between the fields, and upload it again, or delete it."
    if faults:
        return none_of(faults, hint)
    found = [f"{key}: {number(file.good, 'row')}" for key, file in files.items() if not isinstance(file, str)]
    return Finding(True, listing(found), "", "")


@check("05", "rows in Transactions", after=("upload", "table Transactions", "key of Transactions"))
def rows(account: Account) -> Finding:
    wanted = {key for file in _files(account) for key in file.amounts}
    missing = wanted - {(row["CustomerId"], row["TransactionId"]) for row in account.ask(tables.items, "Transactions")}
    counted = f"{len(wanted) - len(missing)} of {len(wanted)}"
    named = listing(f"{customer} {transaction}" for customer, transaction in sorted(missing))
    hint = f"Read the log of {account.lab.name('TransactionProcessor')}. When the function and its trigger are right, "
    hint += f"upload the file once more{account.mend('put_object', cells.UPLOAD)}"
    return Finding(not missing, f"{counted}, without {named}" if missing else counted, f"all {len(wanted)}", hint)


@check("05", "amounts in Transactions", after=("rows in Transactions",))
def amounts(account: Account) -> Finding:
    """Each item has its amount as a number."""
    found = account.ask(tables.items, "Transactions")
    wrong = [row for row in found if not isinstance(row.get("TransactionAmount"), Decimal)]
    faults = (f"{row['CustomerId']} {row['TransactionId']} has no number" for row in wrong)
    name = account.lab.name("Transactions")
    hint = f"TransactionAmount must be a Number in each item of {name}. Correct or delete these items"
    hint += account.mend("put_item or delete_item")
    return none_of(faults, hint, right="all numbers")


@check("05", "customers in Customer", after=("rows in Transactions", "table Customer", "key of Customer"))
def customers(account: Account) -> Finding:
    there = {item["CustomerId"] for item in account.ask(tables.items, "Customer")}
    missing = {customer for file in _files(account) for customer, _ in file.amounts} - there
    hint = f"Read the log of {account.lab.name('TransactionProcessor')}, which writes {account.lab.name('Customer')}."
    return none_of((f"{name} is missing" for name in missing), hint, right=listing(sorted(there)))


@check("05", "totals", after=("amounts in Transactions", "table TransactionTotal", "key of TransactionTotal"))
def totals(account: Account) -> Finding:
    """Each total is the sum of the customer's transactions: 0 if all of them were deleted."""
    sums, held = _sums(account), _balances(account)
    wrong = {name for name in sums.keys() | held.keys() if held.get(name, 0) != sums.get(name, 0)}
    missing = sums.keys() - held.keys()
    faults = [
        f"{name} {'missing' if name in missing else _shown(held[name])} instead of {_shown(sums.get(name, Decimal(0)))}"
        for name in wrong | missing
    ]
    hint = (
        f"Wait a moment. If nothing changes, read the log of {account.lab.name('TotalNotifier')}; then compare "
        f"{account.lab.name('TransactionTotal')} with the sums of {account.lab.name('Transactions')}."
    )
    right = listing(f"{name} {_shown(balance)}" for name, balance in sorted(held.items()))
    return none_of(faults, hint, right)._replace(wanted="each the sum of its transactions")


@check("05", "alerts in {}", after=("queue {}", "rows in Transactions"), each=queues.ALERT_QUEUES)
def alerts(account: Account, name: str) -> Finding:
    """There is an alert for each customer whose transactions reach the threshold."""
    high = {customer for customer, total in _sums(account).items() if total >= account.lab.threshold}
    hint = (
        f"See whether {account.lab.name('TotalNotifier')} may publish, and its topic send to {account.lab.name(name)}: "
        "steps 01 to 04. Messages that were deleted, or published too early, do not come back by themselves: "
        "functions.alert_again(lab) sends all alerts once more."
    )
    if why := _not_received(account, name):
        count = int(account.ask(queues.attributes, name)["ApproximateNumberOfMessages"])
        return Finding(count >= len(high), f"{number(count, 'message')}, {why}", f"{len(high)} or more", hint)
    alerts = filter(None, map(queues.alert, _messages(account, name)))
    alerted = {str(alert["customerID"]) for alert in alerts}
    hidden = account.ask(queues.attributes, name).get("ApproximateNumberOfMessagesNotVisible", "0")
    if high - alerted and hidden != "0":
        found = f"{CANNOT_SEE}: somebody is reading {number(int(hidden), 'message')} of {account.lab.name(name)}"
        return Finding(False, found, listing(sorted(high)), "Look again in a minute.")
    return Finding(high <= alerted, listing(sorted(alerted)), listing(sorted(high)), hint)


@check("05", "balances in the alerts of {}", after=("alerts in {}",), each=queues.ALERT_QUEUES)
def balances(account: Account, name: str) -> Finding:
    """Each alert has a balance at or above the threshold. Alerts of an earlier threshold are ignored."""
    if why := _not_received(account, name):
        return Finding(True, why, "", "")
    alerts = [queues.alert(message) for message in _messages(account, name) if _is_recent(account, message)]
    low = [alert for alert in alerts if alert and not _reaches(account, alert.get("accountBalance"))]
    faults = (f"{alert['customerID']} {alert.get('accountBalance', 'without a balance')}" for alert in low)
    hint = (
        f"See which threshold {account.lab.name('TotalNotifier')} has, and that its message names customerID and "
        f"accountBalance. Then delete these messages of {account.lab.name(name)}{account.mend('delete_message')}"
    )
    return none_of(faults, hint, right=f"at or above {account.lab.threshold:f}")


@check("05", "log of {}", after=("upload", "function {}"), each=functions.SOURCES)
def log(account: Account, name: str) -> Finding:
    """The function has run: its log has the report of a run."""
    ran = cloudwatch.runs(account.ask(cloudwatch.log_lines, name)) > 0
    trigger = cells.BUCKET_TRIGGER if name == "TransactionProcessor" else cells.STREAM_TRIGGER
    hint = f"{account.lab.name(name)} has not run, or its role may not write logs: run {trigger}, and {cells.ROLES}."
    return Finding(ran, "there" if ran else f"no run in {cloudwatch.log_group(account.lab, name)}", "there", hint)


@check("05", "errors in the log of {}", after=("log of {}",), each=functions.SOURCES)
def logged_errors(account: Account, name: str) -> Finding:
    """The log has no errors since the last upload: earlier errors may be corrected."""
    found = cloudwatch.failures(account.ask(cloudwatch.log_lines, name, _since(account)))
    hint = (
        f"The log {cloudwatch.log_group(account.lab, name)} says where. Correct it, then upload the file once more: "
        "only errors after the last upload count."
    )
    return none_of(dict.fromkeys(found[-3:]), hint)


@check("05", "errors in the metrics of {}", after=("upload", "function {}"), each=functions.SOURCES)
def counted_errors(account: Account, name: str) -> Finding:
    """CloudWatch counts no errors since the minute of the last upload. It counts a minute or two late."""
    counts = account.ask(cloudwatch.metrics, name, _since(account))
    found = [f"{counts[metric]} {metric.lower()}" for metric in ("Errors", "Throttles") if counts[metric]]
    hint = f"The log of {account.lab.name(name)} says why. Correct it, wait a minute, then upload the file again"
    hint += account.mend("put_object", cells.UPLOAD)
    return none_of(found, hint)


def read_upload(lab: Lab, key: str) -> transactions.Recount | str:
    """Return the recount of the transactions file that an object holds, or what is wrong with it."""
    try:
        return transactions.recount(key, buckets.content(lab, key))
    except NotATransactionsFile as error:
        return str(error)


def _taken(account: Account) -> list[str]:
    """Return the keys of the uploads that match a trigger: of all uploads while no trigger can match any."""
    keys = [each["Key"] for each in account.ask(buckets.uploads)]
    there = [each for each in bucket_triggers(account) if any(takes(each, key) for key in (UPLOAD, *keys))]
    return [key for key in keys if not there or any(takes(trigger, key) for trigger in there)]


def _files(account: Account) -> list[transactions.Recount]:
    found = [account.ask(read_upload, key) for key in _taken(account)]
    return [file for file in found if not isinstance(file, str)]


def _since(account: Account) -> datetime:
    """Return the time from which errors count: of the last upload, or when the errors of a later probe have ended."""
    newest: datetime = account.ask(buckets.uploads)[-1]["LastModified"]
    probes = [each["LastModified"] for each in account.ask(buckets.probe_files)]
    if probes and probes[-1] > newest:
        newest = probes[-1] + ERRORS_OF_A_PROBE
    return newest.astimezone(UTC)


def _sums(account: Account) -> dict[str, Decimal]:
    return transactions.totals(transactions.read_amounts(account.ask(tables.items, "Transactions")))


def _balances(account: Account) -> dict[str, Any]:
    return {item["CustomerId"]: item.get("accountBalance", 0) for item in account.ask(tables.items, "TransactionTotal")}


def _messages(account: Account, name: str) -> list[dict[str, Any]]:
    return [message for message in account.ask(queues.messages, name) if not queues.is_of_probe(message)]


def _not_received(account: Account, name: str) -> str:
    """Return why no message may be received, or "": a redrive policy moves messages that are received too often."""
    if "RedrivePolicy" not in account.ask(queues.attributes, name):
        return ""
    return "only counted: the queue's redrive policy would move a message that is read too often"


def _shown(balance: Any) -> str:
    """Return the balance as a number, or in quotes if it is text in the table."""
    return f"{balance:f}" if isinstance(balance, Decimal) else repr(balance)


def _is_recent(account: Account, message: dict[str, Any]) -> bool:
    """Return True if the message was published after TotalNotifier got its present settings."""
    function, sent = account.ask(functions.describe, "TotalNotifier"), message.get("Timestamp")
    if function is None or sent is None:
        return True
    return datetime.fromisoformat(sent) >= datetime.fromisoformat(function["Configuration"]["LastModified"])


def _reaches(account: Account, balance: Any) -> bool:
    try:
        return Decimal(str(balance)) >= account.lab.threshold
    except ArithmeticError:
        return False
