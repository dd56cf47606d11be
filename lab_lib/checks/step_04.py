"""Check step 04: the queues get the complete messages of the topic, and no messages of others."""

from typing import Any

from lab_lib.aws import functions, grants, queues, triggers
from lab_lib.aws.evaluator import arn_part, from_service, is_allowed
from lab_lib.aws.json_text import count
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, exists, judged, none_of
from lab_lib.checks.step_02 import unqualified
from lab_lib.checks.step_03 import TOPIC
from lab_lib.resources import cell

QUEUES = queues.ALERT_QUEUES
_LIMITS = {"DelaySeconds": range(61), "MessageRetentionPeriod": range(3600, 1_209_601)}
_USE_SSE_SQS = 'set_queue_attributes with KmsMasterKeyId="" and SqsManagedSseEnabled="true"'


@check("04", "queue-{}", "queue {}", of="queue", call="create_queue")
def queue(account: Account, name: str) -> Finding:
    hint = f"Create the standard queue {account.name(name)} in {account.lab.region}"
    return exists(account, name, account.ask(queues.find_queue, name), hint, queues.names)


@check(
    "04",
    "subscription-{}",
    "subscription of {}",
    after="topic queue-{}",
    of="subscription",
    weight=3,
    call="subscribe",
)
def subscription(account: Account, name: str) -> Finding:
    wanted = f"subscribed to {account.name(TOPIC)}"
    hint = f"Subscribe {account.name(name)} to the topic {account.name(TOPIC)}"
    return equal(wanted if _subscription(account, name) else "not there", wanted, hint)


@check("04", "raw-delivery-{}", "raw delivery of {}", after="subscription-{}", of="subscription", shown=True)
def raw_delivery(account: Account, name: str) -> Finding:
    raw = _settings(account, name).get("RawMessageDelivery") == "true"
    hint = "The lab reads SNS's envelope. Turn off raw message delivery in the subscription of "
    hint += account.name(name) + _set_subscription(account, "RawMessageDelivery", "false")
    return equal("on" if raw else "off", "off", hint)


@check(FURTHER, "filter-policy-{}", "filter policy of {}", after="subscription-{}", of="subscription")
def subscription_filter(account: Account, name: str) -> Finding:
    policy = _settings(account, name).get("FilterPolicy") or "{}"
    hint = f"The filter policy of the subscription of {account.name(name)} may drop alerts. Remove it"
    hint += _set_subscription(account, "FilterPolicy", "{}")
    return equal("none" if policy == "{}" else policy, "none", hint)


@check("04", "access-policy-{}", "access policy of {}", after="topic queue-{}", of="queue", weight=3)
def access_policy(account: Account, name: str) -> Finding:
    """The queue's policy lets the topic send. Without it, messages vanish without an error."""
    topic = account.name(TOPIC)
    hint = f"Let the topic {topic} send to {account.name(name)}, in the queue's access policy"
    hint += _fix_policy(account, name)
    may = "may send" if may_send(account, name, account.lab.account) else "may not send"
    return equal(f"{topic} {may}", f"{topic} may send", hint)


@check("04", "other-senders-{}", "other senders to {}", after="queue-{}", subjects=QUEUES)
def other_senders(account: Account, name: str) -> Finding:
    """Only the topic and users of the account may send."""
    topic = account.name(TOPIC)
    hint = f"In the access policy of {account.name(name)}, let in the topic {topic} only, by its aws:SourceArn"
    hint += _fix_policy(account, name)
    arn = queues.queue_arn(account.lab, name)
    senders = grants.senders(account.lab, account.ask(queues.statements, name), arn)
    return none_of({*senders} - {topic}, hint)


@check("04", "limits-{}", "delay and retention of {}", after="queue-{}", of="queue")
def limits(account: Account, name: str) -> Finding:
    """Alerts come within a minute, and stay for an hour."""
    now = account.ask(queues.attributes, name)
    wrong = [f"{limit} is {now[limit]}" for limit in now.keys() & _LIMITS if count(now[limit]) not in _LIMITS[limit]]
    hint = f"Set DelaySeconds to 0 and MessageRetentionPeriod to 345600 for {account.name(name)}"
    hint += account.how_to_fix("set_queue_attributes", console="Configuration")
    return none_of(wrong, hint, right="enough for every alert")


@check("04", "encryption-{}", "encryption of {}", after="queue-{}", of="queue")
def encryption(account: Account, name: str) -> Finding:
    """The key is not the one that AWS manages for SQS: its key policy cannot let SNS use it."""
    key = account.ask(queues.attributes, name).get("KmsMasterKeyId", "")
    hint = f"Choose SSE-SQS for {account.name(name)}, or a KMS key of your own that sns.amazonaws.com may use"
    hint += account.how_to_fix(_USE_SSE_SQS, console="Encryption")
    return judged(key != "alias/aws/sqs", key or "SSE-SQS or none", "a key that the topic may use", hint)


@check("04", "other-subscriptions", "other subscriptions", after="topic")
def other_subscriptions(account: Account) -> Finding:
    """No subscription leads back into the chain or to another account."""
    lab = account.lab
    ends = [unqualified(row["Endpoint"]) for row in account.ask(triggers.subscriptions)]
    loops = {lab.arn("lambda", f"function:{lab.name(name)}") for name in functions.SOURCES}
    wrong = [end for end in ends if end in loops or arn_part(end, 4) not in ("", lab.account)]
    hint = f"Delete this subscription of {lab.name(TOPIC)}, which leads to another account or back into the chain"
    hint += account.how_to_fix("unsubscribe", console="Subscriptions")
    return none_of((grants.short(lab, end) for end in wrong), hint)


def may_send(account: Account, name: str, source: str) -> bool:
    """Return True if SNS may send to the queue from the lab's topic, on behalf of the account `source`."""
    lab, arn = account.lab, queues.queue_arn(account.lab, name)
    topic = {"aws:sourcearn": lab.arn("sns", lab.name(TOPIC)), "aws:sourceaccount": source}
    asked = from_service("sns.amazonaws.com", grants.SEND, arn, topic)
    return is_allowed(account.ask(queues.statements, name), asked)


def _set_subscription(account: Account, name: str, value: str) -> str:
    call = f'set_subscription_attributes with AttributeName="{name}" and AttributeValue="{value}"'
    return account.how_to_fix(call, console="Subscriptions of the topic, Edit")


def _fix_policy(account: Account, name: str) -> str:
    return account.how_to_fix("set_queue_attributes", cell("subscription", name), "Access policy")


def _subscription(account: Account, name: str) -> dict[str, Any]:
    arn = queues.queue_arn(account.lab, name)
    return next((row for row in account.ask(triggers.subscriptions) if row["Endpoint"] == arn), {})


def _settings(account: Account, name: str) -> dict[str, str]:
    return account.ask(triggers.subscription_settings, _subscription(account, name)["SubscriptionArn"])
