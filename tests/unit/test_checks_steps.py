"""What the checks of the steps find in an account: on the whole lab, with one thing in it changed."""

import io
import json
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from urllib.error import URLError

import moto.awslambda.models
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto.awslambda_simple.models import lambda_simple_backends

from lab_lib import checks
from lab_lib.aws import buckets, cloudwatch, functions, grants, policies, queues, roles, tables, topics, triggers
from lab_lib.checks.rules import RULES

pytestmark = pytest.mark.slow

PROCESSOR, NOTIFIER = functions.SOURCES
BOTH = list(functions.SOURCES)
QUEUES = queues.ALERT_QUEUES
HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"
FILE = f"{HEADER}\nC1|a|T1|03/16/2017|598\nC2|b|T2|03/16/2017|1000\nC2|b|T3|03/16/2017|750\nbad\n"
BY_HAND = "import boto3\n\n\ndef lambda_handler(event, context):\n    return 7\n"
CONSOLES = "import json\n\ndef lambda_handler(event, context):\n    return {'body': json.dumps('Hello from Lambda!')}\n"
OTHER_ROLE = "transactions-role-x1y2z3"  # as the console names those that it makes


@pytest.fixture(autouse=True)
def simulator(lab, monkeypatch):
    """IAM's policy simulator, which moto lacks. By itself it allows what the lab's own policies do."""
    own = {f"{PROCESSOR}Role": policies.transaction_processor, f"{NOTIFIER}Role": policies.total_notifier}

    def decide(role, action, resource):
        statements = own[role](lab)["Statement"]
        return any(action in each["Action"] and grants.matches(each["Resource"], resource) for each in statements)

    def answer(PolicySourceArn, ActionNames, ResourceArns):
        role, (resource,) = PolicySourceArn.split("/")[-1], ResourceArns
        decisions = {name: fake.decide(role, name, resource) for name in ActionNames}
        results = [
            {"EvalActionName": name, "EvalDecision": "allowed" if may else "implicitDeny"}
            for name, may in decisions.items()
        ]
        return {"EvaluationResults": results}

    fake = SimpleNamespace(decide=decide)
    monkeypatch.setattr(lab.client("iam"), "simulate_principal_policy", answer)
    return fake


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine(lab, monkeypatch):
    """A function's code comes from moto itself, which gives an address on AWS; and no function runs."""

    def opened(url, timeout):
        name = url.split("/")[-1].rsplit("-", 5)[0]
        return io.BytesIO(lambda_simple_backends[lab.account][lab.region].get_function(name).code_bytes)

    monkeypatch.setattr(functions, "build_opener", lambda *_: SimpleNamespace(open=opened))
    monkeypatch.setattr(moto.awslambda.models.LambdaFunction, "invoke", lambda *_: "")


@pytest.fixture
def stored(lab):
    """The bucket and the tables."""
    _store(lab)
    return lab


@pytest.fixture
def deployed(lab):
    """The two functions, and what they cannot be without."""
    _deploy(lab)
    return lab


@pytest.fixture
def spread(lab):
    """The topic and its two queues."""
    _spread(lab)
    return lab


@pytest.fixture
def whole(lab):
    """The lab as the notebooks leave it, after one upload that went all the way."""
    _complete(lab)
    return lab


@pytest.fixture
def upload(lab):
    """upload("a.txt", text): an object in the bucket."""
    return partial(_upload, lab)


@pytest.fixture
def put(lab):
    """put("Customer", CustomerId="C1"): an item as a function would write it."""
    return partial(_put, lab)


@pytest.fixture
def alert(lab):
    """alert(customerID="C2", accountBalance="1750"): as the topic puts it into both queues, or into those named."""
    return partial(_alert, lab)


@pytest.fixture
def write_log(lab):
    """Let a function have printed these lines, just now or at another time."""
    return partial(_write_log, lab)


def _store(lab):
    buckets.ensure_bucket(lab)
    for name in tables.KEYS:
        tables.ensure_table(lab, name)


def _deploy(lab):
    roles.ensure_role(lab, f"{PROCESSOR}Role", policies.transaction_processor(lab))
    roles.ensure_role(lab, f"{NOTIFIER}Role", policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    for name in BOTH:
        functions.ensure_function(lab, name)


def _spread(lab):
    topics.ensure_topic(lab)
    for name in QUEUES:
        queues.ensure_queue(lab, name)
        triggers.ensure_queue_subscription(lab, name)


def _complete(lab):
    for build in (_store, _deploy, _spread):
        build(lab)
    triggers.ensure_bucket_trigger(lab)
    triggers.ensure_stream_trigger(lab)
    _upload(lab, "transactions.txt", FILE)
    for customer, transaction, amount in (("C1", "T1", 598), ("C2", "T2", 1000), ("C2", "T3", 750)):
        _put(lab, "Customer", CustomerId=customer)
        _put(lab, "Transactions", CustomerId=customer, TransactionId=transaction, TransactionAmount=Decimal(amount))
    _put(lab, "TransactionTotal", CustomerId="C1", accountBalance=Decimal(598))
    _put(lab, "TransactionTotal", CustomerId="C2", accountBalance=Decimal(1750))
    _alert(lab, customerID="C2", accountBalance="1750")
    for name in BOTH:
        _write_log(lab, name, "REPORT RequestId: 1")


def _upload(lab, key, text):
    lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=text)


def _put(lab, table, **item):
    values = {key: {"N": f"{value:f}"} if isinstance(value, Decimal) else {"S": value} for key, value in item.items()}
    lab.client("dynamodb").put_item(TableName=table, Item=values)


def _alert(lab, *names, **told):
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.dumps({"Type": "Notification", "Timestamp": now, "Message": json.dumps(told)})
    for name in names or QUEUES:
        lab.client("sqs").send_message(QueueUrl=queues.find_queue(lab, name), MessageBody=body)


def _write_log(lab, name, *lines, at=None):
    logs, group = lab.client("logs"), cloudwatch.log_group(lab, name)
    stream, when = f"s{time.time_ns()}", int((at or datetime.now(UTC)).timestamp() * 1000)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": when, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def changed(lab, monkeypatch):
    """changed("sqs", "list_queues", change): from now on `change` is called with each answer of that call."""

    def changed(service, call, change):
        original = getattr(lab.client(service), call)

        def answer(**arguments):
            told = original(**arguments)
            change(told)
            return told

        monkeypatch.setattr(lab.client(service), call, answer)

    return changed


@pytest.fixture
def the(lab):
    """the("topic HighBalanceAlert"): that check, as the account is now."""

    def the(name, **settings):
        made = {check.name: check for check in checks.run(replace(lab, **settings), RULES[name].step).checks}
        return made[name]

    return the


@pytest.fixture
def faults(lab):
    """faults("02", "further"): {name: found} of the checks that do not hold, in these steps, or in all of them.

    Those that only wait for another are left out.
    """
    return lambda *steps: _faults(checks.run(lab, *steps))


def _faults(report):
    return {check.name: check.found for check in report.checks if check.state not in ("ok", "waits")}


def test_all_holds_in_the_lab_as_the_notebooks_leave_it(whole, faults):
    assert faults() == {}


# Refusals: what may not be read is neither right nor wrong


def both(pattern, names=BOTH):
    return {pattern.format(name) for name in names}


