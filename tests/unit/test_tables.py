import dataclasses
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import tables
from lab_lib.errors import WrongResource

ALL = list(tables.KEYS)


@pytest.fixture
def describe(lab):
    return lambda name: lab.client("dynamodb").describe_table(TableName=name)["Table"]


@pytest.fixture
def expiry(lab):
    return lambda name: lab.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]


@pytest.fixture
def key(describe):
    return lambda name: [each["AttributeName"] for each in describe(name)["KeySchema"]]


@pytest.fixture
def given_table(lab):
    """A table that was in the account before the lab, or that a learner made by hand."""

    def given_table(name, **changes):
        keys = tables.KEYS[name]
        wanted = {
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
            "BillingMode": "PAY_PER_REQUEST",
        }
        return lab.client("dynamodb").create_table(TableName=name, **{**wanted, **changes})["TableDescription"]

    return given_table


@pytest.mark.parametrize("name", ALL)
def test_ensure_table_makes_a_tagged_table_with_its_key(lab, describe, key, name):
    arn = tables.ensure_table(lab, name)

    table = describe(name)
    assert arn == table["TableArn"]
    assert key(name) == tables.KEYS[name]
    assert {each["AttributeType"] for each in table["AttributeDefinitions"]} == {"S"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert lab.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "lab", "Value": "serverless-lab"}
    ]


def test_only_transactions_has_a_stream_and_it_carries_both_images(lab, describe):
    for name in ALL:
        tables.ensure_table(lab, name)

    streams = {name: describe(name)["StreamSpecification"] for name in ALL if tables.find_stream(lab, name)}
    assert streams == {"Transactions": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}


def test_only_the_markers_expire(lab, expiry):
    for name in ALL:
        tables.ensure_table(lab, name)

    expiring = {name: expiry(name)["AttributeName"] for name in ALL if expiry(name)["TimeToLiveStatus"] == "ENABLED"}
    assert expiring == {"ProcessedRecords": "ExpiresAt"}


@pytest.mark.parametrize("name", ALL)
def test_ensure_table_twice_gives_the_same_table_and_keeps_its_items(lab, name):
    tables.ensure_table(lab, name)
    lab.client("dynamodb").put_item(TableName=name, Item={key: {"S": "x"} for key in tables.KEYS[name]})
    before = tables.find_table(lab, name), tables.find_stream(lab, name)

    tables.ensure_table(lab, name)

    assert (tables.find_table(lab, name), tables.find_stream(lab, name)) == before
    assert len(tables.items(lab, name)) == 1


