"""What is changed in ministack, where no test on the embedded AWS can show it."""

import itertools
import json
import operator
import os
import re
import subprocess
import sys
import time
from threading import Event

import pytest
from ministack.services import dynamodb, sqs

from lab_lib.embedded import changes
from lab_lib.embedded.call_times import Call
from lab_lib.embedded.changes import Number, received
from tests.lab.chains import zipped

# Prints ministack's answers about two functions with a timeout of 0.2 seconds, on a computer with a load of 10.
CALLS = """
import json, os, sys
from ministack.core import lambda_runtime
from lab_lib.embedded import changes

os.getloadavg = lambda: (10 * os.cpu_count(), 0, 0)
changes.make()
config = {"Timeout": 0.2, "Handler": "probe.handler", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:P"}
workers = [lambda_runtime.Worker("P", config, bytes.fromhex(code)) for code in sys.argv[1:]]
print(json.dumps([worker.invoke({}, "id") for worker in workers]))
lambda_runtime.kill_workers(workers)
"""
SLOW = "before = context.get_remaining_time_in_millis(); sleep(0.4); return before"
HANGS = "sleep(60)"


@pytest.mark.parametrize(
    ("left", "operation", "right", "result"),
    [
        ("-" + "9" * 38, operator.sub, "-1", "-" + "9" * 37 + "8"),
        ("1E+125", operator.add, "8E+125", "9" + "0" * 125),
        ("9E+125", operator.add, "1E+125", None),
        ("1.5E-130", operator.sub, "1E-130", None),
    ],
)
def test_a_sum_is_exact_or_refused_with_dynamodbs_message(left, operation, right, result):
    if result is None:
        with pytest.raises(ValueError, match=r"^Number overflow\. Attempting to store a number with magnitude"):
            operation(Number(left), Number(right))
    else:
        assert str(operation(Number(left), Number(right))) == result


def test_to_receive_ten_of_many_messages_only_these_are_completed(monkeypatch):
    completed, complete = [], sqs._ensure_msg_fields
    monkeypatch.setattr(sqs, "_ensure_msg_fields", lambda message: completed.append(message["id"]) or complete(message))
    queue = {"is_fifo": False, "messages": [{"id": number, "body": "x", "visible_at": 0} for number in range(1_000)]}

    ids = [[message["id"] for message in received(queue, 10, 60)] for _ in range(2)]

    assert ids == [[*range(10)], [*range(10, 20)]]
    assert completed == [*range(20)]


@pytest.fixture
def filled(monkeypatch):
    """filled(customers): make a table that ministack has, with items of 100 KB; return its name."""

    def filled(customers):
        items = {
            who: {f"T{place}": row(who, f"T{place}") for place in range(count)} for who, count in customers.items()
        }
        table = {"pk_name": "C", "sk_name": "T", "items": items, "TableArn": f"arn of {customers}"}
        monkeypatch.setattr(dynamodb, "_tables", {"Rows": table})
        return "Rows"

    def row(customer, transaction):
        return {"C": {"S": customer}, "T": {"S": transaction}, "Text": {"S": "x" * 100_000}}

    return filled


def pages(scan, **request):
    """Return the keys of the items on each page."""
    found, start = [], {}
    while True:
        status, _, body = scan({"TableName": "Rows", **request, **start})
        answer = json.loads(body)
        assert status == 200, body
        found.append([item["C"]["S"] + item["T"]["S"] for item in answer["Items"]])
        if "LastEvaluatedKey" not in answer:
            return found
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


@pytest.mark.parametrize("customers", [{f"C{n}": 3 for n in range(30)}, {"A": 2, "B": 45, "C": 2}, {}])
@pytest.mark.parametrize("request_", [{}, {"Limit": 7}])
def test_a_scan_has_the_pages_of_ministack_which_reads_all_items_for_each(filled, monkeypatch, customers, request_):
    filled(customers)
    read, paginate = [], dynamodb._paginate_evaluated_items
    monkeypatch.setattr(
        dynamodb, "_paginate_evaluated_items", lambda items, *more: read.append(len(items)) or paginate(items, *more)
    )
    wanted = pages(changes._scan, **request_)
    read_by_ministack, _ = sum(read), read.clear()
    monkeypatch.setattr(changes, "_SOME", 4)

    assert pages(changes.scan, **request_) == wanted
    assert sum(read) < read_by_ministack or len(customers) < 4


def test_a_scan_goes_on_when_items_are_deleted_meanwhile(filled):
    filled({f"C{n:02}": 3 for n in range(30)})

    def scan(request):
        answer = changes.scan(request)
        for who in [who for who in dynamodb._tables["Rows"]["items"] if who > "C20"]:
            del dynamodb._tables["Rows"]["items"][who]
        return answer

    assert sum(map(len, pages(scan))) == 3 * 21


@pytest.mark.slow
def test_on_a_busy_computer_a_slow_function_ends_and_one_that_hangs_times_out_with_the_reason():
    codes = [f"from time import sleep\ndef handler(event, context):\n    {body}\n" for body in (SLOW, HANGS)]

    command = [sys.executable, "-c", CALLS, *(zipped(code).hex() for code in codes)]
    slow, hung = json.loads(subprocess.check_output(command))

    assert 400 < slow["result"] <= 800
    why = r"Task timed out after \S+ seconds\. This computer is busy: .* So it had 4 .*"
    assert re.fullmatch(why, hung["error"])


def test_a_load_that_rises_during_a_call_moves_its_end(monkeypatch):
    loads = itertools.chain([1], itertools.repeat(10))
    monkeypatch.setattr(os, "getloadavg", lambda: (next(loads) * os.cpu_count(), 0, 0))
    over, begun = Event(), time.monotonic()
    call = Call(target=over.wait)
    call.start()

    call.join(0.05)

    assert time.monotonic() - begun >= 0.2
    over.set()
