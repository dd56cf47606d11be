import dataclasses
import io
import json
import time
import zipfile
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from lab_lib import cloudwatch, functions, policies, queues, roles
from lab_lib.errors import LabError, StepMissing

BOTH = list(functions.SOURCES)
NAME = "TransactionProcessor"


@pytest.fixture
def with_roles(lab):
    """What 00-start-here leaves: the roles and the dead-letter queue."""
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    return lab


@pytest.fixture
def given_function(with_roles):
    """A function that a learner made by hand, from the handout."""
    lab, archive = with_roles, io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", "def handler(event, context): return 7")
    made = lab.client("lambda").create_function(
        FunctionName=NAME,
        Role=roles.find_role(lab, "TransactionProcessorRole"),
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    return made["FunctionArn"]


@pytest.fixture
def stable(lab):
    """The function's configuration without what changes by the mere asking."""

    def stable(name):
        return {key: value for key, value in functions.configuration(lab, name).items() if key != "ResponseMetadata"}

    return stable


@pytest.fixture
def write_log(with_roles):
    def write_log(name, *lines):
        logs, group = with_roles.client("logs"), cloudwatch.log_group(with_roles, name)
        logs.create_log_stream(logGroupName=group, logStreamName=f"s{len(lines)}")
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName=f"s{len(lines)}", logEvents=events)

    return write_log


@pytest.mark.parametrize("name", BOTH)
def test_ensure_function_makes_a_tagged_function_with_its_settings(with_roles, name):
    arn = functions.ensure_function(with_roles, name)

    made = functions.configuration(with_roles, name)
    wanted = functions.settings(with_roles, name)
    assert arn == made["FunctionArn"] == f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    assert {key: made[key] for key in wanted} == wanted
    assert made["Runtime"] == "python3.13"
    assert with_roles.client("lambda").list_tags(Resource=arn)["Tags"] == {"lab": "serverless-lab"}


def test_the_settings_name_the_labs_things_with_their_prefix(with_roles):
    settings = functions.settings(dataclasses.replace(with_roles, prefix="ana-"), "TotalNotifier")

    assert settings["FunctionName"] == "ana-TotalNotifier"
    assert settings["Environment"]["Variables"] == {
        "TOTAL_TABLE": "ana-TransactionTotal",
        "MARKER_TABLE": "ana-ProcessedRecords",
        "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:ana-HighBalanceAlert",
        "THRESHOLD": "1500",
        "DEAD_LETTER_QUEUE": "",
    }


def test_total_notifier_is_told_the_dead_letter_queue(with_roles):
    functions.ensure_function(with_roles, "TotalNotifier")

    variables = functions.configuration(with_roles, "TotalNotifier")["Environment"]["Variables"]
    assert variables["DEAD_LETTER_QUEUE"] == queues.find_queue(with_roles, queues.DEAD_LETTERS)


@pytest.mark.parametrize("name", BOTH)
def test_ensure_function_twice_gives_the_same_function_and_updates_nothing(with_roles, calls, stable, name):
    functions.ensure_function(with_roles, name)
    before = stable(name)
    settings, code = calls("lambda", "update_function_configuration"), calls("lambda", "update_function_code")

    functions.ensure_function(with_roles, name)

    assert stable(name) == before
    assert settings == code == []


@pytest.mark.parametrize(
    "change",
    [
        {"Timeout": 3},
        {"MemorySize": 128},
        {"Runtime": "python3.12"},
        {"Handler": "index.handler"},
        {"Description": "changed"},
        {"Environment": {"Variables": {"CUSTOMER_TABLE": "Another"}}},
        {"Environment": {"Variables": {}}},
    ],
    ids=str,
)
def test_ensure_function_gives_a_changed_setting_back(with_roles, change):
    functions.ensure_function(with_roles, NAME)
    with_roles.client("lambda").update_function_configuration(FunctionName=NAME, **change)

    functions.ensure_function(with_roles, NAME)

    wanted, now = functions.settings(with_roles, NAME), functions.configuration(with_roles, NAME)
    assert {key: now[key] for key in wanted} == wanted


def test_ensure_function_follows_a_new_threshold(with_roles):
    functions.ensure_function(with_roles, "TotalNotifier")

    functions.ensure_function(dataclasses.replace(with_roles, threshold=Decimal("99.50")), "TotalNotifier")

    now = functions.configuration(with_roles, "TotalNotifier")
    assert now["Environment"]["Variables"]["THRESHOLD"] == "99.50"


