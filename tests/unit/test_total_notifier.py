import decimal
import json
from decimal import Decimal

import boto3
import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import queues, tables, topics, triggers
from lab_lib.handlers import total_notifier as notifier


@pytest.fixture(autouse=True)
def deployed(lab, monkeypatch):
    """The function as in AWS: tables, topic and queues are there, and its clients are not made yet."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", lab.session)
    tables.ensure_table(lab, "TransactionTotal")
    tables.ensure_table(lab, "ProcessedRecords")
    queues.ensure_queue(lab, "CustomerNotify")
    monkeypatch.setenv("TOTAL_TABLE", "TransactionTotal")
    monkeypatch.setenv("MARKER_TABLE", "ProcessedRecords")
    monkeypatch.setenv("TOPIC_ARN", topics.ensure_topic(lab))
    monkeypatch.setenv("THRESHOLD", "1500")
    monkeypatch.setenv("DEAD_LETTER_QUEUE", queues.ensure_queue(lab, queues.DEAD_LETTERS))
    triggers.ensure_queue_subscription(lab, "CustomerNotify")
    notifier.aws.cache_clear()
    yield
    notifier.aws.cache_clear()


@pytest.fixture
def record():
    """A stream record: the transaction's amount was `old` and is `new` now; None where there was or is none."""
    numbers = iter(range(10**9))

    def record(customer, new=None, old=None):
        number = next(numbers)
        key = {"CustomerId": {"S": customer}, "TransactionId": {"S": f"T{number}"}}
        images = {"Keys": key}
        for name, amount in (("NewImage", new), ("OldImage", old)):
            if amount is not None:
                images[name] = {**key, "TransactionDate": {"S": "03/16/2017"}, "TransactionAmount": {"N": str(amount)}}
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        return {"eventID": f"event-{number}", "eventName": kind, "dynamodb": images}

    return record


@pytest.fixture
def run(capsys):
    """Run the function for these records; what it says in its log. Its answer never asks for a retry."""

    def run(*records):
        assert notifier.lambda_handler({"Records": list(records)}, None) == {"batchItemFailures": []}
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def totals(lab):
    return lambda: {each["CustomerId"]: each["accountBalance"] for each in tables.items(lab, "TransactionTotal")}


@pytest.fixture
def alerts(lab):
    """(customer, balance) of each alert that was published, sorted."""

    def alerts():
        found = queues.alerts(lab, "CustomerNotify")
        return sorted((each["customerID"], each["accountBalance"]) for each in found)

    return alerts


@pytest.fixture
def parked(lab):
    return lambda: queues.messages(lab, queues.DEAD_LETTERS)


@pytest.fixture
def fail_once(monkeypatch):
    """fail_once("sns", "publish"): the next such call fails, those after it work; `before` lets some pass first."""

    def fail_once(service, call, *, before=0):
        client, passed = notifier.aws(service), []
        original = getattr(client, call)

        def answer(**arguments):
            passed.append(arguments)
            if len(passed) == before + 1:
                raise ClientError({"Error": {"Code": "InternalError", "Message": "crash"}}, call)
            return original(**arguments)

        monkeypatch.setattr(client, call, answer)

    return fail_once


def test_amounts_are_added_to_the_totals(run, record, totals):
    run(record("C1", 100), record("C2", "0.10"), record("C1", 25), record("C2", "0.20"))

    assert totals() == {"C1": 125, "C2": Decimal("0.30")}


def test_a_batch_is_added_to_what_is_there(run, record, totals):
    run(record("C1", 100))

    run(record("C1", 25))

    assert totals() == {"C1": 125}


def test_the_same_batch_twice_changes_nothing(run, record, totals, alerts):
    batch = [record("C1", 100), record("C2", 1600), record("C1", 25)]
    run(*batch)

    said = run(*batch)

    assert said == {"records": 3, "added": 0, "parked": 0, "alerted": []}
    assert totals() == {"C1": 125, "C2": 1600}
    assert alerts() == [("C2", "1600")]


def test_a_record_twice_in_one_batch_counts_once(run, record, totals):
    twice = record("C1", 100)

    run(twice, twice)

    assert totals() == {"C1": 100}


def test_of_a_partly_redelivered_batch_only_the_new_records_count(run, record, totals):
    first, second, third = record("C1", 100), record("C2", 20), record("C1", 3)
    run(first, second)

    said = run(second, third, first)

    assert said["added"] == 1
    assert totals() == {"C1": 103, "C2": 20}


