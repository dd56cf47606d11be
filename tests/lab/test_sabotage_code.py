"""The code of a finished lab is replaced by code that does not do the work; what was done before is still there.

The probe shows it. The labs are built by hand, so that their roles may do what the code asks for.
"""

import re

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
# The function, its code, a pattern of the checks that may say so, and the steps that are checked beside the probe.
WRONG = {
    "knows the answers": (P, ANSWERS, WORK, []),
    "publishes for everybody": (N, replaced(NOTIFIER, 'balance >= Decimal("1500")', "True"), WORK, []),
    "reads the first record only": (N, replaced(NOTIFIER, 'event["Records"]:', 'event["Records"][:1]:'), WORK, []),
}


@pytest.mark.parametrize(("name", "code", "about", "steps"), WRONG.values(), ids=WRONG)
def test_code_that_does_not_do_the_work_is_caught(side_by_side, new_account, name, code, about, steps):
    def report(name, code, steps, **_):
        lab = by_hand.uploaded(new_account())
        replace_code(lab, name, code)
        report = checks.run(lab, *steps, probe=True)
        stop(lab)
        return report

    spoken = [check for check in side_by_side(report).checks if not check.ok and not check.cause]
    named = [check for check in spoken if re.search(about, check.id, re.I)]
    assert named, spoken
    assert [check for check in spoken if check not in named and check.step != FURTHER] == []
