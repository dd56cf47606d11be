"""What each check finds in an account, on a stub: the whole lab with one thing in it changed."""

import json
import re
import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from botocore.parsers import ResponseParserError
from stub_account import (
    DEAD_LETTERS,
    FILE,
    KEY,
    LAB,
    MAPPING,
    NOTIFICATION,
    NOTIFIER,
    PROCESSOR,
    ROWS,
    TOPIC,
    UPLOADED,
    VARIABLES,
    alert,
    code,
    function,
    keys,
    own_policies,
    permission,
    queue,
    role,
    run,
    subscription,
    total,
    whole,
    with_settings,
)

from lab_lib import transactions
from lab_lib.aws import buckets, cleanup, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import CLEAN_UP, STEPS, probe_list, uploads
from lab_lib.checks.rules import RULES
from lab_lib.errors import EmulatorError, LabError

NOTIFY, *OTHER_QUEUES = queues.ALERT_QUEUES
BY_HAND = "import boto3\n\n\ndef lambda_handler(event, context):\n    return boto3.client('s3').list_buckets()\n"
OTHER_ROLE = "transactions-role-x1y2z3"  # as the console names the roles that it creates
EC2 = {"Principal": {"Service": "ec2.amazonaws.com"}}


def table(name="Customer", **description):
    return {(tables.describe, name): description}


def by_hand(name=PROCESSOR):
    """Give the function code of somebody else, which reads no variables."""
    settings = whole()[functions.describe, name]["Configuration"]
    other = {**settings, "Handler": "lambda_function.lambda_handler", "Environment": {}}
    return {
        (functions.describe, name): lambda _: {"Configuration": other},
        (functions.code, name): lambda _: {"lambda_function.py": BY_HAND},
    }


def variables(**values):
    return function(Environment={"Variables": values})


def may(decide):
    """Let IAM allow what the lab's policies do and what `decide` says: True, False, or None for no change."""

    def answer(role_arn, actions, resource):
        allowed = own_policies(role_arn, actions, resource)
        said = {action: decide(role_arn, action, resource) for action in actions}
        return {action for action in actions if (action in allowed if said[action] is None else said[action])}

    return {(roles.allowed,): answer}


def without(*denied):
    return may(lambda role_arn, action, resource: False if action in denied else None)


def in_role(trust=None, decide=lambda *_: True):
    """Give TotalNotifier another role, with this change to its trust policy, and with these permissions."""
    arn = LAB.arn("iam", f"role/service-role/{OTHER_ROLE}")
    allowed = may(lambda role_arn, *asked: decide(*asked) if OTHER_ROLE in role_arn else None)
    return (
        function(Role=arn) | allowed | {(roles.describe, OTHER_ROLE): role(OTHER_ROLE, **(trust or {})) | {"Arn": arn}}
    )


def notified(*changes):
    return {(triggers.notifications,): [{**NOTIFICATION, **change} for change in changes]}


def only(**affixes):
    return {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in affixes.items()]}}}


def starts(name):
    return {"LambdaFunctionArn": LAB.arn("lambda", f"function:{name}"), **only(suffix=".csv")}


def mapped(*changes):
    return {(triggers.mappings,): [{**MAPPING, **change} for change in changes]}


def subscribed(*more):
    return {(triggers.subscriptions,): [*whole()[triggers.subscriptions,], *more]}


def uploaded(*files):
    """Put these files beside the upload: (key, file as it is read, or the error text)."""
    listed = [{"Key": key, "LastModified": UPLOADED - timedelta(1)} for key, _ in files]
    return {
        (buckets.uploads,): [*listed, *whole()[buckets.uploads,]],
        **{(uploads.read_upload, key): file for key, file in files},
    }


def sent_by(*statements):
    return {(queues.statements, NOTIFY): [*statements]}