def test_records_redelivered_in_another_order_and_other_batches_count_once(run, record, totals):
    records = [record(f"C{number % 3}", number) for number in range(90)]
    run(*records[:50])
    run(*records[::-1])

    run(*records[40:])

    assert totals() == {f"C{rest}": sum(range(rest, 90, 3)) for rest in range(3)}


def test_two_records_with_the_same_amount_are_two(run, record, totals):
    run(record("C1", 100), record("C1", 100))

    assert totals() == {"C1": 200}


def test_a_changed_transaction_counts_with_the_difference(run, record, totals):
    run(record("C1", 100), record("C1", new=30, old=100))

    assert totals() == {"C1": 30}


def test_a_transaction_that_was_written_again_unchanged_changes_nothing(run, record, totals):
    run(record("C1", 100), record("C1", new=100, old=100))

    assert totals() == {"C1": 100}


def test_a_removed_transaction_is_taken_off(run, record, totals):
    run(record("C1", 100), record("C1", 5))

    run(record("C1", old=100))

    assert totals() == {"C1": 5}


def test_a_negative_amount_is_taken_off(run, record, totals):
    run(record("C1", 100), record("C1", "-0.50"))

    assert totals() == {"C1": Decimal("99.50")}


def test_no_digit_of_a_total_is_lost(run, record, totals):
    with decimal.localcontext(prec=38):  # moto adds in the precision of the caller, DynamoDB in this one
        run(record("C1", "9" * 35), record("C1", "0.01"))

    assert totals() == {"C1": Decimal("9" * 35 + ".01")}


@pytest.mark.parametrize(("amount", "alerted"), [("1499.99", []), ("1500", [("C1", "1500")]), (1750, [("C1", "1750")])])
def test_a_total_at_or_above_the_threshold_alerts(run, record, alerts, amount, alerted):
    said = run(record("C1", amount))

    assert alerts() == alerted
    assert said["alerted"] == [customer for customer, _ in alerted]


def test_the_alert_is_the_handouts_message(lab, run, record):
    run(record("C2", "1750.50"))

    (message,) = queues.messages(lab, "CustomerNotify")
    assert message["Subject"] == "Warning! Account balance is very high"
    assert json.loads(message["Message"]) == {"customerID": "C2", "accountBalance": "1750.50"}


def test_there_is_one_alert_for_one_crossing_however_far_the_total_rises(run, record, alerts):
    run(*[record("C1", 1000) for _ in range(5)])
    for _ in range(5):
        run(record("C1", 1000))

    assert alerts() == [("C1", "5000")]


def test_each_customer_has_an_alert_of_its_own(run, record, alerts):
    run(record("C1", 1500), record("C2", 2000), record("C3", 1))

    assert alerts() == [("C1", "1500"), ("C2", "2000")]


def test_a_total_that_fell_below_and_crosses_again_alerts_again(run, record, alerts):
    run(record("C1", 1600))
    run(record("C1", -200))
    assert alerts() == [("C1", "1600")]

    run(record("C1", 300))

    assert alerts() == [("C1", "1600"), ("C1", "1700")]


def test_a_total_that_fell_to_the_threshold_is_still_there(run, record, alerts):
    run(record("C1", 1600))

    run(record("C1", -100))
    run(record("C1", 500))

    assert alerts() == [("C1", "1600")]


def test_a_redelivered_batch_does_not_alert_again_after_the_total_fell(run, record, alerts):
    crossing = record("C1", 1600)
    run(crossing)
    run(record("C1", -200))

    run(crossing)

    assert alerts() == [("C1", "1600")]


def test_a_crash_after_publishing_repeats_the_alert_and_adds_nothing_twice(run, record, totals, alerts, fail_once):
    batch = [record("C1", 1600)]
    fail_once("dynamodb", "update_item")
    with pytest.raises(ClientError, match="crash"):
        notifier.lambda_handler({"Records": batch}, None)

    run(*batch)
    run(*batch)

    assert alerts() == [("C1", "1600"), ("C1", "1600")]
    assert totals() == {"C1": 1600}


def test_an_alert_that_could_not_be_published_is_published_by_the_retry(run, record, totals, alerts, fail_once):
    batch = [record("C1", 1600)]
    fail_once("sns", "publish")
    with pytest.raises(ClientError, match="crash"):
        notifier.lambda_handler({"Records": batch}, None)
    assert alerts() == []

    run(*batch)
    run(*batch)

    assert alerts() == [("C1", "1600")]
    assert totals() == {"C1": 1600}