REFUSED = {  # what cannot be seen of the whole lab without this call
    ("s3", "list_buckets"): set(),  # the bucket of the lab's own name is looked for by its name
    ("s3", "head_bucket"): {"bucket"},
    ("s3", "get_bucket_location"): {"Region of the bucket"},
    ("s3", "get_public_access_block"): {"public access to the bucket"},
    ("s3", "get_bucket_notification_configuration"): {"bucket trigger", "upload"},
    ("s3", "list_objects_v2"): {"filter of the bucket trigger", "upload"},
    ("s3", "get_object"): {"readable uploads", "rows in Transactions"},
    ("s3", "get_bucket_policy"): {"TLS to the bucket"},
    ("dynamodb", "describe_table"): {
        *both("table {}", ["Customer", "Transactions", "TransactionTotal", "ProcessedRecords"]),
        *both("least privilege of the role for {}"),
        "permissions of the role for TotalNotifier",
    },
    ("dynamodb", "scan"): {"rows in Transactions"},
    ("dynamodb", "describe_time_to_live"): {"expiry of ProcessedRecords"},
    ("lambda", "get_function"): both("function {}")
    | both("permissions of the role for {}")
    | both("balances in the alerts of {}", QUEUES),
    ("lambda", "get_policy"): {"permission of the bucket"},
    ("lambda", "list_functions"): {"other bucket triggers", "other stream triggers"},
    ("lambda", "list_event_source_mappings"): {"stream trigger"},
    ("lambda", "get_function_event_invoke_config"): {"failed files of TransactionProcessor"},
    ("iam", "get_role"): both("role for {}"),
    ("iam", "simulate_principal_policy"): both("permissions of the role for {}")
    | both("least privilege of the role for {}"),
    ("sns", "get_topic_attributes"): {"topic HighBalanceAlert"},
    ("sns", "list_subscriptions_by_topic"): {
        *both("subscription of {}", QUEUES),
        "e-mail subscription",
        "SMS subscription",
        "other subscriptions",
    },
    ("sns", "list_subscriptions"): set(),  # it only tells of a subscription to another topic
    ("sns", "get_subscription_attributes"): both("raw delivery of {}", QUEUES) | both("filter policy of {}", QUEUES),
    ("sqs", "get_queue_url"): {*both("queue {}", [*QUEUES, "LabDeadLetters"]), "variables of TotalNotifier"},
    ("sqs", "get_queue_attributes"): {
        *both("access policy of {}", QUEUES),
        *both("other senders to {}", QUEUES),
        *both("encryption of {}", QUEUES),
        *both("alerts in {}", QUEUES),
        *both("encryption at rest of {}", [*QUEUES, "LabDeadLetters"]),
        *both("TLS to {}", [*QUEUES, "LabDeadLetters"]),
        "messages in LabDeadLetters",
    },
    ("sqs", "list_queues"): {"other subscriptions"},
    ("sqs", "receive_message"): both("alerts in {}", QUEUES),
    ("logs", "describe_log_groups"): both("retention of the log of {}"),
    ("logs", "filter_log_events"): both("log of {}"),
    ("cloudwatch", "get_metric_data"): both("errors in the metrics of {}"),
}


@pytest.mark.parametrize(("call", "unseen"), REFUSED.items(), ids=[call for _, call in REFUSED])
def test_what_may_not_be_read_cannot_be_seen_and_what_rests_on_it_waits(whole, refuse, call, unseen):
    refuse(*call)

    made = {check.name: check for check in checks.run(whole).checks}

    assert {name for name, check in made.items() if check.state == "cannot see"} == unseen
    assert {made[name].found for name in unseen} <= {f"cannot see: {call[1]} is refused"}
    assert all(call[1] in made[name].hint and made[name].hint.endswith(".") for name in unseen)
    others = {name: check for name, check in made.items() if name not in unseen}
    assert {check.state for check in others.values()} <= {"ok", "waits"}
    waiting = {name for name, check in others.items() if check.state == "waits"}
    assert waiting == {name for name in others if {*RULES[name].after} & (unseen | waiting)}


def test_a_refusal_is_told_by_the_name_that_iam_has_for_the_call(lab, the, monkeypatch):
    answer = AWSResponse("", 403, {}, None), {"Error": {"Code": "AuthorizationError", "Message": "You may not."}}
    monkeypatch.setattr(lab.client("sns"), "_make_request", lambda *_: answer)

    assert the("topic HighBalanceAlert").found == "cannot see: GetTopicAttributes is refused"


@pytest.mark.parametrize(
    "code", ["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"]
)
def test_each_services_word_for_a_refusal_is_known(lab, refuse, the, code):
    refuse("sns", "get_topic_attributes", code=code)

    assert the("topic HighBalanceAlert").state == "cannot see"


def test_a_bucket_that_may_be_there_under_another_name_is_not_called_missing(lab, refuse, the):
    refuse("s3", "list_buckets")

    assert the("bucket").found == "cannot see: list_buckets is refused"


@pytest.mark.parametrize(("service", "call"), [("s3", "head_bucket"), ("s3", "get_bucket_notification_configuration")])
def test_of_several_buckets_that_may_not_be_looked_at_none_ends_the_checks(whole, refuse, faults, service, call):
    whole.client("s3").create_bucket(Bucket="qls-17-inputs3bucketfortransact-x")
    refuse(service, call, code="AccessDenied")

    assert all(found.startswith(f"cannot see: {call}") for found in faults().values())


@pytest.mark.parametrize(
    ("service", "call", "name"),
    [
        ("dynamodb", "list_tables", "table Customer"),
        ("lambda", "list_functions", "function TotalNotifier"),
        ("sns", "list_topics", "topic HighBalanceAlert"),
        ("sqs", "list_queues", "queue CustomerNotify"),
    ],
)
def test_names_that_may_not_be_listed_are_only_a_help_less(lab, refuse, the, service, call, name):
    refuse(service, call)

    assert the(name).found == "not there"


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", "list_buckets"),
        ("s3", "head_bucket"),
        ("dynamodb", "describe_table"),
        ("dynamodb", "list_tables"),
        ("iam", "get_role"),
        ("lambda", "get_function"),
        ("sns", "get_topic_attributes"),
        ("sqs", "get_queue_url"),
    ],
)
def test_an_error_that_is_no_refusal_goes_up(lab, refuse, service, call):
    refuse(service, call, code="ThrottlingException", message="Rate exceeded")

    with pytest.raises(ClientError, match="Rate exceeded"):
        checks.run(lab)


# 00: bucket, tables, roles


@pytest.fixture
def classroom(lab):
    """classroom("name", trigger=True): a bucket that somebody made beforehand, with or without the trigger."""

    def classroom(name, trigger=False):
        lab.client("s3").create_bucket(Bucket=name)
        arn = lab.arn("lambda", f"function:{PROCESSOR}")
        started = [{"Id": "x", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}] if trigger else []
        lab.client("s3").put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"LambdaFunctionConfigurations": started}
        )

    return classroom


@pytest.fixture
def role(lab):
    """role("name", principal): a role that this principal may take on; its ARN."""

    def role(name, principal=None, brackets=True):
        allow = {"Effect": "Allow", "Principal": principal or {"Service": "lambda.amazonaws.com"}}
        statement = {**allow, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement] if brackets else statement}
        answer = lab.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        return answer["Role"]["Arn"]

    return role


def test_a_bucket_that_a_classroom_named_is_taken(lab, classroom, the):
    classroom("qls-17-inputs3bucketfortransact-x1y2")

    assert the("bucket").found == "qls-17-inputs3bucketfortransact-x1y2"
    assert "qls-17-inputs3bucketfortransact-x1y2" in the("public access to the bucket").hint


