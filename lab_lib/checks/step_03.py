"""Check step 03: the topic, and its e-mail and SMS subscriptions."""

from typing import Any

from lab_lib.aws import functions, topics, triggers
from lab_lib.checks.rules import Account, Finding, check, exists, judged
from lab_lib.checks.step_00 import own_policy
from lab_lib.resources import CONFIRMATION, PEOPLE, cell

TOPIC = topics.ALERT_TOPIC
NOTIFIER = list(functions.SOURCES)[1]


@check("03", "topic", f"topic {TOPIC}", of="topic")
def topic(account: Account) -> Finding:
    hint = f"Create the standard topic {account.lab.name(TOPIC)} in {account.lab.region}"
    hint += account.mend("create_topic", cell("topic"))
    return exists(account, TOPIC, account.ask(topics.find_topic), hint, topics.names)


@check("03", "topic-policy", "policy of the topic", after=f"topic role-{NOTIFIER}", of="topic")
def topic_policy(account: Account) -> Finding:
    """The policy need not allow anything: the role's own permissions are enough within an account."""
    arn = account.lab.arn("sns", account.lab.name(TOPIC))
    mend = account.mend("set_topic_attributes with a Policy", cell("topic"), "Access policy", if_made=True)
    return own_policy(account, NOTIFIER, arn, account.ask(topics.statements), mend)


@check("03", "email", "e-mail subscription", after="topic")
def email(account: Account) -> Finding:
    return _subscribed(account, "email", account.lab.email)


@check("03", "email-confirmed", "e-mail confirmed", after="email")
def confirmed(account: Account) -> Finding:
    """The recipient has clicked the link. Until then the subscription is pending, and gets no alert."""
    found = emails(account)
    confirmed = any(each["SubscriptionArn"].startswith("arn:") for each in found)
    hint = "Open the mail from AWS Notifications, perhaps in the spam folder, and confirm with its link"
    hint += account.mend("confirm_subscription", CONFIRMATION)
    state = "confirmed" if confirmed else "pending" if found else "none to confirm"
    return judged(state != "pending", state, "confirmed", hint, counts=bool(account.lab.email))


@check("03", "sms", "SMS subscription", after="topic")
def sms(account: Account) -> Finding:
    return _subscribed(account, "sms", account.lab.phone)


def emails(account: Account) -> list[dict[str, Any]]:
    """Return the e-mail subscriptions: of the lab's address or, if the lab has none, of every address."""
    found = [each for each in account.ask(triggers.subscriptions) if each["Protocol"] == "email"]
    if account.lab.email:  # others, such as a mistyped one, expire by themselves
        found = [each for each in found if each["Endpoint"] == account.lab.email]
    return found


def _subscribed(account: Account, protocol: str, address: str) -> Finding:
    """Return whether the address is subscribed; without an address that is right. The finding shows no address."""
    there = [each["Endpoint"] for each in account.ask(triggers.subscriptions) if each["Protocol"] == protocol]
    if not address:
        return judged(True, "subscribed" if there else "none was named", "", "", counts=False)
    found = "subscribed" if address in there else "another address is subscribed" if there else "not there"
    hint = f"Subscribe the address that you named to {account.lab.name(TOPIC)}, with the protocol {protocol}"
    hint += account.mend("subscribe", PEOPLE, "Subscriptions")
    return judged(address in there, found, "subscribed", hint)
