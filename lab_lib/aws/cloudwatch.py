"""Create, read and delete the log groups of the two functions in CloudWatch, and read their metrics."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from lab_lib.aws.json_text import milliseconds
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAGS, Lab, has_lab_tag

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


def log_group(lab: Lab, name: str) -> str:
    """Return the name that Lambda gives to the function's log group."""
    return f"/aws/lambda/{lab.name(name)}"


def find_log_group(lab: Lab, name: str) -> str | None:
    """Return the log group's name, or None."""
    return log_group(lab, name) if describe(lab, log_group(lab, name)) else None


def describe(lab: Lab, group: str) -> dict[str, Any] | None:
    """Return the log group of exactly this name, as CloudWatch describes it, or None."""
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]  # sorted by name
    return groups[0] if groups and groups[0]["logGroupName"] == group else None


def is_our_log_group(lab: Lab, name: str) -> bool:
    """Return True if the log group exists and has the lab's tag."""
    if find_log_group(lab, name) is None:
        return False
    arn = lab.arn("logs", f"log-group:{log_group(lab, name)}")
    return has_lab_tag(lab.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])


def group_of(lab: Lab, name: str, configuration: dict[str, Any] | None) -> str:
    """Return the log group in the function's configuration, which may be one of its own; else Lambda's."""
    return str((configuration or {}).get("LoggingConfig", {}).get("LogGroup") or log_group(lab, name))


def log_lines(lab: Lab, name: str, since: datetime | None = None, group: str = "") -> list[str]:
    """Return what the function printed, oldest first, as `log_events` reads it."""
    return [event["message"] for event in log_events(lab, name, since, group)]


def log_events(lab: Lab, name: str, since: datetime | None, group: str) -> list[dict[str, Any]]:
    """Return the lines of a function's log, oldest first: all, or those from `since` on.

    message, timestamp (milliseconds) and logStreamName. `group` is the function's log group, if Lambda did not name it.
    `MOST` lines may not be all. A line has the whole millisecond in which it was printed.
    """
    logs = lab.client("logs")
    when = {"startTime": milliseconds(since)} if since else {}
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group or log_group(lab, name), **when, PaginationConfig={"MaxItems": MOST}
    )
    events = none_if_absent(lambda: pages.build_full_result()["events"]) or []
    events.sort(key=lambda event: int(event["timestamp"]))
    return [{**event, "message": event["message"].rstrip()} for event in events]


def metrics(lab: Lab, name: str, since: datetime) -> dict[str, int]:
    """Return CloudWatch's counts from the minute of `since` on: {"Invocations": 2, "Errors": 0, "Throttles": 0}."""
    start = since.replace(second=0, microsecond=0)
    end = max(since, datetime.now(UTC)) + timedelta(minutes=5)
    function = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": lab.name(name)}]}
    queries = list[dict[str, Any]]()
    for metric in METRICS:
        sums = {"Metric": {**function, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        queries.append({"Id": metric.lower(), "MetricStat": sums})
    pages = lab.client("cloudwatch").get_paginator("get_metric_data")
    counts = Counter[str]()
    for page in pages.paginate(MetricDataQueries=queries, StartTime=start, EndTime=end):
        for result in page["MetricDataResults"]:
            counts[result["Id"]] += int(sum(result["Values"]))
    return {metric: counts[metric.lower()] for metric in METRICS}


def log_days(lab: Lab, group: str) -> int | None:
    """Return the number of days for which the logs are kept; None if for ever, or without a log group."""
    return (describe(lab, group) or {}).get("retentionInDays")


def delete_log_group(lab: Lab, name: str) -> None:
    """Delete the function's log group, if the lab created it."""
    if is_our_log_group(lab, name):
        lab.client("logs").delete_log_group(logGroupName=log_group(lab, name))
