"""A function that is tried may answer, and leave in its account, what it likes: it only fails its cases."""

import io
import json

import pytest
from botocore.exceptions import ClientError
from hostile import DEEP

from lab_lib.aws import queues
from lab_lib.exercises import trial
from lab_lib.exercises.bench import Bench

NOTIFY = queues.ALERT_QUEUES[0]
SUBJECT = "Warning! Account balance is very high"


@pytest.fixture
def invoked(lab, monkeypatch):
    """invoked(answer): each call of the function gives this answer, or raises it."""

    def invoked(answer):
        def invoke(**_):
            if isinstance(answer, Exception):
                raise answer
            return {"Payload": io.BytesIO(answer if isinstance(answer, bytes) else json.dumps(answer).encode())}

        monkeypatch.setattr(lab.client("lambda"), "invoke", invoke)

    return invoked


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"\xff", b"x", DEEP.encode(), 5, [], {}, {"outcomes": 5}, {"outcomes": {}}, {"outcomes": None}),
        *({"outcomes": [each] * 100} for each in ("x" * 10**4, 5, [], {"a": []}, [[]], [{}], [None], ["0"] * 1_000)),
        *({"killed": each} for each in (5, {}, "x" * 10**6)),
        *(KeyError("Payload"), ValueError("x" * 10**6), ClientError({}, "Invoke")),
    ],
    ids=lambda answer: repr(answer)[:30],
)
def test_a_hostile_answer_fails_each_case_and_loses_none(lab, invoked, tmp_path, answer):
    path = tmp_path / "my_notifier.py"
    path.write_text("def lambda_handler(event, context):\n    pass\n")
    invoked(answer)

    results = trial.judge(path, lab=lab).results

    assert [(each.case.name, each.state) for each in results] == [(each.name, "not yet") for each in trial.cases()]
    assert max(len(each.found) for each in results) <= 1_000


@pytest.mark.parametrize(
    "body",
    [
        *("x", "5", DEEP, "[]", "{}", '{"Message": 5}', json.dumps({"Message": DEEP, "Subject": SUBJECT})),
        *(
            json.dumps({"Subject": SUBJECT, "Message": json.dumps({"customerID": customer, "accountBalance": balance})})
            for customer, balance in [
                *(("00-0-A", each) for each in (1600, [], None, "NaN", "sNaN", "Infinity", "1E+999999999999999999999")),
                *((each, "1600") for each in (5, [], None, {})),
            ]
        ),
        json.dumps({"Subject": {"a": []}, "Message": ["x" * 10**5]}),
    ],
    ids=lambda body: body[:30],
)
def test_a_message_that_is_no_alert_is_about_nobody(lab, body):
    bench = Bench(lab, b"")
    bench.begin("00-0-", 3)
    for queue in (NOTIFY, queues.DEAD_LETTERS):
        lab.client("sqs").send_message(QueueUrl=queues.find_queue(lab, queue), MessageBody=body)

    found = bench.holding()

    assert (found.totals, [each[:6] for each in found.alerts], found.letters) == ({}, ["nobody"], 0)
