"""The list of AWS calls below a helper: what was called, in order, and the command that does the same."""

import re
import shlex

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import functions, tables
from lab_lib.lab import Lab
from lab_lib.views import calls


def made_by(lab: Lab, helper, *arguments) -> list[calls.Call]:
    recorder = calls.Calls()
    with calls.recorded(lab, recorder):
        helper(lab, *arguments)
    return recorder.made


def test_the_calls_of_a_helper_are_listed_in_order_with_their_parameters(lab: Lab) -> None:
    made = made_by(lab, tables.ensure_table, "Customer")

    assert [(call.service, call.operation) for call in made] == [
        ("dynamodb", "DescribeTable"),
        ("dynamodb", "CreateTable"),
        ("dynamodb", "DescribeTable"),
    ]
    assert made[1].parameters["TableName"] == "Customer"
    assert made_by(lab, tables.find_table, "Customer")[0].operation == "DescribeTable"


def test_nothing_is_recorded_outside_of_the_block(lab: Lab) -> None:
    recorder = calls.Calls()
    with calls.recorded(lab, recorder):
        tables.names(lab)
    tables.names(lab)

    assert len(recorder.made) == 1


def test_a_call_that_is_repeated_while_waiting_is_one_line() -> None:
    recorder = calls.Calls()
    for _ in range(30):
        recorder.add(calls.Call("dynamodb", "DescribeTable", {"TableName": "Customer"}, False, 0.001))

    assert repr(recorder).endswith("TableName=Customer … 30 times, 30 ms")


def test_what_is_beyond_ten_calls_is_folded_and_text_is_escaped() -> None:
    recorder = calls.Calls([calls.Call("sqs", f"Call{place}", {"Name": "<b>"}, False) for place in range(12)])
    first, rest = recorder._repr_html_().split("<summary>2 more calls</summary>")

    assert ("Call9" in first, "Call10" in first, "Call11" in rest) == (True, False, True)
    assert "<b>&" not in first
    assert "&lt;b&gt;" in first


def test_the_calls_are_shown_also_when_one_of_them_fails(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ClientError), calls.shown(lab):
        lab.client("dynamodb").delete_table(TableName="Missing")

    assert "DeleteTable" in capsys.readouterr().out


def test_the_command_has_the_same_parameters() -> None:
    parameters = {
        "FunctionName": "it's",
        "Publish": True,
        "DryRun": False,
        "Code": {"ZipFile": b"PK"},
        "Tags": {"a": "b"},
    }
    command = calls.Call("lambda", "CreateFunction", parameters, False).command

    assert shlex.split(command) == [
        "aws",
        "lambda",
        "create-function",
        "--function-name",
        "it's",
        "--publish",
        "--no-dry-run",
        "--zip-file",
        "fileb://archive.zip",
        "--tags",
        '{"a": "b"}',
    ]


def test_the_source_of_a_helper_is_shown() -> None:
    assert calls.source(functions.package).data.startswith("def package(files: list[Path])")


def test_an_excerpt_shows_these_functions_of_a_file_in_this_order_and_no_others() -> None:
    rules, _ = functions.source_files("TransactionProcessor")

    shown = str(calls.source(rules, "read_day", "read_line"))

    assert re.findall(r"^(?:def|class|import) .*", shown, re.MULTILINE) == [
        "def read_day(text):",
        "def read_line(text, columns):",
    ]
    assert shown.endswith('"TransactionAmount": read_amount(named["trn_amount"]),\n    }')
