"""What `lab prove` measures: each wait, and each call that AWS refused and that is made again."""

import json

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from test_waiting import Clock

from lab_lib import waited, waiting
from lab_lib.errors import TimedOut
from lab_lib.recent import Journal
from lab_lib.sessions import Retry


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Return what has been noted."""
    (file := tmp_path / "notes").touch()
    monkeypatch.setenv(waited.FILE, str(file))
    return lambda: [json.loads(line) for line in file.read_text().splitlines()]


def wait(seconds, **how):
    """Wait until it is so late on a clock."""
    clock = Clock()
    about = {"on_aws": "a minute", "sleep": clock.sleep, "clock": clock, "load": lambda: 1.0}
    waiting.wait_until(lambda: clock.now >= seconds, "the queue", **about, **how)


def test_a_wait_of_a_second_or_more_is_noted_also_if_it_was_in_vain(notes):
    wait(0.5)
    assert notes() == []

    wait(5)
    with pytest.raises(TimedOut):
        wait(9, timeout=7)

    assert [(note["what"], note["on_aws"]) for note in notes()] == [("the queue", "a minute")] * 2
    assert [round(note["seconds"]) for note in notes()] == [5, 7]


def test_a_refused_call_that_is_made_again_is_noted_with_its_code(session, notes, monkeypatch):
    reasons = {"QueueDeletedRecently": waiting.USED_QUEUE_NAME, "ThrottlingException": waiting.BUSY}
    refused = [answer(400, __type=code) for code in reasons]
    answers = [*refused, answer(200), answer(400, __type="AccessDenied")]
    sqs = session.client("sqs")
    sqs.meta.events.register("before-send", lambda request, **_: answers.pop(0))
    Retry(Journal(60)).register(sqs.meta.events)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)

    sqs.create_queue(QueueName="CustomerNotify")
    with pytest.raises(ClientError, match="AccessDenied"):  # which nobody repeats
        sqs.list_queues()

    assert notes() == [
        {"operation": "CreateQueue", "code": code, "what": reason.what, "on_aws": reason.on_aws, "seconds": 0.0}
        for code, reason in reasons.items()
    ]


def answer(status, **content):
    """Return an answer of AWS."""
    response = AWSResponse("", status, {}, None)
    response._content = json.dumps(content).encode()
    return response


def test_without_the_variable_nothing_is_noted(notes, monkeypatch):
    monkeypatch.delenv(waited.FILE)

    wait(5)

    assert notes() == []
