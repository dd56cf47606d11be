import dataclasses
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import cloudwatch

NAME = "TransactionProcessor"
GROUP = f"/aws/lambda/{NAME}"
ID = "8b3f0c2e-6a51-4f0e-9c55-0d6f3f3c9a10"
MORE = '  File "/var/task/lambda_function.py", line 9, in lambda_handler\n    amount = row["amount"]'


@pytest.fixture
def retention(lab):
    """What is kept of the log groups that are there: {name: days}."""
    groups = lab.client("logs").describe_log_groups
    return lambda: {group["logGroupName"]: group.get("retentionInDays") for group in groups()["logGroups"]}


@pytest.fixture
def given_log_group(lab):
    """A log group that Lambda made by itself, or a learner."""
    lab.client("logs").create_log_group(logGroupName=GROUP)


@pytest.fixture
def write_log(lab):
    """write_log("one", "two"): these events, a second apart, the last one now, in a stream of their own."""
    cloudwatch.ensure_log_group(lab, NAME)

    def write_log(*lines, ago=0):
        logs, stream = lab.client("logs"), f"s{len(lines)}-{ago}"
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        first = int((time.time() - ago - len(lines) + 1) * 1000)
        events = [{"timestamp": first + number * 1000, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)

    return write_log


def test_ensure_log_group_makes_a_tagged_group_that_is_kept_for_two_weeks(lab, retention):
    cloudwatch.ensure_log_group(lab, NAME)

    assert retention() == {GROUP: 14}
    assert cloudwatch.is_our_log_group(lab, NAME)
    assert cloudwatch.find_log_group(lab, NAME) == GROUP


def test_ensure_log_group_twice_gives_the_same_group_and_keeps_its_lines(lab, write_log):
    write_log("one")

    cloudwatch.ensure_log_group(lab, NAME)

    assert cloudwatch.log_lines(lab, NAME) == ["one"]


def test_ensure_log_group_gives_a_changed_retention_back(lab, retention):
    cloudwatch.ensure_log_group(lab, NAME)
    lab.client("logs").delete_retention_policy(logGroupName=GROUP)

    cloudwatch.ensure_log_group(lab, NAME)

    assert retention() == {GROUP: 14}


def test_ensure_log_group_adopts_a_given_group_and_changes_nothing(lab, given_log_group, retention):
    cloudwatch.ensure_log_group(lab, NAME)

    assert retention() == {GROUP: None}
    assert not cloudwatch.is_our_log_group(lab, NAME)


def test_what_is_absent_is_none(lab):
    assert cloudwatch.find_log_group(lab, NAME) is None
    assert cloudwatch.is_our_log_group(lab, NAME) is False
    assert cloudwatch.log_days(lab, NAME) is None
    assert cloudwatch.log_lines(lab, NAME) == []
    assert cloudwatch.log_lines(lab, NAME, datetime.now(UTC)) == []


def test_the_log_group_of_a_longer_name_is_not_the_functions(lab):
    lab.client("logs").create_log_group(logGroupName=f"{GROUP}2")

    assert cloudwatch.find_log_group(lab, NAME) is None
    assert cloudwatch.log_days(lab, NAME) is None


def test_a_refusal_to_see_the_logs_is_never_absence(lab, refuse):
    refuse("logs", "describe_log_groups", code="AccessDeniedException")
    refuse("logs", "filter_log_events", code="AccessDeniedException")

    for call in (
        cloudwatch.find_log_group,
        cloudwatch.is_our_log_group,
        cloudwatch.ensure_log_group,
        cloudwatch.delete_log_group,
        cloudwatch.log_lines,
        cloudwatch.log_days,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(lab, NAME)


def test_delete_log_group_deletes_it_and_again_is_quiet(lab):
    cloudwatch.ensure_log_group(lab, NAME)

    cloudwatch.delete_log_group(lab, NAME)
    cloudwatch.delete_log_group(lab, NAME)

    assert cloudwatch.find_log_group(lab, NAME) is None


def test_delete_log_group_keeps_a_given_group(lab, given_log_group):
    cloudwatch.delete_log_group(lab, NAME)

    assert cloudwatch.find_log_group(lab, NAME) == GROUP


def test_log_days_are_those_of_the_group(lab):
    cloudwatch.ensure_log_group(lab, NAME)
    assert cloudwatch.log_days(lab, NAME) == cloudwatch.LOG_DAYS == 14

    lab.client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=3)

    assert cloudwatch.log_days(lab, NAME) == 3


def test_log_days_of_a_log_that_is_kept_for_ever_are_none(lab, given_log_group):
    assert cloudwatch.log_days(lab, NAME) is None


def test_log_lines_are_all_streams_in_the_order_of_time(lab, write_log):
    write_log("two\n", "four\n")
    write_log("one", ago=10)
    write_log("three  \n\n", ago=0.5)

    assert cloudwatch.log_lines(lab, NAME) == ["one", "two", "three", "four"]


def test_log_lines_since_a_moment_are_those_of_that_moment_and_later(lab, write_log):
    write_log("one", "two", "three")
    (second,) = [
        event["timestamp"]
        for event in lab.client("logs").filter_log_events(logGroupName=GROUP)["events"]
        if event["message"] == "two"
    ]

    assert cloudwatch.log_lines(lab, NAME, datetime.fromtimestamp(second / 1000, UTC)) == ["two", "three"]
    assert cloudwatch.log_lines(lab, NAME, datetime.fromtimestamp((second + 1) / 1000, UTC)) == ["three"]
    assert cloudwatch.log_lines(lab, NAME, datetime.now(UTC) + timedelta(minutes=1)) == []


def test_log_lines_since_a_moment_do_not_depend_on_the_time_zone_that_tells_it(lab, calls):
    cloudwatch.ensure_log_group(lab, NAME)
    asked, moment = calls("logs", "filter_log_events"), datetime(2026, 11, 25, 12, 0, 0, 250_000, UTC)

    cloudwatch.log_lines(lab, NAME, moment)
    cloudwatch.log_lines(lab, NAME, moment.astimezone())

    assert [call["startTime"] for call in asked] == [1_795_608_000_250] * 2  # milliseconds


def test_log_lines_are_all_there_when_they_are_more_than_a_page(lab, monkeypatch):
    cloudwatch.ensure_log_group(lab, NAME)
    pages = {
        None: {"events": [{"timestamp": 1, "message": "one"}], "nextToken": "more"},
        "more": {"events": [{"timestamp": 2, "message": "two"}]},
    }
    monkeypatch.setattr(lab.client("logs"), "filter_log_events", lambda **arguments: pages[arguments.get("nextToken")])

    assert cloudwatch.log_lines(lab, NAME) == ["one", "two"]


@pytest.mark.parametrize(
    ("lines", "runs"),
    [
        ([], 0),
        ([f"START RequestId: {ID} Version: $LATEST", f"END RequestId: {ID}", f"REPORT RequestId: {ID}\tDuration"], 1),
        ([f"START RequestId: {ID} Version: $LATEST"], 0),
        ([f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tStatus: timeout", "REPORT RequestId: 2"], 2),
        (["REPORTED", "my REPORT RequestId", "report RequestId: 1", ""], 0),
        ([json.dumps({"time": "2026-11-25T03:00:00.000Z", "type": "platform.report", "record": {"requestId": ID}})], 1),
        (['{"time":"2026-11-25T03:00:00.000Z","type":"platform.report","record":{}}'], 1),
        (['{"type":"platform.start"}', '{"type":"platform.runtimeDone"}', "platform.report"], 0),
    ],
    ids=["nothing", "text", "no end yet", "two", "looks like it", "JSON", "JSON without blanks", "JSON of the rest"],
)
def test_runs_are_counted_by_lambdas_own_reports(lines, runs):
    assert cloudwatch.runs(lines) == runs


@pytest.mark.parametrize(
    ("lines", "failures"),
    [
        # As Lambda writes them in its text format: one event each.
        ([f"[ERROR] KeyError: 'amount'\nTraceback (most recent call last):\n{MORE}"], ["KeyError: 'amount'"]),
        (["[ERROR] KeyError: 'amount'\rTraceback (most recent call last):\r\xa0\xa0File"], ["KeyError: 'amount'"]),
        (["[ERROR] AssertionError\nTraceback (most recent call last):\n"], ["AssertionError"]),
        (
            ["[ERROR] Runtime.ImportModuleError: Unable to import module 'index': No module named 'index'\nTraceback"],
            ["Runtime.ImportModuleError: Unable to import module 'index': No module named 'index'"],
        ),
        ([f"2026-11-25T03:00:03.000Z {ID} Task timed out after 3.00 seconds"], ["Task timed out after 3.00 seconds"]),
        (
            [f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"],
            ["Runtime exited with error: signal: killed"],
        ),
        # Printed by the function itself, or by an emulator.
        ([f"Traceback (most recent call last):\n{MORE}\nKeyError: 'amount'"], ["KeyError: 'amount'"]),
        (["Traceback (most recent call last):", *MORE.splitlines(), "KeyError: 'amount'"], ["KeyError: 'amount'"]),
        (["Traceback (most recent call last):", "  File", "KeyError", f"END RequestId: {ID}"], ["KeyError"]),
        (["Traceback (most recent call last):", "  File", "    x", "", "KeyError"], ["KeyError"]),
        (
            [
                "[ERROR] KeyError: 'amount'",
                "Traceback (most recent call last):",
                *MORE.splitlines(),
                f"END RequestId: {ID}",
            ],
            ["KeyError: 'amount'"],
        ),
        (
            ["[ERROR] KeyError: 'amount'", "Traceback (most recent call last):", "\xa0\xa0File", "\xa0\xa0\xa0\xa0x"],
            ["KeyError: 'amount'"],
        ),
        (
            [
                "Traceback (most recent call last):",
                "  File",
                "KeyError: 'amount'",
                "",
                "During handling of the above exception, another exception occurred:",
                "",
                "Traceback (most recent call last):",
                "  File",
                "ValueError: no amount",
            ],
            ["KeyError: 'amount'", "ValueError: no amount"],
        ),
    ],
    ids=[
        "Lambda",
        "Lambda, an older one",
        "without a message",
        "import",
        "timeout",
        "memory",
        "one event",
        "one event a line",
        "what comes after it",
        "an empty line in it",
        "Lambda's, one event a line",
        "Lambda's, with its own blanks",
        "one after another",
    ],
)
def test_failures_are_read_from_a_log_in_text(lines, failures):
    assert cloudwatch.failures(lines) == failures


@pytest.mark.parametrize("blank", [" ", ""], ids=["with blanks", "without blanks"])
@pytest.mark.parametrize(
    ("event", "failure"),
    [
        ({"level": "ERROR", "errorMessage": "'amount'", "errorType": "KeyError", "stackTrace": ["  File"]}, "'amount'"),
        ({"level": "ERROR", "message": "No such customer", "logger": "root"}, "No such customer"),
        (
            {"level": "ERROR", "message": "Oh", "logger": "root", "errorType": "KeyError", "errorMessage": "'amount'"},
            "'amount'",
        ),
        ({"level": "ERROR", "errorMessage": 'no "message": "x" in it', "errorType": "ValueError"}, "in it"),
    ],
    ids=["raised", "logged", "logged with the exception", "quotes"],
)
def test_failures_are_read_from_a_log_in_json(event, failure, blank):
    line = json.dumps({"timestamp": "2026-11-25T03:00:00Z", **event}, separators=(f",{blank}", f":{blank}"))

    (found,) = cloudwatch.failures([line])

    assert failure in found
    assert "{" not in found


def test_a_failure_in_a_log_in_json_names_its_type_as_in_text():
    line = json.dumps({"level": "ERROR", "errorMessage": "'amount'", "errorType": "KeyError", "stackTrace": []})

    assert cloudwatch.failures([line]) == ["KeyError: 'amount'"]


def test_an_error_that_the_function_logged_is_told_without_its_time_and_id():
    line = f"[ERROR]\t2026-11-25T03:00:00.123Z\t{ID}\tNo such customer"

    assert cloudwatch.failures([line]) == ["No such customer"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        f"START RequestId: {ID} Version: $LATEST",
        f"REPORT RequestId: {ID}\tDuration: 3.00 ms",
        "KeyError: 'amount'",
        "there was no [ERROR] KeyError",
        "ERROR: no",
        "[WARNING]\t2026-11-25T03:00:00.123Z\tid\tslow",
        "my Traceback (most recent call last): none",
        '{"key": "a.txt", "rejected": 2}',
        '{"level": "INFO", "message": "ERROR"}',
        '{"level": "INFO", "errorMessage": "none"}',
        "I was told that Task timed out after 3.00 seconds would come here",
        "The Runtime exited with me",
    ],
)
def test_what_only_looks_like_a_failure_is_none(line):
    assert cloudwatch.failures([line]) == []


def test_failures_are_all_in_their_order():
    timeout = f"2026-11-25T03:00:03.000Z {ID} Task timed out after 3.00 seconds"

    assert cloudwatch.failures(["[ERROR] A: 1\nTraceback", "hello", timeout, "", "[ERROR] A: 1"]) == [
        "A: 1",
        "Task timed out after 3.00 seconds",
        "A: 1",
    ]


@pytest.fixture
def count(lab):
    """count("Errors", 2, at): CloudWatch has counted so many at that time."""

    def count(metric, value, at, name=NAME):
        dimensions = [{"Name": "FunctionName", "Value": name}]
        datum = {"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        lab.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])

    return count


def test_metrics_without_any_run_are_nought(lab):
    nothing = {"Invocations": 0, "Errors": 0, "Throttles": 0}

    assert cloudwatch.metrics(lab, NAME, datetime.now(UTC) - timedelta(days=1)) == nothing


def test_metrics_are_the_functions_own_sums(lab, count):
    now = datetime.now(UTC)
    for minutes in (1, 2, 3):
        count("Invocations", 2, now - timedelta(minutes=minutes))
    count("Errors", 1, now - timedelta(minutes=2))
    count("Errors", 9, now - timedelta(minutes=2), name="TotalNotifier")

    found = cloudwatch.metrics(lab, NAME, now - timedelta(minutes=5))

    assert found == {"Invocations": 6, "Errors": 1, "Throttles": 0}
    assert list(found) == cloudwatch.METRICS


def test_metrics_count_from_the_beginning_of_the_minute(lab, count):
    # CloudWatch keeps one sum for each minute, under the moment at which the minute began.
    since = (datetime.now(UTC) - timedelta(minutes=3)).replace(second=40, microsecond=5)
    count("Errors", 1, since.replace(second=0, microsecond=0))
    count("Errors", 5, since.replace(second=0, microsecond=0) - timedelta(minutes=1))

    assert cloudwatch.metrics(lab, NAME, since)["Errors"] == 1


def test_metrics_are_those_of_the_function_with_the_labs_prefix_whatever_the_order_of_the_answer(lab, monkeypatch):
    asked = []

    def get_metric_data(MetricDataQueries, StartTime, EndTime):
        asked.extend(query["MetricStat"] for query in MetricDataQueries)
        answers = [{"Id": query["Id"], "Values": [1.0, number]} for number, query in enumerate(MetricDataQueries)]
        return {"MetricDataResults": answers[::-1]}

    monkeypatch.setattr(lab.client("cloudwatch"), "get_metric_data", get_metric_data)

    found = cloudwatch.metrics(dataclasses.replace(lab, prefix="ana-"), NAME, datetime.now(UTC))

    assert found == {"Invocations": 1, "Errors": 2, "Throttles": 3}
    assert {each["Metric"]["Dimensions"][0]["Value"] for each in asked} == {f"ana-{NAME}"}
    assert {(each["Period"], each["Stat"]) for each in asked} == {(60, "Sum")}


def test_a_refusal_to_see_the_metrics_is_never_nought(lab, refuse):
    refuse("cloudwatch", "get_metric_data")

    with pytest.raises(ClientError, match="AccessDenied"):
        cloudwatch.metrics(lab, NAME, datetime.now(UTC))


def test_reports_are_what_the_functions_print_of_their_runs():
    lines = [
        "START RequestId: 1",
        '{"key": "a.txt", "rows": 4, "written": 4, "rejected": 0}',
        '{"key": "b.txt", "gone": true}',
        '{"records": 4, "added": 4, "parked": 0, "alerted": []}',
        '{"time": "2026-11-01T00:00:00Z", "type": "platform.report", "record": {}}',
        "{no JSON",
        '["key"]',
        "REPORT RequestId: 1",
    ]

    assert cloudwatch.reports(lines) == [
        {"key": "a.txt", "rows": 4, "written": 4, "rejected": 0},
        {"key": "b.txt", "gone": True},
        {"records": 4, "added": 4, "parked": 0, "alerted": []},
    ]
