"""TotalNotifier: its ledger with plain values, then batches in process: delivered again, cut off, or refused."""

import functools
import itertools
import json
import time

import ledger
import pytest
from botocore.exceptions import ClientError
from handlers import CONTEXT, before, fail, record

from lab_lib.aws import tables, topics

BIG = f"1{'0' * 37}"  # with a cent more, it would have more digits than DynamoDB keeps
TRANSACTION = "TransactionCanceledException"


def refusal(*codes, code=TRANSACTION):
    """Return the error with which DynamoDB refuses a transaction; one code an action."""
    return ClientError({"Error": {"Code": code}, "CancellationReasons": [{"Code": code} for code in codes]}, "")


# The ledger


def test_only_an_invalid_request_is_hopeless_and_the_markers_that_are_there_are_named():
    assert ledger.why_refused(refusal("None", "ConditionalCheckFailed", "TransactionConflict")) == ({1}, False)
    assert ledger.why_refused(refusal("ConditionalCheckFailed", "ValidationError")) == ({0}, True)
    assert ledger.why_refused(refusal(code="ValidationException")) == (set(), True)
    with pytest.raises(ArithmeticError) as caught:
        ledger.actions(ledger.read_changes([record("C1", BIG), record("C1", "0.01")])[0], "markers", "totals", {})
    assert ledger.why_refused(caught.value) == (set(), True)


# Batches


def test_a_batch_of_more_than_100_customers_is_counted_and_alerted_whole(notifier):
    names = [f"C{number:03}" for number in range(101)]

    # moto refuses more than 100 actions in a transaction and more than 100 keys in a request, as DynamoDB does.
    notifier.run(record("C000", 1), *[record(name, 1500 if name == "C100" else 1) for name in names])

    assert notifier.totals() == {**dict.fromkeys(names, 1), "C000": 2, "C100": 1500}
    (message,) = [parameters for name, parameters in notifier.made if name == "Publish"]
    assert message["Subject"] == "Warning! Account balance is very high"
    assert message["Message"] == '{"customerID": "C100", "accountBalance": "1500"}'  # as in the handout


def test_records_of_which_most_come_again_take_few_calls(notifier):
    records, calls = [record(f"C{number % 10}", 1) for number in range(60)], []
    notifier.run(*records[:55])

    def count(name, make):
        calls.append(name)
        return make()

    notifier.run(*records, fault=count)

    assert notifier.totals() == {f"C{number}": 6 for number in range(10)}
    assert calls.count("TransactWriteItems") == 2  # one by one, 300 would outlast the timeout again and again


# Alerts


def test_a_recheck_alerts_once_and_does_one_total_at_least_the_highest_first(notifier, monkeypatch):
    notifier.run(*[record(f"C{number}", amount) for number, amount in enumerate((10, 1600, 120, 90, 100))])
    answers = []

    for threshold, *milliseconds in (("100", 0), ("100",), ("100",), ("2000",), ("100", 5_001, 5_000), ("100",)):
        monkeypatch.setenv("THRESHOLD", threshold)
        answers.append(notifier.recheck(*milliseconds))

    alerted = [["C2"], ["C4"], [], [], ["C1", "C2"], ["C4"]]
    assert [answer["alerted"] for answer in answers] == alerted
    assert [answer["left"] for answer in answers] == [1, 0, 0, 0, 1, 0]
    assert notifier.alerts() == [("C1", "1600")] * 2 + [("C2", "120")] * 2 + [("C4", "100")] * 2


def test_without_the_topic_a_recheck_changes_nothing(lab, notifier, monkeypatch):
    notifier.run(record("C1", 1600))
    with pytest.raises(ClientError):
        notifier.run(record("C2", 1900), fault=fail("Publish"))
    tables.put_item(lab, "TransactionTotal", {"CustomerId": "C3", "accountBalance": "a lot"})
    monkeypatch.setenv("THRESHOLD", "1800")  # C1 has a flag to clear, C2 one to set
    held = tables.items(lab, "TransactionTotal")
    topics.delete_topic(lab)

    with pytest.raises(ClientError, match="NotFound"):
        notifier.recheck()
    assert tables.items(lab, "TransactionTotal") == held


# Two runs can meet at one customer: the stream orders only the records of one item.


