"""What each check finds in an account, on a stub: the whole lab with one thing in it changed."""

import json
import re
from datetime import timedelta
from decimal import Decimal

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
    stub,
    subscription,
    total,
    whole,
    with_settings,
)

from lab_lib import checks, language, transactions
from lab_lib.aws import buckets, cleanup, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import CLEAN_UP, STEPS, expected, probe, probe_list, uploads
from lab_lib.checks.differences import OTHERS
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

    def answer(role_arn, actions, resource, after):
        return own_policies(role_arn, actions, resource) - {*denied} | {*also} & {*actions}

    return {(roles.allowed,): answer}


def in_role(**trust):
    """Give TotalNotifier another role, with this change to its trust policy."""
    arn = LAB.arn("iam", f"role/service-role/{OTHER_ROLE}")
    return function(Role=arn) | {(roles.describe, OTHER_ROLE): role(OTHER_ROLE, **trust) | {"Arn": arn}}


def notified(*changes):
    started = [{**NOTIFICATION, **change} for change in changes]
    return {(triggers.bucket_notifications,): {"LambdaFunctionConfigurations": started}}


def only(**affixes):
    return {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in affixes.items()]}}}


def starts(name):
    return {"LambdaFunctionArn": LAB.arn("lambda", f"function:{name}"), **only(suffix=".csv")}


def mapped(*changes):
    return {(triggers.mappings,): [{**MAPPING, **change} for change in changes]}


def subscribed(*more):
    return {(triggers.subscriptions,): [*whole()[triggers.subscriptions,], *more]}


def sent_by(*statements):
    return queue(Policy=json.dumps(policies.document(*statements)))


def only_from(arn):
    return {"Condition": {"ArnLike": {"aws:SourceArn": arn}}}


def rows(*more):
    return {WRITTEN: [*ROWS, *more]}


def row(customer, transaction, **more):
    return {"CustomerId": customer, "TransactionId": transaction, **more}


def totals(*more):
    return {TOTALS: [total("C1", 598), total("C2", 1750), *more]}


def alerts(*told, sent="2026-01-03T00:00:00.000Z"):
    """Put these alerts into CustomerNotify, beside the right one."""
    more = [alert(sent, **body) for body in told]
    return {MESSAGES: [alert(customerID="C2", accountBalance="1750"), *more]}


def logged(*lines, ever=("REPORT RequestId: 1",), group=f"/aws/lambda/{NOTIFIER}"):
    """Let the log have these lines since the upload, and `ever` in all."""
    of_notifier = (cloudwatch.log_lines, NOTIFIER)
    return {(*of_notifier, UPLOADED, group, None): [*lines], (*of_notifier, None, group, None): [*ever]}


def counted(errors, throttles):
    return {
        (cloudwatch.metrics, NOTIFIER, UPLOADED, None): {"Invocations": 3, "Errors": errors, "Throttles": throttles}
    }


NO_LINES = logged(ever=())
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

