"""Check the alerts of step 05: each in SNS's envelope, and none below the threshold."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, count, moment
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.checks.alerts import SUBJECT, Alert, sent_by_topic
from lab_lib.checks.causes import alert_again, by_upload, correct_code, mend_chain
from lab_lib.checks.rules import FURTHER, Account, Finding, State, check, judged, listing, none_of, number, or_none
from lab_lib.checks.step_05 import sums_of
from lab_lib.checks.unseen import beyond
from lab_lib.checks.uploads import once
from lab_lib.resources import ALERTS, CHANGES, TOTALS, messages

NOTIFIER = "TotalNotifier"


@check("05", "alerts-{}", "alerts in {}", after="topic rows queue-{}", each=queues.ALERT_QUEUES, weight=3)
def alerts(account: Account, name: str) -> Finding:
    """There is an alert for each customer whose transactions reach the threshold, and it came from the topic."""
    high = _high(account)
    if why := _not_received(account, name):
        held = count(account.ask(queues.attributes, name).get("ApproximateNumberOfMessages")) or 0
        hint = _about_missing(account, name, some=held > 0) if held < len(high) else ""
        return judged(held >= len(high), f"{number(held, 'message')}, {why}", f"{len(high)} or more", hint)
    alerted, loose = ({str(each.customer) for each in found} for found in _found(account, name))
    missing, found, wanted = high - alerted, listing(sorted(alerted)), listing(sorted(high))
    if not missing:
        return judged(True, found, wanted, alert_again(account, wanted))
    if unread := _unread(account, name):
        return unread
    hidden = count(account.ask(queues.attributes, name).get("ApproximateNumberOfMessagesNotVisible"))
    if hidden:
        found = f"cannot see: somebody is reading {number(hidden, 'message')} of {account.lab.name(name)}"
        return Finding(State.CANNOT_SEE, found, wanted, "Look again in a minute.")
    if missing & loose:
        topic = account.lab.name(ALERT_TOPIC)
        found += f", and {listing(sorted(missing & loose))} outside the envelope of the topic {topic}"
        mended = (
            mend_chain(account, NOTIFIER, messages(name), error="")
            or "A message that was typed in, or came raw, is no alert."
        )
        return judged(False, found, wanted, f"{mended} {alert_again(account, wanted)}")
    return judged(False, found, wanted, _about_missing(account, name, some=bool(alerted)))


@check("05", "balances-{}", "balances in the alerts of {}", after="alerts-{}", each=queues.ALERT_QUEUES)
def balances(account: Account, name: str) -> Finding:
    """Each alert has a balance at or above the threshold, as text. Alerts of earlier settings are not judged."""
    if why := _not_received(account, name):
        return judged(True, why, "", "")
    recent = _recent(account, _found(account, name)[0])
    odd = [f"{each.customer} {_shown(each.balance)}" for each in recent if _number(each) is None]
    low = [f"{each.customer} {each.balance}" for each in recent if (_number(each) or 0) < account.lab.threshold]
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
    found = listing(sorted(high)) if high else f"alerts not exercised: no customer has reached {threshold}"
    hint = by_upload(account, f"Upload a file with {wanted}")
    return judged(bool(high), found, wanted, hint.removesuffix(".") + ", or run `lab check --probe`.")


@check("05", "subject-{}", "subject of the alerts in {}", after="alerts-{}", each=queues.ALERT_QUEUES)
def subject(account: Account, name: str) -> Finding:
    """Each alert has the handout's Subject, which recipients of an e-mail see first."""
    if why := _not_received(account, name):
        return judged(True, why, "", "")
    found = {_shown(each.message.get("Subject")) for each in _recent(account, _found(account, name)[0])}
    hint = _correct_alerts(account, name, " so that it publishes with this Subject")
    faults = found - {SUBJECT}
    return (not faults and _unread(account, name)) or none_of(faults, hint, right=SUBJECT)


def _high(account: Account) -> set[str]:
    """Return the customers whose transactions reach the threshold."""
    return {customer for customer, total in sums_of(account).items() if total >= account.lab.threshold}


@once
def _found(account: Account, name: str) -> tuple[list[Alert], list[Alert]]:
    """Return the alerts that the topic has sent to the queue, and the others."""
    return sent_by_topic(account.lab, account.ask(queues.messages, name))


def _recent(account: Account, found: Iterable[Alert]) -> list[Alert]:
    """Return the alerts published after TotalNotifier got its present settings; those without a time are left out."""
    since = moment(account.settings(NOTIFIER).get("LastModified"))
    timed = [(each, moment(each.message.get("Timestamp"))) for each in found]
    return [each for each, sent in timed if sent and (since is None or sent >= since)]


def _number(alert: Alert) -> Decimal | None:
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
    hint = f"Delete those of {queue} that you need no more{account.mend('purge_queue', console='Purge')} "
    hint += alert_again(account, "those at or above the threshold")
    return beyond(queue, "messages", queues.MOST, hint)


def _about_missing(account: Account, name: str, some: bool) -> str:
    """Return the hint for alerts that are missing: in one queue all, in every queue all, or only some of them."""
    queue, again = account.lab.name(name), alert_again(account, listing(sorted(_high(account))))
    if mended := mend_chain(account, NOTIFIER, messages(name), ALERTS, CHANGES, TOTALS):
        return f"{mended} {again}"
    others = [each for each in queues.ALERT_QUEUES if each != name and or_none(partial(_has_alerts, account, each))]
    if some or others:
        return f"{queue} has lost these: SNS keeps no message that was deleted, or sent too early. {again}"
    return f"{again} {correct_code(account, NOTIFIER, first='If nothing comes, correct')}"


def _correct_alerts(account: Account, name: str, so_that: str) -> str:
    """Return the hint for alerts that are not right: only those after the newest change of the function count."""
    queue, again = account.lab.name(name), alert_again(account, listing(sorted(_high(account))))
    delete = f"Delete the wrong messages of {queue}{account.mend('purge_queue', console='Purge')}"
    return f"{correct_code(account, NOTIFIER, so_that)} {delete} {again}"


def _has_alerts(account: Account, name: str) -> bool:
    return not _not_received(account, name) and bool(_found(account, name)[0])


def _shown(value: Any) -> str:
    """Return text as it is, and what is no text so that one sees it."""
    return value if isinstance(value, str) else "without one" if value is None else f"{value!r}, which is no text"
