"""TotalNotifier in process: what becomes of the records of a batch, however it is delivered and whatever fails."""

import decimal
import itertools
import time
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from in_process import Notifier, before, fail, record

from lab_lib.aws import tables, topics

BIG = f"1{'0' * 37}"  # with a cent more, it would have more digits than DynamoDB keeps


@pytest.fixture
def notifier(lab, monkeypatch):
    return Notifier(lab, monkeypatch)


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        ([(100,), (25,), (25,)], "150"),
        ([("0.10",), ("0.20",)], "0.30"),
        ([(100,), ("-0.50",)], "99.50"),
        ([("9" * 35,), ("0.01",)], "9" * 35 + ".01"),
        pytest.param([(100,), (30, 100)], "30", id="corrected"),
        pytest.param([(100,), (100, 100)], "100", id="written again"),
        pytest.param([(100,), (5,), (None, 100)], "5", id="deleted"),
    ],
)
def test_a_change_counts_with_the_new_amount_less_the_old_one(notifier, changes, total):
    notifier.run(record("C1", 1))

    with decimal.localcontext(prec=38):  # moto adds in the precision of the caller, DynamoDB in this one
        answer = notifier.run(*[record("C1", *change) for change in [*changes, ("-1",)]])

    assert answer == {"batchItemFailures": []}
    assert notifier.totals() == {"C1": Decimal(total)}


@pytest.mark.parametrize(
    "deliveries",
    [
        pytest.param(["012", "012"], id="whole, again"),
        pytest.param(["0012"], id="a record twice in a batch"),
        pytest.param(["01", "12", "210"], id="cut differently, in another order"),
        pytest.param(["2", "012"], id="its end first"),
    ],
)
def test_a_record_counts_once_however_often_it_is_delivered(notifier, deliveries):
    records = [record("C1", 100), record("C2", 1600), record("C1", 25)]

    for places in deliveries:
        notifier.run(*[records[int(place)] for place in places])

    assert notifier.totals() == {"C1": 125, "C2": 1600}
    assert notifier.alerts() == [("C2", "1600")]


def test_a_batch_of_more_than_100_customers_is_counted_and_alerted_whole(notifier):
    names = [f"C{number:03}" for number in range(101)]

    # moto refuses more than 100 actions in a transaction and more than 100 keys in a request, as DynamoDB does.
    notifier.run(record("C000", 1), *[record(name, 1500 if name == "C100" else 1) for name in names])

    assert notifier.totals() == {**dict.fromkeys(names, 1), "C000": 2, "C100": 1500}
    assert notifier.alerts() == [("C100", "1500")]


def test_the_markers_outlive_the_records_of_the_stream(lab, notifier):
    notifier.run(record("C1", 1))

    (marker,) = tables.items(lab, "ProcessedRecords")
    assert marker["ExpiresAt"] > time.time() + 24 * 3600


# Alerts


@pytest.mark.parametrize(
    ("amounts", "alerts"),
    [
        (["1499.99"], []),
        (["1499.99", "0.01"], ["1500.00"]),
        (["1E+4"], ["10000"]),
        ([1600, 1000, 1000], ["1600"]),
        ([1600, -100, 500], ["1600"]),  # at the threshold is not below it
        ([1600, -200, 300], ["1600", "1700"]),
    ],
)
def test_there_is_one_alert_for_each_time_that_the_total_reaches_the_threshold(notifier, amounts, alerts):
    for amount in amounts:
        notifier.run(record("C1", amount), record("C2", 1))

    assert notifier.alerts() == [("C1", balance) for balance in alerts]


def test_the_alert_is_the_handouts_message(notifier):
    notifier.run(record("C2", "1750.50"))

    (message,) = [parameters for name, parameters in notifier.made if name == "Publish"]
    assert message["Subject"] == "Warning! Account balance is very high"
    assert message["Message"] == '{"customerID": "C2", "accountBalance": "1750.50"}'


def test_a_new_threshold_counts_from_the_next_change_on(notifier, monkeypatch):
    notifier.run(record("C1", 100))
    monkeypatch.setenv("THRESHOLD", "99.50")

    notifier.run(record("C1", 1))

    assert notifier.alerts() == [("C1", "101")]


# Two runs can meet at one customer: the stream orders only the records of one item.


def test_a_total_that_falls_while_its_alert_is_sent_alerts_at_the_next_crossing(notifier):
    notifier.run(record("C1", 1600), fault=before("Publish", lambda: notifier.run(record("C1", -500))))
    assert not tables.items(notifier.lab, "TransactionTotal")[0].get("alerted")

    notifier.run(record("C1", 700))

    assert notifier.alerts() == [("C1", "1600"), ("C1", "1800")]


def test_a_total_that_rises_while_its_flag_is_cleared_keeps_it(notifier):
    notifier.run(record("C1", 1600))

    notifier.run(record("C1", -500), fault=before("UpdateItem", lambda: notifier.run(record("C1", 700))))

    (total,) = tables.items(notifier.lab, "TransactionTotal")
    assert (total["accountBalance"], total["alerted"]) == (1800, True)


# Calls that fail, and runs that are stopped


