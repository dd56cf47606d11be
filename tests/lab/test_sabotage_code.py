"""The code of a finished lab is replaced by code that does not do the work; what was done before is still there.

The probe shows it. The labs are built by hand, so that their roles may do what the code asks for.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import by_hand
import pytest
from by_hand import NOTIFIER
from chains import replace_code, stop

from lab_lib import checks
from lab_lib.aws import functions
from lab_lib.checks.rules import FURTHER

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

ANSWERS = """
import boto3

tables = boto3.resource("dynamodb").Table


def lambda_handler(event, context):
    tables("Customer").put_item(Item={"CustomerId": "C1", "Address": "1 Smith Street, London"})
    for customer, total in (("C1", 598), ("C2", 1750)):
        tables("TransactionTotal").put_item(Item={"CustomerId": customer, "accountBalance": total})
"""
WORK = f"probe|balances|{'|'.join(functions.SOURCES)}"


def replaced(text, old, new):
    assert old in text
    return text.replace(old, new)


P, N = functions.SOURCES
# What a wrong row, total or alert is called is in tests/unit/test_upload.py. Code of a learner that loses bad rows, and
# adds a correction to what it corrects, is in test_probe.py.
WRONG = {
    "knows the answers": (P, ANSWERS),
    "publishes for everybody": (N, replaced(NOTIFIER, 'balance >= Decimal("1500")', "True")),
    "reads the first record only": (N, replaced(NOTIFIER, 'event["Records"]:', 'event["Records"][:1]:')),
}


def test_code_that_does_not_do_the_work_is_caught(new_account):
    def report(account, function, code):
        lab = by_hand.uploaded(account)
        replace_code(lab, function, code)
        report = checks.run(lab, probe=True)
        stop(lab)
        return report

    with ThreadPoolExecutor() as pool:  # most of it is waiting
        reports = pool.map(report, [new_account() for _ in WRONG], *zip(*WRONG.values(), strict=True))

    for name, made in zip(WRONG, reports, strict=True):
        spoken = [check for check in made.checks if not check.ok and not check.cause]
        named = [check for check in spoken if re.search(WORK, check.id, re.I)]
        assert named, (name, spoken)
        assert [check for check in spoken if check not in named and check.step != FURTHER] == [], name
