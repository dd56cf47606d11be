"""Check step 04: the queues get the complete messages of the topic, and no messages of others."""

from collections import Counter
from typing import Any

from lab_lib.aws import functions, grants, queues, triggers
from lab_lib.aws.event_filters import ANY, passes
from lab_lib.aws.json_text import count
from lab_lib.checks import senders
from lab_lib.checks.rules import Account, Finding, check, equal, exists, judged, listing, none_of
from lab_lib.checks.step_02 import unqualified
from lab_lib.checks.step_03 import TOPIC
from lab_lib.errors import LabError
from lab_lib.resources import cell

QUEUES = queues.ALERT_QUEUES
_USE_SSE_SQS = 'set_queue_attributes with KmsMasterKeyId="" and SqsManagedSseEnabled="true"'
# Settings of a queue with the values that are right, and one of them: SNS's envelope alone has more than 1 KB.
_LIMITS = {
    "DelaySeconds": (range(61), "0"),
    "MessageRetentionPeriod": (range(3600, 1_209_601), "345600"),
    "MaximumMessageSize": (range(4096, 1_048_577), "262144"),
}


@check("04", "queue-{}", "queue {}", each=QUEUES, of="queue")
def queue(account: Account, name: str) -> Finding:
    hint = f"Create the standard queue {account.lab.name(name)} in {account.lab.region}"
    hint += account.mend("create_queue", cell("queue", name))
    return exists(account, name, account.ask(queues.find_queue, name), hint, queues.names)


@check("04", "subscription-{}", "subscription of {}", after="topic queue-{}", each=QUEUES, of="subscription", weight=3)
def subscription(account: Account, name: str) -> Finding:
    wanted = f"subscribed to {account.lab.name(TOPIC)}"
    if there := _subscription(account, name):
        hint = f"Confirm this subscription with the token in the message that SNS sent to {account.lab.name(name)}"
        is_pending = not there["SubscriptionArn"].startswith("arn:")
        found = "pending: the queue gets no alert" if is_pending else wanted
        return equal(found, wanted, hint + account.mend("confirm_subscription", console="Subscriptions of the topic"))
    elsewhere = [
        each
        for each in account.ask(triggers.all_subscriptions)
        if each["Endpoint"] == queues.queue_arn(account.lab, name)
    ]
    topics = (grants.short(account.lab, each["TopicArn"]) for each in elsewhere)
    found = ", ".join(f"subscribed to {topic}" for topic in topics) or "not there"
    hint = f"Subscribe {account.lab.name(name)} to the topic {account.lab.name(TOPIC)}"
    hint += account.mend("subscribe", cell("subscription", name))
    return judged(False, found, wanted, hint)


@check(
    "04", "raw-delivery-{}", "raw delivery of {}", after="subscription-{}", each=QUEUES, of="subscription", shown=True
)
def raw_delivery(account: Account, name: str) -> Finding:
    raw = _settings(account, name).get("RawMessageDelivery") == "true"
    hint = "The lab reads SNS's envelope. Turn off raw message delivery in the subscription of "
    hint += account.lab.name(name) + _set_subscription(account, "RawMessageDelivery", "false")
    return equal("on" if raw else "off", "off", hint)


@check("04", "filter-policy-{}", "filter policy of {}", after="subscription-{}", each=QUEUES, of="subscription")
def subscription_filter(account: Account, name: str) -> Finding:
    """The filter lets every alert through. The lab's alerts have a body of JSON, and no message attributes."""
    settings = _settings(account, name)
    policy, in_body = settings.get("FilterPolicy") or "{}", settings.get("FilterPolicyScope") == "MessageBody"
    answer = passes(policy, {"customerID": ANY, "accountBalance": ANY} if in_body else {})
    if isinstance(answer, str):
        raise LabError(f"this check cannot judge {answer}")
    hint = f"The filter policy of the subscription of {account.lab.name(name)} drops alerts. Remove it"
    hint += _set_subscription(account, "FilterPolicy", "{}")
    return judged(answer, "none" if policy == "{}" else policy, "none", hint)


@check("04", "access-policy-{}", "access policy of {}", after="topic queue-{}", each=QUEUES, of="queue", weight=3)
def access_policy(account: Account, name: str) -> Finding:
    """The queue's policy lets the topic send. Without it, messages vanish without an error."""
    topic = account.lab.name(TOPIC)
    hint = f"Let the topic {topic} send to {account.lab.name(name)}, in the queue's access policy"
    hint += _policy(account, name)
    found = "may send" if senders.may_send(account, name, account.lab.account) else "may not send"
    return equal(f"{topic} {found}", f"{topic} may send", hint)


