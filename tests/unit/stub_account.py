"""An account without AWS: prepared answers to the questions that the checks put to `Account.ask`."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from lab_lib import checks, transactions
from lab_lib.aws import (
    buckets,
    cleanup,
    cloudwatch,
    functions,
    policies,
    queues,
    roles,
    tables,
    topics,
    triggers,
)
from lab_lib.aws.evaluator import NOW, Request, decide
from lab_lib.aws.log_runs import Run
from lab_lib.checks import making, uploads
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.rules import Account
from lab_lib.lab import TIMEOUT, Lab

LAB = Lab(None, "a stub", "123456789012", "us-east-1", "aws")
PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
DEAD_LETTERS = LAB.arn("sqs", queues.DEAD_LETTERS)
STREAM = LAB.arn("dynamodb", "table/Transactions/stream/2026-01-01")
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
VARIABLES = {
    PROCESSOR: functions.variables(LAB, PROCESSOR),
    NOTIFIER: {
        "MARKER_TABLE": "ProcessedRecords",
        "TOTAL_TABLE": "TransactionTotal",
        "TOPIC_ARN": TOPIC,
        "THRESHOLD": "1500",
        "DEAD_LETTER_QUEUE": "https://sqs/LabDeadLetters",
    },
}
_NUMBERS = itertools.count(1)
PROCESSOR_ARN = LAB.arn("lambda", f"function:{PROCESSOR}")
PERMISSION = {  # by which the bucket may start TransactionProcessor
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": PROCESSOR_ARN,
    "Condition": {
        "StringEquals": {"aws:SourceAccount": LAB.account, "aws:SourceArn": LAB.arn("s3", LAB.bucket)},
    },
}
NOTIFICATION = {
    "LambdaFunctionArn": PROCESSOR_ARN,
    "Events": ["s3:ObjectCreated:*"],
    "Filter": triggers.UPLOADS,
}
MAPPING = {
    **triggers.MAPPING,
    "UUID": "1",
    "EventSourceArn": STREAM,
    "FunctionArn": LAB.arn("lambda", f"function:{NOTIFIER}"),
    "State": "Enabled",
    "StartingPosition": "TRIM_HORIZON",
    "DestinationConfig": {"OnFailure": {"Destination": DEAD_LETTERS}},
}


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
    """Return the answers of an account in which every check holds."""
    return {
        (buckets.candidates,): [LAB.bucket],
        (buckets.find_bucket,): LAB.bucket,
        (buckets.region,): LAB.region,
        (buckets.is_private,): True,
        (buckets.uploads,): [{"Key": KEY, "LastModified": UPLOADED}],
        (buckets.statements,): policies.tls_only_bucket(LAB)["Statement"],
        (buckets.acl,): [],
        (buckets.copies,): [],
        (buckets.expiring,): [],
        (uploads.read_upload, KEY): FILE,
        **{(tables.describe, name): _table(name) for name in tables.KEYS},
        (tables.names,): [*tables.KEYS],
        (tables.statements,): [],
        (tables.expiry,): None,
        (tables.expiry, "ProcessedRecords"): "ExpiresAt",
        (tables.items, "Customer"): [{"CustomerId": "C1", "Address": "a"}, {"CustomerId": "C2", "Address": "b"}],
        (tables.items, "Transactions"): ROWS,
        (tables.items, "TransactionTotal"): [total("C1", 598), total("C2", 1750)],
        **{(roles.describe, f"{name}Role"): role(f"{name}Role") for name in functions.SOURCES},
        (roles.allowed,): own_policies,
        **{(functions.describe, name): {"Configuration": _configuration(name)} for name in functions.SOURCES},
        (functions.code,): lambda name: {path.name: path.read_text() for path in functions.source_files(name)},
        **{(functions.variables, name): VARIABLES[name] for name in functions.SOURCES},
        (functions.names,): [*functions.SOURCES],
        (functions.statements, PROCESSOR): [PERMISSION],
        (functions.statements, NOTIFIER): [],
        (functions.url,): {},
        (functions.event_settings,): {"DestinationConfig": {"OnFailure": {"Destination": DEAD_LETTERS}}},
        (triggers.bucket_notifications,): {"LambdaFunctionConfigurations": [NOTIFICATION]},
        (triggers.mappings,): [MAPPING],
        (triggers.subscriptions,): [subscription("sqs", LAB.arn("sqs", name)) for name in queues.ALERT_QUEUES],
        (triggers.subscription_settings,): {},
        (topics.names,): [topics.ALERT_TOPIC],
        (topics.attributes,): {
            "DisplayName": topics.DISPLAY_NAME,
            "Policy": json.dumps(policies.alert_topic(LAB, TOPIC)),
        },
        (queues.names,): [*queues.ALERT_QUEUES, queues.DEAD_LETTERS],
        **{(queues.attributes, name): _queue(name) for name in (*queues.ALERT_QUEUES, queues.DEAD_LETTERS)},
        (queues.messages,): [alert(customerID="C2", accountBalance="1750")],
        (Evidence,): Logs(),
        (cloudwatch.log_days,): 14,
        (cloudwatch.metrics,): {"Invocations": 1, "Errors": 0, "Throttles": 0},
        (cleanup.remaining,): [],
    }


def total(customer, balance):
    return {"CustomerId": customer, "accountBalance": Decimal(balance)}


def role(name):
    """Return a role as IAM describes it."""
    arn, trust = LAB.arn("iam", f"role/{name}"), policies.document(*policies.trust()["Statement"])
    return {"RoleName": name, "Arn": arn, "AssumeRolePolicyDocument": trust}


def own_policies(role_arn, actions, resource, after=NOW):
    """Return the actions that this workbook's policy for the role allows, as IAM's simulator does."""
    policy = policies.transaction_processor if PROCESSOR in role_arn else policies.total_notifier
    statements = policy(LAB)["Statement"]
    asked = {action: Request(role_arn, action, resource) for action in actions}
    return {action for action in actions if decide(statements, asked[action]) is True}


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


def _table(name):
    names = tables.KEYS[name]
    table = {
        "TableStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": key} for key in names],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in names],
    }
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return table | ({"StreamSpecification": stream, "LatestStreamArn": STREAM} if name == "Transactions" else {})


def _queue(name):
    held = "0" if name == queues.DEAD_LETTERS else "1"
    policy = json.dumps(policies.policy_of(LAB, name))
    return {"SqsManagedSseEnabled": "true", "ApproximateNumberOfMessages": held, "Policy": policy}


def _configuration(name):
    return {
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "LastModified": "2026-01-01T00:00:00.000+0000",
        "Runtime": functions.RUNTIME,
        "Handler": f"{functions.SOURCES[name].name}.lambda_handler",
        "Timeout": TIMEOUT,
        "Role": LAB.arn("iam", f"role/{name}Role"),
        "Environment": {"Variables": VARIABLES[name]},
    }