@pytest.mark.parametrize(
    ("own", "first", "second", "taken"),
    [(True, False, False, "own"), (True, False, True, "second"), (False, True, False, "first")],
)
def test_of_several_buckets_the_one_with_the_trigger_is_taken_else_the_labs_own(
    lab, classroom, the, own, first, second, taken
):
    names = {"own": lab.bucket, "first": "a-inputs3bucketfortransact", "second": "b-inputs3bucketfortransact"}
    if own:
        classroom(names["own"])
    classroom(names["first"], trigger=first)
    classroom(names["second"], trigger=second)

    assert the("bucket").found == names[taken]


def test_one_of_several_buckets_of_a_classroom_is_taken_though_their_triggers_may_not_be_seen(
    lab, classroom, refuse, the
):
    classroom("a-inputs3bucketfortransact")
    classroom("b-inputs3bucketfortransact", trigger=True)
    refuse("s3", "get_bucket_notification_configuration")

    assert the("bucket").ok


def test_with_a_prefix_only_a_bucket_with_it_is_taken(lab, classroom, the):
    classroom("inputs3bucketfortransact-of-others")
    assert the("bucket", prefix="Ana-").found == "not there"

    classroom("ana-inputs3bucketfortransact-1")

    assert the("bucket", prefix="Ana-").found == "ana-inputs3bucketfortransact-1"


@pytest.mark.parametrize("where", [None, "us-east-1", "EU", "eu-central-1"])
def test_the_region_of_the_bucket_is_the_labs_however_s3_calls_it(stored, changed, the, where):
    changed("s3", "get_bucket_location", lambda told: told.update(LocationConstraint=where))
    names = {None: "us-east-1", "EU": "eu-west-1"}

    check = the("Region of the bucket")

    assert check.found == names.get(where, where)
    assert check.ok == (where in (None, "us-east-1"))


@pytest.mark.parametrize("kind", ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"])
def test_a_bucket_of_which_one_way_is_open_to_the_public_is_found(whole, changed, faults, kind):
    changed("s3", "get_public_access_block", lambda told: told["PublicAccessBlockConfiguration"].update({kind: False}))

    assert faults("00", "further") == {"public access to the bucket": "possible"}


def test_a_bucket_without_a_word_on_public_access_is_found(whole, faults):
    whole.client("s3").delete_public_access_block(Bucket=whole.bucket)

    assert faults("00", "further") == {"public access to the bucket": "possible"}


@pytest.mark.parametrize(("state", "ok"), [("ACTIVE", True), ("UPDATING", True), ("CREATING", False)])
def test_a_table_can_be_used_while_it_is_updated_and_not_while_it_is_made(stored, changed, the, state, ok):
    changed("dynamodb", "describe_table", lambda told: told["Table"].update(TableStatus=state))

    check = the("table Customer")

    assert (check.ok, check.found) == (ok, "Customer" if state == "ACTIVE" else f"Customer, {state}")
    assert the("key of Customer").state == ("ok" if ok else "waits")


@pytest.mark.parametrize(
    ("keys", "kind", "found"),
    [
        (["CustomerID"], "S", "CustomerID"),
        (["CustomerId"], "N", "CustomerId (type N)"),
        (["CustomerId", "Address"], "S", "CustomerId + Address"),
    ],
)
def test_another_key_than_the_handouts_is_found(lab, the, keys, kind, found):
    lab.client("dynamodb").create_table(
        TableName="Customer",
        KeySchema=[{"AttributeName": key, "KeyType": way} for key, way in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )

    assert (the("key of Customer").ok, the("key of Customer").found) == (False, found)


def test_a_stream_that_is_off_is_found(stored, the):
    off = {"StreamEnabled": False}
    stored.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=off)

    assert (the("stream of Transactions").found, the("view of the stream").state) == ("off", "waits")


@pytest.mark.parametrize(
    ("view", "found"),
    [
        ("KEYS_ONLY", "view of the stream"),
        ("OLD_IMAGE", "view of the stream"),
        ("NEW_IMAGE", "old amounts in the stream"),
    ],
)
def test_a_stream_must_carry_the_new_amounts_and_may_carry_the_old_ones(whole, changed, faults, view, found):
    changed(
        "dynamodb",
        "describe_table",
        lambda told: told["Table"].get("StreamSpecification", {}).update(StreamViewType=view),
    )

    assert faults("00", "further") == {found: view}


def test_a_thing_with_nearly_the_right_name_is_named_in_the_hint(lab, the):
    lab.client("sns").create_topic(Name="HighBalanceAlerts")
    lab.client("sqs").create_queue(QueueName="customernotify")
    lab.client("sqs").create_queue(QueueName="CreditCollection.fifo", Attributes={"FifoQueue": "true"})

    assert "HighBalanceAlerts is there: the name must be the same" in the("topic HighBalanceAlert").hint
    assert "customernotify is there: the name must be the same" in the("queue CustomerNotify").hint
    assert "CreditCollection.fifo is there, but it is FIFO" in the("queue CreditCollection").hint


@pytest.mark.parametrize(
    ("principal", "trusted"),
    [
        ({"Service": "lambda.amazonaws.com"}, True),
        ({"Service": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]}, True),
        ({"Service": "ec2.amazonaws.com"}, False),
        ({"AWS": "*"}, False),
    ],
)
def test_a_role_must_be_one_that_lambda_may_take_on(role, the, principal, trusted):
    role(f"{NOTIFIER}Role", principal)

    assert the(f"trust of the role for {NOTIFIER}").ok == trusted


def test_a_roles_trust_may_leave_out_the_brackets_around_its_only_statement(role, the):
    role(f"{NOTIFIER}Role", brackets=False)

    assert the(f"trust of the role for {NOTIFIER}").ok


def test_what_a_role_lacks_is_named(whole, simulator, faults):
    may = simulator.decide
    simulator.decide = lambda role, action, resource: action != "sns:Publish" and may(role, action, resource)

    assert faults("00", "further") == {
        f"permissions of the role for {NOTIFIER}": "lacks sns:Publish on HighBalanceAlert"
    }


def test_what_a_role_has_too_much_of_is_named_and_not_counted(whole, simulator):
    may = simulator.decide
    simulator.decide = lambda role, action, resource: action == "sqs:PurgeQueue" or may(role, action, resource)

    report = checks.run(whole, "00", "01", "further")
    found = dict.fromkeys(both("least privilege of the role for {}"), "sqs:PurgeQueue on CustomerNotify")
    assert (_faults(report), report.failed) == (found, [])


# 01: functions


@pytest.fixture
def deploy(lab):
    """deploy(NOTIFIER, text): let this be the function's code from now on."""

    def deploy(name, text, file="lambda_function.py"):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr(file, text)
        lab.client("lambda").update_function_code(FunctionName=name, ZipFile=archive.getvalue())
        handler = f"{file.removesuffix('.py')}.lambda_handler"
        lab.client("lambda").update_function_configuration(FunctionName=name, Handler=handler)

    return deploy


@pytest.fixture
def configure(lab):
    """configure(Timeout=3): set this for TotalNotifier."""
    return lambda **settings: lab.client("lambda").update_function_configuration(FunctionName=NOTIFIER, **settings)


@pytest.fixture
def told_of_functions(changed):
    """told_of_functions(State="Pending"): what Lambda tells of both functions from now on."""
    return lambda **settings: changed("lambda", "get_function", lambda told: told["Configuration"].update(settings))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"State": "Pending"}, "being set up"),
        ({"LastUpdateStatus": "InProgress"}, "being set up"),
        ({"State": "Failed", "StateReason": "No image."}, "failed: No image."),
        ({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "No room."}, "failed: No room."),
        ({"State": "Inactive"}, "ready"),
    ],
)
def test_a_function_that_is_not_ready_is_found(deployed, told_of_functions, the, settings, found):
    told_of_functions(**settings)

    check = the(f"state of {NOTIFIER}")

    assert (check.ok, check.found) == (found == "ready", found)


