import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import cloudwatch
from lab_lib.aws.log_runs import Run

NAME = "TransactionProcessor"
GROUP = f"/aws/lambda/{NAME}"
ID = "8b3f0c2e-6a51-4f0e-9c55-0d6f3f3c9a10"
TRACEBACK = "Traceback (most recent call last):"


@pytest.fixture
def write(lab):
    """write("a", now, "two", "three"): log events of this second and the following ones, in the stream a."""
    cloudwatch.ensure_log_group(lab, NAME)

    def write(stream, start, *lines):
        lab.client("logs").create_log_stream(logGroupName=GROUP, logStreamName=stream)
        first = int(start.timestamp() * 1000)
        events = [{"timestamp": first + 1000 * number, "message": line} for number, line in enumerate(lines)]
        lab.client("logs").put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)

    return write


@pytest.fixture
def count(lab):
    """count("Errors", 2, at): CloudWatch has counted this number at that time."""

    def count(metric, value, at, name=NAME):
        dimensions = [{"Name": "FunctionName", "Value": name}]
        datum = {"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        lab.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])

    return count


def printed(lab, *since):
    return [line["message"] for line in cloudwatch.log_lines(lab, GROUP, *since)]


def test_log_lines_are_those_of_all_streams_oldest_first_and_of_a_moment_in_any_time_zone(lab, write):
    start = datetime.now(UTC).replace(microsecond=250_000) - timedelta(minutes=1)
    write("a", start, "one", "three  \n\n")
    write("b", start + timedelta(seconds=0.5), "two\n")

    assert printed(lab) == ["one", "two", "three"]
    assert printed(lab, start + timedelta(seconds=0.5)) == ["two", "three"]
    assert printed(lab, (start + timedelta(seconds=0.501)).astimezone()) == ["three"]


def test_without_a_log_group_there_are_no_lines_but_a_denied_call_is_an_error(lab, refuse):
    cloudwatch.ensure_log_group(lab, f"{NAME}2")
    assert (printed(lab), cloudwatch.log_days(lab, GROUP)) == ([], None)
    refuse("logs", "filter_log_events", code="AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        printed(lab)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        # Lambda's text format: one event each.
        ([f"[ERROR] KeyError: 'amount'\n{TRACEBACK}\n  File"], "KeyError: 'amount'"),
        ([f"2026-11-25T03:00:03.000Z {ID} Task timed out after 3.00 seconds"], "Task timed out after 3.00 seconds"),
        ([f"RequestId: {ID} Error: Runtime exited with error: signal: killed\n"],
         "Runtime exited with error: signal: killed"),
        ([f"[ERROR]\t2026-11-25T03:00:00.123Z\t{ID}\tNo such customer"], "No such customer"),
        # Printed by the function itself or by an emulator: one event, or one a line.
        ([TRACEBACK, "  File", "", "KeyError", f"END RequestId: {ID}"], "KeyError"),
        (["[ERROR] KeyError: 'amount'", TRACEBACK, "  File", f"END RequestId: {ID}"], "KeyError: 'amount'"),
        ([TRACEBACK, "  File", "A: 1", "", "During handling of the above …", "", TRACEBACK, "  File", "B: 2"],
         "B: 2"),
    ],
)  # fmt: skip
def test_the_last_error_of_a_run_is_read_from_every_kind_of_line(lines, error):
    assert Run("1", 0, lines=["[ERROR] first", "x", *lines, "", "y"]).error == error


def test_a_line_that_only_looks_like_a_failure_is_none():
    lines = [
        "KeyError: 'amount'",
        "there was no [ERROR] KeyError",
        "[WARNING]\t2026-11-25T03:00:00.123Z\tid\tslow",
        f"my {TRACEBACK} none",
    ]

    assert Run("1", 0, lines=lines).error == ""


def test_metrics_are_the_functions_own_sums_from_the_beginning_of_the_minute(lab, count):
    since = (datetime.now(UTC) - timedelta(minutes=3)).replace(second=40, microsecond=5)
    minute = since.replace(second=0, microsecond=0)
    count("Invocations", 2, minute)
    count("Invocations", 4, minute + timedelta(minutes=1))
    count("Errors", 5, minute - timedelta(minutes=1))
    count("Errors", 9, minute, name="TotalNotifier")
    count("Errors", 7, minute, name=f"ana-{NAME}")

    assert cloudwatch.metrics(lab, NAME, since) == {"Invocations": 6, "Errors": 0, "Throttles": 0}
    assert cloudwatch.metrics(dataclasses.replace(lab, prefix="ana-"), NAME, since)["Errors"] == 7
