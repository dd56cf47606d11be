"""What was just made or changed is read until AWS shows it. A fault that stays is told soon, and what is wrong at once.

The lab is another one than AWS's: it has AWS's patience, and calls that are late.
"""

import time

import pytest
from botocore import xform_name

from lab_lib import checks
from lab_lib.aws import cleanup, tables, triggers
from lab_lib.errors import CheckFailed
from lab_lib.exercises import made
from tests.lab.chains import Chain

pytestmark = pytest.mark.slow
STEPS = ("00", "01", "02", "03", "04")
NOTIFIER = "TotalNotifier"
LATE = (
    *("iam", "role-policy", "tags", "settings", "function-reads", "function-writes", "permission-conflict"),
    *("table-reads", "mapping-reads", "bucket", "bucket-settings", "bucket-conflict", "notification-reads", "topic"),
    *("subscription", "queue", "log-group", "log-group-conflict", "log-group-deletion", "topic-deletion"),
)


@pytest.fixture
def show(monkeypatch):
    """Let a checkpoint show nothing."""
    monkeypatch.setattr("IPython.display.display", lambda *shown: None)


def test_a_lab_is_right_when_it_is_made_and_gone_when_it_is_deleted(sped_up, show):
    lab, _ = sped_up(*LATE, speed=100)

    for _ in range(2):  # at once
        Chain(lab).build()
        for step in STEPS:
            checks.require(lab, step)
            checks.checkpoint(lab, step)
        list(cleanup.delete_all(lab))
        checks.checkpoint(lab, "99")


SPOILT = {  # by what somebody else does: the step whose checks say so
    "topic": ("03", "sns", "DeleteTopic", lambda lab: {"TopicArn": lab.arn("sns", "HighBalanceAlert")}),
    "timeout": ("01", "lambda", "UpdateFunctionConfiguration", lambda lab: {"FunctionName": NOTIFIER, "Timeout": 3}),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_fault_that_stays_is_told_within_ninety_seconds(sped_up, show, what):
    lab, _ = sped_up(speed=1000)
    step, service, operation, params = SPOILT[what]
    Chain(lab).build()
    somebody_else = lab.session.client(service, endpoint_url=lab.endpoint)
    getattr(somebody_else, xform_name(operation))(**params(lab))
    begun = time.monotonic()

    with pytest.raises(CheckFailed):
        checks.checkpoint(lab, step)
    assert time.monotonic() - begun < 90


def test_what_is_wrong_with_a_call_of_ones_own_is_told_at_once(sped_up):
    lab, _ = sped_up("mapping-reads", speed=1000)
    chain = Chain(lab)
    chain.create_functions()
    triggers.ensure_bucket_trigger(lab)  # what a helper has just changed is not waited for
    where = {"EventSourceArn": tables.find_stream(lab), "FunctionName": NOTIFIER, "StartingPosition": "LATEST"}
    lab.client("lambda").create_event_source_mapping(**where)
    begun = time.monotonic()

    wrong = [check.id for check in made.run_checks(lab, "create-mapping").wrong]

    assert wrong == ["oldest-position", "asked-batch-size", "tag-mapping"]
    assert time.monotonic() - begun < 10  # the mapping is found after five seconds