def test_a_crash_before_reading_the_totals_loses_no_alert(run, record, alerts, fail_once):
    batch = [record("C1", 1600)]
    fail_once("dynamodb", "batch_get_item")
    with pytest.raises(ClientError, match="crash"):
        notifier.lambda_handler({"Records": batch}, None)

    run(*batch)

    assert alerts() == [("C1", "1600")]


def test_a_crash_between_two_packs_is_finished_by_the_retry(run, record, totals, fail_once):
    batch = [record("C1", 1) for _ in range(150)]
    fail_once("dynamodb", "transact_write_items", before=1)
    with pytest.raises(ClientError, match="crash"):
        notifier.lambda_handler({"Records": batch}, None)
    assert 0 < totals()["C1"] < 150

    said = run(*batch)

    assert totals() == {"C1": 150}
    assert 0 < said["added"] < 150


def test_more_than_100_records_of_one_customer_are_all_counted(run, record, totals, alerts):
    said = run(*[record("C1", 10) for _ in range(350)])

    assert said["added"] == 350
    assert totals() == {"C1": 3500}
    assert alerts() == [("C1", "3500")]


def test_more_than_100_customers_in_a_batch_are_all_counted_and_alerted(run, record, totals, alerts):
    names = [f"C{number}" for number in range(120)]

    run(*[record(name, 1500) for name in names])

    assert totals() == dict.fromkeys(names, 1500)
    assert alerts() == sorted((name, "1500") for name in names)


def test_a_transaction_never_has_more_than_100_actions_nor_an_item_twice(run, record, monkeypatch):
    client, sizes = notifier.aws("dynamodb"), []
    write = client.transact_write_items

    def counted(TransactItems):
        customers = [each["Update"]["Key"]["CustomerId"]["S"] for each in TransactItems if "Update" in each]
        assert len(customers) == len(set(customers))
        sizes.append(len(TransactItems))
        return write(TransactItems=TransactItems)

    monkeypatch.setattr(client, "transact_write_items", counted)

    run(*[record(f"C{number % 70}", 1) for number in range(150)])

    assert max(sizes) <= 100
    assert sum(sizes) > 150


@pytest.mark.parametrize("other", ["TransactionConflict", "ThrottlingError"])
def test_a_conflict_raises_so_that_the_batch_comes_again(run, record, totals, monkeypatch, other):
    client = notifier.aws("dynamodb")
    reasons = [{"Code": "None"}, {"Code": other}]

    def conflict(**_):
        details = {"Error": {"Code": "TransactionCanceledException", "Message": other}, "CancellationReasons": reasons}
        raise client.exceptions.TransactionCanceledException(details, "TransactWriteItems")

    with monkeypatch.context() as patch:
        patch.setattr(client, "transact_write_items", conflict)
        with pytest.raises(client.exceptions.TransactionCanceledException):
            notifier.lambda_handler({"Records": [record("C1", 1)]}, None)

    assert totals() == {}


def test_the_markers_live_longer_than_the_stream_keeps_its_records(lab, run, record, monkeypatch):
    monkeypatch.setattr(notifier.time, "time", lambda: 1_000_000.5)

    run(record("C1", 1))

    (marker,) = tables.items(lab, "ProcessedRecords")
    assert marker["ExpiresAt"] - 1_000_000 > 24 * 3600


@pytest.mark.parametrize("customer", ['a "quoted" one', "two\nlines", "back\\slash", "Zoë 李", "{}", "$x_1$", "'"])
def test_any_customer_id_gives_valid_json(run, record, alerts, customer):
    run(record(customer, 1500))

    assert alerts() == [(customer, "1500")]


@pytest.mark.parametrize("amount", ["1E+4", "2000.00", "9" * 38])
def test_the_balance_of_an_alert_is_written_out_in_digits(run, record, alerts, amount):
    run(record("C1", amount))

    ((_, balance),) = alerts()
    assert "E" not in balance
    assert Decimal(balance) == Decimal(amount)


@pytest.fixture
def poison(record):
    """A record like record()'s whose new image has a text for its amount, or none at all (None)."""

    def poison(customer, amount={"S": "ten"}, old=None):  # noqa: B006, read only
        poison = record(customer, new=1, old=old)
        poison["dynamodb"]["NewImage"]["TransactionAmount"] = amount
        if amount is None:
            del poison["dynamodb"]["NewImage"]["TransactionAmount"]
        return poison

    return poison