@check("04", "other-senders-{}", "other senders to {}", after="queue-{}", each=QUEUES)
def other_senders(account: Account, name: str) -> Finding:
    """Only the topic and users of the account may send."""
    topic = account.lab.name(TOPIC)
    hint = f"In the access policy of {account.lab.name(name)}, let in the topic {topic} only, by its aws:SourceArn"
    hint += _policy(account, name)
    return none_of(senders.others(account, name), hint)


@check("04", "limits-{}", "delay, retention and size of {}", after="queue-{}", each=QUEUES, of="queue")
def limits(account: Account, name: str) -> Finding:
    """Alerts come within a minute, stay for an hour, and fit into a message."""
    now = account.ask(queues.attributes, name)
    wrong = [setting for setting, (right, _) in _LIMITS.items() if setting in now and count(now[setting]) not in right]
    do = " and ".join(f"{setting} to {_LIMITS[setting][1]}" for setting in wrong or _LIMITS)
    hint = f"Set {do} for {account.lab.name(name)}{account.mend('set_queue_attributes', console='Configuration')}"
    finding = none_of((f"{setting} is {now[setting]}" for setting in wrong), hint, right="enough for every alert")
    ranges = ((setting, _LIMITS[setting][0]) for setting in wrong)
    wanted = listing(f"{setting} from {right[0]} to {right[-1]}" for setting, right in ranges)
    return finding._replace(wanted=wanted) if wrong else finding


@check("04", "encryption-{}", "encryption of {}", after="queue-{}", each=QUEUES, of="queue")
def encryption(account: Account, name: str) -> Finding:
    """The key is not the one that AWS manages for SQS: its key policy cannot let SNS use it."""
    key = account.ask(queues.attributes, name).get("KmsMasterKeyId", "")
    hint = f"Choose SSE-SQS for {account.lab.name(name)}, or a KMS key of your own that sns.amazonaws.com may use"
    hint += account.mend(_USE_SSE_SQS, console="Encryption")
    return judged(key != "alias/aws/sqs", key or "SSE-SQS or none", "a key that the topic may use", hint)


@check("04", "other-subscriptions", "other subscriptions", after="topic")
def other_subscriptions(account: Account) -> Finding:
    """No subscription is there twice, leads back into the chain, or belongs to a queue or function that is gone."""
    lab, found = account.lab, account.ask(triggers.subscriptions)
    ends = [(each["Protocol"], each["Endpoint"]) for each in found]
    twice = [f"{_shown(account, *end)} once more" for end, times in Counter(ends).items() if times > 1]
    there = {  # the lab's queues have checks of their own
        "sqs": {lab.arn("sqs", each) for each in (*account.ask(queues.names), *map(lab.name, QUEUES))},
        "lambda": {lab.arn("lambda", f"function:{each}") for each in account.ask(functions.names)},
    }
    loops = {lab.arn("lambda", f"function:{lab.name(each)}") for each in functions.SOURCES}
    own = [(kind, unqualified(end)) for kind, end in ends if grants.short(lab, end) != end]
    gone = [f"{_shown(account, *end)}, which is not there" for end in own if end[1] not in there.get(end[0], {end[1]})]
    back = [f"{_shown(account, *end)}, which takes no alerts" for end in own if end[1] in loops & there["lambda"]]
    hint = f"Delete this subscription of {lab.name(TOPIC)}{account.mend('unsubscribe', console='Subscriptions')}"
    return none_of([*twice, *gone, *back], hint)


def _set_subscription(account: Account, name: str, value: str) -> str:
    call = f'set_subscription_attributes with AttributeName="{name}" and AttributeValue="{value}"'
    return account.mend(call, console="Subscriptions of the topic, Edit")


def _policy(account: Account, name: str) -> str:
    return account.mend("set_queue_attributes", cell("subscription", name), "Access policy")


def _subscription(account: Account, name: str) -> dict[str, Any]:
    found = [
        each for each in account.ask(triggers.subscriptions) if each["Endpoint"] == queues.queue_arn(account.lab, name)
    ]
    return found[0] if found else {}


def _settings(account: Account, name: str) -> dict[str, str]:
    return account.ask(triggers.subscription_settings, _subscription(account, name)["SubscriptionArn"])


def _shown(account: Account, protocol: str, end: str) -> str:
    """Return the name of a subscriber; of a person only "email" or "sms"."""
    return grants.short(account.lab, end) if end.startswith("arn:") else protocol
