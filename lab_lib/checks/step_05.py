"""05 · What came of the uploads: rows, totals and alerts, recounted; and what the functions' logs say."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables
from lab_lib.checks.rules import CANNOT_SEE, Account, Finding, check, few, none_of
from lab_lib.checks.step_02 import UPLOAD, bucket_triggers, takes
from lab_lib.errors import NotATransactionsFile
from lab_lib.lab import Lab


@check("05", "upload", after=("bucket",))
def upload(account: Account) -> Finding:
    keys = [each["Key"] for each in account.ask(buckets.uploads)]
    taken = _taken(account)
    hint = f"Upload transactions.txt to the bucket {account.lab.bucket}."
    if keys and not taken:
        hint += f" The trigger takes only keys that fit its filter, and {keys[-1]} does not."
    return Finding(bool(taken), ", ".join(taken or keys) or "none", "a transactions file", hint)


@check("05", "readable uploads", after=("upload",))
def readable(account: Account) -> Finding:
    """Not, for instance, saved by a spreadsheet as UTF-16, or a picture."""
    files = {key: account.ask(_read, key) for key in _taken(account)}
    faults = [found for found in files.values() if isinstance(found, str)]
    faults += [f"{key} has no good row" for key, file in files.items() if not isinstance(file, str) and not file.rows]
    hint = "Save the file as UTF-8 text with the header and | between the fields, and upload it again, or delete it."
    if faults:
        return none_of(faults, hint)
    found = [f"{key}: {len(file.rows)} rows" for key, file in files.items() if not isinstance(file, str)]
    return Finding(True, few(found), "", "")


@check("05", "rows in Transactions", after=("upload", "table Transactions", "key of Transactions"))
def rows(account: Account) -> Finding:
    wanted = {key for file in _files(account) for key in file.amounts()}
    missing = wanted - {(row["CustomerId"], row["TransactionId"]) for row in account.ask(tables.items, "Transactions")}
    counted = f"{len(wanted) - len(missing)} of {len(wanted)}"
    named = few(f"{customer} {transaction}" for customer, transaction in sorted(missing))
    hint = (
        f"Read the log of {account.lab.name('TransactionProcessor')}. When the function and its trigger are right, "
        "upload the file once more."
    )
    return Finding(not missing, f"{counted}, without {named}" if missing else counted, f"all {len(wanted)}", hint)


@check("05", "amounts in Transactions", after=("rows in Transactions",))
def amounts(account: Account) -> Finding:
    """Each item has its amount, as a number; text cannot be added up."""
    found = account.ask(tables.items, "Transactions")
    odd = [row for row in found if not isinstance(row.get("TransactionAmount"), Decimal)]
    told = (f"{row['CustomerId']} {row['TransactionId']} has no number" for row in odd)
    name = account.lab.name("Transactions")
    hint = f"TransactionAmount must be a Number in each item of {name}. Correct or delete these items."
    return none_of(told, hint, right="all numbers")


@check("05", "customers in Customer", after=("rows in Transactions", "table Customer", "key of Customer"))
def customers(account: Account) -> Finding:
    there = {item["CustomerId"] for item in account.ask(tables.items, "Customer")}
    missing = {row["CustomerId"] for file in _files(account) for row in file.rows} - there
    hint = f"Read the log of {account.lab.name('TransactionProcessor')}, which writes {account.lab.name('Customer')}."
    return none_of((f"{name} is missing" for name in missing), hint, right=few(sorted(there)))


@check("05", "totals", after=("amounts in Transactions", "table TransactionTotal", "key of TransactionTotal"))
def totals(account: Account) -> Finding:
    """Each total is the sum of the customer's transactions; where all were deleted, that is 0."""
    sums, held = _sums(account), _balances(account)
    wrong = {name for name in sums.keys() | held.keys() if held.get(name, 0) != sums.get(name, 0)}
    missing = sums.keys() - held.keys()
    told = [
        f"{name} {'missing' if name in missing else _shown(held[name])} instead of {_shown(sums.get(name, Decimal(0)))}"
        for name in wrong | missing
    ]
    hint = (
        f"Wait a moment. If it stays so, read the log of {account.lab.name('TotalNotifier')}; then compare "
        f"{account.lab.name('TransactionTotal')} with the sums of {account.lab.name('Transactions')}."
    )
    right = few(f"{name} {_shown(balance)}" for name, balance in sorted(held.items()))
    return none_of(told, hint, right)._replace(wanted="each the sum of its transactions")


@check("05", "alerts in {}", after=("queue {}", "rows in Transactions"), each=queues.ALERT_QUEUES)
def alerts(account: Account, name: str) -> Finding:
    """One at least for each customer whose transactions reach the threshold."""
    high = {customer for customer, total in _sums(account).items() if total >= account.lab.threshold}
    hint = (
        f"See whether {account.lab.name('TotalNotifier')} may publish, and its topic send to {account.lab.name(name)}: "
        "steps 01 to 04. Messages that were deleted, or kept for too long, do not come back."
    )
    if held := _held_back(account, name):
        count = int(account.ask(queues.attributes, name)["ApproximateNumberOfMessages"])
        return Finding(count >= len(high), f"{count} messages, {held}", f"{len(high)} or more", hint)
    alerts = filter(None, map(queues.alert, account.ask(queues.messages, name)))
    alerted = {str(alert["customerID"]) for alert in alerts}
    hidden = account.ask(queues.attributes, name).get("ApproximateNumberOfMessagesNotVisible", "0")
    if high - alerted and hidden != "0":
        found = f"{CANNOT_SEE}: somebody is reading {hidden} messages of {account.lab.name(name)}"
        return Finding(False, found, few(sorted(high)), "Look again in a minute.")
    return Finding(high <= alerted, few(sorted(alerted)), few(sorted(high)), hint)