def test_a_function_that_may_not_run_at_all_is_found(deployed, changed, the):
    changed("lambda", "get_function", lambda told: told.update(Concurrency={"ReservedConcurrentExecutions": 0}))

    assert the(f"state of {NOTIFIER}").found == "throttled: it may not run at all"


def test_a_function_that_is_a_container_image_is_taken_as_it_is(whole, changed, faults, the):
    def as_image(told):
        for setting in ("Runtime", "Handler"):
            told["Configuration"].pop(setting)
        told["Configuration"]["PackageType"] = "Image"
        told["Code"] = {"ImageUri": "registry/image:1"}

    changed("lambda", "get_function", as_image)

    assert faults() == {}
    assert the(f"runtime of {NOTIFIER}").found == the(f"code of {NOTIFIER}").found == "a container image"


@pytest.mark.parametrize(
    ("runtime", "ok"),
    [
        ("python2.7", False),
        ("python3.9", False),
        ("python3.10", True),
        ("python3.13", True),
        ("python3.20", True),
        ("nodejs22.x", False),
    ],
)
def test_an_old_runtime_or_one_of_another_language_is_found(deployed, told_of_functions, the, runtime, ok):
    told_of_functions(Runtime=runtime)

    check = the(f"runtime of {NOTIFIER}")

    assert (check.ok, check.found) == (ok, runtime)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def lambda_handler(event, context):\nreturn 7\n", "lambda_function.py, line 2: expected an indented block"),
        ("print 7\n", "lambda_function.py, line 1: Missing parentheses"),
        ("def handler(event, context): pass\n", "no function lambda_handler in lambda_function.py"),
        ("class A:\n    def lambda_handler(self): pass\n", "no function lambda_handler in lambda_function.py"),
        (f"{BY_HAND}    urllib.unquote_plus('a').decode('utf8')\n", "urllib.unquote in lambda_function.py"),
        ("\0", "lambda_function.py, line"),
        (CONSOLES, "code that calls no AWS service"),
    ],
    ids=["indent", "python 2", "other name", "method", "unquote", "zero byte", "console's example"],
)
def test_code_that_cannot_run_or_is_only_the_consoles_example_is_found(deployed, deploy, the, code, found):
    deploy(NOTIFIER, code)

    check = the(f"code of {NOTIFIER}")

    assert not check.ok
    assert check.found.startswith(found)


@pytest.mark.parametrize(
    "code",
    [
        BY_HAND,
        f"import urllib.parse\n{BY_HAND}    urllib.parse.unquote_plus('a')\n",
        f"\N{BYTE ORDER MARK}{BY_HAND}",
        f"# Größe\r\n{BY_HAND}",
    ],
    ids=["handout", "unquote", "byte order mark", "umlaut"],
)
def test_code_of_another_hand_that_can_run_is_right(deployed, deploy, the, code):
    deploy(NOTIFIER, code)

    assert the(f"code of {NOTIFIER}").found == "lambda_function.lambda_handler"
    assert the(f"code of {NOTIFIER}").ok


def test_code_that_cannot_be_fetched_cannot_be_seen(deployed, monkeypatch, the):
    def unreachable(url, timeout):
        raise URLError("no route to host")

    monkeypatch.setattr(functions, "build_opener", lambda *_: SimpleNamespace(open=unreachable))

    found = f"cannot see: the code of {NOTIFIER} cannot be fetched (<urlopen error no route to host>)"
    assert the(f"code of {NOTIFIER}").found == found


def test_a_handler_whose_file_is_not_there_is_found(deployed, configure, the):
    configure(Handler="lambda_function.lambda_handler")

    found = "the handler is lambda_function.lambda_handler, and there is no lambda_function.py"
    assert the(f"code of {NOTIFIER}").found == found


def test_the_consoles_timeout_is_found(whole, configure, faults):
    configure(Timeout=3)

    assert faults("01", "further") == {f"timeout of {NOTIFIER}": "3 s"}


def test_another_role_that_suffices_is_right(whole, configure, role, simulator, faults):
    configure(Role=role(OTHER_ROLE))
    may = simulator.decide
    simulator.decide = lambda role, *asked: may(f"{NOTIFIER}Role" if role == OTHER_ROLE else role, *asked)

    assert faults("00", "01", "further") == {}


def test_another_role_that_does_not_suffice_is_found(whole, configure, role, simulator, faults):
    configure(Role=role(OTHER_ROLE))
    may = simulator.decide
    simulator.decide = lambda role, *asked: asked[0] != "sns:Publish" if role == OTHER_ROLE else may(role, *asked)

    assert faults("00", "01", "further") == {
        f"role of {NOTIFIER}": f"{OTHER_ROLE}, which lacks sns:Publish on HighBalanceAlert"
    }


def test_the_other_functions_role_is_found(whole, configure, faults):
    configure(Role=roles.find_role(whole, f"{PROCESSOR}Role"))

    ((name, found),) = faults("00", "01", "further").items()
    assert name == f"role of {NOTIFIER}"
    assert found.startswith(f"{PROCESSOR}Role, which lacks dynamodb:")


def test_a_role_that_lambda_may_not_take_on_is_found(whole, configure, role, faults):
    configure(Role=role(OTHER_ROLE, {"Service": "ec2.amazonaws.com"}))

    assert faults("00", "01", "further") == {f"role of {NOTIFIER}": f"{OTHER_ROLE}, which Lambda may not take on"}


def test_a_role_that_is_gone_is_found(whole, configure, faults):
    configure(Role=whole.arn("iam", "role/service-role/gone"))

    assert faults("00", "01", "further") == {f"role of {NOTIFIER}": "gone, which is not there"}


def test_a_role_that_was_deleted_after_the_function_was_made_is_found(deployed, the):
    deployed.client("iam").delete_role_policy(RoleName=f"{NOTIFIER}Role", PolicyName=roles.POLICY_NAME)
    deployed.client("iam").delete_role(RoleName=f"{NOTIFIER}Role")

    assert the(f"role for {NOTIFIER}").found == "not there"
    assert the(f"role of {NOTIFIER}").found == f"waits for role for {NOTIFIER} of step 00"


def test_where_the_handouts_role_is_missing_the_one_that_the_function_has_is_judged(
    whole, configure, role, simulator, faults, the
):
    configure(Role=role(OTHER_ROLE))
    whole.client("iam").delete_role_policy(RoleName=f"{NOTIFIER}Role", PolicyName=roles.POLICY_NAME)
    whole.client("iam").delete_role(RoleName=f"{NOTIFIER}Role")
    may = simulator.decide
    simulator.decide = lambda role, *asked: may(f"{NOTIFIER}Role" if role == OTHER_ROLE else role, *asked)

    assert faults("00", "01", "further") == {f"account in the trust of the role for {NOTIFIER}": "not asked for"}
    assert the(f"role for {NOTIFIER}").found == the(f"role of {NOTIFIER}").found == OTHER_ROLE


def test_code_of_this_workbook_that_was_changed_a_little_still_needs_what_this_workbook_needs(
    whole, deploy, simulator, the
):
    text = functions.SOURCES[PROCESSOR].read_text()
    deploy(PROCESSOR, f"{text}\n\ndef more():\n    return 1\n", "transaction_processor.py")
    may = simulator.decide
    simulator.decide = lambda role, action, resource: action != "s3:PutObject" and may(role, action, resource)

    assert the(f"permissions of the role for {PROCESSOR}").found.startswith("lacks s3:PutObject on ")


