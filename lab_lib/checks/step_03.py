"""Check step 03: the topic, and its e-mail and SMS subscriptions."""

from lab_lib.aws import topics, triggers
from lab_lib.checks.reading import TOPIC, emails
from lab_lib.checks.rules import Account, Finding, check, either, exists, judged
from lab_lib.language import N_, _
from lab_lib.resources import CONFIRMATION, PEOPLE

LIST = N_("Subscriptions")


@check("03", "topic", "topic HighBalanceAlert", of="topic", call="create_topic")
def topic(account: Account) -> Finding:
    hint = _("Create the standard topic {topic} in {region}", topic=account.name(TOPIC), region=account.lab.region)
    return exists(account, TOPIC, account.ask(topics.find_topic), hint, topics.names)


@check("03", "email", "e-mail subscription", after="topic", call="subscribe", console=LIST, made_by=PEOPLE)
def email(account: Account) -> Finding:
    return _subscribed(account, "email", account.lab.email)


@check("03", "email-confirmed", "e-mail confirmed", after="email", call="confirm_subscription", made_by=CONFIRMATION)
def confirmed(account: Account) -> Finding:
    """The recipient has clicked the link. Until then the subscription is pending, and gets no alert."""
    subscriptions = emails(account)
    confirmed = any(row["SubscriptionArn"].startswith("arn:") for row in subscriptions)
    hint = _("Open the mail from AWS Notifications, perhaps in the spam folder, and confirm with its link")
    found = _("confirmed") if confirmed else _("pending") if subscriptions else _("none to confirm")
    right = confirmed or not subscriptions
    return judged(right, found, _("confirmed"), hint, counts=bool(account.lab.email))


@check("03", "sms", "SMS subscription", after="topic", call="subscribe", console=LIST, made_by=PEOPLE)
def sms(account: Account) -> Finding:
    return _subscribed(account, "sms", account.lab.phone)


def _subscribed(account: Account, protocol: str, address: str) -> Finding:
    """Return whether the address is subscribed; without an address that is right. The finding shows no address."""
    addresses = [row["Endpoint"] for row in account.ask(triggers.subscriptions) if row["Protocol"] == protocol]
    hint = _(
        "Subscribe the address that you named to {topic}, with the protocol {protocol}",
        topic=account.name(TOPIC),
        protocol=protocol,
    )
    if not address:
        return judged(True, _("subscribed") if addresses else _("none was named"), "", hint, counts=False)
    otherwise = _("another address is subscribed") if addresses else _("not there")
    return either(address in addresses, _("subscribed"), otherwise, hint)