def test_ensure_function_gives_changed_code_back(with_roles, stable):
    functions.ensure_function(with_roles, NAME)
    before = stable(NAME)["CodeSha256"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("transaction_processor.py", "def lambda_handler(event, context): return 7")
    with_roles.client("lambda").update_function_code(FunctionName=NAME, ZipFile=archive.getvalue())
    assert stable(NAME)["CodeSha256"] != before

    functions.ensure_function(with_roles, NAME)

    assert stable(NAME)["CodeSha256"] == before


def test_ensure_function_sends_what_it_cannot_process_to_the_dead_letter_queue(with_roles):
    functions.ensure_function(with_roles, NAME)
    lambda_ = with_roles.client("lambda")
    lambda_.put_function_event_invoke_config(FunctionName=NAME, MaximumRetryAttempts=0)

    functions.ensure_function(with_roles, NAME)

    now = lambda_.get_function_event_invoke_config(FunctionName=NAME)
    assert now["MaximumRetryAttempts"] == 2
    assert now["DestinationConfig"]["OnFailure"]["Destination"] == queues.queue_arn(with_roles, queues.DEAD_LETTERS)


@pytest.mark.parametrize("name", BOTH)
def test_ensure_function_makes_its_log_group_tagged_and_kept_for_two_weeks(with_roles, name):
    functions.ensure_function(with_roles, name)

    (group,) = with_roles.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert group["retentionInDays"] == 14
    assert cloudwatch.is_our_log_group(with_roles, name)


def test_ensure_function_gives_the_changed_retention_of_its_log_back(with_roles):
    functions.ensure_function(with_roles, NAME)
    with_roles.client("logs").delete_retention_policy(logGroupName=f"/aws/lambda/{NAME}")

    functions.ensure_function(with_roles, NAME)

    (group,) = with_roles.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{NAME}")["logGroups"]
    assert group["retentionInDays"] == 14


def test_ensure_function_without_its_role_says_which_step_is_missing_and_makes_nothing(lab):
    with pytest.raises(StepMissing, match=r"Role TotalNotifierRole is not there\. Run 00-start-here first\."):
        functions.ensure_function(lab, "TotalNotifier")

    assert cloudwatch.find_log_group(lab, "TotalNotifier") is None


def test_ensure_function_waits_until_lambda_may_take_on_a_new_role(with_roles, monkeypatch):
    # IAM needs some seconds on AWS until Lambda sees a role; moto knows no such delay.
    lambda_, made, waits = with_roles.client("lambda"), with_roles.client("lambda").create_function, []

    def not_yet(**_):
        monkeypatch.setattr(lambda_, "create_function", made)
        message = "The role defined for the function cannot be assumed by Lambda."
        raise ClientError({"Error": {"Code": "InvalidParameterValueException", "Message": message}}, "CreateFunction")

    monkeypatch.setattr(lambda_, "create_function", not_yet)
    retry_while = functions.retry_while
    monkeypatch.setattr(functions, "retry_while", lambda *args: retry_while(*args, sleep=waits.append))

    arn = functions.ensure_function(with_roles, NAME)

    assert functions.find_function(with_roles, NAME) == arn
    assert len(waits) == 1


def test_a_function_that_lambda_could_not_set_up_says_why(with_roles, monkeypatch):
    functions.ensure_function(with_roles, NAME)
    broken = {**functions.configuration(with_roles, NAME), "State": "Failed", "StateReason": "No disk."}
    monkeypatch.setattr(functions, "configuration", lambda *_: broken)

    with pytest.raises(LabError, match="Lambda could not set up TransactionProcessor: No disk"):
        functions.ensure_function(with_roles, NAME)


def test_ensure_function_brings_a_given_function_up_to_date_and_does_not_make_it_ours(with_roles, given_function):
    assert functions.ensure_function(with_roles, NAME) == given_function

    assert functions.configuration(with_roles, NAME)["Handler"] == "transaction_processor.lambda_handler"
    assert not functions.is_ours(with_roles, NAME)


def test_ensure_function_adopts_a_given_log_group_and_changes_nothing(with_roles):
    with_roles.client("logs").create_log_group(logGroupName=f"/aws/lambda/{NAME}")

    functions.ensure_function(with_roles, NAME)

    (group,) = with_roles.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{NAME}")["logGroups"]
    assert "retentionInDays" not in group
    assert not cloudwatch.is_our_log_group(with_roles, NAME)


def test_what_is_absent_is_none(lab):
    assert functions.find_function(lab, NAME) is None
    assert functions.configuration(lab, NAME) is None
    assert cloudwatch.find_log_group(lab, NAME) is None
    assert functions.is_ours(lab, NAME) is False
    assert cloudwatch.is_our_log_group(lab, NAME) is False


def test_the_log_group_of_a_longer_name_is_not_the_functions(lab):
    lab.client("logs").create_log_group(logGroupName=f"/aws/lambda/{NAME}2")

    assert cloudwatch.find_log_group(lab, NAME) is None


def test_a_refusal_is_never_absence(with_roles, refuse):
    refuse("lambda", "get_function_configuration", code="AccessDeniedException")

    for call in (functions.find_function, functions.ensure_function, functions.delete_function, functions.is_ours):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(with_roles, NAME)


def test_a_refusal_to_see_the_logs_is_never_absence(lab, refuse):
    refuse("logs", "describe_log_groups", code="AccessDeniedException")

    for call in (cloudwatch.find_log_group, cloudwatch.is_our_log_group, cloudwatch.delete_log_group):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(lab, NAME)


def test_delete_function_deletes_it_and_again_is_quiet(with_roles):
    functions.ensure_function(with_roles, NAME)

    functions.delete_function(with_roles, NAME)
    functions.delete_function(with_roles, NAME)

    assert functions.find_function(with_roles, NAME) is None


def test_delete_function_keeps_a_given_function(with_roles, given_function):
    functions.delete_function(with_roles, NAME)

    assert functions.find_function(with_roles, NAME) == given_function


def test_delete_log_group_deletes_it_and_again_is_quiet(with_roles):
    functions.ensure_function(with_roles, NAME)

    cloudwatch.delete_log_group(with_roles, NAME)
    cloudwatch.delete_log_group(with_roles, NAME)

    assert cloudwatch.find_log_group(with_roles, NAME) is None


def test_delete_log_group_keeps_a_given_log_group(lab):
    lab.client("logs").create_log_group(logGroupName=f"/aws/lambda/{NAME}")

    cloudwatch.delete_log_group(lab, NAME)

    assert cloudwatch.find_log_group(lab, NAME) == f"/aws/lambda/{NAME}"


@pytest.mark.parametrize("name", BOTH)
def test_the_package_is_the_one_file_and_the_same_bytes_each_time(name):
    source = functions.SOURCES[name]

    package = functions.package(source)

    assert package == functions.package(source)
    with zipfile.ZipFile(io.BytesIO(package)) as zipped:
        (entry,) = zipped.infolist()
        assert entry.filename == source.name
        assert zipped.read(entry) == source.read_bytes()
        assert entry.external_attr >> 16 == 0o644


@pytest.mark.parametrize("name", BOTH)
def test_the_handler_that_lambda_is_told_is_in_the_package(with_roles, name):
    module, function = functions.settings(with_roles, name)["Handler"].split(".")

    assert functions.SOURCES[name].name == f"{module}.py"
    assert f"def {function}(event, context)" in functions.SOURCES[name].read_text()


def test_log_lines_are_all_streams_in_the_order_of_time(with_roles, write_log):
    functions.ensure_function(with_roles, NAME)
    write_log(NAME, "one\n")
    write_log(NAME, "two", "three\n")

    assert sorted(cloudwatch.log_lines(with_roles, NAME)) == ["one", "three", "two"]
    assert cloudwatch.log_lines(with_roles, NAME)[-1] == "three"


def test_log_lines_without_a_log_group_are_none(lab):
    assert cloudwatch.log_lines(lab, NAME) == []


def test_invoke_sends_the_event_and_gives_the_answer(with_roles):
    functions.ensure_function(with_roles, NAME)

    assert functions.invoke(with_roles, NAME, {"Records": []}) == {"Records": []}  # moto's functions answer the event


def test_a_function_that_failed_says_why(with_roles, monkeypatch):
    # moto runs no code, so nothing fails in it.
    body = json.dumps({"errorMessage": "a.txt: it is empty", "errorType": "UnreadableFile"}).encode()
    answer = {"FunctionError": "Unhandled", "Payload": StreamingBody(io.BytesIO(body), len(body))}
    monkeypatch.setattr(with_roles.client("lambda"), "invoke", lambda **_: answer)

    with pytest.raises(LabError, match=r"TransactionProcessor failed: a.txt: it is empty"):
        functions.invoke(with_roles, NAME, {})


@pytest.mark.parametrize("name", functions.SOURCES)
def test_ensure_function_without_the_dead_letter_queue_says_which_step_is_missing(with_roles, name):
    queues.delete_queue(with_roles, queues.DEAD_LETTERS)

    with pytest.raises(StepMissing, match=r"Queue LabDeadLetters is not there\. Run 00-start-here first\."):
        functions.ensure_function(with_roles, name)

    assert functions.find_function(with_roles, name) is None