@check("05", "balances in the alerts of {}", after=("alerts in {}",), each=queues.ALERT_QUEUES)
def balances(account: Account, name: str) -> Finding:
    """No alert tells of a balance below the threshold, or of none; those of an earlier threshold are left out."""
    if held := _held_back(account, name):
        return Finding(True, held, "", "")
    alerts = [queues.alert(message) for message in account.ask(queues.messages, name) if _is_of_now(account, message)]
    low = [alert for alert in alerts if alert and not _reaches(account, alert.get("accountBalance"))]
    told = (f"{alert['customerID']} {alert.get('accountBalance', 'without a balance')}" for alert in low)
    hint = (
        f"See which threshold {account.lab.name('TotalNotifier')} has, and that its message names customerID and "
        f"accountBalance. Then delete these messages of {account.lab.name(name)}."
    )
    return none_of(told, hint, right=f"at or above {account.lab.threshold:f}")


@check("05", "log of {}", after=("upload", "function {}"), each=functions.SOURCES)
def log(account: Account, name: str) -> Finding:
    """It ran, by its own log."""
    ran = cloudwatch.runs(account.ask(cloudwatch.log_lines, name)) > 0
    hint = f"{account.lab.name(name)} has not run, or its role may not write logs. See its trigger, and its role."
    return Finding(ran, "there" if ran else f"no run in {cloudwatch.log_group(account.lab, name)}", "there", hint)


@check("05", "errors in the log of {}", after=("log of {}",), each=functions.SOURCES)
def logged_errors(account: Account, name: str) -> Finding:
    """None since the last upload: what was mended before it is forgotten."""
    found = cloudwatch.failures(account.ask(cloudwatch.log_lines, name, _since(account)))
    hint = (
        f"The log {cloudwatch.log_group(account.lab, name)} tells where. Mend it, then upload the file once more: only "
        "what comes after the last upload counts."
    )
    return none_of(dict.fromkeys(found[-3:]), hint)


@check("05", "errors in the metrics of {}", after=("upload", "function {}"), each=functions.SOURCES)
def counted_errors(account: Account, name: str) -> Finding:
    """None since the minute of the last upload, as CloudWatch counts, a minute or two late."""
    counts = account.ask(cloudwatch.metrics, name, _since(account))
    found = [f"{counts[metric]} {metric.lower()}" for metric in ("Errors", "Throttles") if counts[metric]]
    hint = f"The Monitor tab of {account.lab.name(name)} tells when. Mend it, wait a minute, then upload again."
    return none_of(found, hint)


def _taken(account: Account) -> list[str]:
    """The uploads that the bucket's trigger takes; all, if there is none yet, or one that takes nothing."""
    keys, there = [each["Key"] for each in account.ask(buckets.uploads)], bucket_triggers(account)
    there = [trigger for trigger in there if any(takes(trigger, key) for key in (UPLOAD, *keys))]
    return [key for key in keys if not there or any(takes(trigger, key) for trigger in there)]


def _read(lab: Lab, key: str) -> transactions.TransactionsFile | str:
    """The transactions file that an object is, or what is wrong with it."""
    try:
        return transactions.parse(key, buckets.content(lab, key))
    except NotATransactionsFile as error:
        return str(error)


def _files(account: Account) -> Iterable[transactions.TransactionsFile]:
    found = [account.ask(_read, key) for key in _taken(account)]
    return [file for file in found if not isinstance(file, str)]


def _since(account: Account) -> datetime:
    """When the last upload came."""
    newest: datetime = account.ask(buckets.uploads)[-1]["LastModified"]
    return newest.astimezone(UTC)


def _sums(account: Account) -> dict[str, Decimal]:
    return transactions.totals(transactions.read_amounts(account.ask(tables.items, "Transactions")))


def _balances(account: Account) -> dict[str, Any]:
    return {item["CustomerId"]: item.get("accountBalance", 0) for item in account.ask(tables.items, "TransactionTotal")}


def _held_back(account: Account, name: str) -> str:
    """Why the messages are not looked at: where each look is counted, a few of them would throw a message out."""
    if "RedrivePolicy" not in account.ask(queues.attributes, name):
        return ""
    return "counted only, since the queue's redrive policy counts each look at a message"


def _shown(balance: Any) -> str:
    """The balance as a number, or in quotes if the table holds it as text."""
    return f"{balance:f}" if isinstance(balance, Decimal) else repr(balance)


def _is_of_now(account: Account, message: dict[str, Any]) -> bool:
    """True if the message was published after TotalNotifier got the settings that it has."""
    function, sent = account.ask(functions.describe, "TotalNotifier"), message.get("Timestamp")
    if function is None or sent is None:
        return True
    return datetime.fromisoformat(sent) >= datetime.fromisoformat(function["Configuration"]["LastModified"])


def _reaches(account: Account, balance: Any) -> bool:
    try:
        return Decimal(str(balance)) >= account.lab.threshold
    except ArithmeticError:
        return False