def test_a_run_that_is_stopped_between_any_two_calls_is_finished_by_the_next_one(notifier):
    for moment in itertools.count():
        high, low = f"high {moment}", f"low {moment}"
        batch = [record(high, 1600), record(low, 20), record(low, 5, 25), record(low, {"S": "ten"})]
        notifier.made = []

        stopped = notifier.run_until(moment, *batch)
        notifier.run(*batch)

        assert (notifier.totals()[high], notifier.totals()[low]) == (1600, 0)
        assert 1 <= len(notifier.alerts()) <= 1 + stopped
        assert {letter["record"]["eventID"] for letter in notifier.letters()} == {batch[3]["eventID"]}
        if not stopped:
            break
    assert moment >= 10  # five calls, each before and after


TRANSACTION = "TransactionCanceledException"


@pytest.mark.parametrize(
    ("call", "code", "reasons"),
    [
        ("TransactWriteItems", TRANSACTION, ["None", "TransactionConflict", "None"]),
        ("TransactWriteItems", TRANSACTION, ["None", "None", "ThrottlingError"]),
        ("TransactWriteItems", "ThrottlingException", []),
        ("BatchGetItem", "ProvisionedThroughputExceededException", []),
        ("Publish", "NotFound", []),
        ("UpdateItem", "ThrottlingException", []),
        ("SendMessage", "RequestThrottled", []),
    ],
)
def test_a_run_ends_with_the_error_of_its_call_and_the_retry_finishes_it(notifier, call, code, reasons):
    batch = [record("C1", 1600), record("C2", 1), record("C3", {"S": "ten"})]

    for _ in range(2):
        with pytest.raises(ClientError, match=code):
            notifier.run(*batch, fault=fail(call, code, CancellationReasons=[{"Code": each} for each in reasons]))
    notifier.run(*batch)

    assert notifier.totals() == {"C1": 1600, "C2": 1}
    assert notifier.alerts() == [("C1", "1600")] * (3 if call == "UpdateItem" else 1)
    assert {letter["record"]["eventID"] for letter in notifier.letters()} == {batch[2]["eventID"]}


def test_a_conflict_in_a_batch_of_which_a_part_is_added_loses_none_of_the_rest(notifier):
    batch = [record("C1", 100), record("C2", 20)]
    notifier.run(batch[0])
    refusals = iter([[{"Code": "ConditionalCheckFailed"}, {"Code": "None"}, {"Code": "TransactionConflict"}]])

    def fault(name, make):
        if name == "TransactWriteItems" and (reasons := next(refusals, None)):
            raise ClientError({"Error": {"Code": TRANSACTION}, "CancellationReasons": reasons}, name)
        return make()

    notifier.run(*batch, fault=fault)

    assert notifier.totals() == {"C1": 100, "C2": 20}


def test_without_the_topic_the_total_is_right_and_the_next_change_brings_the_alert(lab, notifier):
    topics.delete_topic(lab)
    with pytest.raises(ClientError, match="NotFound"):
        notifier.run(record("C1", 1600))
    assert notifier.totals() == {"C1": 1600}

    topics.ensure_topic(lab)
    notifier.run(record("C1", 1))

    assert notifier.alerts() == [("C1", "1601")]


def test_totals_that_dynamodb_left_unread_are_asked_for_again(notifier):
    def one_at_a_time(name, make):
        if name != "BatchGetItem":
            return make()
        ((table, request),) = make.parameters["RequestItems"].items()
        first, *rest = request["Keys"]
        answer = make(RequestItems={table: {**request, "Keys": [first]}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": rest}} if rest else {}}

    notifier.run(*[record(name, 1500) for name in ("C1", "C2", "C3")], fault=one_at_a_time)

    assert notifier.alerts() == [("C1", "1500"), ("C2", "1500"), ("C3", "1500")]


# Records that can never succeed


@pytest.mark.parametrize(
    "hopeless",
    [
        pytest.param({}, id="no record"),
        pytest.param({"eventID": "e", "dynamodb": {"Keys": {"CustomerId": {"N": "1"}}}}, id="a number as customer"),
        pytest.param(record("C1", {"S": "ten"}), id="a text"),
        pytest.param(record("C1", {"N": ""}), id="an empty number"),
        pytest.param(record("C1", {"NULL": True}), id="null"),
        pytest.param(record("C1", BIG, "0.01"), id="a change of 39 digits"),
    ],
)
def test_a_hopeless_record_goes_to_the_dead_letters_and_the_others_count(notifier, hopeless):
    notifier.run(record("C1", 100), hopeless, record("C2", 1600))

    assert [letter["record"] for letter in notifier.letters()] == [hopeless]
    assert notifier.totals() == {"C1": 100, "C2": 1600}
    assert notifier.alerts() == [("C2", "1600")]


def test_an_amount_that_becomes_a_text_is_taken_back_and_counts_again_when_it_is_mended(notifier):
    notifier.run(record("C1", 100), record("C1", 5))

    notifier.run(record("C1", {"S": "ten"}, 100))
    assert notifier.totals() == {"C1": 5}
    notifier.run(record("C1", 30, {"S": "ten"}))
    notifier.run(record("C1", None, {"S": "ten"}))

    assert notifier.totals() == {"C1": 35}
    assert len(notifier.letters()) == 1