TRANSACTIONS = whole()[tables.describe, "Transactions"]
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
    "stream: off": {(tables.describe, "Transactions"): lambda _: {**TRANSACTIONS, "StreamSpecification": {}}},
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
    "topic: HighBalanceAlerts is there": {(topics.attributes,): None, (topics.names,): ["HighBalanceAlerts"]},
    # 04
    "queue-CustomerNotify: not there; wanted: CustomerNotify. Create": {(queues.attributes, NOTIFY): lambda _: {}},
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
    # 05
    "upload: none; wanted: a transactions file": {(buckets.uploads,): []},
    "upload: fit its filter, and transactions.csv does not": ONLY_CSV,
    "readable-uploads: no good row in transactions.txt": {FILE_READ: transactions.Recount()},
    "rows: 2 of 3, without C2 T3; wanted: all 3": {WRITTEN: ROWS[:2]},
    "amounts: C1 T8 has no number, C1 T9": rows(row("C1", "T8", TransactionAmount="100"), row("C1", "T9")),
    "contents: C1 T1 has TransactionAmount 5, not 598": {
        WRITTEN: [ROWS[0] | {"TransactionAmount": Decimal(5)}, *ROWS[1:]],
        TOTALS: [total("C1", 5), total("C2", 1750)],
    },
    "customers: C1 has Address 'c', not 'a'": {
        (tables.items, "Customer"): [{"CustomerId": "C1", "Address": "c"}, {"CustomerId": "C2", "Address": "b"}]
    },
    "totals: C1 is missing; wanted: each the sum": {TOTALS: [total("C2", 1750)]},
    tuple(f"alerts-{name}: C2; wanted: C2, C3" for name in queues.ALERT_QUEUES): rows(
        row("C3", "T1", TransactionAmount=Decimal(1500))
    )
    | totals(total("C3", 1500)),
    "balances-CustomerNotify: C1 1499.99": alerts({"customerID": "C1", "accountBalance": "1499.99"}),
    "balances-CustomerNotify: C2 1750, which is no text": alerts({"customerID": "C2", "accountBalance": 1750}),
    "alerts-CustomerNotify: 0 messages, only counted": queue(RedrivePolicy="{}", ApproximateNumberOfMessages="0")
    | {MESSAGES: AssertionError("a look")},
    "alerts-CustomerNotify: none; wanted: C2": {MESSAGES: [RIGHT | outside for outside in OUTSIDE]},
    "subject-CustomerNotify: without one": {MESSAGES: [RIGHT | {"Subject": None}]},
    "log-TotalNotifier: no run in /aws/lambda/TotalNotifier": NO_LINES,
    "log-errors-TotalNotifier: two;": logged("[ERROR] one", *["[ERROR] two"] * 3),
    "metric-errors-TotalNotifier: 1 throttles, 2 errors": counted(2, 1),
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
    "newer-than-upload: function TotalNotifier; wanted: nothing": function(LastModified="2026-01-02T00:00:01.000+0000"),
    "expiry-ProcessedRecords: never": {(tables.expiry, "ProcessedRecords"): None},
    "log-retention-TotalNotifier: for ever": {(cloudwatch.log_days, f"/aws/lambda/{NOTIFIER}"): None},
    "queue-LabDeadLetters: not there": {(queues.attributes, queues.DEAD_LETTERS): lambda _: {}},
    "messages-LabDeadLetters: 1; wanted: 0": queue(queues.DEAD_LETTERS, ApproximateNumberOfMessages="1"),
    "failed-files: go to": {(functions.event_settings,): lambda *_: {}},
    "topic-display-name: none": {(topics.attributes,): {"DisplayName": ""}},
    "tls-bucket: TLS or not": {(buckets.statements,): [TLS_ONLY | {"Resource": "arn:aws:s3:::other/*"}]},
    "tls-topic: TLS or not": {(topics.attributes,): {"Policy": ""}},
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
    "an item by hand beside the files": rows(row("C3", "T1", TransactionAmount=Decimal(7))) | totals(total("C3", 7)),
    "an alert of a lower threshold, before the function was set up": alerts(
        {"customerID": "C1", "accountBalance": "598"}, sent="2025-12-31T23:59:59.000Z"
    ),
    "messages that are no alerts, or name no text": {
        MESSAGES: [
            *({}, {"Message": "[]"}, {"Message": 7}, alert(customerID=["C2"], accountBalance="2000")),
            *(
                alert(sent, customerID="C2", accountBalance="1750")
                for sent in ("9999-12-31T23:59:59.999Z", "", None, 7)
            ),
            alert(customerID="C2", accountBalance="1750"),
        ]
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


def test_without_a_customer_at_the_threshold_no_alert_was_exercised():
    by_id = {check.id: check for check in run(threshold=Decimal(1751)).checks}

    assert by_id["alerts-exercised"].words.startswith("alerts not exercised: no customer has reached 1751; wanted:")


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
HELPFUL = {buckets.candidates, tables.names, topics.names, queues.names, functions.names}


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


def test_alerts_that_somebody_else_is_reading_cannot_be_seen():
    hidden = queue(ApproximateNumberOfMessagesNotVisible="1") | {MESSAGES: []}

    (check, *others) = run(hidden, steps=["05"]).failed

    assert {other.cause for other in others} == {check.id}
    assert check.found == f"cannot see: somebody is reading 1 message of {NOTIFY}"


def test_errors_count_but_not_while_a_probe_works_or_what_it_sent_is_tried_again(monkeypatch):
    start, end, again = (UPLOADED + timedelta(minutes=minutes) for minutes in (3, 7, 17))
    probe = probe_list.Entry(start.isoformat(), [], end.isoformat())
    monkeypatch.setattr(probe_list, "entries", lambda lab: [probe])
    change = {}
    for span in [(UPLOADED, start), (again, None)]:
        change[cloudwatch.log_lines, NOTIFIER, span[0], f"/aws/lambda/{NOTIFIER}", span[1]] = ["[ERROR] one"]
        change[cloudwatch.metrics, NOTIFIER, *span] = {"Invocations": 1, "Errors": 1, "Throttles": 0}

    errors = {check.id: check.found for check in run(change).checks if not check.ok}

    assert errors == {f"log-errors-{NOTIFIER}": "one", f"metric-errors-{NOTIFIER}": "2 errors"}


def test_an_error_ends_no_other_check():
    report = run({(queues.messages,): ResponseParserError("no\n XML")})

    unseen = {check.id: check.found for check in report.checks if not check.ok}
    assert unseen.pop("alerts-CustomerNotify") == "cannot see: ResponseParserError no XML"
    assert {name.rpartition("-")[0] for name in unseen} == {"alerts", "balances", "subject"}


@pytest.mark.parametrize("error", [EmulatorError, KeyboardInterrupt])
def test_what_makes_the_whole_account_unreachable_ends_the_checks(error):
    def interrupted(*_):
        raise error

    with pytest.raises(error):
        run({(roles.describe, f"{NOTIFIER}Role"): interrupted})


ARCHIVED = ClientError({"Error": {"Code": "InvalidObjectState"}}, "GetObject")


def test_rows_are_not_right_when_no_upload_can_be_read():
    unread = run({FILE_READ: ARCHIVED}, steps=["05"]).failed
    wrong = {check.id: check for check in run({FILE_READ: ARCHIVE}, steps=["05"]).failed}

    assert {check.state for check in unread} == {"cannot see"}
    assert "it is not UTF-8" in wrong["readable-uploads"].found
    assert (wrong["rows"].state, wrong["rows"].cause) == ("waits", "readable-uploads")


NONE, ALERT_AGAIN = {MESSAGES: []}, "call aws.functions.alert_again(lab)"
DISABLED = mapped({"State": "Disabled"})
STATE_OF_TRIGGER = '"state of the stream trigger" of step 02 does not hold: Disabled.*update_event_source_mapping'
TIMED_OUT = "2026-01-02T00:00:00Z 1-2 Task timed out after 20.00 seconds"
CODE, SUMS = "correct the code of {}.* update_function_code", "(C1 598): call update_item"
UPLOAD = 'run "Upload the file" in notebook 05, or call put_object'


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (NONE, f"{ALERT_AGAIN}.*{CODE.format(NOTIFIER)}"),
        ({(queues.messages,): []} | DISABLED, f"{STATE_OF_TRIGGER}.*{ALERT_AGAIN}"),
        ({WRITTEN: []} | notified(), f'"bucket trigger" of step 02 .*{UPLOAD}'),
        ({WRITTEN: ROWS[:2]}, f"Upload the file once more.*{UPLOAD}.*{CODE.format(PROCESSOR)}"),
        ({TOTALS: [total("C1", 1), total("C2", 1750)]}, f"^Wait .*{SUMS}"),
        (NO_LINES, "Upload new transactions.*put_object"),
        (counted(1, 0) | logged("[ERROR] AccessDenied"), "^Let the role .*put_role_policy"),
        (counted(1, 0) | logged(TIMED_OUT), "longer timeout.* update_function_configuration"),
    ],
)
def test_each_cause_has_a_hint_of_its_own(change, part):
    check = run(change, steps=["05"]).failed[0]

    assert re.search(part.replace("(", r"\(").replace(")", r"\)"), check.hint), check.hint


def test_a_message_to_another_topic_is_a_fault_of_the_function_that_publishes(monkeypatch):
    found = probe.Outcome(faults={expected.ROWS: [], OTHERS: ["a fault"]}, elsewhere=True)
    stub(monkeypatch, {(probe.send,): found})

    made = {check.id: check for check in checks.run(LAB, "00", probe=True).checks}

    assert made["probe-others"].hint.startswith(f"Correct the code of {NOTIFIER}")
