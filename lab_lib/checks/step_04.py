"""Check step 04: the two queues get the complete messages of the topic, and no messages of others."""

import json
from dataclasses import replace
from typing import Any

from lab_lib.aws import grants, queues, triggers
from lab_lib.aws.evaluator import from_service
from lab_lib.checks import cells
from lab_lib.checks.permissions import ANOTHER_ACCOUNT, is_allowed
from lab_lib.checks.rules import Account, Finding, check, equal, none_of
from lab_lib.checks.step_03 import TOPIC

QUEUES = queues.ALERT_QUEUES


@check("04", "queue {}", each=QUEUES)
def queue(account: Account, name: str) -> Finding:
    wanted = account.lab.name(name)
    if account.ask(queues.find_queue, name):
        return Finding(True, wanted, wanted, "")
    hint = (
        f"Create the standard queue {wanted} in {account.lab.region}{account.mend('create_queue', cells.QUEUES[name])}"
    )
    return Finding(False, "not there", wanted, hint + account.similar(queues.names, name))


@check("04", "subscription of {}", after=(f"topic {TOPIC}", "queue {}"), each=QUEUES)
def subscription(account: Account, name: str) -> Finding:
    wanted = f"subscribed to {account.lab.name(TOPIC)}"
    if _subscription(account, name):
        return Finding(True, wanted, wanted, "")
    elsewhere = [each for each in account.ask(triggers.all_subscriptions) if each["Endpoint"] == _arn(account, name)]
    found = ", ".join(f"subscribed to {each['TopicArn'].split(':')[-1]}" for each in elsewhere) or "not there"
    hint = f"Subscribe {account.lab.name(name)} to the topic {account.lab.name(TOPIC)}"
    hint += account.mend("subscribe", cells.SUBSCRIPTIONS[name])
    return Finding(False, found, wanted, hint)


@check("04", "raw delivery of {}", after=("subscription of {}",), each=QUEUES)
def raw_delivery(account: Account, name: str) -> Finding:
    raw = _settings(account, name).get("RawMessageDelivery") == "true"
    hint = (
        f"The lab reads SNS's envelope. Turn off raw message delivery in the subscription of {account.lab.name(name)}"
    )
    hint += account.mend("set_subscription_attributes")
    return equal("on" if raw else "off", "off", hint)


@check("04", "filter policy of {}", after=("subscription of {}",), each=QUEUES)
def subscription_filter(account: Account, name: str) -> Finding:
    policy = json.loads(_settings(account, name).get("FilterPolicy") or "{}")
    hint = f"The filter policy of the subscription of {account.lab.name(name)} drops alerts. Remove it"
    hint += account.mend("set_subscription_attributes")
    return none_of([json.dumps(policy)] if policy else [], hint)


@check("04", "access policy of {}", after=(f"topic {TOPIC}", "queue {}"), each=QUEUES)
def access_policy(account: Account, name: str) -> Finding:
    """The queue's policy lets the topic send. Without it, messages vanish without an error."""
    topic = account.lab.name(TOPIC)
    hint = f"Let the topic {topic} send to {account.lab.name(name)}, in the queue's access policy"
    hint += _policy(account, name)
    found = "may send" if may_send(account, name, account.lab.account) else "may not send"
    return equal(f"{topic} {found}", f"{topic} may send", hint)


@check("04", "other senders to {}", after=("queue {}",), each=QUEUES)
def other_senders(account: Account, name: str) -> Finding:
    """Only the topic and users of the account may send."""
    topic, statements = account.lab.name(TOPIC), account.ask(queues.statements, name)
    own = (topic, "users of this account", "this account")
    others = [each for each in grants.senders(account.lab, statements, _arn(account, name)) if each not in own]
    if not others and may_send(account, name, ANOTHER_ACCOUNT, ANOTHER_ACCOUNT):
        others = ["topics of other accounts"]
    hint = f"In the access policy of {account.lab.name(name)}, ask for the aws:SourceArn of the topic {topic}"
    hint += _policy(account, name)
    return none_of(others, hint)


@check("04", "encryption of {}", after=("queue {}",), each=QUEUES)
def encryption(account: Account, name: str) -> Finding:
    """The key is not the one that AWS manages for SQS: its key policy cannot let SNS use it."""
    key = account.ask(queues.attributes, name).get("KmsMasterKeyId", "")
    hint = f"Choose SSE-SQS for {account.lab.name(name)}, or a KMS key of your own that sns.amazonaws.com may use"
    hint += account.mend("set_queue_attributes", cells.QUEUES[name], "Encryption")
    return Finding(key != "alias/aws/sqs", key or "SSE-SQS or none", "a key that the topic may use", hint)


@check("04", "other subscriptions", after=(f"topic {TOPIC}",))
def other_subscriptions(account: Account) -> Finding:
    """No subscription is there twice, and none belongs to a queue that is gone."""
    ends = [(each["Protocol"], each["Endpoint"]) for each in account.ask(triggers.subscriptions)]
    twice = [f"{end.split(':')[-1]} once more" for protocol, end in {*ends} if ends.count((protocol, end)) > 1]
    there = {*account.ask(queues.names), *map(account.lab.name, QUEUES)}  # the two queues have checks of their own
    named = [end.split(":")[-1] for protocol, end in ends if protocol == "sqs" and account.lab.arn("sqs", "") in end]
    gone = [f"{name}, which is not there" for name in named if name not in there]
    hint = f"Delete this subscription of {account.lab.name(TOPIC)}{account.mend('unsubscribe')}"
    return none_of([*twice, *gone], hint)


def may_send(account: Account, queue: str, source: str, owner: str = "") -> bool:
    """Return True if SNS may send to the queue for this account, from the topic of this name in `owner`'s account."""
    topic = replace(account.lab, account=owner or account.lab.account).arn("sns", account.lab.name(TOPIC))
    context = {"aws_sourcearn": topic, "aws_sourceaccount": source}
    asked = from_service("sns.amazonaws.com", "sqs:SendMessage", _arn(account, queue), **context)
    return is_allowed(account.ask(queues.statements, queue), asked)


def _policy(account: Account, name: str) -> str:
    return account.mend("set_queue_attributes", cells.SUBSCRIPTIONS[name], "Access policy")


def _subscription(account: Account, name: str) -> dict[str, Any]:
    found = [each for each in account.ask(triggers.subscriptions) if each["Endpoint"] == _arn(account, name)]
    return found[0] if found else {}


def _settings(account: Account, name: str) -> dict[str, str]:
    return account.ask(triggers.subscription_settings, _subscription(account, name)["SubscriptionArn"])


def _arn(account: Account, name: str) -> str:
    return queues.queue_arn(account.lab, name)
