"""The delays of queues, subscriptions, logs and metrics."""

from typing import Any

from tests.aws_delays.layer import Call, Refusal, answer, change, last_name, refuse, shape

_RECENTLY = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
_COUNT = "ApproximateNumberOfMessages"


@shape("", "ReceiveMessage")
def _receive_at_once(call: Call) -> None:
    """Let the wait be one that the clock can jump over."""
    call.kept["wait"] = call.params.get("WaitTimeSeconds", 0)
    call.params["WaitTimeSeconds"] = 0


@change("", "ReceiveMessage")
def _wait_for_message(call: Call, parsed: dict[str, Any]) -> None:
    if not parsed.get("Messages"):
        call.layer.clock.sleep(call.kept["wait"])


@shape("queue-policy", "SetQueueAttributes")
def _keep_old_policy(call: Call) -> None:
    """Send the policy that counts now; the new one counts later."""
    wanted = call.params["Attributes"].get("Policy")
    if wanted is None:
        return
    where = {"QueueUrl": call.params["QueueUrl"], "AttributeNames": ["Policy"]}
    now = call.layer.bare("sqs", "GetQueueAttributes", where).get("Attributes", {}).get("Policy", "")
    if now != wanted:
        call.kept["policy"] = wanted
        call.params["Attributes"] = {**call.params["Attributes"], "Policy": now}


@change("queue-policy", "SetQueueAttributes")
def _set_policy_later(call: Call, parsed: dict[str, Any]) -> None:
    url, wanted = call.params["QueueUrl"], call.kept.get("policy")
    name = last_name(url)
    if wanted is not None and not (
        call.is_late("queue-policy", "policy", name) and call.value("policy", name) == wanted
    ):
        call.note("policy", name, wanted)
        attributes = {"Policy": wanted}
        call.later("queue-policy", "policy", name, "sqs", call.operation, QueueUrl=url, Attributes=attributes)


@change("queue-policy", "GetQueueAttributes")
def _new_policy(call: Call, parsed: dict[str, Any]) -> None:
    name, asked = last_name(call.params["QueueUrl"]), call.params.get("AttributeNames", [])
    if call.is_late("queue-policy", "policy", name) and {"All", "Policy"} & set(asked):
        parsed.setdefault("Attributes", {})["Policy"] = call.value("policy", name)


@change("queue-counts", "GetQueueAttributes")
def _old_counts(call: Call, parsed: dict[str, Any]) -> None:
    name, attributes = last_name(call.params["QueueUrl"]), parsed.get("Attributes", {})
    for count in [key for key in attributes if key.startswith(_COUNT)]:
        attributes[count] = call.shown("queue-counts", count, name, attributes[count], "0")


@change("", "DeleteQueue")
def _deleted_queue(call: Call, parsed: dict[str, Any]) -> None:
    name = last_name(call.params["QueueUrl"])
    call.note("deleted queue", name, call.params["QueueUrl"])
    for kind in ("policy", _COUNT, f"{_COUNT}NotVisible", f"{_COUNT}Delayed"):
        call.forget(kind, name)


@answer("queue-deletion", "GetQueueUrl")
def _still_found(call: Call) -> dict[str, Any] | None:
    name = call.params["QueueName"]
    late = call.is_late("queue-deletion", "deleted queue", name)
    return {"QueueUrl": call.value("deleted queue", name)} if late else None


_TOO_SOON = Refusal(400, "AWS.SimpleQueueService.QueueDeletedRecently", _RECENTLY)
refuse("queue-deletion", "deleted queue", ["CreateQueue"], {"QueueName"}, _TOO_SOON)


@change("logs", "FilterLogEvents", "GetLogEvents")
def _old_events(call: Call, parsed: dict[str, Any]) -> None:
    clock, length = call.layer.clock, call.layer.lengths["logs"]
    events = [event for event in parsed["events"] if clock.now() - clock.at(event["timestamp"] / 1000) >= length]
    parsed["events"] = events


@change("metrics", "GetMetricData")
def _old_metrics(call: Call, parsed: dict[str, Any]) -> None:
    stats = {query["Id"]: query["MetricStat"] for query in call.params["MetricDataQueries"]}
    for result in parsed["MetricDataResults"]:
        stat = stats[result["Id"]]
        about = [
            stat["Metric"]["MetricName"],
            stat["Period"],
            *(dimension["Value"] for dimension in stat["Metric"]["Dimensions"]),
        ]
        points = zip(result["Timestamps"], result["Values"], strict=True)
        shown = [(when, call.shown("metrics", "metric", f"{about} {when}", value, None)) for when, value in points]
        result["Timestamps"] = [when for when, value in shown if value is not None]
        result["Values"] = [value for _, value in shown if value is not None]


@change("e-mail", "Subscribe")
def _subscribed(call: Call, parsed: dict[str, Any]) -> None:
    if call.params["Protocol"] == "email":
        call.note("e-mail", f"{call.params['TopicArn']} {call.params['Endpoint']}")
        parsed["SubscriptionArn"] = "pending confirmation"


@change("e-mail", "ListSubscriptionsByTopic", "ListSubscriptions")
def _pending(call: Call, parsed: dict[str, Any]) -> None:
    for subscription in parsed["Subscriptions"]:
        if call.is_late("e-mail", "e-mail", f"{subscription['TopicArn']} {subscription['Endpoint']}"):
            subscription["SubscriptionArn"] = "PendingConfirmation"
