"""Check step 04: the queues get the complete messages of the topic, and no messages of others."""

from lab_lib.aws import functions, grants, queues, triggers
from lab_lib.aws.evaluator import arn_part
from lab_lib.aws.json_text import count
from lab_lib.checks import reading
from lab_lib.checks.reading import TOPIC, may_send, subscription_settings, unqualified
from lab_lib.checks.rules import FURTHER, Account, Finding, check, either, exists, judged, none_of
from lab_lib.language import N_, _
from lab_lib.resources import cell

QUEUES = queues.ALERT_QUEUES
_LIMITS = {"DelaySeconds": range(61), "MessageRetentionPeriod": range(3600, 1_209_601)}
_USE_SSE_SQS = N_('set_queue_attributes with KmsMasterKeyId="" and SqsManagedSseEnabled="true"')


@check("04", "queue-{}", "queue {}", of="queue", call="create_queue")
def queue(account: Account, name: str) -> Finding:
    hint = _("Create the standard queue {queue} in {region}", queue=account.name(name), region=account.lab.region)
    return exists(account, name, account.ask(queues.find_queue, name), hint, queues.names)


@check(
    "04", "subscription-{}", "subscription of {}", after="topic queue-{}", of="subscription", weight=3, call="subscribe"
)
def subscription(account: Account, name: str) -> Finding:
    topic, wanted = account.name(TOPIC), _("subscribed to {topic}", topic=account.name(TOPIC))
    hint = _("Subscribe {queue} to the topic {topic}", queue=account.name(name), topic=topic)
    return either(reading.subscription(account, name), wanted, _("not there"), hint)


@check("04", "raw-delivery-{}", "raw delivery of {}", after="subscription-{}", of="subscription", shown=True)
def raw_delivery(account: Account, name: str) -> Finding:
    raw = subscription_settings(account, name).get("RawMessageDelivery") == "true"
    hint = _(
        "The lab reads SNS's envelope. Turn off raw message delivery in the subscription of {queue}",
        queue=account.name(name),
    )
    return either(not raw, _("off"), _("on"), _set_subscription(account, "RawMessageDelivery", "false", hint))


@check(FURTHER, "filter-policy-{}", "filter policy of {}", after="subscription-{}", of="subscription")
def subscription_filter(account: Account, name: str) -> Finding:
    policy = subscription_settings(account, name).get("FilterPolicy") or "{}"
    hint = _("The filter policy of the subscription of {queue} may drop alerts. Remove it", queue=account.name(name))
    return either(policy == "{}", _("none"), policy, _set_subscription(account, "FilterPolicy", "{}", hint))


@check("04", "access-policy-{}", "access policy of {}", after="topic queue-{}", of="queue", weight=3)
def access_policy(account: Account, name: str) -> Finding:
    """The queue's policy lets the topic send. Without it, messages vanish without an error."""
    topic, queue, may = account.name(TOPIC), account.name(name), may_send(account, name, account.lab.account)
    hint = _("Let the topic {topic} send to {queue}, in the queue's access policy", topic=topic, queue=queue)
    wanted, otherwise = _("{topic} may send", topic=topic), _("{topic} may not send", topic=topic)
    return either(may, wanted, otherwise, _fix_policy(account, name, hint))


@check("04", "other-senders-{}", "other senders to {}", after="queue-{}", subjects=QUEUES)
def other_senders(account: Account, name: str) -> Finding:
    """Only the topic and users of the account may send."""
    topic, queue = account.name(TOPIC), account.name(name)
    hint = _(
        "In the access policy of {queue}, let in the topic {topic} only, by its aws:SourceArn", queue=queue, topic=topic
    )
    hint = _fix_policy(account, name, hint)
    arn = queues.queue_arn(account.lab, name)
    senders = {*grants.senders(account.lab, account.ask(queues.statements, name), arn)} - {topic}
    named = (_("anyone") if sender == grants.ANYONE else sender for sender in senders)
    return none_of(named, hint)


@check("04", "limits-{}", "delay and retention of {}", after="queue-{}", of="queue")
def limits(account: Account, name: str) -> Finding:
    """Alerts come within a minute, and stay for an hour."""
    now = account.ask(queues.attributes, name)
    odd = (limit for limit in now.keys() & _LIMITS if count(now[limit]) not in _LIMITS[limit])
    wrong = [_("{setting} is {value}", setting=limit, value=now[limit]) for limit in odd]
    hint = _("Set DelaySeconds to 0 and MessageRetentionPeriod to 345600 for {queue}", queue=account.name(name))
    hint = account.how_to_fix(hint, "set_queue_attributes", N_("Configuration"))
    return none_of(wrong, hint, right=_("enough for every alert"))


@check("04", "encryption-{}", "encryption of {}", after="queue-{}", of="queue")
def encryption(account: Account, name: str) -> Finding:
    """The key is not the one that AWS manages for SQS: its key policy cannot let SNS use it."""
    key = account.ask(queues.attributes, name).get("KmsMasterKeyId", "")
    queue, found = account.name(name), key or _("SSE-SQS or none")
    hint = _("Choose SSE-SQS for {queue}, or a KMS key of your own that sns.amazonaws.com may use", queue=queue)
    hint = account.how_to_fix(hint, _USE_SSE_SQS, N_("Encryption"))
    return judged(key != "alias/aws/sqs", found, _("a key that the topic may use"), hint)


@check("04", "other-subscriptions", "other subscriptions", after="topic")
def other_subscriptions(account: Account) -> Finding:
    """No subscription leads back into the chain or to another account."""
    lab = account.lab
    ends = [unqualified(row["Endpoint"]) for row in account.ask(triggers.subscriptions)]
    loops = {lab.arn("lambda", f"function:{lab.name(name)}") for name in functions.SOURCES}
    wrong = [end for end in ends if end in loops or arn_part(end, 4) not in ("", lab.account)]
    hint = _(
        "Delete this subscription of {topic}, which leads to another account or back into the chain",
        topic=lab.name(TOPIC),
    )
    hint = account.how_to_fix(hint, "unsubscribe", N_("Subscriptions"))
    return none_of((grants.short(lab, end) for end in wrong), hint)


def _set_subscription(account: Account, name: str, value: str, hint: str) -> str:
    call = _(
        'set_subscription_attributes with AttributeName="{name}" and AttributeValue="{value}"', name=name, value=value
    )
    return account.how_to_fix(hint, call, N_("Subscriptions of the topic, Edit"))


def _fix_policy(account: Account, name: str, hint: str) -> str:
    return account.how_to_fix(hint, "set_queue_attributes", N_("Access policy"), cell("subscription", name))
