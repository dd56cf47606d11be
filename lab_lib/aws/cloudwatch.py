"""Create, read and delete the log groups of the two functions in CloudWatch, and read their metrics."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lab_lib.aws.json_text import milliseconds
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAGS, Lab, has_lab_tag, only_ours

LOG_DAYS = 14
MOST = 10_000  # lines of a log that are read
METRICS = ["Invocations", "Errors", "Throttles"]


def ensure_log_group(lab: Lab, name: str) -> None:
    """Create the function's log group, or repair how long its logs are kept.

    Otherwise Lambda would create the group without the lab's tag and keep the logs for ever.
    """
    logs = lab.client("logs")
    group = log_group(lab, name)

    def ensure() -> None:
        if find_log_group(lab, name) is None:
            logs.create_log_group(logGroupName=group, tags=TAGS)
        if is_our_log_group(lab, name):
            logs.put_retention_policy(logGroupName=group, retentionInDays=LOG_DAYS)

    none_if_unseen(ensure)


def log_group(lab: Lab, name: str, settings: dict[str, Any] | None = None) -> str:
    """Return the function's log group: the one in its settings, else the one that Lambda names."""
    logging = (settings or {}).get("LoggingConfig", {})
    return str(logging.get("LogGroup") or f"/aws/lambda/{lab.name(name)}")


def find_log_group(lab: Lab, name: str) -> str | None:
    """Return the log group's name, or None."""
    group = log_group(lab, name)
    return group if describe(lab, group) else None


def describe(lab: Lab, group: str) -> dict[str, Any] | None:
    """Return the log group of exactly this name, as CloudWatch describes it, or None."""
    answer = lab.client("logs").describe_log_groups(logGroupNamePrefix=group)
    groups: list[dict[str, Any]] = answer["logGroups"]  # sorted by name: longer names come behind it
    if groups and groups[0]["logGroupName"] == group:
        return groups[0]
    return None


def is_our_log_group(lab: Lab, name: str) -> bool:
    """Return True if the log group exists and has the lab's tag."""
    if find_log_group(lab, name) is None:
        return False
    arn = lab.arn("logs", f"log-group:{log_group(lab, name)}")
    return has_lab_tag(lab.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])


def log_lines(lab: Lab, group: str, since: datetime | None = None) -> list[dict[str, Any]]:
    """Return the lines of a log group, oldest first: all, or those from `since` on.

    message, timestamp (milliseconds) and logStreamName. `MOST` lines may not be all. A line has the whole millisecond
    in which it was printed.
    """
    logs = lab.client("logs")
    when = {"startTime": milliseconds(since)} if since else {}
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, **when, PaginationConfig={"MaxItems": MOST}
    )
    lines = none_if_absent(lambda: pages.build_full_result()["events"]) or []
    lines.sort(key=lambda line: int(line["timestamp"]))
    return [{**line, "message": line["message"].rstrip()} for line in lines]


def metrics(lab: Lab, name: str, since: datetime) -> dict[str, int]:
    """Return CloudWatch's counts from the minute of `since` on: {"Invocations": 2, "Errors": 0, "Throttles": 0}."""
    start = since.replace(second=0, microsecond=0)
    end = datetime.now(UTC) + timedelta(minutes=5)
    function = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": lab.name(name)}]}
    queries = []
    for metric in METRICS:
        sums = {"Metric": {**function, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        queries.append({"Id": metric.lower(), "MetricStat": sums})
    answer = lab.client("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
    counts = {result["Id"]: int(sum(result["Values"])) for result in answer["MetricDataResults"]}
    return {metric: counts[metric.lower()] for metric in METRICS}


def log_days(lab: Lab, group: str) -> int | None:
    """Return the number of days for which the logs are kept; None if for ever, or without a log group."""
    return (describe(lab, group) or {}).get("retentionInDays")


@only_ours(is_our_log_group)
def delete_log_group(lab: Lab, name: str) -> None:
    """Delete the function's log group, if the lab created it."""
    lab.client("logs").delete_log_group(logGroupName=log_group(lab, name))
