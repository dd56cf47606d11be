"""What each check finds in an account, on a stub: the whole lab with one thing in it changed."""

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from stub_account import (
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
    own_policies,
    permission,
    queue,
    role,
    run,
    subscription,
    whole,
    with_settings,
)

from lab_lib import language
from lab_lib.aws import buckets, cleanup, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import CLEAN_UP, STEPS, uploads
from lab_lib.checks.rules import RULES
from lab_lib.errors import EmulatorError

NOTIFY, *OTHER_QUEUES = queues.ALERT_QUEUES
BY_HAND = "import boto3\n\n\ndef lambda_handler(event, context):\n    return boto3.client('s3').list_buckets()\n"
# Questions of the checks
WRITTEN, TOTALS = (tables.items, "Transactions"), (tables.items, "TransactionTotal")
MESSAGES, FILE_READ = (queues.messages, NOTIFY), (uploads.read_upload, KEY)
DESCRIBED, NOTIFIER_ROLE = (functions.describe, NOTIFIER), (roles.describe, "TotalNotifierRole")
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
        (functions.code, name): {"lambda_function.py": BY_HAND},
    }


def variables(**values):
    return function(Environment={"Variables": values})


def allows(also=(), denied=()):
    """Let IAM allow what the lab's policies do, and these actions more or less."""

    def answer(role_arn, actions, resource):
        return own_policies(role_arn, actions, resource) - {*denied} | {*also} & {*actions}

    return {(roles.allowed,): answer}


def in_role(**trust):
    """Give TotalNotifier another role, with this change to its trust policy."""
    arn = LAB.arn("iam", f"role/service-role/{OTHER_ROLE}")
    return function(Role=arn) | {(roles.describe, OTHER_ROLE): role(OTHER_ROLE, **trust) | {"Arn": arn}}


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


def sent_by(*statements):
    return {(queues.statements, NOTIFY): [*statements]}


def only_from(arn):
    return {"Condition": {"ArnLike": {"aws:SourceArn": arn}}}


def rows(*more):
    return {WRITTEN: [*ROWS, *more]}


def row(customer, transaction, **more):
    return {"CustomerId": customer, "TransactionId": transaction, **more}


RIGHT = alert(customerID="C2", accountBalance="1750")
OUTSIDE = {"TopicArn": LAB.arn("sns", "Other")}, {"MessageId": None}, {"Type": "SubscriptionConfirmation"}
ARCHIVE = "archive.txt is no transactions file: it is not UTF-8 text."
ELSEWHERE = LAB.arn("sqs", NOTIFY).replace("us-east-1", "eu-west-1")
WITHOUT_NOTIFY = [subscription("sqs", arn) for arn in (ELSEWHERE, *(LAB.arn("sqs", name) for name in OTHER_QUEUES))]
OWN, TLS_ONLY = policies.topic_to_queue(LAB, TOPIC, LAB.arn("sqs", NOTIFY))["Statement"]
ONLY_CSV = {(buckets.uploads,): [{"Key": "transactions.csv", "LastModified": UPLOADED}]}
PUT_BY_BO = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/bo"}, "Action": "s3:PutObject"}
NO_FUNCTION = {DESCRIBED: None}
OLD = {"UUID": "2", "EventSourceArn": LAB.arn("dynamodb", "table/Transactions/stream/2001")}
GONE = {"UUID": "3", "FunctionArn": LAB.arn("lambda", "function:gone")}