def test_ensure_table_switches_a_stream_on_again_that_was_switched_off_by_hand(lab, describe, given_table):
    given_table("Transactions", Tags=[{"Key": "lab", "Value": "serverless-lab"}])  # moto cannot switch a stream off
    assert tables.find_stream(lab) is None

    tables.ensure_table(lab, "Transactions")

    assert describe("Transactions")["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert tables.find_stream(lab) is not None


def test_ensure_table_mends_a_stream_that_carries_the_new_image_only(lab, given_table, monkeypatch):
    # Without the old image TotalNotifier cannot tell by how much an amount changed, and the totals are wrong.
    # DynamoDB changes a stream only by way of none, and moto starts no second one: so what counts is what it is asked.
    stream, updates = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}, []
    given_table("Transactions", StreamSpecification=stream, Tags=[{"Key": "lab", "Value": "serverless-lab"}])
    monkeypatch.setattr(
        lab.client("dynamodb"), "update_table", lambda **arguments: updates.append(arguments["StreamSpecification"])
    )

    tables.ensure_table(lab, "Transactions")

    assert updates == [{"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}]


def test_ensure_table_switches_expiry_on_again_that_was_switched_off_by_hand(lab, expiry):
    tables.ensure_table(lab, "ProcessedRecords")
    lab.client("dynamodb").update_time_to_live(
        TableName="ProcessedRecords", TimeToLiveSpecification={"Enabled": False, "AttributeName": "ExpiresAt"}
    )

    tables.ensure_table(lab, "ProcessedRecords")

    assert expiry("ProcessedRecords") == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ExpiresAt"}


def test_ensure_table_returns_only_when_a_table_that_is_being_made_is_ready(lab, monkeypatch):
    # A run that was killed leaves such a table; moto's are ready at once.
    tables.ensure_table(lab, "Customer")
    table = lab.client("dynamodb").describe_table(TableName="Customer")["Table"]
    seen = []

    def describe_table(**_):
        seen.append("ACTIVE" if seen else "CREATING")
        return {"Table": {**table, "TableStatus": seen[-1]}}

    monkeypatch.setattr(lab.client("dynamodb"), "describe_table", describe_table)

    tables.ensure_table(lab, "Customer")

    assert seen[-1] == "ACTIVE"


def test_a_table_with_another_key_is_a_wrong_resource_and_stays_as_it_is(lab, given_table, key):
    given_table(
        "Customer",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
    )

    with pytest.raises(WrongResource, match="has the key Id; this lab wants CustomerId"):
        tables.ensure_table(lab, "Customer")

    assert key("Customer") == ["Id"]


def test_a_table_whose_key_is_a_number_is_a_wrong_resource(lab, given_table):
    given_table("Customer", AttributeDefinitions=[{"AttributeName": "CustomerId", "AttributeType": "N"}])

    with pytest.raises(WrongResource):
        tables.ensure_table(lab, "Customer")


@pytest.mark.parametrize("name", ALL)
def test_ensure_table_mends_a_given_table_and_does_not_make_it_ours(lab, given_table, describe, expiry, name):
    arn = given_table(name)["TableArn"]

    assert tables.ensure_table(lab, name) == arn

    assert (tables.find_stream(lab, name) is not None) == (name == tables.STREAMED)
    assert (expiry(name)["TimeToLiveStatus"] == "ENABLED") == (name in tables.EXPIRING)
    assert not tables.is_ours(lab, name)


@pytest.mark.parametrize("name", ALL)
def test_delete_table_keeps_a_given_table(lab, given_table, name):
    arn = given_table(name)["TableArn"]

    tables.delete_table(lab, name)

    assert tables.find_table(lab, name) == arn


def test_an_absent_table_is_none(lab):
    assert tables.find_table(lab, "Customer") is None
    assert tables.find_stream(lab) is None
    assert tables.describe(lab, "Customer") is None
    assert tables.is_ours(lab, "Customer") is False
    assert tables.items(lab, "Customer") == []


def test_a_refusal_is_never_absence(lab, refuse):
    refuse("dynamodb", "describe_table", code="AccessDeniedException")
    refuse("dynamodb", "scan", code="AccessDeniedException")

    for call in (
        tables.find_table,
        tables.describe,
        tables.find_stream,
        tables.ensure_table,
        tables.delete_table,
        tables.is_ours,
        tables.items,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(lab, "Transactions")


def test_delete_table_deletes_it_with_its_items(lab):
    tables.ensure_table(lab, "Customer")
    lab.client("dynamodb").put_item(TableName="Customer", Item={"CustomerId": {"S": "C1"}})

    tables.delete_table(lab, "Customer")

    assert tables.find_table(lab, "Customer") is None


def test_delete_table_again_is_quiet(lab):
    tables.ensure_table(lab, "Customer")
    tables.delete_table(lab, "Customer")

    tables.delete_table(lab, "Customer")

    assert tables.find_table(lab, "Customer") is None


def test_items_are_plain_values_in_the_order_of_their_key(lab):
    tables.ensure_table(lab, "Transactions")
    for customer, number, amount in [("C2", "T1", "5"), ("C1", "T2", "0.10"), ("C1", "T1", "7")]:
        item = {"CustomerId": {"S": customer}, "TransactionId": {"S": number}, "TransactionAmount": {"N": amount}}
        lab.client("dynamodb").put_item(TableName="Transactions", Item=item)

    found = tables.items(lab, "Transactions")

    assert [(each["CustomerId"], each["TransactionId"]) for each in found] == [("C1", "T1"), ("C1", "T2"), ("C2", "T1")]
    assert found[1]["TransactionAmount"] == Decimal("0.10")


def test_items_are_all_there_when_they_are_more_than_a_page(lab):
    tables.ensure_table(lab, "Customer")
    for number in range(5):  # DynamoDB's pages end after 1 MB
        item = {"CustomerId": {"S": f"C{number}"}, "Address": {"S": "x" * 390_000}}
        lab.client("dynamodb").put_item(TableName="Customer", Item=item)

    assert [each["CustomerId"] for each in tables.items(lab, "Customer")] == ["C0", "C1", "C2", "C3", "C4"]


def test_describe_is_what_dynamodb_tells_of_the_table(lab, describe):
    tables.ensure_table(lab, "Transactions")

    assert tables.describe(lab, "Transactions") == describe("Transactions")


def test_describe_and_expiry_look_at_the_table_with_the_labs_prefix(lab):
    ana = dataclasses.replace(lab, prefix="ana-")
    tables.ensure_table(lab, "Customer")
    tables.ensure_table(ana, "ProcessedRecords")

    assert tables.describe(ana, "Customer") is None
    assert tables.expiry(ana, "ProcessedRecords") == "ExpiresAt"


def test_names_are_all_tables_of_the_region_when_they_are_more_than_a_page(lab):
    wanted = [f"Table{number:03}" for number in range(101)]  # DynamoDB's pages have 100
    for name in wanted:
        lab.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    assert sorted(tables.names(lab)) == wanted


def test_names_without_a_table_are_none(lab):
    assert tables.names(lab) == []


@pytest.mark.parametrize(
    ("status", "attribute"),
    [("ENABLED", "ExpiresAt"), ("ENABLING", "ExpiresAt"), ("DISABLED", None), ("DISABLING", None)],
)
def test_expiry_is_the_attribute_while_it_is_switched_on(lab, monkeypatch, status, attribute):
    answer = {"TimeToLiveDescription": {"TimeToLiveStatus": status, "AttributeName": "ExpiresAt"}}
    monkeypatch.setattr(lab.client("dynamodb"), "describe_time_to_live", lambda **_: answer)

    assert tables.expiry(lab, "ProcessedRecords") == attribute


def test_expiry_is_the_very_attribute_that_a_learner_chose(lab, given_table):
    given_table("ProcessedRecords")
    lab.client("dynamodb").update_time_to_live(
        TableName="ProcessedRecords", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )

    assert tables.expiry(lab, "ProcessedRecords") == "ttl"


def test_a_table_that_never_had_an_expiry_has_none(lab, given_table):
    given_table("ProcessedRecords")

    assert tables.expiry(lab, "ProcessedRecords") is None


def test_ensure_table_leaves_an_expiry_alone_that_is_just_being_switched_on(lab, monkeypatch, calls):
    # DynamoDB takes up to an hour for it, and refuses a second request in that time.
    tables.ensure_table(lab, "ProcessedRecords")
    answer = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "ExpiresAt"}}
    monkeypatch.setattr(lab.client("dynamodb"), "describe_time_to_live", lambda **_: answer)
    updates = calls("dynamodb", "update_time_to_live")

    tables.ensure_table(lab, "ProcessedRecords")

    assert updates == []


def test_items_can_be_chosen_by_how_their_key_begins(lab):
    tables.ensure_table(lab, "Transactions")
    for customer in ("Break Ana", "Breaker", "Break", "C1", "A Break "):
        tables.put_item(lab, "Transactions", {"CustomerId": customer, "TransactionId": "T1"})

    chosen = tables.items(lab, "Transactions", beginning="Break ")

    assert [item["CustomerId"] for item in chosen] == ["Break Ana"]
    assert len(tables.items(lab, "Transactions")) == 5


def test_put_item_replaces_the_item_with_the_same_key(lab):
    tables.ensure_table(lab, "Transactions")
    item = {"CustomerId": "C1", "TransactionId": "T1", "TransactionAmount": Decimal("99.50")}

    tables.put_item(lab, "Transactions", item)
    tables.put_item(lab, "Transactions", {**item, "TransactionAmount": "a lot"})

    assert tables.items(lab, "Transactions") == [{**item, "TransactionAmount": "a lot"}]


def test_delete_item_needs_the_key_only_and_leaves_the_others(lab):
    tables.ensure_table(lab, "Transactions")
    first, second = ({"CustomerId": "C1", "TransactionId": name, "TransactionAmount": 1} for name in ("T1", "T2"))
    for item in (first, second):
        tables.put_item(lab, "Transactions", item)

    tables.delete_item(lab, "Transactions", first)
    tables.delete_item(lab, "Transactions", first)

    assert tables.items(lab, "Transactions") == [second]


def test_items_are_put_and_deleted_under_the_labs_prefix(lab):
    prefixed = dataclasses.replace(lab, prefix="Ana-")
    tables.ensure_table(prefixed, "Customer")

    tables.put_item(prefixed, "Customer", {"CustomerId": "C1"})
    assert tables.items(prefixed, "Customer") == [{"CustomerId": "C1"}]

    tables.delete_item(prefixed, "Customer", {"CustomerId": "C1"})
    assert tables.items(prefixed, "Customer") == []
