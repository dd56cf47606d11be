"""What CloudWatch knows of the two functions: their log groups and their metrics."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.errors import error_code
from lab_lib.lab import TAGS, Lab, has_tag

LOG_DAYS = 14
METRICS = ["Invocations", "Errors", "Throttles"]


def ensure_log_group(lab: Lab, name: str) -> None:
    """Lambda would make the group itself, kept for ever and without our tag; so it is made beforehand."""
    logs, group = lab.client("logs"), log_group(lab, name)
    if find_log_group(lab, name) is None:
        logs.create_log_group(logGroupName=group, tags=TAGS)
    if is_our_log_group(lab, name):
        logs.put_retention_policy(logGroupName=group, retentionInDays=LOG_DAYS)


def log_group(lab: Lab, name: str) -> str:
    """The name of the function's log group, which Lambda fixes."""
    return f"/aws/lambda/{lab.name(name)}"


def find_log_group(lab: Lab, name: str) -> str | None:
    """The log group's name, if it is there."""
    return log_group(lab, name) if _describe(lab, name) else None


def is_our_log_group(lab: Lab, name: str) -> bool:
    """True if the log group is there and the lab made it."""
    if find_log_group(lab, name) is None:
        return False
    arn = lab.arn("logs", f"log-group:{log_group(lab, name)}")
    return has_tag(lab.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])


def log_lines(lab: Lab, name: str, since: datetime | None = None) -> list[str]:
    """What the function printed, oldest first; all of it, or what came at `since` or later."""
    start = {"startTime": int(since.timestamp() * 1000)} if since else {}
    pages = lab.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log_group(lab, name), **start)
    try:
        events = [event for page in pages for event in page["events"]]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return []
        raise
    events.sort(key=lambda event: int(event["timestamp"]))
    return [event["message"].rstrip() for event in events]


def runs(lines: list[str]) -> int:
    """How many runs a function's log tells of: Lambda ends each with a report, as text or as JSON."""
    return sum(line.startswith("REPORT ") or '"platform.report"' in line for line in lines)


def reports(lines: list[str]) -> list[dict[str, Any]]:
    """What this workbook's functions report of their runs, among a function's log lines."""
    return [report for report in map(_object, lines) if "records" in report or "key" in report]


def failures(lines: list[str]) -> list[str]:
    """The errors among a function's log lines: "KeyError: 'amount'", "Task timed out after 3.00 seconds" …"""
    found, in_traceback, told = [], False, False
    for line in lines:
        first, *more = line.splitlines() or [""]
        failure = _in_json(first) or _in_text(first)
        if failure:
            found.append(failure)
        elif first.startswith("Traceback (most recent call last)"):
            in_traceback = not more and not told  # Lambda tells the error before its traceback
            found += more[-1:]
        elif in_traceback and first and not first[0].isspace():
            found.append(first)
            in_traceback = False
        told = bool(failure)
    return found


def metrics(lab: Lab, name: str, since: datetime) -> dict[str, int]:
    """CloudWatch's counts since the minute that began then: {"Invocations": 2, "Errors": 0, "Throttles": 0}."""
    dimensions = [{"Name": "FunctionName", "Value": lab.name(name)}]
    counted = {
        metric: {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions} for metric in METRICS
    }
    queries = [
        {"Id": metric.lower(), "MetricStat": {"Metric": counted[metric], "Period": 60, "Stat": "Sum"}}
        for metric in METRICS
    ]
    answer = lab.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries,
        StartTime=since.replace(second=0, microsecond=0),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
    )
    sums = {result["Id"]: int(sum(result["Values"])) for result in answer["MetricDataResults"]}
    return {metric: sums[metric.lower()] for metric in METRICS}


def log_days(lab: Lab, name: str) -> int | None:
    """How many days the function's logs are kept; None if they are kept for ever, or there are none."""
    return (_describe(lab, name) or {}).get("retentionInDays")


def delete_log_group(lab: Lab, name: str) -> None:
    """Delete the function's logs, if the lab made their group."""
    if is_our_log_group(lab, name):
        lab.client("logs").delete_log_group(logGroupName=log_group(lab, name))


def _in_text(line: str) -> str:
    match = _FAILURE.match(line)
    return (match["error"] or match["end"] or match["exit"]) if match else ""


def _in_json(line: str) -> str:
    """The error that a line of Lambda's JSON format tells of."""
    event = _object(line)
    if event.get("level") != "ERROR":
        return ""
    told = [str(event[key]) for key in ("errorType", "errorMessage") if event.get(key)]
    return ": ".join(told) or str(event.get("message", ""))


def _object(line: str) -> dict[str, Any]:
    """The JSON object that the line is; empty if it is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _describe(lab: Lab, name: str) -> dict[str, Any] | None:
    wanted = log_group(lab, name)
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix=wanted)["logGroups"]
    return next((group for group in groups if group["logGroupName"] == wanted), None)


# As Lambda writes them in its text format: an error that was raised or logged, an end that Lambda made itself.
_FAILURE = re.compile(
    r"\[ERROR\]\s+(?:\S+Z\t\S*\t)?(?P<error>.+)"
    r"|\S+Z \S+ (?P<end>Task timed out after [0-9.]+ seconds)$"
    r"|RequestId: \S+ Error: (?P<exit>Runtime exited .*)"
)
