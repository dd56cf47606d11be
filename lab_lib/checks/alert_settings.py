"""Read of an account what the facts of its topic, its people and its queues are about."""

from lab_lib.aws import grants, queues, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT
from lab_lib.aws.json_text import count
from lab_lib.checks.hazards import lasts
from lab_lib.checks.reading import TOPIC, emails, may_send, policy, subscription, subscription_settings
from lab_lib.checks.rules import Account, Meant, Unasked, document
from lab_lib.language import _

LIMITS = {"DelaySeconds": range(61), "MessageRetentionPeriod": range(3600, 1_209_601)}  # alerts come soon, and stay


# People. No address is shown


@document
def subscribed(account: Account, protocol: str) -> bool | str:
    """Return True if the address that was named is subscribed, else what is."""
    wanted = {"email": account.lab.email, "sms": account.lab.phone}[protocol]
    addresses = [row["Endpoint"] for row in account.ask(triggers.subscriptions) if row["Protocol"] == protocol]
    if not wanted:
        return Unasked(_("subscribed") if addresses else _("none was named"))
    return wanted in addresses or (_("another address is subscribed") if addresses else "")


@document
def email_confirmed(account: Account) -> bool | str | list[str]:
    """Return True if a subscription of the e-mail is confirmed. A mistyped address is confirmed by nobody."""
    subscriptions = emails(account)
    is_confirmed = any(row["SubscriptionArn"].startswith("arn:") for row in subscriptions)
    if not subscriptions:
        return Unasked(_("none to confirm"))
    if is_confirmed:
        return True if account.lab.email else Unasked(_("confirmed"))
    return _("pending") if account.lab.email else [Meant(_("pending"))]


@document
def unsubscribed_by_click(account: Account) -> list[str]:
    """Return the way in which anybody can end the e-mail: a mail scanner opens every link of an alert."""
    arns = [email["SubscriptionArn"] for email in emails(account)]
    settings = [account.ask(triggers.subscription_settings, arn) for arn in arns if arn.startswith("arn:")]
    by_link = [now for now in settings if now.get("ConfirmationWasAuthenticated") != "true"]
    return [_("by the link in each mail")] if by_link else []


# Queues


@document
def subscription_arn(account: Account, name: str) -> str:
    return str(subscription(account, name)["SubscriptionArn"])


@document
def filter_policy(account: Account, name: str) -> str:
    text: str = subscription_settings(account, name).get("FilterPolicy", "")
    return text.removeprefix("{}")


@document
def topic_may_send(account: Account, name: str) -> bool | str:
    return lasts(lambda after: may_send(account, name, account.lab.account, after))


@document
def another_may_send(account: Account, name: str) -> bool:
    """Return whether a topic with this ARN may send to the queue on behalf of another account."""
    return may_send(account, name, ANOTHER_ACCOUNT)


@document
def other_senders(account: Account, name: str) -> list[str]:
    """Return who may send beside the topic and the users of the account."""
    senders = {*grants.senders(account.lab, *policy(account, "queue", name))} - {account.name(TOPIC)}
    return [_("anyone") if sender == grants.ANYONE else sender for sender in senders]


@document
def queue_limits(account: Account, name: str) -> list[str]:
    """Return the settings of the queue by which alerts come late, or are dropped before somebody looks."""
    now = account.ask(queues.attributes, name)
    odd = [limit for limit in LIMITS if limit in now and count(now[limit]) not in LIMITS[limit]]
    return [_("{setting} is {value}", setting=limit, value=now[limit]) for limit in odd]
