import dataclasses
import io
import json
import zipfile
from decimal import Decimal

import pytest
from botocore.response import StreamingBody

from lab_lib.aws import cloudwatch, functions, queues, roles, topics
from lab_lib.errors import LabError, StepMissing

NAME = "TransactionProcessor"


def test_ensure_function_creates_it_with_its_log_group_once_and_gives_it_a_new_threshold(prepared, calls):
    arn = functions.ensure_function(prepared, "TotalNotifier")
    updates = calls("lambda", "update_function_configuration"), calls("lambda", "update_function_code")
    assert functions.ensure_function(prepared, "TotalNotifier") == arn
    assert updates == ([], [])

    changed = dataclasses.replace(prepared, threshold=Decimal("1E+3"))
    functions.ensure_function(changed, "TotalNotifier")

    made = functions.configuration(prepared, "TotalNotifier")
    assert functions.settings(changed, "TotalNotifier").items() <= made.items()
    assert (made["FunctionArn"], made["Runtime"], made["Timeout"]) == (arn, "python3.13", 20)
    assert cloudwatch.log_days(prepared, "/aws/lambda/TotalNotifier") == 14
    assert made["Environment"]["Variables"] == {
        "TOTAL_TABLE": "TransactionTotal",
        "MARKER_TABLE": "ProcessedRecords",
        "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:HighBalanceAlert",
        "THRESHOLD": "1000",
        "DEAD_LETTER_QUEUE": queues.find_queue(prepared, queues.DEAD_LETTERS),
    }


def test_an_answer_is_waited_for_longer_than_the_function_may_run(prepared):
    patience = [prepared.client("lambda", seconds).meta.config.read_timeout for seconds in (3, 900)]

    assert patience == [63, 960]


def test_alerts_go_out_again_until_no_total_is_left_and_to_nobody_without_a_topic(prepared, monkeypatch):
    answers = [{"alerted": [], "left": 0}, {"alerted": ["C1"], "left": 2}, {"alerted": ["C2", "C3"], "left": 0}]
    monkeypatch.setattr(functions, "invoke", lambda *_: answers.pop(0))

    assert functions.alert_again(prepared) == []
    topics.ensure_topic(prepared)
    assert functions.alert_again(prepared) == ["C1", "C2", "C3"]


def test_events_that_transaction_processor_cannot_process_go_to_the_dead_letter_queue(prepared):
    functions.ensure_function(prepared, NAME)
    prepared.client("lambda").delete_function_event_invoke_config(FunctionName=NAME)

    functions.ensure_function(prepared, NAME)

    now = functions.event_settings(prepared, NAME)
    assert now["DestinationConfig"]["OnFailure"]["Destination"] == queues.queue_arn(prepared, queues.DEAD_LETTERS)
    assert now["MaximumRetryAttempts"] == 2


def test_ensure_function_before_notebook_00_names_it_and_creates_nothing(prepared):
    roles.delete_role(prepared, "TotalNotifierRole")

    with pytest.raises(StepMissing, match=r"TotalNotifierRole .* Run notebook 00"):
        functions.ensure_function(prepared, "TotalNotifier")

    assert functions.find_function(prepared, "TotalNotifier") is None
    assert prepared.client("logs").describe_log_groups()["logGroups"] == []


def test_a_function_that_lambda_could_not_set_up_says_why(prepared, monkeypatch):
    functions.ensure_function(prepared, NAME)
    broken = {**functions.configuration(prepared, NAME), "State": "Failed", "StateReason": "No disk."}
    monkeypatch.setattr(functions, "configuration", lambda *_: broken)

    with pytest.raises(LabError, match="Lambda could not set up TransactionProcessor: No disk"):
        functions.ensure_function(prepared, NAME)


def test_the_package_has_fixed_dates_and_files_that_any_user_may_read():
    """The same code gives the same package, so that it is not uploaded again."""
    package = functions.package(functions.source_files(NAME))

    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert {(entry.date_time[0], entry.external_attr >> 16) for entry in archive.infolist()} == {(1980, 0o644)}


def test_invoke_returns_the_functions_answer_or_says_why_it_failed(prepared, monkeypatch):
    functions.ensure_function(prepared, NAME)
    assert functions.invoke(prepared, NAME, {"Records": []}) == {"Records": []}  # moto's functions return the event

    body = json.dumps({"errorMessage": "a.txt: it is empty", "errorType": "UnreadableFile"}).encode()
    answer = {"FunctionError": "Unhandled", "Payload": StreamingBody(io.BytesIO(body), len(body))}
    monkeypatch.setattr(prepared.client("lambda", 20), "invoke", lambda **_: answer)
    with pytest.raises(LabError, match=r"TransactionProcessor failed: a.txt: it is empty"):
        functions.invoke(prepared, NAME, {})
