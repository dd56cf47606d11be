"""What each step must show, read from the account itself: not from what our own code did."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

from lab_lib import buckets, cleanup, functions, queues, roles, tables, topics, triggers
from lab_lib.errors import CheckFailed, StepMissing
from lab_lib.lab import Lab
from lab_lib.transactions import TransactionsFile, totals


@dataclass(frozen=True)
class Check:
    """One thing that must hold after a step; `hint` says what to do if it does not."""

    step: str
    name: str
    ok: bool
    found: str
    wanted: str
    hint: str


@dataclass(frozen=True)
class Report:
    """The checks of one step, shown as a small table."""

    checks: list[Check]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.ok]

    def __repr__(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        return "\n".join(f"{_mark(check)}  {check.name:{width}}  {_words(check)}" for check in self.checks)

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        style = "color:white;padding:1px 6px;border-radius:3px;white-space:nowrap;background:"
        rows = [
            f'<tr><td><span style="{style}{"#1a7f37" if check.ok else "#b42318"}">{_mark(check)}</span></td>'
            f"<td {left}>{escape(check.name)}</td>"
            f"<td {left}>{escape(_words(check))}</td></tr>"
            for check in self.checks
        ]
        head = f'<tr><th scope="col">state</th><th scope="col" {left}>check</th><th scope="col" {left}>found</th></tr>'
        return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def run(lab: Lab, step: str) -> Report:
    """The checks of a step, such as "02"."""
    return Report([Check(step, *found) for found in _CHECKS[step](lab)])


def checkpoint(lab: Lab, step: str) -> None:
    """Show the checks of a step, and how many hold; CheckFailed after that if one does not."""
    from IPython.display import display

    report = run(lab, step)
    display(report)  # type: ignore[no-untyped-call]
    print(f"Checks that hold: {len(report.checks) - len(report.failed)} of {len(report.checks)}")
    if report.failed:
        raise CheckFailed(f"{report.failed[0].name}: {_words(report.failed[0])}")


def require(lab: Lab, *steps: str) -> None:
    """StepMissing, with its name, for the first of these steps that was not done."""
    for step in steps:
        for what, find in _MADE_BY[step]:
            if not find(lab):
                raise StepMissing(f"{what} is not there yet. Run {step} first, then run this notebook again.")


def settled(lab: Lab, file: TransactionsFile) -> bool:
    """True when an upload has gone all the way: its rows are in, totals and alerts agree with them."""
    amounts = _amounts(lab)
    return (
        all(amounts.get(key) == amount for key, amount in file.amounts().items())
        and len(buckets.rejected_rows(lab, file.key)) == len(file.rejected)
        and _totals_agree(lab)
        and all(_high_customers(lab) <= _alerted(lab, queue) for queue in queues.ALERT_QUEUES)
    )


Found = tuple[str, bool, str, str, str]  # name, ok, found, wanted, hint


def _start(lab: Lab) -> Iterator[Found]:
    yield _there("bucket", buckets.find_bucket(lab), lab.bucket, "Run the cell that makes the bucket.")
    yield _equal(
        "public access to the bucket", _public_access(lab), "blocked", "Block all public access of the bucket."
    )
    for name, keys in tables.KEYS.items():
        yield _equal(f"table {name}", _key(lab, name), " + ".join(keys), f"Make table {lab.name(name)} with this key.")
    yield _equal(
        "stream of Transactions", "on" if tables.find_stream(lab) else "off", "on", "Turn on the table's stream."
    )
    for name in functions.ROLES.values():
        yield _there(f"role {name}", roles.find_role(lab, name), lab.name(name), f"Make the role {lab.name(name)}.")


def _functions(lab: Lab) -> Iterator[Found]:
    for name in functions.SOURCES:
        now = functions.configuration(lab, name) or {}
        hint = f"Run the cell that makes {name}."
        yield _there(f"function {name}", now.get("FunctionName"), lab.name(name), hint)
        yield _equal(f"timeout of {name}", f"{now.get('Timeout')} s", f"{functions.TIMEOUT} s", hint)
        yield _equal(f"role of {name}", str(now.get("Role")).split("/")[-1], lab.name(functions.ROLES[name]), hint)
        yield _equal(f"state of {name}", str(now.get("State")), "Active", "Wait a moment, then run this cell again.")


def _triggers(lab: Lab) -> Iterator[Found]:
    trigger = triggers.find_bucket_trigger(lab) or {}
    events = ", ".join(trigger.get("Events", []))
    yield _equal(
        "bucket starts TransactionProcessor on", events or "nothing", "s3:ObjectCreated:*", "Add the bucket trigger."
    )
    yield _equal("only for keys that end in", _suffix(trigger), ".txt", "Give the trigger the suffix .txt.")
    mapping = triggers.find_stream_trigger(lab) or {}
    yield _equal(
        "stream starts TotalNotifier", mapping.get("State", "no mapping"), "Enabled", "Add the stream trigger."
    )


def _topic(lab: Lab) -> Iterator[Found]:
    yield _there(
        f"topic {topics.ALERT_TOPIC}", topics.find_topic(lab), lab.name(topics.ALERT_TOPIC), "Create the topic."
    )
    for protocol, address in (("email", lab.email), ("sms", lab.phone)):
        if address:
            state = triggers.find_subscription(lab, protocol, address)
            yield f"{protocol} subscription", state is not None, _subscribed(state), "there", "Subscribe to the topic."


def _queues(lab: Lab) -> Iterator[Found]:
    for name in queues.ALERT_QUEUES:
        there = queues.find_queue(lab, name)
        yield _there(f"queue {name}", there, lab.name(name), f"Run the cell that makes {name}.")
        hint = "Run the cell that subscribes the queues."
        subscription = there and triggers.find_queue_subscription(lab, name)
        yield _there(f"subscription of {name}", subscription, "subscribed to the topic", hint)
        senders = queues.allowed_senders(lab, name) if there else []
        yield _equal(f"{name} lets in", ", ".join(senders) or "nobody", topics.ALERT_TOPIC, hint)


def _results(lab: Lab) -> Iterator[Found]:
    uploads = [each["Key"] for each in buckets.objects(lab) if not each["Key"].startswith(buckets.REJECTED)]
    yield "uploads in the bucket", bool(uploads), str(len(uploads)), "1 or more", "Upload a transactions file."
    amounts = _amounts(lab)
    unknown = {customer for customer, _ in amounts} - {item["CustomerId"] for item in tables.items(lab, "Customer")}
    yield _equal("customers missing in Customer", _list(unknown), "none", "Read TransactionProcessor's log.")
    hint = "Wait a moment; if it stays so, read TotalNotifier's log."
    agree = "each the sum of its transactions"
    yield _equal("totals", agree if _totals_agree(lab) else "other than the sum of the transactions", agree, hint)
    high = _high_customers(lab)
    for name in queues.ALERT_QUEUES:
        alerted = _alerted(lab, name)  # a customer whose total fell again was alerted too, and rightly
        yield f"customers alerted in {name}", high <= alerted, _list(alerted), _list(high), hint
    letters = len(queues.messages(lab, queues.DEAD_LETTERS))
    yield _equal(
        f"messages in {queues.DEAD_LETTERS}", str(letters), "0", "Each tells what could not be processed, and why."
    )


def _nothing(lab: Lab) -> Iterator[Found]:
    left = cleanup.left(lab)
    yield _equal(
        "made by this lab and still there", ", ".join(left) or "nothing", "nothing", "Run the clean-up once more."
    )


_CHECKS: dict[str, Callable[[Lab], Iterator[Found]]] = {
    "00": _start,
    "01": _functions,
    "02": _triggers,
    "03": _topic,
    "04": _queues,
    "05": _results,
    "99": _nothing,
}

_MADE_BY: dict[str, list[tuple[str, Callable[[Lab], Any]]]] = {
    "00-start-here": [
        ("The bucket", buckets.find_bucket),
        *((f"Table {name}", partial(tables.find_table, name=name)) for name in tables.KEYS),
        *((f"Role {name}", partial(roles.find_role, name=name)) for name in functions.ROLES.values()),
        (f"Queue {queues.DEAD_LETTERS}", partial(queues.find_queue, name=queues.DEAD_LETTERS)),
    ],
    "01-create-functions": [
        (f"Function {name}", partial(functions.find_function, name=name)) for name in functions.SOURCES
    ],
    "02-add-triggers": [
        ("The bucket trigger", triggers.find_bucket_trigger),
        ("The stream trigger", triggers.find_stream_trigger),
    ],
    "03-create-topic": [("The topic", topics.find_topic)],
    "04-create-queues": [
        (f"The subscription of {name}", partial(triggers.find_queue_subscription, queue=name))
        for name in queues.ALERT_QUEUES
    ],
}


def _there(name: str, found: str | None, wanted: str, hint: str) -> Found:
    return name, bool(found), wanted if found else "not there", wanted, hint


def _equal(name: str, found: str, wanted: str, hint: str) -> Found:
    return name, found == wanted, found, wanted, hint


def _mark(check: Check) -> str:
    return "✔ ok" if check.ok else "✘ not yet"


def _words(check: Check) -> str:
    return check.found if check.ok else f"{check.found}; wanted: {check.wanted}. {check.hint}"


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _subscribed(arn: str | None) -> str:
    if arn is None:
        return "not there"
    return "there; the recipient has still to confirm it" if arn == "PendingConfirmation" else "there, confirmed"


def _suffix(trigger: dict[str, Any]) -> str:
    rules = trigger.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((rule["Value"] for rule in rules if rule["Name"].lower() == "suffix"), "anything")


def _public_access(lab: Lab) -> str:
    return "blocked" if buckets.is_private(lab) else "possible"


def _key(lab: Lab, name: str) -> str:
    return " + ".join(tables.key(lab, name)) or "not there"


def _amounts(lab: Lab) -> dict[tuple[str, str], Any]:
    rows = [row for row in tables.items(lab, "Transactions") if "TransactionAmount" in row]
    return {(row["CustomerId"], row["TransactionId"]): row["TransactionAmount"] for row in rows}


def _balances(lab: Lab) -> dict[str, Any]:
    return {item["CustomerId"]: item.get("accountBalance", 0) for item in tables.items(lab, "TransactionTotal")}


def _totals_agree(lab: Lab) -> bool:
    """True if each balance is the sum of the customer's transactions; where all were deleted, that is 0."""
    sums, balances = totals(_amounts(lab)), _balances(lab)
    return sums.keys() <= balances.keys() and all(sums.get(name, 0) == balance for name, balance in balances.items())


def _high_customers(lab: Lab) -> set[str]:
    return {customer for customer, balance in _balances(lab).items() if balance >= lab.threshold}


def _alerted(lab: Lab, queue: str) -> set[str]:
    """The customers whose alert lies in the queue."""
    return {alert["customerID"] for alert in queues.alerts(lab, queue)}