NOW = whole()[functions.describe, NOTIFIER]["Configuration"]
SOME = {name: value for name, value in VARIABLES[NOTIFIER].items() if name != "TOPIC_ARN"}

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
    "stream: off": {(tables.find_stream,): None},
    "stream-view: KEYS_ONLY": table("Transactions", StreamSpecification={"StreamViewType": "KEYS_ONLY"}),
    "old-amounts: NEW_IMAGE": table("Transactions", StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
    "role-TotalNotifier: not there": {NOTIFIER_ROLE: None},
    "role-trust-TotalNotifier: Lambda cannot": {NOTIFIER_ROLE: role("TotalNotifierRole", **EC2)},
    "role-permissions-TotalNotifier: lacks sns:Publish on HighBalanceAlert": allows(denied=["sns:Publish"]),
    "role-permissions-TransactionProcessor: lacks dynamodb:PutItem or": by_hand()
    | allows(denied=["dynamodb:BatchWriteItem"]),
    # 01
    "function-TotalNotifier: Totalnotifier is there": NO_FUNCTION | {(functions.names,): ["Totalnotifier"]},
    "state-TotalNotifier: throttled": {DESCRIBED: {"Concurrency": {"ReservedConcurrentExecutions": 0}}},
    "code-TotalNotifier: lambda_function.py, line 2: expected": code("def lambda_handler(event, context):\nreturn 7\n"),
    "code-TotalNotifier: there is no lambda_function.py; wanted: code in Python 3 with the handler.": function(
        Handler="lambda_function.lambda_handler"
    ),
    "timeout-TotalNotifier: 3 s; wanted: 20 s or more": function(Timeout=3),
    "function-role-TotalNotifier: gone, which is not there": function(Role=LAB.arn("iam", "role/gone"))
    | {(roles.describe, "gone"): None},
    "variables-TotalNotifier: TOPIC_ARN is not set; wanted": {
        DESCRIBED: lambda _: {"Configuration": {**NOW, "Environment": {"Variables": SOME}}}
    },
    "variables-TotalNotifier: THRESHOLD is 1.500, not 1500": variables(THRESHOLD="1.500"),
    # 02
    "bucket-trigger: the bucket starts TotalNotifier; wanted": notified(starts(NOTIFIER)),
    "bucket-trigger-filter: in/*.TXT; wanted": notified(only(prefix="in/", suffix=".TXT")),
    "rejected-rows: rejected/transactions.txt.csv starts": notified({"Filter": {}}),
    f"bucket-permission: {LAB.bucket} may not start it": {
        (functions.statements, PROCESSOR): [permission(**{"aws:SourceArn": "arn:aws:s3:::other"})]
    },
    "bucket-permission-account: not asked for; wanted: 123456789012": {
        (functions.statements, PROCESSOR): [permission(**{"aws:SourceArn": LAB.arn("s3", LAB.bucket)})]
    },
    f"function-role-TotalNotifier: {OTHER_ROLE}, which Lambda cannot assume": in_role(**EC2),
    "other-bucket-triggers: the bucket starts TotalNotifier, the bucket starts gone; wanted": notified(
        {}, starts("gone"), starts(NOTIFIER)
    ),
    "stream-trigger: an earlier stream starts TotalNotifier": mapped(OLD),
    "other-stream-triggers: an earlier stream starts TotalNotifier, the stream starts gone": mapped({}, OLD, GONE),
    "stream-trigger-state: Disabled": mapped({"State": "Disabled"}),
    "stream-trigger-batching-window: 300 s": mapped({"MaximumBatchingWindowInSeconds": 300}),
    "oldest-position: LATEST; wanted: TRIM_HORIZON": mapped({"StartingPosition": "LATEST"}),
    "stream-trigger-batch-size: 9; wanted: 10 to 1000": mapped({"BatchSize": 9}),
    "failed-changes: go to": mapped({"DestinationConfig": {}}),
    # 03
    "topic: HighBalanceAlerts is there": {(topics.find_topic,): None, (topics.names,): ["HighBalanceAlerts"]},
    # 04
    "queue-CustomerNotify: not there; wanted: CustomerNotify. Create": {(queues.find_queue, NOTIFY): None},
    "subscription-CustomerNotify: not there": {(triggers.subscriptions,): WITHOUT_NOTIFY},
    "raw-delivery-CustomerNotify: on; wanted: off": with_settings(RawMessageDelivery="true"),
    "other-senders-CustomerNotify: anyone": sent_by(OWN | {"Condition": {}}, TLS_ONLY),
    ("access-policy-CustomerNotify: may not", "other-senders-CustomerNotify: Other"): sent_by(
        OWN | only_from(LAB.arn("sns", "Other")), TLS_ONLY
    ),
    "limits-CustomerNotify: DelaySeconds is 900, MessageRetentionPeriod is 60; wanted": queue(
        DelaySeconds="900", MessageRetentionPeriod="60"
    ),
    "encryption-CustomerNotify: alias/aws/sqs; wanted": queue(KmsMasterKeyId="alias/aws/sqs"),
    # what else is in policies and settings
    "outsiders-bucket: arn:aws:iam::111122223333:user/bo: s3:PutObject": {
        (buckets.statements,): [{**PUT_BY_BO, "Resource": "*"}, *policies.tls_only_bucket(LAB)["Statement"]]
    },
    "outsiders-role-TotalNotifier: anyone: sts:AssumeRole": {
        NOTIFIER_ROLE: role("TotalNotifierRole", Principal={"AWS": "*"})
    },
    "bucket-trigger-events: s3:ObjectCreated:Put; wanted": notified({"Events": ["s3:ObjectCreated:Put"]}),
    'stream-trigger-filter: {"eventName": ["INSERT"]}; wanted: none': mapped(
        {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]}}
    ),
    "filter-policy-CustomerNotify: 2000": with_settings(
        FilterPolicy='{"accountBalance": ["2000"]}', FilterPolicyScope="MessageBody"
    ),
    "other-subscriptions: TotalNotifier, arn:aws:sqs:us-east-1:111122223333:theirs; wanted": subscribed(
        subscription("sqs", "arn:aws:sqs:us-east-1:111122223333:theirs"),
        subscription("lambda", LAB.arn("lambda", f"function:{NOTIFIER}:live")),
    ),
    # further
    "expiry-ProcessedRecords: never": {(tables.expiry, "ProcessedRecords"): None},
    "log-retention-TotalNotifier: for ever": {(cloudwatch.log_days, f"/aws/lambda/{NOTIFIER}"): None},
    "queue-LabDeadLetters: not there": {(queues.find_queue, queues.DEAD_LETTERS): None},
    "messages-LabDeadLetters: 1; wanted: 0": queue(queues.DEAD_LETTERS, ApproximateNumberOfMessages="1"),
    "failed-files: go to": {(functions.on_failure, PROCESSOR): None},
    "topic-display-name: none": {(topics.attributes,): {"DisplayName": ""}},
    "tls-bucket: TLS or not": {(buckets.statements,): [TLS_ONLY | {"Resource": "arn:aws:s3:::other/*"}]},
    "tls-topic: TLS or not": {(topics.statements,): []},
    "policy-account-CustomerNotify: not": sent_by(OWN | only_from(TOPIC), TLS_ONLY),
    "encryption-at-rest-CustomerNotify: off": queue(SqsManagedSseEnabled="false"),
    (
        "least-privilege-TransactionProcessor: sqs:PurgeQueue on",
        "least-privilege-TotalNotifier: sqs:PurgeQueue",
    ): allows(also=["sqs:PurgeQueue"]),
    "unsubscribing: by the link in each mail": subscribed(subscription("email", "ana@example.com")),
}

