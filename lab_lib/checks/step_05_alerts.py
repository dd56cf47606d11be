"""Check the alerts of step 05: each in SNS's envelope, and none below the threshold."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, count, moment
from lab_lib.checks.causes import alert_again, by_upload, correct_code, fix_chain
from lab_lib.checks.differences import SUBJECT, is_from_topic
from lab_lib.checks.rules import FURTHER, Account, Finding, beyond, cannot_see, check, judged, none_of
from lab_lib.checks.step_05 import sums_of
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, TOTALS, messages

NOTIFIER = "TotalNotifier"
_PURGE = N_("Purge")  # in the console of SQS


class Alert(NamedTuple):
    """An alert in a queue: the message around it, the customer, and the balance as the alert has it."""

    message: dict[str, Any]
    customer: Any
    balance: Any


@check("05", "alerts-{}", "alerts in {}", after="topic rows queue-{}", subjects=queues.ALERT_QUEUES, weight=3)
def alerts(account: Account, name: str) -> Finding:
    """There is an alert for each customer whose transactions reach the threshold, and it came from the topic."""
    high = _high(account)
    if why := _not_received(account, name):
        held = count(account.ask(queues.attributes, name).get("ApproximateNumberOfMessages")) or 0
        hint = _about_missing(account, name) if held < len(high) else ""
        found = ngettext("{count:,} message, {why}", "{count:,} messages, {why}", held, why=why)
        return judged(held >= len(high), found, _("{count} or more", count=len(high)), hint)
    alerted = {str(alert.customer) for alert in _sent(account, name)}
    missing, names, wanted = high - alerted, listing(sorted(alerted)), listing(sorted(high))
    if not missing:
        return judged(True, names, wanted, alert_again(account, wanted))
    if unread := _unread(account, name):
        return unread
    hidden = count(account.ask(queues.attributes, name).get("ApproximateNumberOfMessagesNotVisible"))
    if hidden:
        read = ngettext("{count:,} message", "{count:,} messages", hidden)
        why = _("somebody is reading {messages} of {queue}", messages=read, queue=account.name(name))
        return cannot_see(why, _("Look again in a minute."), wanted)
    return judged(False, names, wanted, _about_missing(account, name))


@check("05", "balances-{}", "balances in the alerts of {}", after="alerts-{}", subjects=queues.ALERT_QUEUES)
def balances(account: Account, name: str) -> Finding:
    """Each alert has a balance at or above the threshold, as text. Alerts of earlier settings are not judged."""
    threshold = account.lab.threshold
    least = _("at or above {threshold:f}", threshold=threshold)
    wrong = [alert for alert in _recent(account, name) if not _has_reached(alert, threshold)]
    faults = [f"{alert.customer} {_shown(alert.balance)}" for alert in wrong]
    so_that = _(
        " so that a message names customerID and accountBalance, both as text in quotes, and only {least}", least=least
    )
    return _about_recent(account, name, faults, least, so_that)


@check(FURTHER, "alerts-exercised", "alerts exercised", after="rows")
def exercised(account: Account) -> Finding:
    threshold = account.lab.threshold
    high, wanted = _high(account), _("a customer at or above {threshold:f}", threshold=threshold)
    none = _("alerts not exercised: no customer has reached {threshold:f}", threshold=threshold)
    hint = by_upload(account, _("Upload a file with {wanted}", wanted=wanted))
    hint = _("{hint} Or run `lab check --probe`.", hint=hint)
    return judged(high, listing(sorted(high)) if high else none, wanted, hint)


@check("05", "subject-{}", "subject of the alerts in {}", after="alerts-{}", subjects=queues.ALERT_QUEUES)
def subject(account: Account, name: str) -> Finding:
    """Each alert has the handout's Subject, which recipients of an e-mail see first."""
    subjects = {_shown(alert.message.get("Subject")) for alert in _recent(account, name)}
    return _about_recent(account, name, subjects - {SUBJECT}, SUBJECT, N_(" so that it publishes with this Subject"))


def _high(account: Account) -> set[str]:
    """Return the customers whose transactions reach the threshold."""
    return {customer for customer, total in sums_of(account).items() if total >= account.lab.threshold}


def _sent(account: Account, name: str) -> list[Alert]:
    """Return the alerts that the topic has sent to the queue."""
    messages = account.ask(queues.messages, name)
    sent = {message["MessageId"]: message for message in messages if is_from_topic(account.lab, message)}  # once each
    bodies = [(message, queues.alert(message)) for message in sent.values()]
    return [Alert(message, body["customerID"], body.get("accountBalance")) for message, body in bodies if body]


def _recent(account: Account, name: str) -> list[Alert]:
    """Return the alerts published after TotalNotifier got its present settings; those without a time are left out."""
    if _not_received(account, name):
        return []
    since = moment(account.settings(NOTIFIER).get("LastModified"))
    timed = [(alert, moment(alert.message.get("Timestamp"))) for alert in _sent(account, name)]
    return [alert for alert, sent in timed if sent and (since is None or sent >= since)]


def _has_reached(alert: Alert, threshold: Decimal) -> bool:
    """Return True if customer and balance are text, and the balance is a number that reaches the threshold."""
    balance = amount(alert.balance) if isinstance(alert.customer, str) else None
    return balance is not None and balance >= threshold


def _not_received(account: Account, name: str) -> str:
    """Return why no message may be received, or "": a redrive policy moves messages that are received too often."""
    if "RedrivePolicy" not in account.ask(queues.attributes, name):
        return ""
    return _("only counted: the queue's redrive policy would move a message that is read too often")


def _unread(account: Account, name: str) -> Finding | None:
    """Return the finding of a check that the messages beyond `queues.MOST` decide; None if all were read."""
    if len(account.ask(queues.messages, name)) < queues.MOST:
        return None
    queue = account.name(name)
    delete = _("Delete those of {queue} that you need no more", queue=queue)
    again = alert_again(account, _("those at or above the threshold"))
    delete = account.how_to_fix(delete, "purge_queue", _PURGE)
    return beyond(queue, N_("messages"), queues.MOST, f"{delete} {again}")


def _about_missing(account: Account, name: str) -> str:
    """Return the hint for alerts that are missing. SNS keeps no message that was deleted, or sent too early."""
    again = alert_again(account, listing(sorted(_high(account))))
    if fix := fix_chain(account, NOTIFIER, messages(name), ALERTS, CHANGES, TOTALS):
        return f"{fix} {again}"
    code = correct_code(account, NOTIFIER, first=N_("If nothing comes, correct"))
    return f"{again} {code}"


def _about_recent(account: Account, name: str, faults: Collection[str], right: str, so_that: str) -> Finding:
    """Return the finding about recent alerts. Only those after the newest change of the function count."""
    if why := _not_received(account, name):
        return judged(True, why, "", "")
    queue, again = account.name(name), alert_again(account, listing(sorted(_high(account))))
    delete = account.how_to_fix(_("Delete the wrong messages of {queue}", queue=queue), "purge_queue", _PURGE)
    hint = f"{correct_code(account, NOTIFIER, so_that)} {delete} {again}"
    return (not faults and _unread(account, name)) or none_of(faults, hint, right)


def _shown(value: Any) -> str:
    """Return text as it is, and what is no text so that one sees it."""
    if value is None:
        return _("without one")
    return value if isinstance(value, str) else _("{value!r}, which is no text", value=value)
