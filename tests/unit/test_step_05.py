"""What the checks of step 05 find: what uploads have led to in an account, and whether the functions did it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from stub_account import (
    KEY,
    LAB,
    MAPPING,
    NOTIFIER,
    NOTIFY,
    PROCESSOR,
    ROWS,
    UPLOADED,
    Logs,
    alert,
    queue,
    run,
    total,
    whole,
)

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables, triggers
from lab_lib.aws.log_runs import Run
from lab_lib.checks import probe_list, uploads
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.rules import RULES
from lab_lib.errors import LabError

WRITTEN, TOTALS = (tables.items, "Transactions"), (tables.items, "TransactionTotal")
MESSAGES, FILE_READ = (queues.messages, NOTIFY), (uploads.read_upload, KEY)
RIGHT = alert(customerID="C2", accountBalance="1750")
ARCHIVE = "archive.txt is no transactions file: it is not UTF-8 text."
ARCHIVED = ClientError({"Error": {"Code": "InvalidObjectState"}}, "GetObject")
OUTSIDE = {"TopicArn": LAB.arn("sns", "Other")}, {"MessageId": None}, {"Type": "SubscriptionConfirmation"}
ONLY_CSV = {(buckets.uploads,): [{"Key": "transactions.csv", "LastModified": UPLOADED}]}
DEAD = "import boto3\n\n\ndef lambda_handler(event, context):\n    return {}\n"


def row(customer, transaction, **more):
    return {"CustomerId": customer, "TransactionId": transaction, **more}


def rows(*more):
    return {WRITTEN: [*ROWS, *more]}


def totals(*more):
    return {TOTALS: [total("C1", 598), total("C2", 1750), *more]}


def alerts(*told, sent="2026-01-03T00:00:00.000Z"):
    """Put these alerts into CustomerNotify, beside the right one."""
    return {MESSAGES: [RIGHT, *(alert(sent, **body) for body in told)]}


def ran(minutes=1, error=""):
    """Return a run of a function, so many minutes after the upload."""
    lines = [f"[ERROR] {error}"] if error else []
    return Run("1", int((UPLOADED + timedelta(minutes=minutes)).timestamp() * 1000), lines=lines)


def logged(*runs):
    """Let the log of TotalNotifier have these runs alone."""
    return {(Evidence,): Logs(**{NOTIFIER: [*runs]})}


def counted(**counts):
    """Let CloudWatch have counted these of TotalNotifier since the upload."""
    usual = {"Invocations": 3, "Errors": 0, "Throttles": 0}
    return {(cloudwatch.metrics, NOTIFIER, UPLOADED, None): usual | counts}


NOT_RUN = logged() | {(cloudwatch.metrics,): {"Invocations": 0, "Errors": 0, "Throttles": 0}}
FAULTS = {
    "upload: none; wanted: a transactions file": {(buckets.uploads,): []},
    "upload: transactions.csv; wanted.*does not take transactions.csv: name the object": ONLY_CSV,
    "upload: no good row in transactions.txt": {FILE_READ: transactions.Recount()},
    f"upload: {ARCHIVE.removesuffix('.')}": {FILE_READ: ARCHIVE},
    "rows: C2 T3 is missing; wanted: all 3 rows": {WRITTEN: ROWS[:2]},
    "rows: C1 T1 has TransactionAmount 5, not 598": {
        WRITTEN: [ROWS[0] | {"TransactionAmount": Decimal(5)}, *ROWS[1:]],
        TOTALS: [total("C1", 5), total("C2", 1750)],
    },
    "customers: C1 has Address 'c', not 'a'": {
        (tables.items, "Customer"): [{"CustomerId": "C1", "Address": "c"}, {"CustomerId": "C2", "Address": "b"}]
    },
    "totals: C1 is missing; wanted: C1 598, C2 1750": {TOTALS: [total("C2", 1750)]},
    "totals: TotalNotifier has not run": NOT_RUN,
    "totals: the code of TotalNotifier calls nothing of AWS": {(functions.code, NOTIFIER): {"a.py": DEAD}},
    "alerts-CustomerNotify: no alert for C3, who has 1500": rows(row("C3", "T1", TransactionAmount=Decimal(1500)))
    | totals(total("C3", 1500)),
    "alerts-CustomerNotify: an alert for C1 has accountBalance '1499.99', not": alerts(
        {"customerID": "C1", "accountBalance": "1499.99"}
    ),
    "alerts-CustomerNotify: an alert for C2 has accountBalance 1750, not": alerts(
        {"customerID": "C2", "accountBalance": 1750}
    ),
    "alerts-CustomerNotify: an alert for C2 has Subject nothing, not": {MESSAGES: [RIGHT | {"Subject": None}]},
    "alerts-CustomerNotify: no alert for C2": {MESSAGES: [RIGHT | outside for outside in OUTSIDE]},
    "alerts-CustomerNotify: 0 messages, not read": queue(RedrivePolicy="{}", ApproximateNumberOfMessages="0")
    | {MESSAGES: AssertionError("a look")},
    "errors: TotalNotifier: one, TotalNotifier: two;": logged(ran(error="one"), ran(error="two"), ran(error="two")),
    "errors: TotalNotifier: 1 throttles: .*, TotalNotifier: 2 errors": counted(Errors=2, Throttles=1),
}
HARMLESS = {
    "an item by hand beside the files": rows(row("C3", "T1", TransactionAmount=Decimal(7))) | totals(total("C3", 7)),
    "another item in the table of the totals": totals({"CustomerId": "seen", "Ids": {"1"}}),
    "an alert of a lower threshold, before the function was set up": alerts(
        {"customerID": "C1", "accountBalance": "598"}, sent="2025-12-31T23:59:59.000Z"
    ),
    "messages that are no alerts": {MESSAGES: [{}, {"Message": "[]"}, {"Message": 7}, RIGHT]},
    "a log without a run, which CloudWatch has counted": logged(),
    "code that may not be read": {(functions.code,): LabError("it cannot be read")},
    "an error before the upload": logged(ran(-1, "early"), ran()),
}


@pytest.mark.parametrize(("fault", "change"), FAULTS.items(), ids=FAULTS)
def test_a_fault_costs_its_own_link_and_what_was_never_reached_waits_for_it(fault, change):
    wrong = [check for check in run(change, steps=["05"]).checks if not check.ok]

    id, words = fault.split(": ", 1)
    assert wrong[0].id == id
    assert re.match(words.replace("(", r"\("), wrong[0].words), wrong[0].words
    assert all(check.hint.endswith(".") for check in wrong)


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_in_another_way_holds(change):
    assert [check for check in run(change, steps=["05"]).checks if not check.ok] == []


def test_a_function_that_did_nothing_has_none_of_the_links_that_it_makes():
    dead = {(functions.code, name): {"lambda_function.py": DEAD} for name in functions.SOURCES}
    of_notifier = {"totals", *(f"alerts-{name}" for name in queues.ALERT_QUEUES)}

    assert {check.id for check in run(NOT_RUN, steps=["05"]).failed} == of_notifier | {"errors"}
    assert {check.id for check in run(dead, steps=["05"]).checks if check.ok} == {"upload"}  # which gives no points
    assert RULES["upload"].weight == 0


def test_counts_of_cloudwatch_that_may_not_be_read_hide_no_row():
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricData")

    (check,) = run({(cloudwatch.metrics,): denied}, steps=["05"]).failed

    assert (check.id, check.state) == ("errors", "cannot see")


def test_what_was_never_reached_waits():
    waits = {check.id for check in run({WRITTEN: []}, steps=["05"]).checks if check.is_behind}

    assert waits == {"customers", "totals", *(f"alerts-{name}" for name in queues.ALERT_QUEUES)}


def test_without_a_customer_at_the_threshold_no_alert_is_due():
    by_id = {check.id: check for check in run(NO_MESSAGES, threshold=Decimal(1751)).checks}

    assert by_id[f"alerts-{NOTIFY}"].found == "none is due: no customer has reached 1751"


def test_alerts_that_somebody_else_is_reading_and_an_upload_that_is_archived_cannot_be_seen():
    (reading,) = run(queue(ApproximateNumberOfMessagesNotVisible="1") | {MESSAGES: []}, steps=["05"]).failed
    archived = run({FILE_READ: ARCHIVED}, steps=["05"]).failed

    assert reading.found == f"cannot see: somebody is reading 1 message of {NOTIFY}"
    assert {check.state for check in archived} == {"cannot see"}


def test_an_error_ends_no_other_check():
    report = run({(queues.messages,): ResponseParserError("no\n XML")})

    unseen = {check.id: check.found for check in report.checks if not check.ok}
    assert unseen == {f"alerts-{name}": "cannot see: ResponseParserError: no XML" for name in queues.ALERT_QUEUES}


def test_errors_count_but_not_while_a_probe_works_or_what_it_sent_is_tried_again(monkeypatch):
    start, end = (UPLOADED + timedelta(minutes=minutes) for minutes in (3, 7))
    monkeypatch.setattr(probe_list, "entries", lambda lab: [probe_list.Entry(start.isoformat(), [], end.isoformat())])
    failed = [ran(minutes, f"after {minutes} minutes") for minutes in (2, 5, 16, 18)]

    (check,) = run(logged(*failed), steps=["05"]).failed

    assert check.found == f"{NOTIFIER}: after 18 minutes, {NOTIFIER}: after 2 minutes"


DISABLED = {(triggers.mappings,): [{**MAPPING, "State": "Disabled"}]}
DENIED = {(Evidence,): Logs(**{PROCESSOR: [ran(error="AccessDenied")]})}
NO_TRIGGER, NO_MESSAGES = {(triggers.bucket_notifications,): dict}, {MESSAGES: []}
AGAIN = r"aws.functions.alert_again\(lab\)"
STATE_OF_TRIGGER = '"state of the stream trigger" of step 02 does not hold: Disabled.*update_event_source_mapping'
CODE, SUMS = "Correct the code of {}.* update_function_code", r"\(C1 598\).* update_item"
SETTINGS = whole()[functions.describe, NOTIFIER]["Configuration"]
OTHERS_CODE = {(functions.describe, NOTIFIER): lambda _: {"Configuration": SETTINGS | {"Environment": {}}}}
UPLOAD = 'Run "Upload the file" in notebook 05, or call put_object'


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (NO_MESSAGES, f"{AGAIN}.*{CODE.format(NOTIFIER)}"),
        (NO_MESSAGES | DISABLED, f"{STATE_OF_TRIGGER}.*{AGAIN}"),
        ({WRITTEN: []} | NO_TRIGGER, f'"bucket trigger" of step 02 .*{UPLOAD}'),
        ({WRITTEN: []} | DENIED, f"Let the role of {PROCESSOR} .*put_role_policy.*{UPLOAD}"),
        ({WRITTEN: ROWS[:2]}, f"Upload the file once more.*{UPLOAD}.*{CODE.format(PROCESSOR)}"),
        ({TOTALS: [total("C1", 1), total("C2", 1750)]}, f"^Wait .*{SUMS}"),
        (NOT_RUN, f"{CODE.format(NOTIFIER)}.*upload the file once more"),
        (logged(ran(error="AccessDenied")), f"Let the role of {NOTIFIER} .*put_role_policy"),
        (logged(ran(error="Task timed out")), f"Give {NOTIFIER} a longer timeout.* update_function_configuration"),
        (OTHERS_CODE | NO_MESSAGES, "another transaction of each customer"),
    ],
)
def test_each_cause_has_a_hint_of_its_own_which_names_what_failed(change, part):
    check = run(change, steps=["05"]).failed[0]

    assert re.search(part, check.hint), check.hint
