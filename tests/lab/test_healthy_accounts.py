"""Many accounts in which the lab works, each built in another way: no check may find fault with any of them."""

import shutil
from dataclasses import replace
from decimal import Decimal

import pytest
from chains import HEADER, stop
from healthy import ACCOUNTS

from lab_lib import checks
from lab_lib.aws import buckets, queues, tables
from lab_lib.checks import readiness
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_lab_that_works_is_right_however_it_was_built(side_by_side, new_account, name):
    if name == "the_aws_command" and not shutil.which("aws"):
        pytest.skip("the aws command is not installed")
    assert side_by_side(lambda name: graded(new_account(), ACCOUNTS[name])) == ([], [], [])


def graded(number, account):
    """Build, upload and grade. Return what fails without the probe, with it, and afterwards."""
    lab = open_lab(account=number, **account.settings)
    bucket = f"{account.bucket}-{number}" if account.bucket else lab.bucket
    account.build(replace(lab, bucket_name=bucket), account.way)
    for key, lines in account.uploads:
        content = f"{HEADER}\n{lines}\n".encode() if lines else DATA_FILE.read_bytes()
        buckets.put(replace(lab, bucket_name=bucket), key, content)
        if not lines:  # a later file must not overtake it
            wait_for(lab, {"C1": "598", "C2": "1750"}, ("C2",))
    wait_for(lab, account.totals, account.alerted)
    readiness.wait_until_logged(replace(lab, bucket_name=bucket))
    faults = (
        failed(checks.run(lab)),
        failed(checks.run(lab, "05", probe=True)),
        failed(checks.run(lab, "05")),
    )
    stop(lab)
    return faults


def wait_for(lab, totals, alerted):
    """Wait until the account holds these totals, and an alert of each of these customers in every queue."""
    wanted = {customer: Decimal(total) for customer, total in totals.items()}

    def arrived():
        held = {item["CustomerId"]: item["accountBalance"] for item in tables.items(lab, "TransactionTotal")}
        told = [{alert["customerID"] for alert in queues.alerts(lab, name)} for name in queues.ALERT_QUEUES]
        return held == wanted and all(customers == {*alerted} for customers in told)

    wait_until(arrived, "totals and alerts", timeout=60)


def failed(report):
    return [f"{check.name}: {check.words}" for check in report.failed]
