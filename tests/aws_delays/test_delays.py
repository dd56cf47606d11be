"""The lab goes through each kind of AWS's delays. `waited()` shows that it has met them.

On a busy computer the waits are shorter, since what it computes takes AWS's time too: half of a delay is enough. The
lab has the patience that it has on AWS. The refusals of single calls are in tests/unit/test_retries.py, and what only
comes into force late in test_first_minutes.py.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from lab_lib import checks
from lab_lib.aws import buckets, cleanup, functions, log_runs, tables, triggers
from lab_lib.checks import chain
from lab_lib.checks.chain import following
from lab_lib.exercises.copies import DATA_FILE
from lab_lib.exercises.experiments import create_functions
from lab_lib.exercises.workbook import require
from tests.lab.chains import Chain

pytestmark = pytest.mark.slow
PROCESSOR, NOTIFIER = functions.SOURCES
NOT_SHOWN = (
    *("role", "function-reads", "function-writes", "mapping-reads", "table-reads", "bucket", "topic", "subscription"),
    *("queue", "log-group", "topic-deletion", "queue-deletion", "log-group-deletion"),
    *("role-policy", "settings", "tags"),
)


@pytest.fixture(autouse=True)
def show(monkeypatch):
    """Let a checkpoint show nothing."""
    monkeypatch.setattr("IPython.display.display", lambda *shown: None)


def test_what_is_pending_is_waited_for(sped_up):
    lab, waited = sped_up("function", "function-update", "table", "mapping")
    for _ in range(2):
        tables.ensure_table(lab, tables.STREAMED)
        assert tables.describe(lab, tables.STREAMED)["TableStatus"] == "ACTIVE"
        create_functions(lab)
        functions.ensure_function(replace(lab, threshold=Decimal(9)), NOTIFIER)
        now = functions.configuration(lab, NOTIFIER)
        assert (now["LastUpdateStatus"], now["Description"][-2:]) == ("Successful", "$9")
        functions.invoke(lab, PROCESSOR, {"Records": []})
        where = {"EventSourceArn": tables.find_stream(lab), "FunctionName": NOTIFIER, "StartingPosition": "LATEST"}
        lab.client("lambda").create_event_source_mapping(**where)  # the helper repairs it
        triggers.ensure_stream_trigger(lab)
        assert triggers.find_stream_trigger(lab)["State"] == "Enabled"
        for on in (False, True):
            triggers.switch_mappings([lab], on=on)
        list(cleanup.delete_all(lab))

        assert triggers.find_stream_trigger(lab) is None
        assert [tables.find_table(lab, name) for name in tables.KEYS] == [None] * len(tables.KEYS)
    assert waited() > 4 * 75


def test_what_aws_does_not_show_yet_is_read_until_it_is_right(sped_up):
    lab, waited = sped_up(*NOT_SHOWN, speed=30)  # the embedded AWS keeps the name of a queue for a second

    for _ in range(2):  # at once
        Chain(lab).build()
        for step in ("00", "01", "02", "03", "04"):
            require(lab, step)
            checks.checkpoint(lab, step)
        list(cleanup.delete_all(lab))
        checks.checkpoint(lab, "99")
    assert waited() > 30


def test_what_is_logged_and_counted_late_is_waited_for(sped_up):
    lab, waited = sped_up("messages", "queue-counts", "logs", "metrics", speed=100)
    Chain(lab).build()
    for name in functions.SOURCES:
        functions.invoke(lab, name, {"Records": []})  # the embedded AWS counts only these calls

    with following(lab, DATA_FILE):
        buckets.upload(lab, DATA_FILE)
    chain.wait_until_logged(lab)
    for name in functions.SOURCES:
        assert any(run.end for run in log_runs.read(lab, functions.log_group(lab, name)))
    chain.wait_until_counted(lab)

    assert checks.run(lab, "05").failed == []
    assert waited() > 90
