"""What the checks of step 05 find beside what settings.txt has: who did it, when, and how it is put right."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from stub_account import (
    KEY,
    NOTIFIER,
    NOTIFY,
    PROCESSOR,
    ROWS,
    UPLOADED,
    Logs,
    alert,
    run,
    total,
    whole,
)

from lab_lib import transactions
from lab_lib.aws import cloudwatch, functions, queues, tables
from lab_lib.aws.log_runs import Run
from lab_lib.checks import step_05
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.rules import RULES
from lab_lib.errors import LabError, NotATransactionsFile

WRITTEN, MESSAGES, FILE_READ = (tables.items, "Transactions"), (queues.messages, NOTIFY), (step_05.read_upload, KEY)
NO_MESSAGES = {MESSAGES: []}
RIGHT = alert(customerID="C2", accountBalance="1750")
ARCHIVED = ClientError({"Error": {"Code": "InvalidObjectState"}}, "GetObject")
DEAD = "import boto3\n\n\ndef lambda_handler(event, context):\n    return {}\n"
OF_NOTIFIER = {"totals", *(f"alerts-{name}" for name in queues.ALERT_QUEUES)}


def ran(minutes=1, error=""):
    """Return a run of a function, so many minutes after the upload."""
    lines = [f"[ERROR] {error}"] if error else []
    return Run("1", int((UPLOADED + timedelta(minutes=minutes)).timestamp() * 1000), lines=lines)


def logged(*runs, name=NOTIFIER):
    """Let the log of a function have these runs alone."""
    return {(Evidence,): Logs(**{name: [*runs]})}


def failed(change):
    return run(change, steps=["05"]).failed


NOT_RUN = logged() | {(cloudwatch.metrics,): {"Invocations": 0, "Errors": 0, "Throttles": 0}}
HARMLESS = {
    "items by hand": {
        WRITTEN: [*ROWS, {"CustomerId": "C3", "TransactionId": "T1", "TransactionAmount": Decimal(7)}],
        (tables.items, "TransactionTotal"): [total("C1", 598), total("C2", 1750), total("C3", 7)],
    },
    "a log without a run, which CloudWatch has counted": logged(),
    "code that may not be read": {(functions.code,): LabError("it cannot be read")},
    "an error before the upload": logged(ran(-1, "early"), ran()),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_in_another_way_holds(change):
    assert [check for check in run(change, steps=["05"]).checks if not check.ok] == []


@pytest.mark.parametrize(
    ("read", "found"),
    [(transactions.Recount(""), f"no good row in {KEY}"), (NotATransactionsFile("It is no file."), "It is no file.")],
)
def test_a_file_without_a_good_row_is_told(read, found):
    assert failed({FILE_READ: lambda key: read})[0].found == found


def test_a_function_that_did_nothing_has_none_of_the_links_that_it_makes():
    dead = {(functions.code, name): {"lambda_function.py": DEAD} for name in functions.SOURCES}

    assert {check.id for check in failed(NOT_RUN)} == OF_NOTIFIER | {"errors"}
    assert {check.id for check in run(dead, steps=["05"]).checks if check.ok} == {"upload"}  # which gives no points
    assert RULES["upload"].weight == 0


def test_without_a_customer_at_the_threshold_no_alert_is_due():
    by_id = {check.id: check for check in run(NO_MESSAGES, threshold=Decimal(1751)).checks}

    assert by_id[f"alerts-{NOTIFY}"].found == "none is due: no customer has reached 1751"


def test_an_upload_that_is_archived_cannot_be_seen():
    assert {check.state for check in failed({FILE_READ: ARCHIVED})} == {"cannot see"}


def test_an_error_ends_no_other_check():
    report = run({(queues.messages,): ResponseParserError("no\n XML")})

    unseen = {check.id: check.found for check in report.checks if not check.ok}
    assert unseen == {f"alerts-{name}": "cannot see: ResponseParserError: no XML" for name in queues.ALERT_QUEUES}


def test_errors_since_the_last_upload_count():
    errors = [ran(minutes, f"after {minutes} minutes") for minutes in (-2, 2, 18)]

    (check,) = failed(logged(*errors))

    assert check.found == f"{NOTIFIER}: after 18 minutes, {NOTIFIER}: after 2 minutes"


SETTINGS = whole()[functions.describe, NOTIFIER]["Configuration"]
OTHERS_CODE = {
    (functions.describe, NOTIFIER): lambda _: {"Configuration": SETTINGS | {"Environment": {}}},
    (functions.code, NOTIFIER): {"total_notifier.py": f"{DEAD}    boto3.client\n"},
}
UPLOAD = 'Run "Upload the file" in notebook 05, or call put_object'


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (
            {WRITTEN: []} | logged(ran(error="AccessDenied"), name=PROCESSOR),
            f"Let the role of {PROCESSOR} .*put_role_policy.*{UPLOAD}",
        ),
        (NOT_RUN, f"Correct the code of {NOTIFIER}.* update_function_code.*upload the file once more"),
        (logged(ran(error="Task timed out")), f"Give {NOTIFIER} a longer timeout.* update_function_configuration"),
        (OTHERS_CODE | NO_MESSAGES, "another transaction of each customer"),
    ],
)
def test_each_cause_has_a_hint_of_its_own_which_names_what_failed(change, part):
    check = failed(change)[0]

    assert re.search(part, check.hint), check.hint