def opened(read, action, principal, *about, more=()):
    """Let somebody do something by the policy that is read so."""
    return {(read, *about): [{"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}, *more]}


def only_from(arn):
    return {"Condition": {"ArnLike": {"aws:SourceArn": arn}}}


def rows(*more):
    return {(tables.items, "Transactions"): [*ROWS, *more]}


def row(customer, transaction, **more):
    return {"CustomerId": customer, "TransactionId": transaction, **more}


def instead(**changes):
    """Change the first row."""
    return {(tables.items, "Transactions"): [{**ROWS[0], **changes}, *ROWS[1:]]}


def lives(address):
    return {
        (tables.items, "Customer"): [{"CustomerId": "C1", "Address": address}, {"CustomerId": "C2", "Address": "b"}]
    }


def recounted(*lines):
    header = "customer_id|customer_address|trn_id|trn_date|trn_amount"
    return transactions.recount("mine.txt", "\n".join([header, *lines]).encode())


def totals(*more):
    return {(tables.items, "TransactionTotal"): [total("C1", 598), total("C2", 1750), *more]}


def alerts(*told, sent="2026-01-03T00:00:00.000Z"):
    """Put these alerts into CustomerNotify, beside the right one."""
    more = [alert(sent, **body) for body in told]
    return {(queues.messages, NOTIFY): [alert(customerID="C2", accountBalance="1750"), *more]}


def logged(*lines, ever=("REPORT RequestId: 1",), group=f"/aws/lambda/{NOTIFIER}"):
    """Let the log have these lines since the upload, and `ever` in all."""
    of_notifier = (cloudwatch.log_lines, NOTIFIER)
    return {(*of_notifier, UPLOADED, group, None): [*lines], (*of_notifier, None, group, None): [*ever]}


def counted(errors, throttles):
    return {
        (cloudwatch.metrics, NOTIFIER, UPLOADED, None): {"Invocations": 3, "Errors": errors, "Throttles": throttles}
    }


def denied(action, who="*", **more):
    principal = {"AWS": who} if who != "*" else "*"
    return {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*", **more}


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


def filtered(*patterns):
    return mapped({"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}})


def created(*ways):
    return {"Events": [f"s3:ObjectCreated:{way}" for way in ways]}


NO_LINES = logged(ever=())
RIGHT = alert(customerID="C2", accountBalance="1750")
ARCHIVE = "archive.txt is no transactions file: it is not UTF-8 text."
WITHOUT_NOTIFY = [subscription("sqs", LAB.arn("sqs", name)) for name in OTHER_QUEUES]
OWN, TLS_ONLY = policies.topic_to_queue(LAB, TOPIC, LAB.arn("sqs", NOTIFY))["Statement"]
ONLY_CSV = {(buckets.uploads,): [{"Key": "transactions.csv", "LastModified": UPLOADED}]}
NO_FUNCTION = {(functions.describe, NOTIFIER): None}
LIVE = LAB.arn("lambda", f"function:{PROCESSOR}:live")
ELSEWHERE = f"arn:aws:lambda:us-east-1:111122223333:function:{PROCESSOR}"
OLD = {"UUID": "2", "EventSourceArn": LAB.arn("dynamodb", "table/Transactions/stream/2001")}
GONE = {"UUID": "3", "FunctionArn": LAB.arn("lambda", "function:gone")}

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]},
    "Action": "sts:AssumeRole",
}

# The check that finds a fault, and a part of its words; the answers of the account that are changed.
FAULTS = {
    # 00
    "bucket: not there; wanted: a bucket with inputs3bucketfortransact": {
        (buckets.find_bucket,): None,
        (buckets.candidates,): [],
    },
    "bucket-region: eu-west-1": {(buckets.region,): "eu-west-1"},
    "bucket-public-access: possible": {(buckets.is_private,): False},
    "table-Customer: customer is there: the name": {(tables.describe, "Customer"): None, (tables.names,): ["customer"]},
    "key-Customer: CustomerID; wanted: CustomerId": table(**keys("CustomerID")),
    "key-Customer: CustomerId (type N)": table(**keys("CustomerId", kind="N")),
    "key-Transactions: + TransactionId": table("Transactions", **keys("CustomerId")),
    "stream: off": {(tables.find_stream,): None},
    "stream-view: KEYS_ONLY": table("Transactions", StreamSpecification={"StreamViewType": "KEYS_ONLY"}),
    "old-amounts: NEW_IMAGE": table("Transactions", StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
    "role-TotalNotifier: not there": {(roles.describe, "TotalNotifierRole"): None},
    "role-trust-TotalNotifier: Lambda cannot": {
        (roles.describe, "TotalNotifierRole"): role("TotalNotifierRole", **EC2)
    },
    "role-permissions-TotalNotifier: lacks sns:Publish on HighBalanceAlert": without("sns:Publish"),
    "role-permissions-TransactionProcessor: lacks s3:DeleteObject on": without("s3:DeleteObject"),
    "role-permissions-TransactionProcessor: lacks dynamodb:PutItem or": by_hand() | without("dynamodb:BatchWriteItem"),
    # 01
    "function-TotalNotifier: Totalnotifier is there": NO_FUNCTION | {(functions.names,): ["Totalnotifier"]},
    "state-TotalNotifier: failed: No room": function(LastUpdateStatus="Failed", LastUpdateStatusReason="No room."),
    "state-TotalNotifier: throttled": {
        (functions.describe, NOTIFIER): {"Concurrency": {"ReservedConcurrentExecutions": 0}}
    },
    "runtime-TotalNotifier: python3.9": function(Runtime="python3.9"),
    "code-TotalNotifier: lambda_function.py, line 2: expected": code("def lambda_handler(event, context):\nreturn 7\n"),
    "code-TotalNotifier: there is no lambda_function.py; wanted: code in Python 3 with the handler.": function(
        Handler="lambda_function.lambda_handler"
    ),
    "code-TotalNotifier: has no function lambda_handler; wanted: code": code(
        "class A:\n    def lambda_handler(self): pass\n"
    ),
    "timeout-TotalNotifier: 3 s; wanted: 20 s or more": function(Timeout=3),
    "function-role-TotalNotifier: TransactionProcessorRole": function(
        Role=LAB.arn("iam", "role/TransactionProcessorRole")
    ),
    "function-role-TotalNotifier: gone, which is not there": function(Role=LAB.arn("iam", "role/gone"))
    | {(roles.describe, "gone"): None},
    f"function-role-TotalNotifier: {OTHER_ROLE}": in_role(EC2),
    f"function-role-TotalNotifier: {OTHER_ROLE}, which lacks sns:Publish on HighBalanceAlert": in_role(
        decide=lambda action, _: action != "sns:Publish"
    ),
    "variables-TotalNotifier: TABLE is not set; wanted": code(
        f"{BY_HAND}    os.environ['TABLE'] + os.environ[\"AWS_REGION\"] + os.environ.get('MORE')\n"
    ),
    "variables-TotalNotifier: Total, not TransactionTotal": variables(TOTAL_TABLE="Total"),
    "variables-TotalNotifier: THRESHOLD is 1.500, not 1500": variables(THRESHOLD="1.500"),
    # 02
    "bucket-trigger: not there": notified(),
    "bucket-trigger: the bucket starts TotalNotifier; wanted": notified(starts(NOTIFIER)),
    "bucket-trigger-events: s3:ObjectCreated:Post": notified({"Events": ["s3:ObjectCreated:Post"]}),
    "bucket-trigger-filter: prefix in/, suffix .TXT": notified(only(prefix="in/", suffix=".TXT")),
    "rejected-rows: rejected/transactions.txt.csv starts": notified({"Filter": {}}),
    f"bucket-permission: {LAB.bucket} may not start it": {
        (functions.statements, PROCESSOR): [permission(**{"aws:SourceArn": "arn:aws:s3:::other"})]
    },
    "bucket-permission-account: not asked for; wanted: 123456789012": {
        (functions.statements, PROCESSOR): [permission(**{"aws:SourceArn": LAB.arn("s3", LAB.bucket)})]
    },
    "bucket-permission: any bucket of any account may start it": {
        (functions.statements, PROCESSOR): [permission() | {"Condition": {}}]
    },
    "other-bucket-triggers: the bucket starts TotalNotifier, the bucket starts gone; wanted": notified(
        {}, starts("gone"), starts(NOTIFIER)
    ),
    "stream-trigger: not there": mapped(),
    "stream-trigger: an earlier stream starts TotalNotifier": mapped(OLD),
    "other-stream-triggers: an earlier stream starts TotalNotifier, the stream starts gone": mapped({}, OLD, GONE),
    "other-stream-triggers: the stream starts TotalNotifier": mapped({}, {"UUID": "2"}),
    "stream-trigger-state: Disabled": mapped({"State": "Disabled"}),
    "stream-trigger-position: AT_TIMESTAMP": mapped({"StartingPosition": "AT_TIMESTAMP"}),
    "oldest-position: LATEST; wanted: TRIM_HORIZON": mapped({"StartingPosition": "LATEST"}),
    "stream-trigger-batch-size: 9; wanted: 10 to 1000": mapped({"BatchSize": 9}),
    "stream-trigger-batch-size: 1001": mapped({"BatchSize": 1001}),
    "stream-trigger-batching-window: 300 s": mapped({"MaximumBatchingWindowInSeconds": 300}),
    "failed-changes: go to": mapped({"DestinationConfig": {}}),
    "stream-trigger-retries: MaximumRetryAttempts is not set;": mapped({"MaximumRetryAttempts": -1}),
    # 03
    "topic: HighBalanceAlerts is there": {(topics.find_topic,): None, (topics.names,): ["HighBalanceAlerts"]},
    # 04
    "queue-CustomerNotify: not there; wanted: CustomerNotify. Create": {(queues.find_queue, NOTIFY): None},
    "subscription-CustomerNotify: not there": {(triggers.subscriptions,): WITHOUT_NOTIFY},
    "subscription-CustomerNotify: subscribed to Other": {
        (triggers.subscriptions,): WITHOUT_NOTIFY,
        (triggers.all_subscriptions,): [
            subscription("sqs", LAB.arn("sqs", NOTIFY)) | {"TopicArn": LAB.arn("sns", "Other")}
        ],
    },
    "raw-delivery-CustomerNotify: on; wanted: off": with_settings(RawMessageDelivery="true"),
    'filter-policy-CustomerNotify: {"a": ["b"]}': with_settings(FilterPolicy='{"a": ["b"]}'),
    "access-policy-CustomerNotify: HighBalanceAlert may not send": sent_by(TLS_ONLY),
    "access-policy-CustomerNotify: may not send; wanted: HighBalanceAlert may send": sent_by(
        OWN, TLS_ONLY, TLS_ONLY | {"Condition": {}}
    ),
    "other-senders-CustomerNotify: anyone": sent_by(OWN | {"Condition": {}}, TLS_ONLY),
    ("access-policy-CustomerNotify: may not", "other-senders-CustomerNotify: Other"): sent_by(
        OWN | only_from(LAB.arn("sns", "Other")), TLS_ONLY
    ),
    "other-senders-CustomerNotify: other accounts": sent_by(
        OWN, TLS_ONLY, OWN | {"Condition": {"ArnNotEquals": {"aws:SourceArn": TOPIC}}}
    ),
    "encryption-CustomerNotify: alias/aws/sqs; wanted": queue(KmsMasterKeyId="alias/aws/sqs"),
    "other-subscriptions: Gone, which is not there": subscribed(subscription("sqs", LAB.arn("sqs", "Gone"))),
    # 05
    "upload: none; wanted: a transactions file": {(buckets.uploads,): []},
    "upload: transactions.csv; wanted": ONLY_CSV,
    "upload: fit its filter, and transactions.csv does not": ONLY_CSV,
    "readable-uploads: it is not UTF-8": uploaded(("archive.txt", ARCHIVE)),
    "readable-uploads: no good row in transactions.txt": {(uploads.read_upload, KEY): transactions.Recount()},
    "rows: 2 of 3, without C2 T3; wanted: all 3": {(tables.items, "Transactions"): ROWS[:2]},
    "amounts: C1 T8 has no number, C1 T9": rows(row("C1", "T8", TransactionAmount="100"), row("C1", "T9")),
    "contents: C1 T1 has TransactionAmount 5, not 598": instead(TransactionAmount=Decimal(5))
    | {(tables.items, "TransactionTotal"): [total("C1", 5), total("C2", 1750)]},
    "contents: C1 T1 has TransactionDate '16/03/2017', not '03/16/2017'": instead(TransactionDate="16/03/2017"),
    "customers: C2 is missing": {(tables.items, "Customer"): [{"CustomerId": "C1", "Address": "a"}]},
    "customers: C1 has Address 'c', not 'a'": lives("c"),
    "customers: C1 has Address nothing, not 'a'": lives(None),
    "totals: C1 has accountBalance -100, not 598": {
        (tables.items, "TransactionTotal"): [total("C1", "-1E+2"), total("C2", 1750)]
    },
    "totals: C1 is missing; wanted: each the sum": {(tables.items, "TransactionTotal"): [total("C2", 1750)]},
    "totals: C9 has accountBalance 5, not 0": totals(total("C9", 5)),
    tuple(f"alerts-{name}: C2; wanted: C2, C3" for name in queues.ALERT_QUEUES): rows(
        row("C3", "T1", TransactionAmount=Decimal(1500))
    )
    | totals(total("C3", 1500)),
    "balances-CustomerNotify: C1 1499.99": alerts({"customerID": "C1", "accountBalance": "1499.99"}),
    "balances-CustomerNotify: C2 1750, which is no text": alerts({"customerID": "C2", "accountBalance": 1750}),
    "balances-CustomerNotify: C2 Infinity": alerts({"customerID": "C2", "accountBalance": "Infinity"}),
    "alerts-CustomerNotify: 0 messages, only counted": queue(RedrivePolicy="{}", ApproximateNumberOfMessages="0")
    | {(queues.messages, NOTIFY): AssertionError("a look")},
    "subject-CustomerNotify: without one": {(queues.messages, NOTIFY): [RIGHT | {"Subject": None}]},
    "log-TotalNotifier: no run in /aws/lambda/TotalNotifier": NO_LINES,
    "log-errors-TotalNotifier: two;": logged("[ERROR] one", *["[ERROR] two"] * 3),
    "metric-errors-TotalNotifier: 1 throttles, 2 errors": counted(2, 1),
    # what else is in policies and settings
    "other-senders-CustomerNotify: arn:aws:iam::111122223333:root": sent_by(
        OWN, TLS_ONLY, OWN | {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Condition": {}}
    ),
    "other-subscriptions: arn:aws:sqs:us-east-1:111122223333:theirs, of another account": subscribed(
        subscription("sqs", "arn:aws:sqs:us-east-1:111122223333:theirs")
    ),
    "outsiders-bucket: anyone: s3:GetObject; wanted": opened(
        buckets.statements, "s3:Get*", "*", more=policies.tls_only_bucket(LAB)["Statement"]
    ),
    "outsiders-bucket: arn:aws:iam::111122223333:user/bo: s3:PutObject": opened(
        buckets.statements,
        "s3:PutObject",
        {"AWS": "arn:aws:iam::111122223333:user/bo"},
        more=policies.tls_only_bucket(LAB)["Statement"],
    ),
    "outsiders-topic: anyone: sns:Subscribe": opened(
        topics.statements, "sns:Subscribe", {"AWS": "*"}, more=policies.alert_topic(LAB, TOPIC)["Statement"]
    ),
    "outsiders-TotalNotifier: arn:aws:iam::111122223333:root: lambda:InvokeFunction": opened(
        functions.statements, "lambda:*", {"AWS": "111122223333"}, NOTIFIER
    ),
    "outsiders-CustomerNotify: anyone: sqs:ReceiveMessage": opened(
        queues.statements, "sqs:ReceiveMessage", "*", NOTIFY, more=[OWN, TLS_ONLY]
    ),
    "outsiders-role-TotalNotifier: anyone: sts:AssumeRole": {
        (roles.describe, "TotalNotifierRole"): role("TotalNotifierRole", Principal={"AWS": "*"})
    },
    "bucket-trigger: the bucket starts arn:aws:lambda:us-east-1:111122223333": notified(
        {"LambdaFunctionArn": ELSEWHERE}
    ),
    "bucket-trigger-events: s3:ObjectCreated:Put; wanted": notified(created("Put")),
    'stream-trigger-filter: {"eventName": ["INSERT"]}; wanted: none': filtered({"eventName": ["INSERT"]}),
    "filter-policy-CustomerNotify: 2000": with_settings(
        FilterPolicy='{"accountBalance": ["2000"]}', FilterPolicyScope="MessageBody"
    ),
    "other-subscriptions: TotalNotifier, which takes no alerts, gone, which is not there": subscribed(
        subscription("lambda", LAB.arn("lambda", "function:gone")),
        subscription("lambda", LAB.arn("lambda", f"function:{NOTIFIER}:live")),
        subscription("firehose", LAB.arn("firehose", "deliverystream/mine")),
        subscription("https", "https://example.com/alerts"),
    ),
    "limits-CustomerNotify: DelaySeconds is 900, MessageRetentionPeriod is 60; wanted": queue(
        DelaySeconds="900", MessageRetentionPeriod="60"
    ),
    # further
    "newer-than-upload: function TotalNotifier; wanted: nothing": function(LastModified="2026-01-02T00:00:01.000+0000"),
    "newer-than-upload: stream trigger": mapped({"LastModified": UPLOADED + timedelta(hours=1)}),
    "newer-than-upload: table Customer": table(CreationDateTime=UPLOADED + timedelta(hours=1)),
    "newer-than-upload: queue CustomerNotify": queue(LastModifiedTimestamp="1767312001"),
    "table-ProcessedRecords: not there": {(tables.describe, "ProcessedRecords"): None},
    "expiry-ProcessedRecords: never": {(tables.expiry, "ProcessedRecords"): None},
    "log-retention-TotalNotifier: for ever": {(cloudwatch.log_days, NOTIFIER): None},
    "queue-LabDeadLetters: not there": {(queues.find_queue, queues.DEAD_LETTERS): None},
    "messages-LabDeadLetters: 1; wanted: 0": queue(queues.DEAD_LETTERS, ApproximateNumberOfMessages="1"),
    "failed-files: go to": {(functions.on_failure, PROCESSOR): None},
    "topic-display-name: none": {(topics.attributes,): {"DisplayName": ""}},
    "tls-bucket: TLS or not": {(buckets.statements,): [TLS_ONLY | {"Resource": "arn:aws:s3:::other/*"}]},
    "tls-topic: TLS or not": {(topics.statements,): []},
    "tls-LabDeadLetters: TLS or not": {(queues.statements, queues.DEAD_LETTERS): []},
    "policy-account-CustomerNotify: not": sent_by(OWN | only_from(TOPIC), TLS_ONLY),
    "encryption-at-rest-CustomerNotify: off": queue(SqsManagedSseEnabled="false"),
    "least-privilege-TransactionProcessor: sqs:PurgeQueue on": may(
        lambda role_arn, action, _: True if action == "sqs:PurgeQueue" and PROCESSOR in role_arn else None
    ),
    "unsubscribing: by the link in each mail": subscribed(subscription("email", "ana@example.com")),
}

DIGITS = [row("C4", f"T{amount}", TransactionAmount=Decimal(amount)) for amount in (f"-{'9' * 35}.01", "-0.01")]
HANDOUTS = {  # what the handout's TransactionProcessor does
    *(("dynamodb:PutItem", LAB.arn("dynamodb", f"table/{name}")) for name in ("Customer", "Transactions")),
    ("s3:GetObject", f"arn:aws:s3:::{LAB.bucket}/transactions.txt"),
    *(
        (f"logs:{action}", LAB.arn("logs", f"log-group:/aws/lambda/{PROCESSOR}:log-stream:any"))
        for action in ("CreateLogStream", "PutLogEvents")
    ),
}
IMAGE = {"PackageType": "Image", "State": "Active", "LastUpdateStatus": "Successful", "Timeout": 20}
IMAGE |= {"Role": LAB.arn("iam", "role/TotalNotifierRole"), "LastModified": "2026-01-01T00:00:00.000+0000"}

# Changes after which everything still holds.
HARMLESS = {
    "a table in use": table(TableStatus="UPDATING"),
    "a role for two services, its only statement without brackets": {
        (roles.describe, "TotalNotifierRole"): {"AssumeRolePolicyDocument": {"Statement": TRUST}}
    },
    "code by hand, in a role that may do what the handout asks": by_hand()
    | may(lambda role_arn, *asked: asked in HANDOUTS if PROCESSOR in role_arn else None),
    "a handler that is another function's name": code(
        f"{BY_HAND.replace('lambda_', '')}\n\nlambda_handler = handler\n"
    ),
    "a handler that is imported": code("import boto3\nboto3.client\nfrom app import run as lambda_handler\n"),
    "another role that suffices": in_role(decide=lambda *_: None),
    "the function's own role in place of the handout's": in_role(decide=lambda *_: None)
    | {(roles.describe, "TotalNotifierRole"): None},
    "a container image": {
        (functions.describe, NOTIFIER): lambda _: {"Configuration": IMAGE},
        (functions.code, NOTIFIER): lambda _: {},
    },
    "the oldest runtime": function(Runtime="python3.10"),
    "a function that has not been called for long": function(State="Inactive"),
    "a threshold with other digits": variables(THRESHOLD="1500.0"),
    "a trigger that takes what was in fact uploaded": notified(only(prefix="in/"))
    | {
        (buckets.uploads,): [{"Key": "in/mine.csv", "LastModified": UPLOADED}],
        (uploads.read_upload, "in/mine.csv"): FILE,
    },
    "all four events by name": notified(
        {"Events": [f"s3:ObjectCreated:{way}" for way in ("Put", "Post", "Copy", "CompleteMultipartUpload")]}
    ),
    "functions of other names, started too": notified({}, starts("mine"))
    | mapped({}, {"UUID": "2", "FunctionArn": LAB.arn("lambda", "function:mine")})
    | {(functions.names,): [*functions.SOURCES, "mine"]},
    "one trigger for each folder": notified(only(prefix="trans", suffix=".txt"), only(prefix="in/", suffix=".txt"))
    | uploaded(("in/b.txt", FILE)),
    "the smallest batch, the longest window": mapped({"BatchSize": 10, "MaximumBatchingWindowInSeconds": 60}),
    "users of the account may send": sent_by(OWN, TLS_ONLY, OWN | {"Principal": {"AWS": LAB.account}}),
    "subscribers of other kinds": subscribed(
        subscription("lambda", LAB.arn("lambda", "function:mine")), subscription("https", "https://example.com/hook")
    )
    | {(functions.names,): [*functions.SOURCES, "mine"]},
    "a key of one's own": queue(KmsMasterKeyId="alias/mine", SqsManagedSseEnabled="false"),
    "a header without rows beside the upload": uploaded(("empty.txt", transactions.Recount())),
    "an object that the trigger does not take": uploaded(("notes.pdf", AssertionError("it was read"))),
    "a total of 0 after all rows were deleted": totals(total("C9", 0)),
    "totals of 38 digits": rows(*DIGITS) | totals(total("C4", f"-{'9' * 35}.02")),
    "an alert of a customer who is below the threshold again": alerts({"customerID": "C1", "accountBalance": "1500"})
    | {(tables.items, "TransactionTotal"): [{**total("C1", 598), "alerted": False}, total("C2", 1750)]},
    "alerts whose time cannot be read": {
        (queues.messages, NOTIFY): [
            RIGHT,
            *(alert(sent, customerID="C1", accountBalance="1") for sent in ("yesterday", 7, "2026-01-03T00:00:00")),
        ]
    },
    "a day without zeros, and blanks around it": instead(TransactionDate=" 3/16/2017 "),
    "a row that a later upload corrected": uploaded(("first.txt", recounted("C1|z|T1|03/16/2018|5"))),
    "an item by hand beside the files": rows(row("C3", "T1", TransactionAmount=Decimal(7))) | totals(total("C3", 7)),
    "what changed in the second of the upload": function(LastModified="2026-01-02T00:00:00.900+0000"),
    "a log group of one's own": function(LoggingConfig={"LogGroup": "mine"})
    | {(cloudwatch.log_lines, NOTIFIER): AssertionError("Lambda's group was read")}
    | logged(group="mine"),
    "an alert of a lower threshold, before the function was set up": alerts(
        {"customerID": "C1", "accountBalance": "598"}, sent="2025-12-31T23:59:59.000Z"
    ),
    "messages that are no alerts, or name no text": {
        (queues.messages, NOTIFY): [
            *({}, {"Message": "[]"}, {"Message": 7}, alert(customerID=["C2"], accountBalance="2000")),
            alert(customerID="C2", accountBalance="1750"),
        ]
    },
    "a queue where each look counts": queue(RedrivePolicy="{}") | {(queues.messages, NOTIFY): AssertionError("a look")},
    "an error before the last upload": logged(ever=["REPORT x", "[ERROR] one"]),
    "a log in JSON": logged('{"type": "platform.report"}', ever=()),
    "senders whom a Deny keeps out": sent_by(
        OWN | {"Condition": {}},
        TLS_ONLY,
        TLS_ONLY,
        denied("sqs:*", **when("ArnNotEquals", "aws:SourceArn", TOPIC)),
        denied("sqs:*", **when("StringNotEquals", "aws:SourceAccount", LAB.account)),
    ),
    "a handler in a package, other architecture and newest runtime": function(
        Handler="src/app.handler", Runtime="python3.14", Architectures=["arm64"]
    )
    | {(functions.code, NOTIFIER): lambda _: {"src/app/__init__.py": BY_HAND.replace("lambda_", "")}},
    "the two ways of an upload, in two": notified(created("Put"), created("CompleteMultipartUpload")),
    "no retry is a limit too": mapped({"MaximumRetryAttempts": 0, "MaximumRecordAgeInSeconds": 60}),
    "an alias": notified({"LambdaFunctionArn": LIVE})
    | {(functions.statements, PROCESSOR, "live"): [permission() | {"Resource": LIVE}]},
    "a slow and short queue": queue(DelaySeconds="60", MessageRetentionPeriod="3600"),
    "the older target of failed files": {(functions.on_failure, PROCESSOR): None}
    | function(PROCESSOR, DeadLetterConfig={"TargetArn": DEAD_LETTERS}),
}


def test_in_a_whole_account_every_check_holds(monkeypatch):
    assert [check for check in run(monkeypatch).checks if not check.ok] == []


@pytest.mark.parametrize(("faults", "change"), FAULTS.items(), ids=map(str, FAULTS))
def test_a_fault_is_found_by_its_check_and_by_no_other(monkeypatch, faults, change):
    made = [check for check in run(monkeypatch, change).checks if not check.ok]

    lines = [f"{check.id}: {check.words}" for check in made if check.state != "waits"]
    wanted = [fault.split(": ", 1) for fault in ([faults] if isinstance(faults, str) else faults)]
    assert [line.split(": ", 1)[0] for line in lines] == [name for name, _ in wanted], lines
    assert [line for line, (_, part) in zip(lines, wanted, strict=True) if part not in line] == []
    assert all(check.hint.endswith(".") for check in made)


def test_without_a_customer_at_the_threshold_no_alert_was_exercised(monkeypatch):
    by_id = {check.id: check for check in run(monkeypatch, threshold=Decimal(1751)).checks}

    assert by_id["alerts-exercised"].words.startswith("alerts not exercised: no customer has reached 1751; wanted:")
    assert "`lab check --probe`" in by_id["alerts-exercised"].hint


@pytest.mark.parametrize(
    ("change", "waiting"),
    [
        (table(TableStatus="CREATING"), "table-Customer"),
        (function(State="Pending"), "state-TotalNotifier"),
        (mapped({"State": "Enabling"}), "stream-trigger-state"),
    ],
)
def test_what_aws_has_not_finished_waits_without_a_cause_and_what_rests_on_it_names_it(monkeypatch, change, waiting):
    made = [check for check in run(monkeypatch, change).checks if not check.ok]

    (check,) = [check for check in made if not check.cause]
    assert (check.id, check.state, check.is_behind) == (waiting, "waits", False)
    assert {other.cause for other in made if other != check} <= {waiting}
    assert all(other.is_behind for other in made if other != check)


@pytest.mark.parametrize("key", ["cannot see", "waits for bucket", "ok"])
def test_a_verdict_is_not_read_from_words_that_may_be_the_students(monkeypatch, key):
    report = run(monkeypatch, {(buckets.uploads,): [{"Key": key, "LastModified": UPLOADED}]}, steps=["05"])

    upload, *others = report.wrong
    assert (upload.id, upload.found, upload.state) == ("upload", key, "not yet")
    assert {(other.state, other.cause) for other in others} == {("waits", "upload")}


def test_a_hint_names_the_console_on_aws_only(monkeypatch):
    (on_aws,), (embedded,) = (
        run(monkeypatch, function(Timeout=3), endpoint=endpoint).failed for endpoint in (None, "http://localhost")
    )

    how = 'look over your call under "Create TotalNotifier" in notebook 01 and run that section again, or call '
    how += "update_function_configuration."
    assert embedded.hint == f"Set the timeout of TotalNotifier to 20 s: {how}"
    assert on_aws.hint == f"{embedded.hint} In the console it is under General configuration."


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_in_another_way_holds(monkeypatch, change):
    assert [check for check in run(monkeypatch, change).checks if not check.ok] == []


ANA = subscription("email", "ana@example.com")
PENDING = subscription("email", "ana@example.com", SubscriptionArn="PendingConfirmation")
BOB = subscription("email", "bob@example.com", SubscriptionArn="PendingConfirmation")
BY_TOKEN = {(triggers.subscription_settings, "arn:ana@example.com"): {"ConfirmationWasAuthenticated": "true"}}


@pytest.mark.parametrize(
    ("email", "subscriptions", "faults"),
    [
        ("ana@example.com", [], {"email": "not there"}),
        ("ana@example.com", [BOB], {"email": "another address is subscribed"}),
        ("ana@example.com", [PENDING], {"email-confirmed": "pending"}),
        ("ana@example.com", [BOB, ANA], {}),
        ("", [PENDING], {"email-confirmed": "pending"}),
        ("", [BOB, ANA], {}),
        ("", [], {}),
    ],
)
def test_the_address_that_was_named_or_else_any_must_be_confirmed(monkeypatch, email, subscriptions, faults):
    checks = run(monkeypatch, subscribed(*subscriptions) | BY_TOKEN, email=email).checks

    assert {check.id: check.found for check in checks if check.state not in ("ok", "waits")} == faults
    assert "example.com" not in repr(checks)
    assert {check.counts for check in checks if check.id in ("email", "email-confirmed")} == {email != ""}


@pytest.mark.parametrize(("number", "words"), [("+15555550100", "subscribed"), ("+15555550101", "another address")])
def test_the_number_that_was_named_must_be_subscribed(monkeypatch, number, words):
    report = run(monkeypatch, subscribed(subscription("sms", "+15555550100")), phone=number)

    (sms,) = [check for check in report.checks if check.id == "sms"]
    assert sms.ok == (words == "subscribed")
    assert words in sms.found
    assert "+1555" not in repr(sms)


def test_what_the_lab_created_and_is_still_there_is_named(monkeypatch):
    (check,) = run(monkeypatch, {(cleanup.remaining,): ["topic HighBalanceAlert", "log"]}, steps=[CLEAN_UP]).failed

    assert check.found == "topic HighBalanceAlert, log"


# What cannot be seen is neither right nor wrong

REFUSED = ClientError({"Error": {"Code": "AccessDenied"}}, "GetTopicAttributes")
HELPFUL = {buckets.candidates, tables.names, topics.names, triggers.all_subscriptions, triggers.other_ways}


@pytest.mark.parametrize("question", whole(), ids=lambda question: " ".join([question[0].__name__, *question[1:]]))
def test_what_may_not_be_read_is_never_called_missing(monkeypatch, question):
    made = run(monkeypatch, {question: REFUSED}, steps=STEPS).checks

    unseen = {check.id for check in made if check.state == "cannot see"}
    assert {check.state for check in made if check.id not in unseen} <= {"ok"}
    assert bool(unseen) == (question[0] not in HELPFUL)
    assert {check.id for check in made if {*RULES[check.id].after} & unseen} <= unseen
    assert all("GetTopicAttributes" in check.found + check.hint for check in made if check.id in unseen)


TIME = when("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z")

# The check that cannot see, and a part of the reason.
NOT_UNDERSTOOD = {
    "role-trust-TotalNotifier: aws:SourceAccount": {
        (roles.describe, "TotalNotifierRole"): role(
            "TotalNotifierRole", **when("StringEquals", "aws:SourceAccount", LAB.account)
        )
    },
    "bucket-permission: aws:CurrentTime": {(functions.statements, PROCESSOR): [permission() | TIME]},
    "access-policy-CustomerNotify: aws:CurrentTime": sent_by(OWN | TIME, TLS_ONLY),
    "access-policy-CustomerNotify: the condition key aws:CurrentTime": sent_by(OWN, TLS_ONLY, TLS_ONLY | TIME),
    "other-senders-CustomerNotify: the condition key aws:CurrentTime": sent_by(
        OWN, TLS_ONLY, OWN | {"Principal": "*"} | when("DateLessThan", "aws:CurrentTime", "2030-01-01")
    ),
}


@pytest.mark.parametrize(("unseen", "change"), NOT_UNDERSTOOD.items(), ids=NOT_UNDERSTOOD)
def test_what_is_not_understood_is_neither_right_nor_wrong(monkeypatch, unseen, change):
    name, part = unseen.split(": ", 1)

    made = [check for check in run(monkeypatch, change).checks if check.state not in ("ok", "waits")]
    assert {check.state for check in made} == {"cannot see"}
    assert [part in check.found for check in made if check.id == name] == [True]


def test_variables_that_are_set_stay_hidden_and_only_a_wrong_one_is_told(monkeypatch):
    change = variables(**VARIABLES[NOTIFIER], SECRET="hunter2")

    assert "hunter2" not in repr(run(monkeypatch, change))


GIVEN = {
    "processor_role": LAB.arn("iam", "role/class/LabRole"),
    "notifier_role": LAB.arn("iam", "role/class/LabRole"),
    "bucket_name": "my-class-bucket",
}


def of_class(change):
    """Return answers of an account in which both functions have the role LabRole, and the bucket is the class's."""
    configuration, unused = {"Configuration": {"Role": GIVEN["notifier_role"]}}, AssertionError("it was asked for")
    return {
        **{(functions.describe, name): configuration for name in functions.SOURCES},
        **{(roles.describe, f"{name}Role"): unused for name in functions.SOURCES},
        (buckets.candidates,): unused,
        (roles.describe, "LabRole"): role("LabRole") | {"Arn": GIVEN["notifier_role"]},
        (roles.allowed,): lambda arn, actions, resource: {*actions},
        **change,
    }


@pytest.mark.parametrize(
    ("change", "unseen"),
    [
        ({}, set()),
        ({(roles.allowed,): REFUSED}, {"role-permissions-{}"}),
        (
            {(roles.describe, "LabRole"): REFUSED},
            {"role-{}", "role-trust-{}", "role-permissions-{}", "function-role-{}"},
        ),
    ],
    ids=["all is seen", "no simulator", "no role"],
)
def test_in_a_managed_account_the_given_role_and_bucket_are_judged_or_cannot_be_seen(monkeypatch, change, unseen):
    report = run(monkeypatch, of_class(change), steps=["00", "01"], **GIVEN)

    assert {check.id for check in report.failed} == {id.format(name) for id in unseen for name in functions.SOURCES}
    assert report.wrong == []
    assert (report.checks[0].name, report.checks[0].found) == ("bucket", "my-class-bucket")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ({(buckets.find_bucket,): None}, "bucket: not there; wanted: my-class-bucket. Name a bucket that exists"),
        ({(roles.describe, "LabRole"): None}, "role-TransactionProcessor: not there; wanted: LabRole. Name a role"),
    ],
)
def test_a_given_role_or_bucket_that_is_not_there_is_named(monkeypatch, gone, said):
    check = run(monkeypatch, of_class(gone), steps=["00"], **GIVEN).failed[0]

    assert f"{check.id}: {check.words}".startswith(said)


def test_a_bucket_that_may_have_another_name_is_not_called_missing(monkeypatch):
    bucket = run(monkeypatch, {(buckets.find_bucket,): None, (buckets.candidates,): REFUSED}).checks[0]

    assert (bucket.name, bucket.found) == ("bucket", "cannot see: GetTopicAttributes is refused")


def test_alerts_that_somebody_else_is_reading_cannot_be_seen(monkeypatch):
    hidden = queue(ApproximateNumberOfMessagesNotVisible="1") | {(queues.messages, NOTIFY): []}

    (check, *others) = run(monkeypatch, hidden, steps=["05"]).failed

    assert {other.cause for other in others} == {check.id}
    assert check.found == f"cannot see: somebody is reading 1 message of {NOTIFY}"


FULL = f"cannot see: {NOTIFY} has more messages than the {queues.MOST:,} that are read"
MANY = {(queues.messages, NOTIFY): [RIGHT, *[{}] * (queues.MOST - 1)]}
LOW = alert(customerID="C2", accountBalance="7")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (MANY, {"alerts": "C2", "balances": FULL, "subject": FULL}),
        ({(queues.messages, NOTIFY): [{}] * queues.MOST}, {"alerts": FULL}),
        ({(queues.messages, NOTIFY): [*MANY[queues.messages, NOTIFY], LOW]}, {"balances": "C2 7", "subject": FULL}),
    ],
    ids=["all that is due is there", "an alert is missing", "one is wrong"],
)
def test_what_the_messages_beyond_those_that_are_read_decide_cannot_be_seen(monkeypatch, change, words):
    made = {check.id: check.found for check in run(monkeypatch, change).checks}

    assert {name: made[f"{name}-{NOTIFY}"] for name in words} == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (logged(*["x"] * (cloudwatch.MOST - 1), "REPORT x"), {"log": "there", "log-errors": "cannot see"}),
        (logged(*["x"] * (cloudwatch.MOST - 1), "[ERROR] one"), {"log": "there", "log-errors": "one"}),
        (logged(ever=["x"] * cloudwatch.MOST), {"log": "cannot see"}),
    ],
    ids=["no error", "an error", "no run"],
)
def test_what_the_lines_beyond_those_that_are_read_decide_cannot_be_seen(monkeypatch, change, words):
    made = {check.id: check.found.partition(":")[0] for check in run(monkeypatch, change).checks}

    assert {name: made[f"{name}-{NOTIFIER}"] for name in words} == words


