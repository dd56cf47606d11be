"""Send two small files through the chain, see what arrives, and clean up."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from lab_lib.aws import buckets, cloudwatch, functions, queues, tables, triggers
from lab_lib.aws.json_text import count
from lab_lib.checks import probe_clean_up
from lab_lib.checks.alerts import is_from_topic
from lab_lib.checks.probe_files import DATE, ProbeFiles, address, new_files
from lab_lib.checks.rules import number
from lab_lib.lab import Lab
from lab_lib.transactions import Amounts, totals
from lab_lib.waiting import wait_until

ROWS, TOTALS, CENTS, CORRECTION, REJECTED = "rows", "totals", "cents", "correction", "rejected"
_LONGEST = 600  # seconds
_MOST_READ = 2_000  # messages of a queue that are read, not counted

Faults = list[str]


@dataclass
class Outcome:
    """The result of a probe.

    `faults` has what is wrong with each link that was reached: ROWS, TOTALS, the name of a queue, CENTS, CORRECTION,
    REJECTED. `errors` has the last error in the log of each function. `stays` says which rows were not deleted.
    """

    faults: dict[str, Faults] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    stays: str = ""


def send(lab: Lab) -> Outcome:
    """Probe the account, and return what was found. It takes up to 8 seconds; on AWS it may take minutes."""
    files = new_files(lab)
    groups = {name: functions.log_group(lab, name) for name in functions.SOURCES}
    outcome, logs = Outcome(), _Logs(lab, datetime.now(UTC), groups)
    try:
        _follow(lab, files, outcome.faults, logs)
        outcome.errors = logs.errors()
    finally:
        outcome.stays = probe_clean_up.clean_up(lab, files, harmless=not any(outcome.faults.values()))
    return outcome


def people(lab: Lab) -> int:
    """Return how many people would get the alert of a probe, by e-mail or SMS."""
    found = [each for each in triggers.subscriptions(lab) if each["Protocol"] in ("email", "email-json", "sms")]
    return sum(each["SubscriptionArn"].startswith("arn:") for each in found)


@dataclass(frozen=True)
class _Logs:
    """The logs of both functions from some time on, and the log group of each."""

    lab: Lab
    since: datetime
    groups: dict[str, str]

    def patience(self, name: str) -> float:
        """Return for how many seconds faults may last before a link counts as broken.

        If the function has not run yet, the notification or the mapping that starts it may be new: that takes minutes
        on AWS.
        """
        runs = cloudwatch.runs(self._lines(name))
        return (60 if runs else 180) if self.lab.is_real else (5 if runs else 8)

    def errors(self) -> dict[str, str]:
        """Return the last error of each function that has one."""
        found = {name: cloudwatch.failures(self._lines(name)) for name in functions.SOURCES}
        return {name: errors[-1] for name, errors in found.items() if errors}

    def _lines(self, name: str) -> list[str]:
        return cloudwatch.log_lines(self.lab, name, self.since, self.groups[name])


def _follow(lab: Lab, files: ProbeFiles, faults: dict[str, Faults], logs: _Logs) -> None:
    """Upload the files, and enter the faults of each link, up to the first one that is broken."""
    held = {name: _count(lab, name) for name in queues.ALERT_QUEUES}
    of_processor, of_notifier = (partial(logs.patience, name) for name in functions.SOURCES)
    buckets.put(lab, files.keys[0], files.texts[0])
    faults[ROWS] = _settled(lambda: _rows(lab, files.first), "the rows of the probe", of_processor)
    if faults[ROWS]:
        return
    faults[TOTALS] = _settled(lambda: _totals(lab, totals(files.first)), "the totals of the probe", of_notifier)
    if faults[TOTALS]:
        return

    def alerts() -> dict[str, Faults]:
        return {name: _alerts(lab, name, files, held[name]) for name in queues.ALERT_QUEUES}

    faults |= _settled(alerts, "the alert of the probe", of_notifier)
    buckets.put(lab, files.keys[1], files.texts[1])
    soon = 30 if lab.is_real else 2.5  # both functions have just run
    faults |= _settled(lambda: _second(lab, files), "the second file of the probe", lambda: soon)


def _settled(read: Callable[[], Any], what: str, patience: Callable[[], float]) -> Any:
    """Return the faults that `read` finds, as soon as there are none, or after so many seconds of patience."""
    begun, found = time.monotonic(), read()

    def settled() -> bool:
        nonlocal found
        found = read()  # a function that fails after it has added up may change totals for ever
        return not _any(found) or time.monotonic() - begun > patience()

    wait_until(settled, what, timeout=_LONGEST)
    return found


def _any(faults: Any) -> bool:
    return any(faults.values()) if isinstance(faults, dict) else bool(faults)


def _rows(lab: Lab, amounts: Amounts) -> Faults:
    """Return what is wrong with the rows of these transactions and of their customers."""
    faults = []
    for (customer, transaction), amount in amounts.items():
        key = {"CustomerId": customer, "TransactionId": transaction}
        wanted = {**key, "TransactionDate": DATE, "TransactionAmount": amount}
        faults += _differences(lab, "Transactions", key, wanted)
    for customer in dict.fromkeys(customer for customer, _ in amounts):
        key = {"CustomerId": customer}
        faults += _differences(lab, "Customer", key, {**key, "Address": address(customer)})
    return faults


def _differences(lab: Lab, table: str, key: dict[str, str], wanted: dict[str, Any]) -> Faults:
    found = tables.find_item(lab, table, key)
    if found is None:
        return [f"{' '.join(key.values())} is not in {lab.name(table)}"]
    return [
        f"{name} of {' '.join(key.values())} is {found.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]


def _totals(lab: Lab, wanted: dict[str, Decimal]) -> Faults:
    faults = []
    for customer, total in wanted.items():
        found = (tables.find_item(lab, "TransactionTotal", {"CustomerId": customer}) or {}).get("accountBalance")
        if found != total:
            faults.append(f"{customer} has {'no total' if found is None else found}, not {total}")
    return faults


def _alerts(lab: Lab, queue: str, files: ProbeFiles, held: int | None) -> Faults:
    """Return what is wrong with the alerts in a queue. In one that may not be read, messages are counted."""
    if held is not None:
        more = (_count(lab, queue) or 0) - held
        wanted = len(files.alerted)
        return [] if more >= wanted else [f"{number(more, 'message')} more, not {wanted}"]
    ours = [each for each in queues.messages(lab, queue) if files.are_in(each)]
    faults = [fault for each in ours if (fault := _fault(lab, each, files.alerted))]
    once = {str(each.get("MessageId")): each for each in ours}  # SQS may deliver a message twice
    sent = [queues.alert(each).get("customerID") for each in once.values()]
    faults += [f"no alert for {customer}" for customer in files.alerted if customer not in sent]
    return faults + [f"{sent.count(each)} alerts for {each}" for each in files.alerted if sent.count(each) > 1]


def _fault(lab: Lab, message: dict[str, Any], wanted: dict[str, Decimal]) -> str:
    """Return what is wrong with one message about a customer of the probe, or ""."""
    alert = queues.alert(message)
    customer, balance = alert.get("customerID"), alert.get("accountBalance")
    if not is_from_topic(lab, message):
        return "a message without the topic's envelope"
    if customer not in wanted:
        return f"an alert for {customer}, who is below the threshold"
    if balance != str(wanted[customer]):
        return f"an alert for {customer} with the balance {balance!r}, not {str(wanted[customer])!r}"
    return ""


def _second(lab: Lab, files: ProbeFiles) -> dict[str, Faults]:
    """Return the faults of what this workbook adds to the handout."""
    cents, corrected = ({key: amount} for key, amount in files.second.items())
    return {
        CENTS: _rows(lab, cents) or _totals(lab, totals(cents)),
        CORRECTION: _rows(lab, corrected) or _totals(lab, totals(corrected)),
        REJECTED: [] if buckets.rejected_rows(lab, files.keys[1]) else ["the line that must be rejected is not kept"],
    }


def _count(lab: Lab, queue: str) -> int | None:
    """Return the number of messages in a queue that must not be read, or None for one that may be.

    A redrive policy would move a message that is received too often, and many messages take long.
    """
    now = queues.attributes(lab, queue)
    messages = count(now.get("ApproximateNumberOfMessages")) or 0
    return messages if "RedrivePolicy" in now or messages > _MOST_READ else None
