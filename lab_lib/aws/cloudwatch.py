"""Create, read and delete the log groups of the two functions in CloudWatch, and read their metrics."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from lab_lib.aws.json_text import json_object, milliseconds
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAGS, Lab, has_lab_tag

LOG_DAYS = 14
MOST = 10_000  # lines of a log that are read
METRICS = ["Invocations", "Errors", "Throttles"]
# Lambda's text format: an error that was raised or logged, a timeout, an exit.
_FAILURE = re.compile(
    r"\[ERROR\]\s+(?:\S+Z\t\S*\t)?(?P<error>.+)"
    r"|\S+Z \S+ (?P<end>Task timed out after [0-9.]+ seconds)$"
    r"|RequestId: \S+ Error: (?P<exit>Runtime exited .*)"
)


def ensure_log_group(lab: Lab, name: str) -> None:
    """Create the function's log group, or repair how long its logs are kept.

    Otherwise Lambda would create the group without the lab's tag and keep the logs for ever.
    """
    logs, group = lab.client("logs"), log_group(lab, name)

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
    pages = lab.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group)
    groups = (described for page in pages for described in page["logGroups"])
    return next((described for described in groups if described["logGroupName"] == group), None)


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


def reports(lines: list[str]) -> list[dict[str, Any]]:
    """Return the JSON objects in a function's log with which this workbook's functions report a run."""
    objects = map(json_object, lines)
    return [entry for entry in objects if isinstance(entry.get("records"), int) or isinstance(entry.get("key"), str)]


def failures(lines: list[str]) -> list[str]:
    """Return the errors in a function's log: "KeyError: 'amount'", "Task timed out after 3.00 seconds" …"""
    errors, in_traceback, after_error = [], False, False
    for line in lines:
        first, *more = line.splitlines() or [""]
        failure = _in_json(first) or _in_text(first)
        if failure:
            errors.append(failure)
        elif first.startswith("Traceback (most recent call last)"):
            in_traceback = not more and not after_error  # Lambda writes the error before its traceback
            errors += more[-1:]
        elif in_traceback and first and not first[0].isspace():
            errors.append(first)
            in_traceback = False
        after_error = bool(failure)
    return errors


def metrics(lab: Lab, name: str, since: datetime) -> dict[str, int]:
    """Return CloudWatch's counts from the minute of `since` on: {"Invocations": 2, "Errors": 0, "Throttles": 0}."""
    start = since.replace(second=0, microsecond=0)
    end = max(since, datetime.now(UTC)) + timedelta(minutes=5)
    function = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": lab.name(name)}]}
    queries = [
        {
            "Id": metric.lower(),
            "MetricStat": {"Metric": {**function, "MetricName": metric}, "Period": 60, "Stat": "Sum"},
        }
        for metric in METRICS
    ]
    asked = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end}
    sums = Counter[str]()
    for page in lab.client("cloudwatch").get_paginator("get_metric_data").paginate(**asked):
        for result in page["MetricDataResults"]:
            sums[result["Id"]] += int(sum(result["Values"]))
    return {metric: sums[metric.lower()] for metric in METRICS}


def log_days(lab: Lab, group: str) -> int | None:
    """Return the number of days for which the logs are kept; None if for ever, or without a log group."""
    return (describe(lab, group) or {}).get("retentionInDays")


def delete_log_group(lab: Lab, name: str) -> None:
    """Delete the function's log group, if the lab created it."""
    if is_our_log_group(lab, name):
        lab.client("logs").delete_log_group(logGroupName=log_group(lab, name))


def _in_text(line: str) -> str:
    match = _FAILURE.match(line)
    return (match["error"] or match["end"] or match["exit"]) if match else ""


def _in_json(line: str) -> str:
    """Return the error in a line of Lambda's JSON format, or empty."""
    event = json_object(line)
    if event.get("level") != "ERROR":
        return ""
    parts = [str(event[key]) for key in ("errorType", "errorMessage") if event.get(key)]
    return ": ".join(parts) or str(event.get("message", ""))
