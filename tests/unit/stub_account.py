"""An account without AWS: prepared answers to the questions that the checks put to `Account.ask`."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from pathlib import Path

import pytest

from lab_lib import aws, checks, transactions
from lab_lib.aws import buckets, functions, policies, queues, roles, tables, topics
from lab_lib.aws.grants import Request, is_allowed
from lab_lib.aws.log_runs import Run
from lab_lib.checks import making, step_05
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.reading import Account
from lab_lib.lab import Lab

LAB = Lab(None, "a stub", "123456789012", "us-east-1", "aws")
PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
TOPIC = topics.topic_arn(LAB)
UPLOADED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
KEY = "transactions.txt"
FILE = transactions.recount(
    KEY,
    b"customer_id|customer_address|trn_id|trn_date|trn_amount\n"
    b"C1|a|T1|03/16/2017|598\nC2|b|T2|03/16/2017|1000\nC2|b|T3|03/16/2017|750\nbad\n",
)
ROWS = [
    {"CustomerId": c, "TransactionId": t, "TransactionDate": "03/16/2017", "TransactionAmount": amount}
    for (c, t), amount in FILE.amounts.items()
]
_NUMBERS = itertools.count(1)


class StubAccount(Account):
    """An account with prepared answers, by question: (function, argument …), or (function,) for any argument.

    An answer that is a function is called with the arguments; one that is an exception is raised.
    """

    def __init__(self, answers, lab=LAB):
        self.answers, self.lab, self.made = answers, lab, {}
        self.unsettled, self.maybe_old = set(), 0

    def ask(self, read, *about):
        answer = self.answers[(read, *about) if (read, *about) in self.answers else (read,)]
        if isinstance(answer, Exception):
            raise answer
        return answer(*about) if callable(answer) else answer


class Logs:
    """Evidence that has a run of each function since the upload, or these of some."""

    def __init__(self, **runs):
        self._runs = runs

    def runs(self, name):
        return self._runs.get(name, [Run("1", int(UPLOADED.timestamp() * 1000) + 1)])


def stub(monkeypatch, change=None):
    """Let the checks see the whole account with this change."""
    answers = changed(whole(), change or {})
    for module in (checks, making):
        monkeypatch.setattr(module, "Account", lambda lab: StubAccount(answers, lab))


def run(change=None, steps=(), **settings):
    """Return the report on the whole account with this change, for a lab with these settings."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        stub(monkeypatch, change)
        return checks.run(replace(LAB, **settings), *steps)


def changed(answers, change):
    """Return the answers with this change in them: of a dict only the keys that it names, anything else as a whole."""
    result = dict(answers)
    for key, value in change.items():
        in_part = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = changed(result[key], value) if in_part else value
    return result


def whole():
    """Return the answers of an account in which every check holds: those of account.json, and some that JSON lacks."""
    answers = {}
    for question, answer in json.loads(Path(__file__).with_name("account.json").read_text()).items():
        read, *about = question.split()
        if isinstance(answer, dict) and "Policy" in answer:
            answer["Policy"] = json.dumps(answer["Policy"])  # as AWS has it
        answers[attrgetter(read)(aws), *about] = answer
    return answers | {
        (buckets.uploads,): [{"Key": KEY, "LastModified": UPLOADED}],
        (step_05.read_upload, KEY): FILE,
        (tables.items, "Customer"): [{"CustomerId": "C1", "Address": "a"}, {"CustomerId": "C2", "Address": "b"}],
        (tables.items, "Transactions"): ROWS,
        (tables.items, "TransactionTotal"): [total("C1", 598), total("C2", 1750)],
        (roles.allowed,): own_policies,
        (functions.code,): lambda name: {path.name: path.read_text() for path in functions.source_files(name)},
        (queues.messages,): [alert(customerID="C2", accountBalance="1750")],
        (Evidence,): Logs(),
    }


def total(customer, balance):
    return {"CustomerId": customer, "accountBalance": Decimal(balance)}


def own_policies(role_arn, actions, resource, days=0):
    """Return the actions that this workbook's policy for the role allows, as IAM's simulator does."""
    policy = policies.transaction_processor if PROCESSOR in role_arn else policies.total_notifier
    statements = policy(LAB)["Statement"]
    return {action for action in actions if is_allowed(statements, Request(role_arn, action, resource))}


def subscription(protocol, endpoint):
    arn = f"arn:{endpoint.split(':')[-1]}"
    return {"Protocol": protocol, "Endpoint": endpoint, "SubscriptionArn": arn, "TopicArn": TOPIC}


def alert(sent="2026-01-03T00:00:00.000Z", **told):
    """Return an alert in the envelope that SNS puts around it."""
    return {
        "Type": "Notification",
        "TopicArn": TOPIC,
        "MessageId": str(next(_NUMBERS)),
        "Timestamp": sent,
        "Subject": "Warning! Account balance is very high",
        "Message": json.dumps(told),
    }


def function(**settings):
    return {(functions.describe, NOTIFIER): {"Configuration": settings}}


def queue(**attributes):
    return {(queues.attributes, NOTIFY): attributes}
