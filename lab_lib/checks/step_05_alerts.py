"""Check the alerts of step 05: each in SNS's envelope, and none below the threshold."""

from decimal import Decimal
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, count, moment
from lab_lib.checks.alerts import SUBJECT, Alert, sent_by_topic
from lab_lib.checks.causes import alert_again, by_upload, correct_code, fix_chain
from lab_lib.checks.errors_as_findings import beyond
from lab_lib.checks.rules import FURTHER, Account, Finding, cannot_see, check, judged, none_of
from lab_lib.checks.step_05 import sums_of
from lab_lib.checks.uploads import once
from lab_lib.resources import ALERTS, CHANGES, TOTALS, messages
from lab_lib.wording import listing, number

NOTIFIER = "TotalNotifier"


@check("05", "alerts-{}", "alerts in {}", after="topic rows queue-{}", subjects=queues.ALERT_QUEUES, weight=3)
def alerts(account: Account, name: str) -> Finding:
    """There is an alert for each customer whose transactions reach the threshold, and it came from the topic."""
    high = _high(account)
    if why := _not_received(account, name):
        held = count(account.ask(queues.attributes, name).get("ApproximateNumberOfMessages")) or 0
        hint = _about_missing(account, name) if held < len(high) else ""
        return judged(held >= len(high), f"{number(held, 'message')}, {why}", f"{len(high)} or more", hint)
    alerted = {str(alert.customer) for alert in _sent(account, name)}
    missing, names, wanted = high - alerted, listing(sorted(alerted)), listing(sorted(high))
    if not missing:
        return judged(True, names, wanted, alert_again(account, wanted))
    if unread := _unread(account, name):
        return unread
    hidden = count(account.ask(queues.attributes, name).get("ApproximateNumberOfMessagesNotVisible"))
    if hidden:
        why = f"somebody is reading {number(hidden, 'message')} of {account.lab.name(name)}"
        return cannot_see(why, "Look again in a minute.", wanted)
    return judged(False, names, wanted, _about_missing(account, name))


@check("05", "balances-{}", "balances in the alerts of {}", after="alerts-{}", subjects=queues.ALERT_QUEUES)
def balances(account: Account, name: str) -> Finding:
    """Each alert has a balance at or above the threshold, as text. Alerts of earlier settings are not judged."""
    if why := _not_received(account, name):
        return judged(True, why, "", "")
    recent = _recent(account, name)
    odd = [f"{alert.customer} {_shown(alert.balance)}" for alert in recent if _balance(alert) is None]
    low = [f"{alert.customer} {alert.balance}" for alert in recent if (_balance(alert) or 0) < account.lab.threshold]
    so_that = " so that a message names customerID and accountBalance, both as text in quotes"
    if low and not odd:
        so_that = f" so that it alerts only at or above {account.lab.threshold:f}"
    hint = _correct_alerts(account, name, so_that)
    faults = odd or low
    return (not faults and _unread(account, name)) or none_of(
        faults, hint, right=f"at or above {account.lab.threshold:f}"
    )


@check(FURTHER, "alerts-exercised", "alerts exercised", after="rows")
def exercised(account: Account) -> Finding:
    threshold = f"{account.lab.threshold:f}"
    high, wanted = _high(account), f"a customer at or above {threshold}"
    reached = listing(sorted(high)) if high else f"alerts not exercised: no customer has reached {threshold}"
    hint = by_upload(account, f"Upload a file with {wanted}")
    return judged(bool(high), reached, wanted, hint.removesuffix(".") + ", or run `lab check --probe`.")


@check("05", "subject-{}", "subject of the alerts in {}", after="alerts-{}", subjects=queues.ALERT_QUEUES)
def subject(account: Account, name: str) -> Finding:
    """Each alert has the handout's Subject, which recipients of an e-mail see first."""
    if why := _not_received(account, name):
        return judged(True, why, "", "")
    subjects = {_shown(alert.message.get("Subject")) for alert in _recent(account, name)}
    hint = _correct_alerts(account, name, " so that it publishes with this Subject")
    faults = subjects - {SUBJECT}
    return (not faults and _unread(account, name)) or none_of(faults, hint, right=SUBJECT)


def _high(account: Account) -> set[str]:
    """Return the customers whose transactions reach the threshold."""
    return {customer for customer, total in sums_of(account).items() if total >= account.lab.threshold}


@once
def _sent(account: Account, name: str) -> list[Alert]:
    """Return the alerts that the topic has sent to the queue."""
    return sent_by_topic(account.lab, account.ask(queues.messages, name))


def _recent(account: Account, name: str) -> list[Alert]:
    """Return the alerts published after TotalNotifier got its present settings; those without a time are left out."""
    since = moment(account.settings(NOTIFIER).get("LastModified"))
    timed = [(alert, moment(alert.message.get("Timestamp"))) for alert in _sent(account, name)]
    return [alert for alert, sent in timed if sent and (since is None or sent >= since)]


def _balance(alert: Alert) -> Decimal | None:
    """Return the balance of the alert; None unless it and the customer are text, and it is a number."""
    return amount(alert.balance) if isinstance(alert.customer, str) else None


def _not_received(account: Account, name: str) -> str:
    """Return why no message may be received, or "": a redrive policy moves messages that are received too often."""
    if "RedrivePolicy" not in account.ask(queues.attributes, name):
        return ""
    return "only counted: the queue's redrive policy would move a message that is read too often"


def _unread(account: Account, name: str) -> Finding | None:
    """Return the finding of a check that the messages beyond `queues.MOST` decide; None if all were read."""
    if len(account.ask(queues.messages, name)) < queues.MOST:
        return None
    queue = account.lab.name(name)
    hint = f"Delete those of {queue} that you need no more{account.fix('purge_queue', console='Purge')} "
    hint += alert_again(account, "those at or above the threshold")
    return beyond(queue, "messages", queues.MOST, hint)


def _about_missing(account: Account, name: str) -> str:
    """Return the hint for alerts that are missing. SNS keeps no message that was deleted, or sent too early."""
    again = alert_again(account, listing(sorted(_high(account))))
    if fix := fix_chain(account, NOTIFIER, messages(name), ALERTS, CHANGES, TOTALS):
        return f"{fix} {again}"
    return f"{again} {correct_code(account, NOTIFIER, first='If nothing comes, correct')}"


def _correct_alerts(account: Account, name: str, so_that: str) -> str:
    """Return the hint for alerts that are not right: only those after the newest change of the function count."""
    queue, again = account.lab.name(name), alert_again(account, listing(sorted(_high(account))))
    delete = f"Delete the wrong messages of {queue}{account.fix('purge_queue', console='Purge')}"
    return f"{correct_code(account, NOTIFIER, so_that)} {delete} {again}"


def _shown(value: Any) -> str:
    """Return text as it is, and what is no text so that one sees it."""
    return value if isinstance(value, str) else "without one" if value is None else f"{value!r}, which is no text"
