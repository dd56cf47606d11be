"""What differs after an upload from what it must lead to: in the tables, and in the messages of a queue."""

from dataclasses import replace
from decimal import Decimal

import pytest
from stub_account import FILE, LAB, ROWS, TOPIC, alert, total

from lab_lib.checks import upload
from lab_lib.checks.upload import Snapshot, expect
from lab_lib.transactions import recount
from tests.lab.chains import HEADER

BEFORE = Snapshot.of([], [{"CustomerId": "C9", "Address": "z"}], [total("C9", 5)])
DUE = expect(BEFORE, [FILE], LAB.threshold)  # C2 reaches the threshold with 1750, C1 has 598
TEXT = ROWS[0] | {"TransactionAmount": "598"}


def held(rows=ROWS, totals=(("C1", 598), ("C2", 1750), ("C9", 5))):
    """Return what the account holds after the upload."""
    addresses = {"C1": "a", "C2": "b", "C9": "z"}
    customers = [{"CustomerId": name, "Address": address} for name, address in addresses.items()]
    return Snapshot.of(rows, customers, [total(*item) for item in totals])


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (held(), ""),
        (held([TEXT, *ROWS[1:]]), "C1 T1 has TransactionAmount '598', not 598"),
        (held(totals=[("C1", 598), ("C2", 1000), ("C9", 5)]), "C2 has accountBalance 1000, not 1750"),
        (held(totals=[("C1", 598), ("C2", 1750), ("C9", 6)]), "C9 was changed"),
        (held(totals=[("C1", 598), ("C2", 1750)]), "C9 is missing"),
        (held([*ROWS, ROWS[0] | {"CustomerId": "C9"}]), "C9 T1 is in no file"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_and_nothing_else(after, words):
    found = [
        *upload.compare_rows(DUE, after.rows),
        *upload.compare_addresses(DUE, after.customers),
        *upload.compare_totals(DUE.own_totals, after.totals),
        *upload.compare_others(BEFORE, after, DUE),
    ]

    assert [*map(str, found)] == [words] * bool(words)


RIGHT = alert(customerID="C2", accountBalance="1750")
NO_ALERT = "no alert for C2, who has 1750"


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        ([RIGHT, RIGHT], []),  # SQS may deliver a message twice
        ([], [NO_ALERT]),
        ([RIGHT, RIGHT | {"MessageId": "another"}], ["2 alerts for C2"]),
        ([RIGHT | {"Message": "{'customerID': 'C2'}"}], [NO_ALERT, "an alert for nobody, for whom none is due"]),
        ([RIGHT, alert(customerID="C1", accountBalance="598")], ["an alert for C1, for whom none is due"]),
        ([RIGHT | {"TopicArn": "another"}], [NO_ALERT, "a message without the envelope of the topic"]),
        ([alert(customerID="C2", accountBalance="1751")], ["an alert for C2 has accountBalance '1751', not '1750'"]),
        (
            [alert(customerID="C2", accountBalance="1000") | {"Subject": "Hi"}],
            [
                "an alert for C2 has Subject 'Hi', not 'Warning! Account balance is very high'",
                "an alert for C2 has accountBalance '1000', not a text with a number from 1500 on",
            ],
        ),
    ],
)
def test_one_alert_with_the_balance_is_due_for_each_customer_who_reaches_the_threshold(messages, faults):
    found, repeated = upload.compare_messages(DUE, messages, TOPIC, LAB.threshold)

    assert ([*map(str, found)], repeated) == (faults, [])


def test_who_goes_on_behind_the_threshold_gets_an_alert_with_any_total_from_there_on_and_may_get_more():
    content = f"{HEADER}\nC5|e|T1|03/16/2017|1600\nC5|e|T2|03/16/2017|7".encode()
    due = expect(BEFORE, [recount("a.txt", content)], LAB.threshold)
    first, last = alert(customerID="C5", accountBalance="1600"), alert(customerID="C5", accountBalance="1607")
    last["MessageId"] = "another"

    assert due.going_on == {"C5"}
    assert upload.compare_messages(due, [first], TOPIC, LAB.threshold) == ([], [])
    assert upload.compare_messages(due, [last], TOPIC, LAB.threshold) == ([], [])
    assert upload.compare_messages(due, [first, last], TOPIC, LAB.threshold) == ([], ["C5"])


def test_who_had_reached_the_threshold_before_needs_no_alert_and_is_named_if_there_is_one():
    due = replace(DUE, crossing={}, totals={"C1": Decimal(598), "C2": Decimal(1750)})

    assert upload.compare_messages(due, [], TOPIC, LAB.threshold) == ([], [])
    assert upload.compare_messages(due, [RIGHT], TOPIC, LAB.threshold) == ([], ["C2"])


def test_a_rejected_line_must_be_kept_with_the_code_of_its_reason_if_the_function_writes_codes():
    kept = [{"line": 3, "code": "id-empty"}, {"line": 4, "code": ""}, {"line": 9, "code": "quotes"}]

    found = upload.compare_rejected({3: "date-not-day", 4: "id-empty", 5: "quotes"}, kept)

    assert [*map(str, found)] == ["line 3 has code 'id-empty', not 'date-not-day'", "line 5 is missing"]
