"""An upload is followed link by link: what is due of it, what is there, and why nothing is due or comes."""

import json
import re
from decimal import Decimal

import pytest
from stub_account import LAB, PROCESSOR, StubAccount, changed, whole

from lab_lib import resources, transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables, topics, triggers
from lab_lib.checks import chain, making
from lab_lib.checks.causes import find_broken
from lab_lib.checks.chain import Upload
from lab_lib.checks.evidence import Inbox
from lab_lib.checks.upload import SUBJECT
from lab_lib.errors import LabError
from lab_lib.exercises.experiments import create_queues
from lab_lib.resources import ALERTS, CHANGES, TOTALS, messages
from tests.lab.chains import HEADER

LINES = ["C1|a|T1|03/16/2017|1", "C1|a|T1|03/16/2017|598", "bad", "C2|b|T2|03/16/2017|1600"]
NOTIFY = queues.ALERT_QUEUES[0]


def recount(*lines):
    return transactions.recount("mine.txt", "\n".join([HEADER, *lines]).encode())


@pytest.fixture
def account(lab):
    """Return the lab with its tables, topic and queues, and no functions."""
    buckets.ensure_bucket(lab)
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    create_queues(lab)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    return lab


def looked(upload):
    """Look at each link once, and return the first through which something has still to come; "" if there is none."""
    upload.look()
    return "" if upload.has_arrived else upload.place


def put(lab, customer, transaction, amount, date="03/16/2017", **flags):
    """Put a row, and the customer's total."""
    row = {"CustomerId": customer, "TransactionId": transaction, "TransactionDate": date}
    tables.put_item(lab, "Transactions", {**row, "TransactionAmount": Decimal(amount)})
    tables.put_item(lab, "TransactionTotal", {"CustomerId": customer, "accountBalance": Decimal(amount), **flags})


def alert(lab, customer="C2"):
    body = json.dumps({"customerID": customer, "accountBalance": "1600"})
    lab.client("sns").publish(TopicArn=topics.find_topic(lab), Subject=SUBJECT, Message=body)


def arrive(lab):
    """Put what the lines of the file lead to."""
    put(lab, "C1", "T1", 598)
    put(lab, "C2", "T2", 1600, alerted=True)
    alert(lab)


def test_a_file_has_arrived_when_its_rows_totals_and_alerts_are_there(account):
    upload = Upload(account, "mine.txt", recount(*LINES))
    put(account, "C2", "T2", 1600, alerted=True)
    for amount, date in ((1, "03/16/2017"), (598, "03/17/2017")):
        put(account, "C1", "T1", amount, date)
        assert looked(upload) == "rows written: 1 of 2"
    put(account, "C1", "T1", 598)
    tables.delete_item(account, "TransactionTotal", {"CustomerId": "C1"})
    assert looked(upload) == "changes counted: 0 of 2"

    put(account, "C1", "T1", 598)
    first, *_, last = queues.ALERT_QUEUES
    assert looked(upload) == f"messages in {first}: 0 of 1"
    alert(account)
    queues.delete_messages(account, last, bool)
    assert looked(upload) == f"messages in {last}: 0 of 1"
    queues.delete_messages(account, first, bool)  # somebody may take out what has come
    assert looked(upload) == f"messages in {last}: 0 of 1"
    alert(account)
    assert looked(upload) == ""


def test_what_an_earlier_upload_has_left_counts_for_nothing_and_is_the_reason_if_nothing_is_due(account):
    arrive(account)
    same, more, first = (recount(*lines) for lines in (LINES, [*LINES, "C3|c|T3|03/16/2017|1700"], LINES[:1]))
    upload = Upload(account, "mine.txt", more)

    assert looked(upload) == "rows written: 2 of 3"
    put(account, "C3", "T3", 1700)
    assert looked(upload) == "alerts out: 0 of 1"
    alert(account, "C3")
    assert looked(upload) == ""
    of_alerts = 1 + len(queues.ALERT_QUEUES)
    assert reasons(account, same) == ["all 2 rows were there already", *["C2 had reached 1500 before"] * of_alerts]
    assert reasons(account, first) == ["", *["no total reaches 1500"] * of_alerts]


def reasons(lab, file):
    """Return why nothing is due at the links of the changes and of the alerts, "" where something is."""
    upload, names = Upload(lab, "mine.txt", file), (CHANGES, ALERTS, *map(messages, queues.ALERT_QUEUES))
    upload.look()
    return ["" if link.want else link.why for link in upload.links if link.name in names]