def test_code_of_another_hand_needs_only_what_the_handout_asks_for(deployed, deploy, simulator, the):
    deploy(PROCESSOR, BY_HAND)
    needed = ("logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject", "dynamodb:PutItem")
    simulator.decide = lambda role, action, resource: action in needed

    assert the(f"permissions of the role for {PROCESSOR}").ok


def test_a_variable_that_the_code_reads_and_is_not_set_is_found(whole, deploy, configure, faults):
    deploy(NOTIFIER, f"{BY_HAND}    os.environ['TABLE'] + os.environ[\"AWS_REGION\"] + os.environ.get('MORE')\n")
    configure(Environment={"Variables": {}})

    assert faults("01", "further") == {f"variables of {NOTIFIER}": "TABLE is not set"}


@pytest.mark.parametrize(
    ("threshold", "ok"),
    [("1500", True), ("1500.0", True), ("1500.01", False), ("1,500", False), ("1.500.00", False), (".", False)],
)
def test_the_threshold_is_compared_as_an_amount(deployed, configure, the, threshold, ok):
    configure(Environment={"Variables": {**functions.variables(deployed, NOTIFIER), "THRESHOLD": threshold}})

    check = the(f"variables of {NOTIFIER}")

    assert check.ok == ok
    assert ok or check.found == f"THRESHOLD is {threshold}, not 1500"


def test_a_variable_with_another_value_is_found(whole, configure, faults):
    configure(Environment={"Variables": {**functions.variables(whole, NOTIFIER), "TOTAL_TABLE": "Total"}})

    assert faults("01", "further") == {f"variables of {NOTIFIER}": "TOTAL_TABLE is Total, not TransactionTotal"}


# 02: triggers


@pytest.fixture
def notifications(lab):
    """notifications(trigger, ...): all that the bucket starts from now on."""

    def notifications(*started):
        configuration = {"LambdaFunctionConfigurations": list(started)}
        lab.client("s3").put_bucket_notification_configuration(
            Bucket=lab.bucket, NotificationConfiguration=configuration
        )

    return notifications


@pytest.fixture
def trigger(lab):
    """trigger(prefix="in/"): an event notification of the bucket."""

    def trigger(function=PROCESSOR, event="s3:ObjectCreated:*", **rules):
        found = {
            "LambdaFunctionArn": lab.arn("lambda", f"function:{function}"),
            "Events": [event],
            "Id": f"{function} {event} {rules}",
        }
        listed = [{"Name": name, "Value": value} for name, value in rules.items()]
        return {**found, "Filter": {"Key": {"FilterRules": listed}}} if listed else found

    return trigger


@pytest.fixture
def mapped(changed):
    """mapped(BatchSize=1): what Lambda tells of the stream's mapping from now on."""

    def mapped(**settings):
        changed("lambda", "list_event_source_mappings", lambda told: told["EventSourceMappings"][0].update(settings))

    return mapped


def test_a_trigger_for_every_key_is_right_but_rejected_rows_start_it(whole, notifications, trigger, faults):
    notifications(trigger())

    assert faults("02", "further") == {"rejected rows start nothing": "rejected/transactions.txt.csv starts it"}


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ({"suffix": ".dat"}, "suffix .dat"),
        ({"prefix": "in/"}, "prefix in/"),
        ({"prefix": "transactions", "suffix": ".TXT"}, "prefix transactions, suffix .TXT"),
    ],
)
def test_a_trigger_that_does_not_take_the_handouts_file_is_found(whole, notifications, trigger, faults, rules, found):
    notifications(trigger(**rules))

    assert faults() == {"filter of the bucket trigger": found}


def test_a_trigger_that_takes_what_was_in_fact_uploaded_is_right(whole, notifications, trigger, upload, faults):
    notifications(trigger(prefix="in/"))
    upload("in/mine.csv", FILE)

    assert faults() == {}


def test_a_trigger_for_one_kind_of_upload_only_is_found(whole, notifications, trigger, faults):
    notifications(trigger(event="s3:ObjectCreated:Post", suffix=".txt"))

    assert faults("02", "further") == {"events of the bucket trigger": "s3:ObjectCreated:Post"}


def test_a_trigger_of_the_other_function_is_named(whole, notifications, trigger, the):
    notifications(trigger(NOTIFIER))

    assert the("bucket trigger").found == f"the bucket starts {NOTIFIER}"


def test_triggers_that_are_there_twice_or_for_nobody_or_for_the_other_function_are_found(
    whole, changed, trigger, faults
):
    more = [trigger(suffix=".txt"), trigger("gone"), trigger(NOTIFIER)]
    changed(
        "s3",
        "get_bucket_notification_configuration",
        lambda told: told["LambdaFunctionConfigurations"].extend(more),
    )

    found = f"suffix .txt once more, the bucket starts {NOTIFIER}, the bucket starts gone"
    assert faults("02", "further") == {"other bucket triggers": found}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({}, "any bucket of any account"),
        ({"SourceArn": "arn:aws:s3:::other", "SourceAccount": "123456789012"}, "other of this account"),
        (
            {"SourceArn": "arn:aws:s3:::inputs3bucketfortransact-123456789012-us-east-1"},
            "inputs3bucketfortransact-123456789012-us-east-1 of any account",
        ),
        (None, "nobody may start it"),
    ],
)
def test_a_permission_that_is_not_the_buckets_is_found(whole, faults, condition, found):
    lambda_ = whole.client("lambda")
    lambda_.remove_permission(FunctionName=PROCESSOR, StatementId=triggers.PERMISSION)
    if condition is not None:
        lambda_.add_permission(
            FunctionName=PROCESSOR,
            StatementId="x",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            **condition,
        )

    assert faults("02", "further") == {"permission of the bucket": found}


def test_a_permission_for_anybody_beside_the_buckets_own_is_found(whole, faults):
    whole.client("lambda").add_permission(
        FunctionName=PROCESSOR, StatementId="x", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )

    assert faults("02", "further") == {
        "permission of the bucket": f"any bucket of any account, {whole.bucket} of this account"
    }


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"State": "Disabled"}, {"state of the stream trigger": "Disabled"}),
        ({"State": "Creating"}, {"state of the stream trigger": "Creating"}),
        (
            {"StartingPosition": "AT_TIMESTAMP"},
            {"starting position of the stream trigger": "AT_TIMESTAMP"},
        ),
        ({"StartingPosition": "LATEST"}, {"starting position that misses nothing": "LATEST"}),
        ({"BatchSize": 1}, {"batch size of the stream trigger": "1"}),
        ({"BatchSize": 1001}, {"batch size of the stream trigger": "1001"}),
        ({"BatchSize": 10}, {}),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, {"filter of the stream trigger": "{}"}),
        ({"DestinationConfig": {}}, {"failed changes of TotalNotifier": "are given up"}),
        (
            {"MaximumRetryAttempts": -1, "BisectBatchOnFunctionError": False},
            {"retries of the stream trigger": "BisectBatchOnFunctionError is not set, MaximumRetryAttempts is not set"},
        ),
    ],
)
def test_settings_of_the_stream_trigger_that_are_wrong_are_found(whole, mapped, faults, settings, found):
    mapped(**settings)

    assert faults("02", "further") == found


def test_a_stream_trigger_of_an_earlier_stream_is_named_once(whole, mapped, the):
    stream = whole.arn("dynamodb", "table/Transactions/stream/2001-01-01")
    mapped(EventSourceArn=stream)

    assert the("stream trigger").found == f"an earlier stream starts {NOTIFIER}"
    assert the("other stream triggers").found == "waits for stream trigger"


