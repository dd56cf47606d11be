"""Accounts in which the lab works, each built in another way: no check finds fault with any, or changes anything."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from chains import HEADER, stop
from healthy import ACCOUNTS

from lab_lib import checks
from lab_lib.aws import buckets, queues
from lab_lib.checks import chain
from lab_lib.checks.chain import Upload
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE
from lab_lib.transactions import recount

pytestmark = pytest.mark.slow

# The messages of a queue are read, and laid back.
READING = r"(Get|List|Describe|Head)\w+|Scan|FilterLogEvents|SimulatePrincipalPolicy|ReceiveMessage|ChangeM\w+"
HELD = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def test_a_lab_that_works_is_right_however_it_was_built(new_account):
    with ThreadPoolExecutor() as pool:  # most of it is waiting
        faults = pool.map(graded, [new_account() for _ in ACCOUNTS], ACCOUNTS.values())

    assert dict(zip(ACCOUNTS, faults, strict=True)) == dict.fromkeys(ACCOUNTS, ([], [], [], []))


def held(lab):
    """Return how many messages each queue holds: those to be seen, and those that somebody has just received."""
    return [[queues.attributes(lab, name)[number] for number in HELD] for name in queues.ALERT_QUEUES]


def graded(number, account):
    """Build, upload and grade. Return the calls that change something, what fails, with a probe too, and afterwards."""
    lab = open_lab(account=number, **account.settings)
    uploading = replace(lab, bucket_name=f"{account.bucket}-{number}" if account.bucket else lab.bucket)
    account.build(uploading, account.way)
    for key, lines in account.uploads:
        content = f"{HEADER}\n{lines}\n".encode() if lines else DATA_FILE.read_bytes()
        upload = Upload(uploading, key, recount(key, content))
        buckets.put(uploading, key, content)
        upload.wait(lambda *_: None)
    chain.wait_until_logged(uploading)
    before, calls = held(lab), []
    watched = open_lab(account=number, **account.settings)
    watched.session.events.register("before-call", lambda model, **_: calls.append(model.name))
    report = checks.run(watched, *checks.STEPS[:-1])
    assert held(lab) == before
    faults = (
        [name for name in calls if not re.fullmatch(READING, name)],
        failed(report),
        failed(checks.run(lab, "05", probe=True)),
        failed(checks.run(lab, "05")),
    )
    stop(lab)
    return faults


def failed(report):
    return [f"{check.name}: {check.words}" for check in report.failed]