def test_errors_count_but_not_while_a_probe_works_or_what_it_sent_is_tried_again(monkeypatch):
    minutes = [UPLOADED + timedelta(minutes=number) for number in range(18)]
    times = [(UPLOADED - timedelta(hours=1), UPLOADED - timedelta(minutes=1)), minutes[3:5], minutes[6:8]]
    probes = [probe_list.Entry(start.isoformat(), [], [], end.isoformat()) for start, end in times]
    monkeypatch.setattr(probe_list, "entries", lambda lab: probes)
    spans = [(UPLOADED, minutes[3]), (minutes[17], None)]
    lines = {span: (cloudwatch.log_lines, NOTIFIER, span[0], f"/aws/lambda/{NOTIFIER}", span[1]) for span in spans}
    counts = {span: (cloudwatch.metrics, NOTIFIER, *span) for span in spans}
    change = {lines[span]: [f"[ERROR] {number}"] for number, span in enumerate(spans)}
    change |= {counts[span]: {"Invocations": 1, "Errors": 1, "Throttles": 0} for span in spans}

    errors = {check.id: check.found for check in run(monkeypatch, change).checks if not check.ok}

    assert errors == {f"log-errors-{NOTIFIER}": "0, 1", f"metric-errors-{NOTIFIER}": "2 errors"}