def test_an_unreadable_record_is_parked_and_the_good_ones_around_it_are_counted(run, record, poison, totals, parked):
    bad = poison("C9", None)

    said = run(record("C1", 100), bad, record("C1", 25))

    assert totals() == {"C1": 125}
    assert (said["added"], said["parked"]) == (2, 1)
    assert parked() == [{"error": "TransactionAmount is no number", "record": bad}]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"eventID": "e", "dynamodb": None}, id="no images"),
        pytest.param({"eventID": "e", "dynamodb": {}}, id="no keys"),
        pytest.param({"eventID": "e", "dynamodb": []}, id="a list"),
        pytest.param({"eventID": "e", "dynamodb": {"Keys": {"CustomerId": {"N": "1"}}}}, id="a number as customer"),
        pytest.param({"dynamodb": {"Keys": {"CustomerId": {"S": "C1"}}}}, id="no id"),
    ],
)
def test_every_kind_of_unreadable_record_is_parked(run, record, totals, parked, broken):
    said = run(broken, record("C1", 100))

    assert said["parked"] == 1
    assert parked()[0]["record"] == broken
    assert totals() == {"C1": 100}


@pytest.mark.parametrize("amount", ["1", {"S": "ten"}, {"N": "ten"}, {"N": ""}, {"NULL": True}, None], ids=str)
def test_a_record_with_an_unreadable_amount_is_parked_and_counts_as_0(run, record, poison, totals, parked, amount):
    broken = poison("C1", amount)

    said = run(record("C1", 100), broken)

    assert said["parked"] == 1
    assert parked()[0]["record"] == broken
    assert totals() == {"C1": 100}


def test_an_amount_that_becomes_unreadable_is_taken_back_and_one_that_becomes_a_number_counts(
    run, record, poison, totals, parked
):
    run(record("C1", 100), record("C1", 5))
    run(poison("C1", old=100))
    assert totals() == {"C1": 5}

    mended = record("C1", new=30, old=1)
    mended["dynamodb"]["OldImage"]["TransactionAmount"] = {"S": "ten"}
    said = run(mended)

    assert totals() == {"C1": 35}
    assert said["parked"] == 0  # whoever mended it need not be told
    assert len(parked()) == 1


def test_an_unreadable_transaction_that_is_removed_changes_nothing(run, record, totals):
    gone = record("C1", old=1)
    gone["dynamodb"]["OldImage"]["TransactionAmount"] = {"S": "ten"}

    run(record("C1", 100), gone)

    assert totals() == {"C1": 100}


def test_a_record_whose_change_has_more_digits_than_dynamodb_is_parked(run, record, totals, parked):
    run(record("C1", new="1" + "0" * 37, old="0.01"), record("C2", 5))

    assert totals() == {"C2": 5}
    assert len(parked()) == 1


@pytest.fixture
def dynamodbs_precision(monkeypatch):
    """DynamoDB refuses a sum of more than 38 digits; moto rounds it."""
    client = notifier.aws("dynamodb")
    write = client.transact_write_items

    def answer(TransactItems):
        reasons = [{"Code": "ValidationError" if too_long(each) else "None"} for each in TransactItems]
        if {"Code": "ValidationError"} in reasons:
            details = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise client.exceptions.TransactionCanceledException(details, "TransactWriteItems")
        return write(TransactItems=TransactItems)

    def too_long(action):
        if "Put" in action:
            return False
        key = {"TableName": "TransactionTotal", "Key": action["Update"]["Key"]}
        now = client.get_item(**key).get("Item", {}).get("accountBalance", {"N": "0"})
        try:
            notifier.DYNAMODB_CONTEXT.add(*(Decimal(each["N"]) for each in (now, amount_of(action))))
        except decimal.Inexact:
            return True
        return False

    def amount_of(action):
        return action["Update"]["ExpressionAttributeValues"][":amount"]

    monkeypatch.setattr(client, "transact_write_items", answer)


def test_a_change_that_gives_a_total_too_many_digits_is_parked_alone(
    run, record, totals, alerts, parked, dynamodbs_precision
):
    run(record("C1", "1" + "0" * 37))
    cent = record("C1", "0.01")

    said = run(record("C2", 5), record("C2", 1600), cent, *[record("C3", 1) for _ in range(120)])

    assert totals() == {"C1": 10**37, "C2": 1605, "C3": 120}
    assert (said["added"], said["parked"]) == (122, 1)
    assert [letter["record"] for letter in parked()] == [cent]
    assert alerts() == [("C1", f"1{'0' * 37}"), ("C2", "1605")]


