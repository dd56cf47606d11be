"""What the checks of step 05 find in an account, on a stub: the whole lab with one thing in it changed."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from stub_account import (
    FILE,
    KEY,
    LAB,
    NOTIFIER,
    PROCESSOR,
    ROWS,
    UPLOADED,
    alert,
    function,
    mapped,
    notified,
    only,
    queue,
    run,
    stub,
    total,
)

from lab_lib import checks, transactions
from lab_lib.aws import buckets, cloudwatch, queues, tables
from lab_lib.checks import expected, probe, probe_list, uploads
from lab_lib.checks.differences import OTHERS

NOTIFY, *OTHER_QUEUES = queues.ALERT_QUEUES
# Questions of the checks
WRITTEN, TOTALS = (tables.items, "Transactions"), (tables.items, "TransactionTotal")
MESSAGES, FILE_READ = (queues.messages, NOTIFY), (uploads.read_upload, KEY)


def rows(*more):
    return {WRITTEN: [*ROWS, *more]}


def row(customer, transaction, **more):
    return {"CustomerId": customer, "TransactionId": transaction, **more}


def totals(*more):
    return {TOTALS: [total("C1", 598), total("C2", 1750), *more]}


def alerts(*told, sent="2026-01-03T00:00:00.000Z"):
    """Put these alerts into CustomerNotify, beside the right one."""
    more = [alert(sent, **body) for body in told]
    return {MESSAGES: [alert(customerID="C2", accountBalance="1750"), *more]}


def logged(*lines, ever=("REPORT RequestId: 1",), group=f"/aws/lambda/{NOTIFIER}"):
    """Let the log have these lines since the upload, and `ever` in all."""
    of_notifier = (cloudwatch.log_lines, NOTIFIER)
    return {(*of_notifier, UPLOADED, group, None): [*lines], (*of_notifier, None, group, None): [*ever]}


def counted(errors, throttles):
    return {
        (cloudwatch.metrics, NOTIFIER, UPLOADED, None): {"Invocations": 3, "Errors": errors, "Throttles": throttles}
    }


NO_LINES = logged(ever=())
RIGHT = alert(customerID="C2", accountBalance="1750")
OUTSIDE = {"TopicArn": LAB.arn("sns", "Other")}, {"MessageId": None}, {"Type": "SubscriptionConfirmation"}
ARCHIVE = "archive.txt is no transactions file: it is not UTF-8 text."
ONLY_CSV = {(buckets.uploads,): [{"Key": "transactions.csv", "LastModified": UPLOADED}]}
# The check that finds a fault, and a part of its words; the answers of the account that are changed.
FAULTS = {
    # 05
    "upload: none; wanted: a transactions file": {(buckets.uploads,): []},
    "upload: fit its filter, and transactions.csv does not": ONLY_CSV,
    "readable-uploads: no good row in transactions.txt": {FILE_READ: transactions.Recount()},
    "rows: 2 of 3, without C2 T3; wanted: all 3": {WRITTEN: ROWS[:2]},
    "amounts: C1 T8 has no number, C1 T9": rows(row("C1", "T8", TransactionAmount="100"), row("C1", "T9")),
    "contents: C1 T1 has TransactionAmount 5, not 598": {
        WRITTEN: [ROWS[0] | {"TransactionAmount": Decimal(5)}, *ROWS[1:]],
        TOTALS: [total("C1", 5), total("C2", 1750)],
    },
    "customers: C1 has Address 'c', not 'a'": {
        (tables.items, "Customer"): [{"CustomerId": "C1", "Address": "c"}, {"CustomerId": "C2", "Address": "b"}]
    },
    "totals: C1 is missing; wanted: each the sum": {TOTALS: [total("C2", 1750)]},
    tuple(f"alerts-{name}: C2; wanted: C2, C3" for name in queues.ALERT_QUEUES): rows(
        row("C3", "T1", TransactionAmount=Decimal(1500))
    )
    | totals(total("C3", 1500)),
    "balances-CustomerNotify: C1 1499.99": alerts({"customerID": "C1", "accountBalance": "1499.99"}),
    "balances-CustomerNotify: C2 1750, which is no text": alerts({"customerID": "C2", "accountBalance": 1750}),
    "alerts-CustomerNotify: 0 messages, only counted": queue(RedrivePolicy="{}", ApproximateNumberOfMessages="0")
    | {MESSAGES: AssertionError("a look")},
    "alerts-CustomerNotify: none; wanted: C2": {MESSAGES: [RIGHT | outside for outside in OUTSIDE]},
    "subject-CustomerNotify: without one": {MESSAGES: [RIGHT | {"Subject": None}]},
    "log-TotalNotifier: no run in /aws/lambda/TotalNotifier": NO_LINES,
    "log-errors-TotalNotifier: two;": logged("[ERROR] one", *["[ERROR] two"] * 3),
    "metric-errors-TotalNotifier: 1 throttles, 2 errors": counted(2, 1),
    "newer-than-upload: function TotalNotifier; wanted: nothing": function(LastModified="2026-01-02T00:00:01.000+0000"),
}

# Changes after which everything still holds.
HARMLESS = {
    "nothing": {},
    "a trigger that takes what was in fact uploaded": notified(only(prefix="in/"))
    | {
        (buckets.uploads,): [{"Key": "in/mine.csv", "LastModified": UPLOADED}],
        (uploads.read_upload, "in/mine.csv"): FILE,
    },
    "an item by hand beside the files": rows(row("C3", "T1", TransactionAmount=Decimal(7))) | totals(total("C3", 7)),
    "an alert of a lower threshold, before the function was set up": alerts(
        {"customerID": "C1", "accountBalance": "598"}, sent="2025-12-31T23:59:59.000Z"
    ),
    "messages that are no alerts, or name no text": {
        MESSAGES: [
            *({}, {"Message": "[]"}, {"Message": 7}, alert(customerID=["C2"], accountBalance="2000")),
            *(
                alert(sent, customerID="C2", accountBalance="1750")
                for sent in ("9999-12-31T23:59:59.999Z", "", None, 7)
            ),
            alert(customerID="C2", accountBalance="1750"),
        ]
    },
}


@pytest.mark.parametrize(("faults", "change"), FAULTS.items(), ids=map(str, FAULTS))
def test_a_fault_is_found_by_its_check_and_by_no_other(faults, change):
    made = {check.id: check for check in run(change).checks if not check.ok and check.state != "waits"}

    wanted = dict(fault.split(": ", 1) for fault in ([faults] if isinstance(faults, str) else faults))
    assert made.keys() == wanted.keys()
    assert [check.words for check in made.values() if wanted[check.id] not in check.words] == []
    assert all(check.hint.endswith(".") for check in made.values())


def test_without_a_customer_at_the_threshold_no_alert_was_exercised():
    by_id = {check.id: check for check in run(threshold=Decimal(1751)).checks}

    assert by_id["alerts-exercised"].words.startswith("alerts not exercised: no customer has reached 1751; wanted:")


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_in_another_way_holds(change):
    assert [check for check in run(change).checks if not check.ok] == []


# What cannot be seen is neither right nor wrong


def test_alerts_that_somebody_else_is_reading_cannot_be_seen():
    hidden = queue(ApproximateNumberOfMessagesNotVisible="1") | {MESSAGES: []}

    (check, *others) = run(hidden, steps=["05"]).failed

    assert {other.cause for other in others} == {check.id}
    assert check.found == f"cannot see: somebody is reading 1 message of {NOTIFY}"


def test_errors_count_but_not_while_a_probe_works_or_what_it_sent_is_tried_again(monkeypatch):
    start, end, again = (UPLOADED + timedelta(minutes=minutes) for minutes in (3, 7, 17))
    probe = probe_list.Entry(start.isoformat(), [], end.isoformat())
    monkeypatch.setattr(probe_list, "entries", lambda lab: [probe])
    change = {}
    for span in [(UPLOADED, start), (again, None)]:
        change[cloudwatch.log_lines, NOTIFIER, span[0], f"/aws/lambda/{NOTIFIER}", span[1]] = ["[ERROR] one"]
        change[cloudwatch.metrics, NOTIFIER, *span] = {"Invocations": 1, "Errors": 1, "Throttles": 0}

    errors = {check.id: check.found for check in run(change).checks if not check.ok}

    assert errors == {f"log-errors-{NOTIFIER}": "one", f"metric-errors-{NOTIFIER}": "2 errors"}


def test_an_error_ends_no_other_check():
    report = run({(queues.messages,): ResponseParserError("no\n XML")})

    unseen = {check.id: check.found for check in report.checks if not check.ok}
    assert unseen.pop("alerts-CustomerNotify") == "cannot see: ResponseParserError no XML"
    assert {name.rpartition("-")[0] for name in unseen} == {"alerts", "balances", "subject"}


ARCHIVED = ClientError({"Error": {"Code": "InvalidObjectState"}}, "GetObject")


def test_rows_are_not_right_when_no_upload_can_be_read():
    unread = run({FILE_READ: ARCHIVED}, steps=["05"]).failed
    wrong = {check.id: check for check in run({FILE_READ: ARCHIVE}, steps=["05"]).failed}

    assert {check.state for check in unread} == {"cannot see"}
    assert "it is not UTF-8" in wrong["readable-uploads"].found
    assert (wrong["rows"].state, wrong["rows"].cause) == ("waits", "readable-uploads")


NONE, ALERT_AGAIN = {MESSAGES: []}, "call aws.functions.alert_again(lab)"
DISABLED = mapped({"State": "Disabled"})
STATE_OF_TRIGGER = '"state of the stream trigger" of step 02 does not hold: Disabled.*update_event_source_mapping'
TIMED_OUT = "2026-01-02T00:00:00Z 1-2 Task timed out after 20.00 seconds"
CODE, SUMS = "correct the code of {}.* update_function_code", "(C1 598). Call update_item"
UPLOAD = 'Run "Upload the file" in notebook 05, or call put_object'


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (NONE, f"{ALERT_AGAIN}.*{CODE.format(NOTIFIER)}"),
        ({(queues.messages,): []} | DISABLED, f"{STATE_OF_TRIGGER}.*{ALERT_AGAIN}"),
        ({WRITTEN: []} | notified(), f'"bucket trigger" of step 02 .*{UPLOAD}'),
        ({WRITTEN: ROWS[:2]}, f"Upload the file once more.*{UPLOAD}.*{CODE.format(PROCESSOR)}"),
        ({TOTALS: [total("C1", 1), total("C2", 1750)]}, f"^Wait .*{SUMS}"),
        (NO_LINES, "Upload new transactions.*put_object"),
        (counted(1, 0) | logged("[ERROR] AccessDenied"), "^Let the role .*put_role_policy"),
        (counted(1, 0) | logged(TIMED_OUT), "longer timeout.* update_function_configuration"),
    ],
)
def test_each_cause_has_a_hint_of_its_own(change, part):
    check = run(change, steps=["05"]).failed[0]

    assert re.search(part.replace("(", r"\(").replace(")", r"\)"), check.hint), check.hint


def test_a_message_to_another_topic_is_a_fault_of_the_function_that_publishes(monkeypatch):
    found = probe.Outcome(faults={expected.ROWS: [], OTHERS: ["a fault"]}, elsewhere=True)
    stub(monkeypatch, {(probe.send,): found})

    made = {check.id: check for check in checks.run(LAB, "00", probe=True).checks}

    assert made["probe-others"].hint.startswith(f"Correct the code of {NOTIFIER}")