def logged(monkeypatch, lines):
    """Let the logs of the functions have these lines, by function, now and when lines are added."""

    def log_lines(lab, group, *_):
        return [{"message": line, "timestamp": 1, "logStreamName": group} for line in lines.get(group[12:], [])]

    monkeypatch.setattr(functions, "describe", lambda *_: None)
    monkeypatch.setattr(cloudwatch, "describe", lambda *_: {"logGroupName": "mine"})
    monkeypatch.setattr(cloudwatch, "log_lines", log_lines)


def test_a_file_that_changes_nothing_has_arrived_when_its_run_has_ended_or_marked_it(account, monkeypatch):
    lines = []
    logged(monkeypatch, {PROCESSOR: lines})
    arrive(account)
    assert looked(Upload(account, "mine.txt", recount("bad"))) == "rows written: none is due"
    upload = Upload(account, "mine.txt", recount(*LINES))

    assert looked(upload) == "rows written: 0 of 2"
    lines += ["START RequestId: 1", "[ERROR] ValueError: no", "REPORT RequestId: 1"]
    assert looked(upload) == "rows written: 0 of 2"  # a run that fails has taken nothing in
    lines += ["START RequestId: 1", "[ERROR] KeyError: 'a'"]
    assert looked(upload) == "rows written: 0 of 2"
    assert upload.links[0].note == "tried again 2 times: KeyError: 'a'"
    lines += ["START RequestId: 1", "REPORT RequestId: 1"]
    assert looked(upload) == ""

    lines.clear()
    mark(account, 1)  # by an earlier upload
    upload = Upload(account, "mine.txt", recount(*LINES))
    assert looked(upload) == "rows written: 0 of 2"
    mark(account, 2)
    assert looked(upload) == ""


def mark(lab, sequencer):
    tables.put_item(lab, "ProcessedRecords", {"EventId": f"{lab.bucket}/mine.txt {sequencer}"})


def test_an_alert_of_another_form_has_not_come_and_is_told(account):
    inbox = Inbox(account, NOTIFY)
    body = json.dumps({"customerID": "C2", "accountBalance": [1600]})
    account.client("sns").publish(TopicArn=topics.find_topic(account), Subject=SUBJECT, Message=body)

    assert inbox.alerted({"C2": Decimal(1600)}) == 0
    assert str(inbox.faults[0]).startswith("an alert for C2 has accountBalance [1600], not a text with a number")


def test_a_chain_at_rest_that_no_check_finds_broken_is_told_what_differs(account, monkeypatch):
    monkeypatch.setattr(chain, "find_broken", lambda *_: None)
    monkeypatch.setattr(chain, "at_rest", lambda lab: True)
    upload = Upload(account, "mine.txt", recount(*LINES))
    arrive(account)
    tables.put_item(account, "TransactionTotal", {"CustomerId": "C1", "accountBalance": 599})

    stops = 'The chain stops at "changes counted: 0 of 2".'
    with pytest.raises(LabError, match=rf"^{stops} C1 has accountBalance 599, not 598\. Nothing more comes, and the"):
        upload.wait(lambda progress: None)


# A broken link

ALL = [resources.ROWS, CHANGES, TOTALS, ALERTS, *map(messages, queues.ALERT_QUEUES)]
(NOTIFICATION,) = whole()[triggers.bucket_notifications,]["LambdaFunctionConfigurations"]
OTHERS = {**NOTIFICATION, "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "transactions"}]}}}


FILTERED = {
    **whole()[triggers.mappings,][0],
    "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT", "MODIFY"]}'}]},
}


@pytest.mark.parametrize(
    ("change", "is_over", "words"),
    [
        (
            {(triggers.bucket_notifications,): {"LambdaFunctionConfigurations": [OTHERS]}},
            False,
            r"filter of the bucket trigger: transactions\*; wanted: a filter that takes mine",
        ),
        ({(triggers.mappings,): [FILTERED]}, False, "none"),  # it may break a link
        ({(triggers.mappings,): [FILTERED]}, True, "filter of the stream trigger: .*Remove it"),
    ],
)
def test_the_first_broken_link_is_found_by_its_check(monkeypatch, change, is_over, words):
    account = StubAccount(changed(whole(), change))
    monkeypatch.setattr(making, "Account", lambda lab: account)

    broken = find_broken(LAB, "mine.txt", ALL, is_over)
    assert re.match(words, broken.in_one_line if broken else "none")