def test_of_changes_whose_sum_has_too_many_digits_one_is_parked(run, record, totals, parked, dynamodbs_precision):
    # Each amount fits, their sum does not.
    batch = [record("C1", "1" + "0" * 37), record("C1", "0.01"), record("C2", 5)]

    run(*batch)
    run(*batch)  # as Lambda may send it again

    assert totals() == {"C1": 10**37, "C2": 5}
    assert [letter["record"] for letter in parked()] == [batch[1]] * 2


def test_a_total_that_somebody_made_a_text_does_not_hold_up_the_others(lab, run, record, alerts, parked):
    spoilt = {"CustomerId": {"S": "C1"}, "accountBalance": {"S": "a lot"}}
    lab.client("dynamodb").put_item(TableName="TransactionTotal", Item=spoilt)
    change = record("C1", 1600)

    said = run(record("C2", 1600), change)

    assert (said["added"], said["parked"]) == (1, 1)
    assert [letter["record"] for letter in parked()] == [change]
    assert alerts() == [("C2", "1600")]


def test_a_batch_of_unreadable_records_alone_is_parked(run, parked):
    said = run({"eventID": "a"}, {"eventID": "b"})

    assert said == {"records": 2, "added": 0, "parked": 2, "alerted": []}
    assert len(parked()) == 2


def test_a_record_that_could_not_be_parked_raises_and_nothing_is_lost(run, record, totals, parked, fail_once):
    batch = [{"eventID": "broken"}, record("C1", 100)]
    fail_once("sqs", "send_message")
    with pytest.raises(ClientError, match="crash"):
        notifier.lambda_handler({"Records": batch}, None)

    run(*batch)

    assert totals() == {"C1": 100}
    assert len(parked()) == 1


def test_totals_that_dynamodb_did_not_get_round_to_are_asked_for_again(run, record, alerts, monkeypatch):
    client = notifier.aws("dynamodb")
    read = client.batch_get_item

    def one_at_a_time(RequestItems):
        ((table, request),) = RequestItems.items()
        first, rest = request["Keys"][:1], request["Keys"][1:]
        answer = read(RequestItems={table: {**request, "Keys": first}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": rest}} if rest else {}}

    monkeypatch.setattr(client, "batch_get_item", one_at_a_time)

    run(record("C1", 1500), record("C2", 1500), record("C3", 1500))

    assert alerts() == [("C1", "1500"), ("C2", "1500"), ("C3", "1500")]


def test_a_new_threshold_counts_from_the_next_change_on(run, record, alerts, monkeypatch):
    run(record("C1", 100))
    monkeypatch.setenv("THRESHOLD", "99.50")

    run(record("C1", 1))

    assert alerts() == [("C1", "101")]


# The stream has several shards, and orders only the records of one item: so two runs can meet at one customer.


def meanwhile(monkeypatch, service, call, action):
    """Another run does `action` just before this one's next call goes out."""
    client = notifier.aws(service)
    original = getattr(client, call)

    def answer(**arguments):
        monkeypatch.setattr(client, call, original)
        action()
        return original(**arguments)

    monkeypatch.setattr(client, call, answer)


def flag(lab):
    (item,) = tables.items(lab, "TransactionTotal")
    return item.get("alerted", False), item["accountBalance"]


def test_a_total_that_falls_while_its_alert_is_sent_alerts_at_the_next_crossing(lab, record, alerts, monkeypatch):
    fall = {"Records": [record("C1", -500)]}
    meanwhile(monkeypatch, "sns", "publish", lambda: notifier.lambda_handler(fall, None))

    notifier.lambda_handler({"Records": [record("C1", 1600)]}, None)
    assert flag(lab) == (False, 1100)
    notifier.lambda_handler({"Records": [record("C1", 700)]}, None)

    assert alerts() == [("C1", "1600"), ("C1", "1800")]


def test_a_total_that_rises_while_its_flag_is_cleared(lab, record, alerts, monkeypatch):
    notifier.lambda_handler({"Records": [record("C1", 1600)]}, None)
    rise = {"Records": [record("C1", 700)]}
    meanwhile(monkeypatch, "dynamodb", "update_item", lambda: notifier.lambda_handler(rise, None))

    notifier.lambda_handler({"Records": [record("C1", -500)]}, None)

    assert flag(lab) == (True, 1800)
