"""The list of AWS calls below a helper: what was called, in order, and the command that does the same."""

import pytest
from botocore.exceptions import ClientError

from lab_lib.pages import shown_calls


def test_a_call_that_is_repeated_while_waiting_is_one_line():
    recorder = shown_calls.Calls()
    for _ in range(30):
        recorder.add(shown_calls.Call("dynamodb", "DescribeTable", {"TableName": "Customer"}, 0.001))

    assert repr(recorder).endswith("TableName=Customer … 30 times, 30 ms")


def test_what_is_beyond_ten_calls_is_folded_and_text_is_escaped():
    recorder = shown_calls.Calls([shown_calls.Call("sqs", f"Call{place}", {"Name": "<b>"}) for place in range(12)])
    first, rest = recorder._repr_html_().split("<summary>2 more calls</summary>")

    assert ("Call9" in first, "Call10" in first, "Call11" in rest) == (True, False, True)
    assert "<b>&" not in first
    assert "&lt;b&gt;" in first


def test_the_calls_are_shown_also_when_one_of_them_fails(lab, capsys):
    with pytest.raises(ClientError), shown_calls.show_calls(lab):
        lab.client("dynamodb").delete_table(TableName="Missing")

    assert "DeleteTable" in capsys.readouterr().out