def test_of_many_uploads_the_newest_are_read_and_the_number_of_the_others_is_told(monkeypatch):
    older = [(f"{number}.txt", AssertionError("it was read")) for number in range(3)]
    newer = [(f"{number}.txt", FILE) for number in range(3, 3 + uploads.MOST - 1)]

    made = {check.id: check for check in run(monkeypatch, uploaded(*older, *newer)).checks}

    assert made["readable-uploads"].found.endswith("95 more; 3 older uploads not read")
    assert [check.id for check in made.values() if not check.ok] == []


def test_twice_the_rows_and_alerts_take_twice_the_work(monkeypatch):
    """Compare the instructions of Python that step 05 takes: seconds depend on the load."""
    instructions_for(monkeypatch, 1)  # warms up
    small, middle, large = (instructions_for(monkeypatch, number) for number in (50, 100, 200))

    assert (large - middle) / (middle - small) == pytest.approx(2, rel=0.1)


def instructions_for(monkeypatch, number):
    """Return the instructions for so many rows, each of a customer of its own with an alert."""
    file = recounted(*(f"C{customer}|a|T|01/01/2017|2000" for customer in range(number)))
    customers, amounts = [*file.addresses], {"TransactionAmount": Decimal(2000), "TransactionDate": "01/01/2017"}
    change = {
        (uploads.read_upload, KEY): file,
        (tables.items, "Transactions"): [row(customer, "T", **amounts) for customer in customers],
        (tables.items, "Customer"): [{"CustomerId": customer, "Address": "a"} for customer in customers],
        (tables.items, "TransactionTotal"): [total(customer, 2000) for customer in customers],
        (queues.messages,): [alert(customerID=customer, accountBalance="2000") for customer in customers],
    }
    steps, before = 0, sys.gettrace()

    def count(frame, event, _):
        nonlocal steps
        frame.f_trace_opcodes, steps = True, steps + (event == "opcode")
        return count

    sys.settrace(count)
    try:
        assert run(monkeypatch, change, steps=["05"]).failed == []
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetRole"), "GetRole answers ThrottlingException"),
        (ResponseParserError("no\n XML"), "ResponseParserError no XML"),
        (RecursionError("too deep"), "RecursionError too deep"),
        (MemoryError(), "MemoryError"),
        (LabError("no route to host"), "no route to host"),
    ],
)
def test_an_error_ends_no_other_check(monkeypatch, error, words):
    report = run(monkeypatch, {(queues.messages,): error})

    unseen = {check.id: check.found for check in report.checks if not check.ok}
    assert unseen.pop("alerts-CustomerNotify") == f"cannot see: {words}"
    assert {name.rpartition("-")[0] for name in unseen} == {"alerts", "balances", "subject"}