def test_stream_triggers_that_are_there_twice_or_for_nobody_or_of_an_earlier_stream_are_found(whole, changed, faults):
    def add(told):
        (first,) = told["EventSourceMappings"]
        gone = {**first, "UUID": "3", "FunctionArn": whole.arn("lambda", "function:gone")}
        old = {**first, "UUID": "4", "EventSourceArn": whole.arn("dynamodb", "table/Transactions/stream/2001-01-01")}
        told["EventSourceMappings"] += [{**first, "UUID": "2"}, gone, old]

    changed("lambda", "list_event_source_mappings", add)

    found = f"an earlier stream starts {NOTIFIER}, the stream starts {NOTIFIER}, the stream starts gone"
    assert faults("02", "further") == {"other stream triggers": found}


# 03: topic


@pytest.fixture
def subscribe(lab, changed):
    """subscribe("email", "ana@example.com", pending=True): an address, and what SNS tells of it."""

    def subscribe(protocol, address, pending=False):
        topics.ensure_topic(lab)
        lab.client("sns").subscribe(TopicArn=topics.find_topic(lab), Protocol=protocol, Endpoint=address)

        def mark(told):
            for each in told["Subscriptions"]:
                if each["Endpoint"] == address:
                    each["SubscriptionArn"] = "PendingConfirmation" if pending else each["SubscriptionArn"]

        changed("sns", "list_subscriptions_by_topic", mark)

    return subscribe


def test_an_email_address_that_was_not_confirmed_is_found(subscribe, the):
    subscribe("email", "ana@example.com", pending=True)

    for named in ("", "ana@example.com"):
        assert the("e-mail subscription", email=named).ok
        assert (the("e-mail confirmed", email=named).ok, the("e-mail confirmed").found) == (False, "pending")


def test_of_several_email_addresses_the_one_that_was_named_or_else_any_must_be_confirmed(subscribe, the):
    subscribe("email", "anna@example.com", pending=True)
    subscribe("email", "ana@example.com")

    for named in ("", "ana@example.com"):
        assert the("e-mail confirmed", email=named).found == "confirmed"
    assert not the("e-mail confirmed", email="anna@example.com").ok


@pytest.mark.parametrize(
    ("name", "protocol", "setting", "address", "other"),
    [
        ("e-mail subscription", "email", "email", "ana@example.com", "bob@example.com"),
        ("SMS subscription", "sms", "phone", "+15555550100", "+15555550101"),
    ],
)
def test_an_address_that_was_named_must_be_subscribed_and_is_never_shown(
    lab, subscribe, the, name, protocol, setting, address, other
):
    topics.ensure_topic(lab)
    named = {setting: address}
    before = the(name, **named)
    subscribe(protocol, other)
    between = the(name, **named)
    subscribe(protocol, address)
    after = the(name, **named)

    assert [each.found for each in (before, between, after)] == [
        "not there",
        "another address is subscribed",
        "subscribed",
    ]
    assert not any(text in repr(each) for each in (before, between, after) for text in (address, other))


# 04: queues


@pytest.fixture
def set_of_queue(lab):
    """set_of_queue(RedrivePolicy=...): set this for CustomerNotify, which in moto forgets its policy over it."""

    def set_of_queue(**attributes):
        kept = {"Policy": queues.attributes(lab, "CustomerNotify").get("Policy", "")}
        url = queues.find_queue(lab, "CustomerNotify")
        lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={**kept, **attributes})

    return set_of_queue


@pytest.fixture
def let_in(lab, set_of_queue):
    """let_in(Principal="*"): a policy of CustomerNotify with this one statement."""

    def let_in(brackets=True, **statement):
        queue = queues.queue_arn(lab, "CustomerNotify")
        full = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue, **statement}
        set_of_queue(Policy=json.dumps({"Version": "2012-10-17", "Statement": [full] if brackets else full}))

    return let_in


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("us-east-1:123456789012:HighBalanceAlert", []),
        ("us-east-1:123456789012:High*", ["other senders"]),
        ("*:123456789012:HighBalanceAlert", []),
        ("us-east-1:*:HighBalanceAlert", ["other senders"]),
        ("us-east-1:123456789012:Other", ["access policy", "other senders"]),
        ("eu-west-1:123456789012:HighBalanceAlert", ["access policy", "other senders"]),
    ],
)
def test_a_queue_that_lets_in_other_topics_is_found(spread, let_in, topic, found):
    let_in(Principal="*", Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:sns:{topic}"}})

    assert [" ".join(check.name.split()[:2]) for check in checks.run(spread, "04").failed] == found


def test_a_queue_policy_may_leave_out_the_brackets_around_its_only_statement(spread, let_in, the):
    topic = topics.find_topic(spread)
    let_in(brackets=False, Principal="*", Condition={"ArnEquals": {"aws:SourceArn": topic}})

    assert the("access policy of CustomerNotify").ok


def test_a_queue_that_lets_in_anyone_is_found(spread, let_in):
    let_in(Principal="*")

    assert {check.name: check.found for check in checks.run(spread, "04").failed} == {
        "other senders to CustomerNotify": "anyone"
    }


def test_a_queue_that_lets_nobody_in_is_found(spread, the):
    url = queues.find_queue(spread, "CustomerNotify")
    spread.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})

    assert the("access policy of CustomerNotify").found == "nobody may send"


@pytest.mark.parametrize(
    ("setting", "value", "name", "found"),
    [
        ("RawMessageDelivery", "true", "raw delivery", "on"),
        ("FilterPolicy", '{"a": ["b"]}', "filter policy", '{"a": ["b"]}'),
    ],
)
def test_a_subscription_that_changes_or_keeps_back_messages_is_found(spread, setting, value, name, found):
    arn = triggers.find_queue_subscription(spread, "CustomerNotify")
    spread.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=setting, AttributeValue=value)

    (check,) = checks.run(spread, "04").failed
    assert (check.name, check.found) == (f"{name} of CustomerNotify", found)


@pytest.mark.parametrize(("key", "ok"), [("alias/aws/sqs", False), ("alias/mine", True)])
def test_a_queue_with_the_key_that_aws_manages_is_found(spread, changed, the, key, ok):
    changed("sqs", "get_queue_attributes", lambda told: told["Attributes"].update(KmsMasterKeyId=key))

    check = the("encryption of CustomerNotify")

    assert (check.ok, check.found) == (ok, key)


def test_a_queue_that_is_subscribed_to_another_topic_is_found(spread, the):
    spread.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(spread, "CustomerNotify"))
    assert the("subscription of CustomerNotify").found == "not there"

    other = spread.client("sns").create_topic(Name="Other")["TopicArn"]
    spread.client("sns").subscribe(TopicArn=other, Protocol="sqs", Endpoint=queues.queue_arn(spread, "CustomerNotify"))

    assert the("subscription of CustomerNotify").found == "subscribed to Other"


def test_subscriptions_that_are_there_twice_or_for_nobody_are_found(spread, changed, the):
    def add(told):
        first, _ = told["Subscriptions"]
        told["Subscriptions"] += [first, {**first, "Endpoint": queues.queue_arn(spread, "Gone")}]

    changed("sns", "list_subscriptions_by_topic", add)

    assert the("other subscriptions").found == "CustomerNotify once more, Gone, which is not there"


