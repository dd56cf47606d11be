"""The list of AWS calls below a helper: what was called, in order, and the command that does the same."""

import pytest
from botocore.exceptions import ClientError

from lab_lib.pages import shown_calls


def test_a_call_that_is_repeated_while_waiting_is_one_line():
    recorder = shown_calls.Calls()
    for _ in range(30):
        recorder.add(shown_calls.Call("dynamodb", "DescribeTable", {"TableName": "Customer"}, 0.001))

    assert repr(recorder).endswith("TableName=Customer … 30 times, 30 ms")


def test_a_parameter_is_shown_as_text_in_html_too():
    shown = shown_calls.Calls([shown_calls.Call("sqs", "SendMessage", {"MessageBody": "<b>"}, 0)])._repr_html_()

    assert "MessageBody=&lt;b&gt;" in shown


def test_the_calls_are_shown_also_when_one_of_them_fails(lab, capsys):
    with pytest.raises(ClientError), shown_calls.show_calls(lab):
        lab.client("dynamodb").delete_table(TableName="Missing")

    assert "DeleteTable" in capsys.readouterr().out
