"""The lab goes through the delays that a helper or a check waits for, each on the step that it hits.

`waits() >= 2` shows that the step has met the delay twice: without it, the clock would stand still. The refusals that
botocore repeats are in tests/unit/test_sessions.py.
"""

import json

import pytest

from lab_lib import checks
from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import readiness
from lab_lib.checks.chain import following
from lab_lib.exercises.workbook import DATA_FILE
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until
from tests.lab.chains import Chain

pytestmark = pytest.mark.slow
PROCESSOR, NOTIFIER = functions.SOURCES


def ensure_functions(lab):
    roles.ensure_role(lab, functions.ROLES[PROCESSOR], policies.transaction_processor(lab))
    roles.ensure_role(lab, functions.ROLES[NOTIFIER], policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    for name in functions.SOURCES:
        functions.ensure_function(lab, name)


def ensure_mapping(lab):
    tables.ensure_table(lab, tables.STREAMED)
    ensure_functions(lab)
    triggers.ensure_stream_trigger(lab)


def test_functions_are_changed_and_invoked_right_after_their_creation(sped_up):
    lab, waits = sped_up("function", "function-update")

    ensure_functions(lab)
    functions.ensure_function(lab, PROCESSOR, timeout=60)

    assert functions.timeout_of(lab, PROCESSOR) == 60
    assert waits() >= 1
    functions.invoke(lab, PROCESSOR, {"Records": []})


def test_tables_are_made_deleted_and_made_again(sped_up):
    lab, waits = sped_up("table")

    for _ in range(2):
        for name in tables.KEYS:
            tables.ensure_table(lab, name)
            assert tables.items(lab, name) == []
            tables.delete_table(lab, name)
            assert tables.find_table(lab, name) is None
    assert waits() >= 2 * len(tables.KEYS)


@pytest.mark.parametrize("delay", ["stream-access", "mapping"])
def test_the_stream_trigger_is_made_switched_and_deleted(sped_up, delay):
    lab, waits = sped_up(delay)

    ensure_mapping(lab)
    assert triggers.find_stream_trigger(lab)["State"] == "Enabled"
    for on in (False, True):
        triggers.switch_stream_triggers([lab], on=on)
    triggers.delete_stream_trigger(lab)

    assert triggers.find_stream_trigger(lab) is None
    assert waits() >= {"stream-access": 1, "mapping": 4}[delay]


def test_a_mapping_of_ones_own_is_repaired_while_it_is_created(sped_up):
    lab, waits = sped_up("mapping")
    tables.ensure_table(lab, tables.STREAMED)
    ensure_functions(lab)
    where = {"EventSourceArn": tables.find_stream(lab), "FunctionName": NOTIFIER, "StartingPosition": "LATEST"}
    lab.client("lambda").create_event_source_mapping(**where)

    triggers.ensure_stream_trigger(lab)
    triggers.delete_stream_trigger(lab)

    assert triggers.find_stream_trigger(lab) is None
    assert waits() >= 3


@pytest.mark.parametrize("delay", ["queue-policy", "queue-counts"])
def test_the_first_alert_is_in_a_queue_that_was_just_subscribed(sped_up, delay):
    (lab, _), queue = sped_up(delay), queues.ALERT_QUEUES[0]
    topics.ensure_topic(lab)
    queues.ensure_queue(lab, queue)
    triggers.ensure_queue_subscription(lab, queue)

    alert = {"customerID": "C1", "accountBalance": "1500"}
    lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=json.dumps(alert))

    assert queues.alerts(lab, queue) == [alert]


def test_the_first_upload_goes_all_the_way_and_is_waited_for(sped_up, monkeypatch):
    monkeypatch.setattr(Lab, "is_real", True)
    lab, waits = sped_up("notification", "logs", "metrics", speed=100)  # the embedded AWS takes its own time, too
    Chain(lab).build()
    for name in functions.SOURCES:
        functions.invoke(lab, name, {"Records": []})  # the embedded AWS counts only these calls

    readiness.wait_until_uploads_start(lab)
    with following(lab, DATA_FILE):
        buckets.upload(lab, DATA_FILE)
    readiness.wait_until_logged(lab)
    readiness.wait_until_counted(lab)

    assert checks.run(lab, "05").failed == []
    assert waits() >= 1
    list(cleanup.delete_all(lab))


def test_the_checks_do_not_hold_until_the_address_is_confirmed(sped_up):
    lab, waits = sped_up("e-mail", email="ana@example.com")
    topics.ensure_topic(lab)
    triggers.ensure_subscription(lab, "email", lab.email)

    assert [check.id for check in checks.run(lab, "03").failed] == ["email-confirmed"]

    wait_until(lambda: not checks.run(lab, "03").failed, "the confirmation", timeout=300)
    assert waits() >= 1