@pytest.mark.parametrize(
    "error",
    [
        EmulatorError("It has stopped."),
        EndpointConnectionError(endpoint_url="https://iam"),
        NoCredentialsError(),
        ClientError({"Error": {"Code": "ExpiredToken"}}, "GetRole"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_makes_the_whole_account_unreachable_ends_the_checks(monkeypatch, error):
    def interrupted(*_):
        raise error

    with pytest.raises(type(error)):
        run(monkeypatch, {(roles.describe, f"{NOTIFIER}Role"): interrupted})


ARCHIVED = ClientError({"Error": {"Code": "InvalidObjectState"}}, "GetObject")


@pytest.mark.parametrize("error", [ARCHIVED, REFUSED, LabError("too large")], ids=["Glacier", "a key", "too large"])
def test_one_object_that_cannot_be_read_hides_no_other(monkeypatch, error):
    (check,) = [check for check in run(monkeypatch, uploaded(("old.txt", error))).checks if not check.ok]

    assert (check.id, check.state) == ("readable-uploads", "cannot see")


def test_rows_are_not_right_when_no_upload_can_be_read(monkeypatch):
    unread = run(monkeypatch, {(uploads.read_upload, KEY): ARCHIVED}, steps=["05"]).failed
    wrong = run(monkeypatch, {(uploads.read_upload, KEY): ARCHIVE}, steps=["05"]).failed

    assert {check.state for check in unread} == {"cannot see"}
    assert {check.id: (check.state, check.cause) for check in wrong}["rows"] == ("waits", "readable-uploads")


@pytest.mark.parametrize(
    "outside",
    [
        {"TopicArn": LAB.arn("sns", "Other")},
        {"TopicArn": "arn:aws:sns:us-east-1:999999999999:HighBalanceAlert"},
        {"MessageId": None},
        {"Type": "SubscriptionConfirmation"},
    ],
    ids=str,
)
def test_an_alert_counts_only_in_the_envelope_of_the_topic(monkeypatch, outside):
    (check, *_) = run(monkeypatch, {(queues.messages, NOTIFY): [RIGHT | outside]}, steps=["05"]).failed

    assert (check.id, check.found) == (f"alerts-{NOTIFY}", "none")


NONE, ALERT_AGAIN = {(queues.messages, NOTIFY): []}, "call aws.functions.alert_again(lab)"
RAW = {(queues.messages, NOTIFY): [{"customerID": "C2", "accountBalance": "1750"}]}
DISABLED = mapped({"State": "Disabled"})
STATE_OF_TRIGGER = '"state of the stream trigger" of step 02 does not hold: Disabled.*update_event_source_mapping'
TIMED_OUT = "2026-01-02T00:00:00Z 1-2 Task timed out after 20.00 seconds"
CODE, SUMS = "correct the code of {}.* update_function_code", "(C1 598): call update_item"
UPLOAD = 'run "Upload the file" in notebook 05, or call put_object'


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (NONE, f"{ALERT_AGAIN}.*{CODE.format(NOTIFIER)}"),
        (
            NONE | sent_by(TLS_ONLY),
            f'"access policy of CustomerNotify" of step 04 .*{ALERT_AGAIN}',
        ),
        ({(queues.messages,): []} | DISABLED, f"{STATE_OF_TRIGGER}.*{ALERT_AGAIN}"),
        ({(queues.messages,): []} | by_hand(NOTIFIER), "another transaction of each customer (C2): call put_object"),
        (RAW | with_settings(RawMessageDelivery="true"), '"raw delivery of CustomerNotify" of step 04 does not hold'),
        ({(tables.items, "Transactions"): []} | notified(), f'"bucket trigger" of step 02 .*{UPLOAD}'),
        ({(tables.items, "Transactions"): ROWS[:2]}, f"Upload the file once more.*{UPLOAD}.*{CODE.format(PROCESSOR)}"),
        (
            {(tables.items, "TransactionTotal"): [total("C1", 1), total("C2", 1750)]},
            f"^Wait .*{SUMS}",
        ),
        (
            {(tables.items, "TransactionTotal"): []} | mapped({"State": "Disabled"}),
            f"{STATE_OF_TRIGGER}.*(C1 598, C2 1750)",
        ),
        (NO_LINES, "its role may not write logs.*put_role_policy"),
        (NO_LINES | {(tables.items, "TransactionTotal"): []} | DISABLED, STATE_OF_TRIGGER),
        (counted(1, 0) | logged("[ERROR] AccessDenied"), "^Let the role .*put_role_policy"),
        (counted(1, 0) | logged(TIMED_OUT), "longer timeout.* update_function_configuration"),
        (counted(0, 1), "called too often at once.*delete_function_concurrency"),
        (instead(TransactionAmount=Decimal(5)), f"Upload the file once more.*{UPLOAD}"),
    ],
)
def test_each_cause_has_a_hint_of_its_own(monkeypatch, change, part):
    check = run(monkeypatch, change, steps=["05"]).failed[0]

    assert re.search(part.replace("(", r"\(").replace(")", r"\)"), check.hint), check.hint