CALLS = ["Scan", "TransactWriteItems", "BatchGetItem", "Publish", "UpdateItem"]


@pytest.mark.parametrize(("old", "new"), [(1500, 1000), (1000, 1500)], ids=["lowered", "raised"])
def test_a_recheck_and_a_batch_that_meet_at_any_call_lose_no_alert_of_a_changed_threshold(
    notifier, monkeypatch, old, new
):
    levels = (800, 1200, 1600)  # below both thresholds, between them, above both
    steps = itertools.permutations(levels, 2)
    for (first, last), call, is_outer in itertools.product(steps, CALLS, (True, False)):
        notifier.empty()
        monkeypatch.setenv("THRESHOLD", str(old))
        notifier.run(record("C1", 1700))
        notifier.run(record("C1", first, 1700))
        monkeypatch.setenv("THRESHOLD", str(new))
        earlier, batch = len(notifier.alerts()), functools.partial(notifier.run, record("C1", last, first))

        outer, inner = (notifier.recheck, batch) if is_outer else (batch, notifier.recheck)
        meet(outer, inner, call)

        is_due = last >= new and not first >= max(old, new)
        assert len(notifier.alerts()) > earlier or not is_due
        if last < new:
            notifier.run(record("C1", 5000, last))
            assert ("C1", "5000") in notifier.alerts()


def meet(outer, inner, call):
    """Run `inner` whole before this call of `outer`, or after its end if it makes no such call."""
    results = []
    outer(fault=before(call, lambda: results.append(inner())))
    if not results:
        inner()


# Calls that fail: test_properties has more


def test_totals_that_dynamodb_left_unread_are_asked_for_again(notifier):
    unread = [{"Responses": {}}]

    def leave_unread(name, make):
        if name == "BatchGetItem" and unread:
            return {**unread.pop(), "UnprocessedKeys": make.parameters["RequestItems"]}
        return make()

    notifier.run(record("C1", 1500), fault=leave_unread)

    assert notifier.alerts() == [("C1", "1500")]


# Records that can never succeed


def test_hopeless_records_go_to_the_dead_letters_and_the_others_count(notifier):
    parts = (None, {"Keys": {"CustomerId": {"N": "1"}}})
    unreadable = [{}, *({"eventID": "e", "dynamodb": part} for part in parts)]
    texts = [record("C4", amount) for amount in ({"S": "ten"}, {"N": ""}, {"NULL": True})]
    long, again, refused = record("C1", BIG, "0.01"), record("C2", 1600), record("C3", 1)
    notifier.run(again)

    def fault(name, make):
        items = [str(item) for item in make.parameters.get("TransactItems", [])]
        if any("C3" in item for item in items):
            code = {True: "ConditionalCheckFailed", False: "None"}
            raise refusal(*(code[again["eventID"] in item] for item in items[:-1]), "ValidationError")
        return make()

    notifier.run(record("C1", 100), *unreadable, *texts, long, again, refused, fault=fault)

    assert [(letter["record"], letter["code"]) for letter in notifier.letters()] == [
        *((record, "not-a-change") for record in unreadable),
        *((record, "amount-not-number") for record in texts),
        (long, "amount-too-long"),
        (refused, "refused"),
    ]
    first, *_, last = notifier.letters()
    assert first["error"] == f"it is no change of a transaction: {first['values']['error']}"
    assert TRANSACTION in last["error"] == last["values"]["error"]
    assert notifier.totals() == {"C1": 100, "C2": 1600}
    assert notifier.alerts() == [("C2", "1600")]


def test_the_log_and_the_markers_which_outlive_the_stream_tell_which_run_had_which_records(notifier, capsys):
    first, second = record("C1", 1), record("C2", 3)
    first["dynamodb"]["SequenceNumber"], second["dynamodb"]["SequenceNumber"] = "100", "300"

    notifier.run(first, second)
    notifier.run()

    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["records"], line["first"], line["last"]) for line in logged] == [(2, "100", "300"), (0, None, None)]
    markers = tables.items(notifier.lab, "ProcessedRecords")
    assert {marker["Run"] for marker in markers} == {CONTEXT.aws_request_id}
    expiry = tables.expiry(notifier.lab, "ProcessedRecords")
    assert min(marker[expiry] for marker in markers) > time.time() + 24 * 3600