# 05: results


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (FILE.encode("utf-16"), "transactions2.txt is no transactions file: it is not UTF-8 text."),
        (b"\x89PNG\r\n\x1a\n", "transactions2.txt is no transactions file: it is not UTF-8 text."),
        (b"", "transactions2.txt is no transactions file: it is empty, or begins with an empty line."),
        (f"{HEADER}\n", "transactions2.txt has no good row"),
        (f"{HEADER}\nbad\n", "transactions2.txt has no good row"),
    ],
    ids=["UTF-16", "picture", "empty", "header only", "bad rows only"],
)
def test_an_upload_that_cannot_be_read_is_found_among_good_ones(whole, upload, faults, content, found):
    upload("transactions2.txt", content)

    assert faults("05") == {"readable uploads": found}


def test_an_object_that_the_trigger_does_not_take_does_not_matter(whole, upload, faults, the):
    upload("notes.pdf", b"\x89")
    upload("rejected/transactions.txt.csv", b"line,reason,row\n")

    assert faults("05") == {}
    assert the("readable uploads").found == "transactions.txt: 3 rows"


def test_without_an_upload_that_the_trigger_takes_the_hint_says_so(whole, upload, the):
    whole.client("s3").delete_object(Bucket=whole.bucket, Key="transactions.txt")
    assert the("upload").found == "none"

    upload("transactions.csv", FILE)

    assert the("upload").found == "transactions.csv"
    assert the("upload").hint.endswith("keys that fit its filter, and transactions.csv does not.")


def test_a_row_that_is_missing_is_named(whole, the):
    key = {"CustomerId": {"S": "C2"}, "TransactionId": {"S": "T3"}}
    whole.client("dynamodb").delete_item(TableName="Transactions", Key=key)

    assert the("rows in Transactions").found == "2 of 3, without C2 T3"
    assert the("totals").state == "waits"


def test_an_amount_that_is_text_or_missing_is_found_and_not_added_up(whole, put, faults):
    put("Transactions", CustomerId="C1", TransactionId="T8", TransactionAmount="100")
    put("Transactions", CustomerId="C1", TransactionId="T9")

    assert faults("05") == {"amounts in Transactions": "C1 T8 has no number, C1 T9 has no number"}


def test_a_customer_that_is_missing_is_named(whole, faults):
    whole.client("dynamodb").delete_item(TableName="Customer", Key={"CustomerId": {"S": "C2"}})

    assert faults("05") == {"customers in Customer": "C2 is missing"}


@pytest.mark.parametrize(
    ("customer", "balance", "found"),
    [
        ("C1", Decimal(599), "C1 599 instead of 598"),
        ("C1", Decimal("598.00"), None),
        ("C1", Decimal("-1E+2"), "C1 -100 instead of 598"),
        ("C9", Decimal(0), None),  # all of this customer's rows were deleted
        ("C9", Decimal(5), "C9 5 instead of 0"),
    ],
)
def test_a_total_that_is_not_the_sum_is_found(whole, put, faults, customer, balance, found):
    put("TransactionTotal", CustomerId=customer, accountBalance=balance)

    assert faults("05") == ({"totals": found} if found else {})


def test_a_total_that_is_missing_is_found(whole, faults):
    whole.client("dynamodb").delete_item(TableName="TransactionTotal", Key={"CustomerId": {"S": "C1"}})

    assert faults("05") == {"totals": "C1 missing instead of 598"}


def test_a_total_that_is_text_is_found_and_told_from_the_number(whole, put, the):
    put("TransactionTotal", CustomerId="C1", accountBalance="598")

    check = the("totals")

    assert not check.ok
    assert check.found not in ("C1 598 instead of 598", "none")


def test_totals_of_38_digits_agree_with_their_transactions(whole, put, faults):
    put("Customer", CustomerId="C4")
    for transaction, amount in (("T1", f"-{'9' * 35}.01"), ("T2", "-0.01")):
        put("Transactions", CustomerId="C4", TransactionId=transaction, TransactionAmount=Decimal(amount))
    put("TransactionTotal", CustomerId="C4", accountBalance=Decimal(f"-{'9' * 35}.02"))

    assert faults("05") == {}


def test_a_customer_at_exactly_the_threshold_wants_an_alert(whole, put, alert, faults):
    put("Customer", CustomerId="C3")
    put("Transactions", CustomerId="C3", TransactionId="T1", TransactionAmount=Decimal(1500))
    put("TransactionTotal", CustomerId="C3", accountBalance=Decimal(1500))
    assert faults("05") == dict.fromkeys(both("alerts in {}", QUEUES), "C2")

    alert(customerID="C3", accountBalance="1500.00")

    assert faults("05") == {}


def test_an_alert_of_a_customer_who_has_fallen_again_is_right(whole, alert, faults):
    alert(customerID="C1", accountBalance="1598")

    assert faults("05") == {}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"accountBalance": "1499.99"}, "C1 1499.99"),
        ({"accountBalance": 598}, "C1 598"),
        ({"accountBalance": "high"}, "C1 high"),
        ({"accountBalance": "NaN"}, "C1 NaN"),
        ({}, "C1 without a balance"),
    ],
)
def test_an_alert_below_the_threshold_or_without_a_balance_is_found(whole, alert, faults, told, found):
    alert("CreditCollection", customerID="C1", **told)

    assert faults("05") == {"balances in the alerts of CreditCollection": found}


@pytest.mark.parametrize("customer", [7, ["C2"]], ids=repr)
def test_an_alert_whose_customer_is_no_text_ends_no_check(whole, alert, faults, customer):
    alert("CreditCollection", customerID=customer, accountBalance="2000")

    assert faults("05") == {}


def test_a_message_that_is_no_alert_does_not_matter(whole, faults):
    url = queues.find_queue(whole, "CustomerNotify")
    for body in ("hello", "[]", json.dumps({"Message": 7}), json.dumps({"Message": "{}"})):
        whole.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    assert faults("05") == {}


def test_alerts_that_were_read_are_still_there(whole, the):
    found = [the("alerts in CustomerNotify").found for _ in range(2)]

    assert found == ["C2", "C2"]
    assert queues.attributes(whole, "CustomerNotify")["ApproximateNumberOfMessages"] == "1"


def test_alerts_cannot_be_seen_while_somebody_else_reads_them(whole, the):
    url = queues.find_queue(whole, "CustomerNotify")
    whole.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=30)

    check = the("alerts in CustomerNotify")

    assert check.state == "cannot see"
    assert check.found == "cannot see: somebody is reading 1 messages of CustomerNotify"
    assert check.hint == "Look again in a minute."


def test_messages_of_which_each_look_counts_are_counted_and_never_received(whole, set_of_queue, calls, faults, the):
    redrive = json.dumps({"deadLetterTargetArn": queues.queue_arn(whole, "LabDeadLetters"), "maxReceiveCount": "1"})
    set_of_queue(RedrivePolicy=redrive)
    received = calls("sqs", "receive_message")

    assert faults() == {}
    assert {each["QueueUrl"] for each in received} == {queues.find_queue(whole, "CreditCollection")}
    assert the("alerts in CustomerNotify").found.startswith("1 messages, counted only")

    whole.client("sqs").purge_queue(QueueUrl=queues.find_queue(whole, "CustomerNotify"))

    assert not the("alerts in CustomerNotify").ok
    assert the("alerts in CustomerNotify").found.startswith("0 messages, counted only")


