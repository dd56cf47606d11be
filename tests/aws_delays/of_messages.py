"""The delays of what is counted, logged, received and confirmed, which no kind of behaviour fits."""

from typing import Any

from tests.aws_delays.layer import Call, change, last_name, shape

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


@change("queue-counts", "GetQueueAttributes")
def _old_counts(call: Call, parsed: dict[str, Any]) -> None:
    name, attributes = last_name(call.params["QueueUrl"]), parsed.get("Attributes", {})
    for count in [key for key in attributes if key.startswith(_COUNT)]:
        attributes[count] = call.shown("queue-counts", count, name, attributes[count], "0")


@change("", "DeleteQueue")
def _deleted_queue(call: Call, parsed: dict[str, Any]) -> None:
    name = last_name(call.params["QueueUrl"])
    for kind in (_COUNT, f"{_COUNT}NotVisible", f"{_COUNT}Delayed"):
        call.forget(kind, name)


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