# Changes after which everything still holds.
HARMLESS = {
    "nothing": {},
    "a trigger that takes what was in fact uploaded": notified(only(prefix="in/"))
    | {
        (buckets.uploads,): [{"Key": "in/mine.csv", "LastModified": UPLOADED}],
        (uploads.read_upload, "in/mine.csv"): FILE,
    },
}


@pytest.mark.parametrize(("faults", "change"), FAULTS.items(), ids=map(str, FAULTS))
def test_a_fault_is_found_by_its_check_and_by_no_other(faults, change):
    made = {check.id: check for check in run(change).checks if not check.ok and check.state != "waits"}

    wanted = dict(fault.split(": ", 1) for fault in ([faults] if isinstance(faults, str) else faults))
    assert made.keys() == wanted.keys()
    assert [check.words for check in made.values() if wanted[check.id] not in check.words] == []
    assert all(check.hint.endswith(".") for check in made.values())


def test_what_an_organisation_may_forbid_neither_fails_nor_costs_anything():
    report = run(FAULTS["bucket-public-access: possible"])

    assert [(check.state, check.counts) for check in report.checks if not check.ok] == [("could be", False)]
    assert report.failed == []


def test_no_verdict_depends_on_the_language_and_no_hint_is_finished_twice_in_it(monkeypatch):
    english, chinese = [], []
    for name, made in (("en", english), ("zh_CN", chinese)):
        monkeypatch.setenv(language.VARIABLE, name)
        made += [check for change in [*FAULTS.values()][::12] for check in run(change).checks]

    assert [(check.id, check.state) for check in chinese] == [(check.id, check.state) for check in english]
    assert [check.hint for check in chinese if "。：" in check.hint] == []  # a whole sentence, and more


def test_what_aws_has_not_finished_waits_without_a_cause_and_what_rests_on_it_names_it():
    made = [check for check in run(table(TableStatus="CREATING")).checks if not check.ok]

    assert [(check.id, check.state) for check in made if not check.is_behind] == [("table-Customer", "waits")]
    assert {check.cause for check in made if check.is_behind} <= {"table-Customer"}


def test_a_hint_names_the_console_on_aws_only():
    (on_aws,), (embedded,) = (
        run(function(Timeout=3), endpoint=endpoint).failed for endpoint in (None, "http://localhost")
    )

    how = 'look over your call under "Create TotalNotifier" in notebook 01 and run that section again, or call '
    how += "update_function_configuration."
    assert embedded.hint == f"Set the timeout of TotalNotifier to 20 s: {how}"
    assert on_aws.hint == f"{embedded.hint} In the console it is under General configuration."


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_in_another_way_holds(change):
    assert [check for check in run(change).checks if not check.ok] == []