def test_a_function_that_has_not_run_is_found(whole, faults):
    whole.client("logs").delete_log_group(logGroupName=cloudwatch.log_group(whole, NOTIFIER))

    assert faults() == {f"log of {NOTIFIER}": f"no run in /aws/lambda/{NOTIFIER}"}


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["[ERROR] KeyError: 'amount'", "Traceback (most recent call last):"], "KeyError: 'amount'"),
        (["2026-01-01T00:00:00Z 1 Task timed out after 3.00 seconds"], "Task timed out after 3.00 seconds"),
        (['{"level": "ERROR", "errorType": "KeyError", "errorMessage": "no amount"}'], "KeyError: no amount"),
        (["[ERROR] one", "[ERROR] two", "[ERROR] two", "[ERROR] two"], "two"),
        (["Warning: an error may come"], None),
    ],
    ids=["text", "timeout", "JSON", "again", "harmless"],
)
def test_errors_in_a_log_are_named_each_once_the_last_ones(whole, write_log, faults, lines, found):
    write_log(NOTIFIER, *lines)

    assert faults("05") == ({f"errors in the log of {NOTIFIER}": found} if found else {})


def test_errors_from_before_the_last_upload_are_forgotten(whole, write_log, faults):
    write_log(NOTIFIER, "[ERROR] KeyError: 'amount'", at=datetime.now(UTC) - timedelta(hours=1))
    _count(whole, "Errors", at=datetime.now(UTC) - timedelta(hours=1))

    assert faults("05") == {}


def test_a_log_in_json_format_tells_of_runs_too(whole, write_log, the):
    whole.client("logs").delete_log_group(logGroupName=cloudwatch.log_group(whole, NOTIFIER))
    whole.client("logs").create_log_group(logGroupName=cloudwatch.log_group(whole, NOTIFIER))
    write_log(NOTIFIER, '{"time": "2026-01-01T00:00:00Z", "type": "platform.report", "record": {}}')

    assert the(f"log of {NOTIFIER}").found == "there"


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_errors_that_cloudwatch_counts_are_found(whole, faults, metric):
    _count(whole, metric, at=datetime.now(UTC))
    _count(whole, metric, at=datetime.now(UTC))

    assert faults("05") == {f"errors in the metrics of {NOTIFIER}": f"2 {metric.lower()}"}


def _count(lab, metric, at):
    dimensions = [{"Name": "FunctionName", "Value": NOTIFIER}]
    data = [{"MetricName": metric, "Value": 1, "Dimensions": dimensions, "Timestamp": at}]
    lab.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=data)


# Further

THE_TOPIC = {"TopicArn": "arn:aws:sns:us-east-1:123456789012:HighBalanceAlert"}
NO_KEY = {**THE_TOPIC, "AttributeName": "KmsMasterKeyId", "AttributeValue": ""}
NO_TOPIC_POLICY = {**THE_TOPIC, "AttributeName": "Policy", "AttributeValue": '{"Statement": []}'}


@pytest.mark.parametrize(
    ("service", "call", "arguments", "found"),
    [
        ("s3", "delete_bucket_policy", {}, {"TLS to the bucket": "TLS or not"}),
        ("sns", "set_topic_attributes", NO_KEY, {"encryption at rest of the topic": "off"}),
        ("sns", "set_topic_attributes", NO_TOPIC_POLICY, {"TLS to the topic": "TLS or not"}),
        ("dynamodb", "delete_table", {"TableName": "ProcessedRecords"}, {"table ProcessedRecords": "not there"}),
        (
            "lambda",
            "delete_function_event_invoke_config",
            {"FunctionName": PROCESSOR},
            {f"failed files of {PROCESSOR}": "are given up"},
        ),
        (
            "logs",
            "delete_retention_policy",
            {"logGroupName": f"/aws/lambda/{NOTIFIER}"},
            {f"retention of the log of {NOTIFIER}": "for ever"},
        ),
    ],
)
def test_what_only_goes_further_is_found_and_not_counted(whole, service, call, arguments, found):
    arguments = arguments or {"Bucket": whole.bucket}
    getattr(whole.client(service), call)(**arguments)

    report = checks.run(whole)
    assert (_faults(report), report.failed) == (found, [])


def test_what_could_not_be_processed_is_counted(whole, faults):
    url = queues.find_queue(whole, queues.DEAD_LETTERS)
    whole.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    assert faults("further") == {"messages in LabDeadLetters": "1"}


def test_a_topic_without_its_display_name_is_found(whole, faults):
    whole.client("sns").set_topic_attributes(
        TopicArn=topics.find_topic(whole), AttributeName="DisplayName", AttributeValue=""
    )

    assert faults("03", "further") == {"display name of the topic": "none"}


def test_a_queue_that_is_not_encrypted_or_does_not_ask_for_the_account_is_found(whole, let_in, set_of_queue, faults):
    let_in(Principal="*", Condition={"ArnLike": {"aws:SourceArn": topics.find_topic(whole)}})
    set_of_queue(SqsManagedSseEnabled="false")

    assert faults("04", "further") == {
        "TLS to CustomerNotify": "TLS or not",
        "account in the policy of CustomerNotify": "not asked for",
        "encryption at rest of CustomerNotify": "off",
    }


@pytest.mark.parametrize("name", [*QUEUES, queues.DEAD_LETTERS])
def test_a_queue_that_can_be_used_without_tls_is_found(whole, let_in, faults, name):
    url, arn = queues.find_queue(whole, name), queues.queue_arn(whole, name)
    way_in = policies.topic_to_queue(whole, topics.find_topic(whole), arn)["Statement"][:1]
    policy = json.dumps({"Version": "2012-10-17", "Statement": way_in})
    whole.client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": policy, "SqsManagedSseEnabled": "true"}
    )

    assert faults("04", "further") == {f"TLS to {name}": "TLS or not"}


@pytest.mark.parametrize("condition", [{}, {"StringEquals": {"aws:SourceAccount": "999999999999"}}])
def test_a_role_that_lambda_may_take_on_for_others_is_found(whole, faults, condition):
    trust = policies.lambda_trust(whole)
    trust["Statement"].append(trust["Statement"][0] | {"Condition": condition})
    role = {"RoleName": f"{NOTIFIER}Role", "PolicyDocument": json.dumps(trust)}
    whole.client("iam").update_assume_role_policy(**role)

    assert faults("00", "further") == {f"account in the trust of the role for {NOTIFIER}": "not asked for"}


@pytest.mark.parametrize(
    ("confirmed_by", "found"), [("true", "by the account only"), ("false", "by the link in each mail")]
)
def test_who_can_end_the_subscription_of_an_email_address_is_told(subscribe, the, changed, confirmed_by, found):
    subscribe("email", "ana@example.com")
    told = {"ConfirmationWasAuthenticated": confirmed_by}
    changed("sns", "get_subscription_attributes", lambda answer: answer["Attributes"].update(told))

    assert the("unsubscribing from the e-mail").found == found
    assert the("unsubscribing from the e-mail").state == ("ok" if confirmed_by == "true" else "could be")


def test_without_an_email_address_nobody_can_unsubscribe_it(subscribe, the):
    subscribe("sms", "+15555550100")

    assert (the("unsubscribing from the e-mail").ok, the("unsubscribing from the e-mail").found) == (True, "no e-mail")


def test_a_bucket_policy_may_leave_out_the_brackets_around_its_only_statement(stored, the):
    policy = policies.tls_only_bucket(stored)
    (policy["Statement"],) = policy["Statement"]
    stored.client("s3").put_bucket_policy(Bucket=stored.bucket, Policy=json.dumps(policy))

    assert the("TLS to the bucket").found == "TLS only"


def test_an_alert_of_a_lower_threshold_that_was_raised_since_is_left_out(whole, alert, faults, told_of_functions):
    alert(customerID="C1", accountBalance="598")
    assert faults("05") == {f"balances in the alerts of {name}": "C1 598" for name in QUEUES}

    told_of_functions(LastModified="2126-11-25T03:06:49.231+0000")

    assert faults("05") == {}