ANA = subscription("email", "ana@example.com")
PENDING = ANA | {"SubscriptionArn": "PendingConfirmation"}
BY_TOKEN = {(triggers.subscription_settings, "arn:ana@example.com"): {"ConfirmationWasAuthenticated": "true"}}


@pytest.mark.parametrize(
    ("email", "subscriptions", "faults"),
    [
        ("bob@example.com", [ANA], {"email": "another address is subscribed"}),
        ("ana@example.com", [PENDING], {"email-confirmed": "pending"}),
        ("ana@example.com", [ANA], {}),
        ("", [PENDING], {"email-confirmed": "pending"}),
    ],
)
def test_the_address_that_was_named_or_else_any_must_be_confirmed(email, subscriptions, faults):
    checks = run(subscribed(*subscriptions) | BY_TOKEN, email=email).checks

    assert {check.id: check.found for check in checks if check.state not in ("ok", "waits")} == faults
    assert "example.com" not in repr(checks)
    assert {check.counts for check in checks if check.id in ("email", "email-confirmed")} == {email != ""}


def test_what_the_lab_created_and_is_still_there_is_named():
    (check,) = run({(cleanup.remaining,): ["topic HighBalanceAlert", "log"]}, steps=[CLEAN_UP]).failed

    assert check.found == "topic HighBalanceAlert, log"


# What cannot be seen is neither right nor wrong

REFUSED = ClientError({"Error": {"Code": "AccessDenied"}}, "GetTopicAttributes")
HELPFUL = {buckets.candidates, tables.names, topics.names, queues.names, functions.names, triggers.other_ways}


@pytest.mark.parametrize("question", whole(), ids=lambda question: " ".join([question[0].__name__, *question[1:]]))
def test_what_may_not_be_read_is_never_called_missing(question):
    made = run({question: REFUSED}, steps=STEPS).checks

    unseen = {check.id for check in made if check.state == "cannot see"}
    assert {check.state for check in made if check.id not in unseen} <= {"ok"}
    assert bool(unseen) == (question[0] not in HELPFUL)
    assert {check.id for check in made if {*RULES[check.id].after} & unseen} <= unseen
    assert all("GetTopicAttributes" in check.found + check.hint for check in made if check.id in unseen)


def test_variables_that_are_set_stay_hidden_and_only_a_wrong_one_is_told():
    change = variables(**VARIABLES[NOTIFIER], SECRET="hunter2")

    assert "hunter2" not in repr(run(change))


GIVEN = {
    "processor_role": LAB.arn("iam", "role/class/LabRole"),
    "notifier_role": LAB.arn("iam", "role/class/LabRole"),
    "bucket_name": "my-class-bucket",
}
# Both functions have the role LabRole, and the bucket is the class's.
OF_CLASS = {
    **{(functions.describe, name): {"Configuration": {"Role": GIVEN["notifier_role"]}} for name in functions.SOURCES},
    **{(roles.describe, f"{name}Role"): AssertionError("it was asked for") for name in functions.SOURCES},
    (buckets.candidates,): AssertionError("it was asked for"),
    (roles.describe, "LabRole"): role("LabRole") | {"Arn": GIVEN["notifier_role"]},
    (roles.allowed,): lambda arn, actions, resource: {*actions},
}


def test_in_a_managed_account_the_given_role_and_bucket_are_judged_or_cannot_be_seen():
    whole = run(OF_CLASS, steps=["00", "01"], **GIVEN)
    unseen = run(OF_CLASS | {(roles.describe, "LabRole"): REFUSED}, steps=["00"], **GIVEN)
    gone = run(OF_CLASS | {(buckets.find_bucket,): None}, steps=["00"], **GIVEN).failed[0]

    assert (whole.failed, whole.checks[0].found) == ([], "my-class-bucket")
    assert (unseen.wrong, bool(unseen.failed)) == ([], True)
    assert gone.words.startswith("not there; wanted: my-class-bucket. Name a bucket that exists")


def test_an_error_ends_no_other_check():
    report = run({(queues.messages,): ResponseParserError("no\n XML")})

    unseen = {check.id: check.found for check in report.checks if not check.ok}
    assert unseen == {f"alerts-{name}": "cannot see: ResponseParserError no XML" for name in queues.ALERT_QUEUES}


@pytest.mark.parametrize("error", [EmulatorError, KeyboardInterrupt])
def test_what_makes_the_whole_account_unreachable_ends_the_checks(error):
    def interrupted(*_):
        raise error

    with pytest.raises(error):
        run({(roles.describe, f"{NOTIFIER}Role"): interrupted})
