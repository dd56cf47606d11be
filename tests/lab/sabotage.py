"""Ways to break a finished lab, and what the checks must make of each: found by exactly those that are concerned.

A case is a function that breaks the account, yields, and mends it. One that does not yield cannot be mended, and gets
an account of its own. `caught_by` names the checks that must fail, each with a word that its hint must have.
"""

import inspect
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

CASES = []
BUCKET, TOPIC, OTHER = "inputs3bucketfortransact", "HighBalanceAlert", "SomethingElse"
PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY, COLLECT = queues.ALERT_QUEUES
POLICIES = {PROCESSOR: policies.transaction_processor, NOTIFIER: policies.total_notifier}
EVERYTHING = {"Action": "*", "Resource": "*"}


@dataclass(frozen=True)
class Case:
    step: str
    name: str
    caught_by: dict[str, str]
    deed: Callable
    about: tuple

    @property
    def title(self):
        return f"{self.step} {self.name}"

    @property
    def can_be_mended(self):
        return inspect.isgeneratorfunction(self.deed)

    @contextmanager
    def done_to(self, lab):
        """Break the account for as long as the context lasts, or for good."""
        deed = self.deed(lab, *self.about)
        if not self.can_be_mended:
            yield
            return
        next(deed)
        try:
            yield
        finally:
            next(deed, None)


def case(step, name, caught_by, *about):
    """Enter a deed as a case; what is given in `about` is handed to it, so that one deed may serve several cases."""

    def register(deed):
        CASES.append(Case(step, name, caught_by, deed, about))
        return deed

    return register


# 00 · the bucket


@case("00", "the bucket is open to the public", {"public access to the bucket": BUCKET})
def public_bucket(lab):
    lab.client("s3").delete_public_access_block(Bucket=lab.bucket)
    yield
    buckets.ensure_bucket(lab)


@case("00", "the bucket is gone", {"bucket": BUCKET})
def no_bucket(lab):
    buckets.delete_bucket(lab)
    yield
    make_bucket(lab)


@case("00", "the bucket is in another Region", {"Region of the bucket": "us-east-1"})
def bucket_elsewhere(lab):
    elsewhere = open_lab(account=lab.account, region="eu-west-1")
    buckets.delete_bucket(lab)
    buckets.ensure_bucket(elsewhere)
    buckets.upload(elsewhere, DATA_FILE)
    make_role(replace(lab, bucket_name=elsewhere.bucket), PROCESSOR)
    yield
    buckets.delete_bucket(elsewhere)
    make_role(lab, PROCESSOR)
    make_bucket(lab)


# 00 · the tables


@case("00", "the table Customer has another key", {"key of Customer": "Customer"}, "Customer", {"customerId": "S"})
@case("00", "a numeric key", {"key of TransactionTotal": "String"}, "TransactionTotal", {"CustomerId": "N"})
def other_key(lab, name, keys):
    with items_kept(lab, name):
        make_table(lab, name, keys)
        yield
        lab.client("dynamodb").delete_table(TableName=name)


@case(
    "00",
    "the table Transactions was made anew, without its sort key",
    {"key of Transactions": "Transactions", "stream trigger": NOTIFIER},
)
def no_sort_key(lab):
    tables.delete_table(lab, "Transactions")
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    make_table(lab, "Transactions", {"CustomerId": "S"}, StreamSpecification=stream)


@case("00", "a table in plural", {"table TransactionTotal": "Totals is there"}, "TransactionTotal", "TransactionTotals")
@case("00", "a table in lower case", {"table Customer": "customer is there"}, "Customer", "customer")
def misspelled_table(lab, name, other):
    with items_kept(lab, name):
        make_table(lab, other, {"CustomerId": "S"})
        yield
        lab.client("dynamodb").delete_table(TableName=other)


@case("00", "the stream is off", {"stream of Transactions": "Transactions"})
def no_stream(lab):
    set_stream(lab, None)
    yield
    make_stream(lab)


@case("00", "the stream carries keys only", {"view of the stream": "New and old images"}, "KEYS_ONLY")
@case("further", "the stream carries new images only", {"old amounts in the stream": "Transactions"}, "NEW_IMAGE")
def other_view(lab, view):
    set_stream(lab, None)
    set_stream(lab, view)
    triggers.ensure_stream_trigger(lab)
    yield
    make_stream(lab)


# 00 · the roles


@case("00", f"{PROCESSOR}Role is gone", {f"role for {PROCESSOR}": f"{PROCESSOR}Role"})
def no_role(lab):
    roles.delete_role(lab, f"{PROCESSOR}Role")
    yield
    make_role(lab, PROCESSOR)


@case("00", f"{NOTIFIER}Role was made for EC2", {f"trust of the role for {NOTIFIER}": f"{NOTIFIER}Role"})
def role_for_ec2(lab):
    trust = policies.lambda_trust(lab)
    trust["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}
    document = json.dumps(trust)
    lab.client("iam").update_assume_role_policy(RoleName=f"{NOTIFIER}Role", PolicyDocument=document)
    yield
    make_role(lab, NOTIFIER)


@case("further", "a role for any account's functions", {f"account in the trust of the role for {NOTIFIER}": NOTIFIER})
def role_for_any_account(lab):
    trust = policies.lambda_trust(lab)
    del trust["Statement"][0]["Condition"]
    lab.client("iam").update_assume_role_policy(RoleName=f"{NOTIFIER}Role", PolicyDocument=json.dumps(trust))
    yield
    make_role(lab, NOTIFIER)


TOO_MUCH = {name: {f"least privilege of the role for {name}": f"{name}Role"} for name in functions.SOURCES}
WEAK = {name: {f"permissions of the role for {name}": f"{name}Role"} for name in functions.SOURCES}


@case("00", "the role may not read uploads", WEAK[PROCESSOR], PROCESSOR, "s3:GetObject")
@case("00", "the role may not write its log", WEAK[PROCESSOR], PROCESSOR, "logs:PutLogEvents")
@case("00", "the role may not add up", WEAK[NOTIFIER], NOTIFIER, "dynamodb:UpdateItem")
@case("00", "the role may not keep markers", WEAK[NOTIFIER], NOTIFIER, "dynamodb:PutItem")
@case("00", "the role may not publish", WEAK[NOTIFIER], NOTIFIER, "sns:Publish")
def weak_role(lab, function, missing):
    statements = POLICIES[function](lab)["Statement"]
    put_role_policy(lab, function, roles.POLICY_NAME, *(each for each in statements if missing not in each["Action"]))
    yield
    make_role(lab, function)


@case("00", "the role reads another bucket", WEAK[PROCESSOR], PROCESSOR, "s3:::", "s3:::other-")
@case("00", "the role reads the bucket, not what is in it", WEAK[PROCESSOR], PROCESSOR, "us-east-1/*", "us-east-1")
@case("00", "the role publishes to another topic", WEAK[NOTIFIER], NOTIFIER, TOPIC, OTHER)
def role_for_other_things(lab, function, name, other):
    document = json.dumps(POLICIES[function](lab)).replace(name, other)
    put_role_policy(lab, function, roles.POLICY_NAME, *json.loads(document)["Statement"])
    yield
    make_role(lab, function)


@case("00", "a refusal in another policy of the role", WEAK[NOTIFIER], NOTIFIER, "Deny", "sns:*")
@case("further", "an administrator's role", TOO_MUCH[NOTIFIER], NOTIFIER, "Allow", "*")
@case("further", "a role that deletes buckets", TOO_MUCH[PROCESSOR], PROCESSOR, "Allow", "s3:*")
def one_more_policy(lab, function, effect, action):
    put_role_policy(lab, function, "more", {"Effect": effect, "Action": action, "Resource": "*"})
    yield
    make_role(lab, function)


# 01 · the functions


@case("01", f"{PROCESSOR} is gone", {f"function {PROCESSOR}": PROCESSOR}, PROCESSOR)
@case("01", f"{NOTIFIER} is gone", {f"function {NOTIFIER}": NOTIFIER}, NOTIFIER)
def no_function(lab, name):
    functions.delete_function(lab, name)
    yield
    make_function(lab, name)


@case("01", "a misspelled function", {f"function {NOTIFIER}": "Totalnotifier is there"}, "Totalnotifier", "us-east-1")
@case("01", "a function in another Region", {f"function {NOTIFIER}": "us-east-1"}, NOTIFIER, "us-west-2")
def function_elsewhere(lab, name, region):
    functions.delete_function(lab, NOTIFIER)
    lambda_ = open_lab(account=lab.account, region=region).client("lambda")
    code = functions.package(functions.SOURCES[NOTIFIER])
    lambda_.create_function(**functions.settings(lab, NOTIFIER) | {"FunctionName": name}, Code={"ZipFile": code})
    yield
    lambda_.delete_function(FunctionName=name)
    make_function(lab, NOTIFIER)


@case("01", "a timeout of 3 s", {f"timeout of {NOTIFIER}": "20 s"}, {"Timeout": 3})
@case("01", "the console's handler", {f"code of {NOTIFIER}": "handler"}, {"Handler": "lambda_function.lambda_handler"})
@case("01", "a handler of another name", {f"code of {NOTIFIER}": "handler"}, {"Handler": "total_notifier.handler"})
@case("01", "a runtime of Python 2", {f"runtime of {NOTIFIER}": functions.RUNTIME}, {"Runtime": "python2.7"})
@case("01", "a runtime of an old Python 3", {f"runtime of {NOTIFIER}": functions.RUNTIME}, {"Runtime": "python3.6"})
def other_settings(lab, settings):
    configure(lab, NOTIFIER, **settings)
    yield
    functions.ensure_function(lab, NOTIFIER)


@case("01", "the other function's role", {f"role of {NOTIFIER}": f"{NOTIFIER}Role"}, NOTIFIER, f"{PROCESSOR}Role")
@case("01", "a role that is not there", {f"role of {NOTIFIER}": f"{NOTIFIER}Role"}, NOTIFIER, "lab-role")
def other_role(lab, function, role):
    configure(lab, function, Role=lab.arn("iam", f"role/{role}"))
    yield
    functions.ensure_function(lab, function)


GOOD_CODE = functions.SOURCES[NOTIFIER].read_text(encoding="utf-8")
HELLO = """import json

def lambda_handler(event, context):
    # TODO implement
    return {
        'statusCode': 200,
        'body': json.dumps('Hello from Lambda!')
    }
"""
BAD_CODE = {f"code of {NOTIFIER}": NOTIFIER}


@case("01", "a broken indent", BAD_CODE, GOOD_CODE.replace("    changes, hop", "  changes, hop", 1))
@case("01", "quotation marks out of a PDF", BAD_CODE, GOOD_CODE.replace('"Records"', "“Records”"))
@case("01", "print as in Python 2", BAD_CODE, f"{GOOD_CODE}\n\nprint 'loaded'\n")
@case("01", "urllib.unquote_plus, as in Python 2", BAD_CODE, f"import urllib\n{GOOD_CODE}\n\nurllib.unquote_plus('')\n")
@case("01", "code saved as UTF-16", BAD_CODE, GOOD_CODE, "utf-16")
@case("01", "a folder around the code", BAD_CODE, GOOD_CODE, "utf-8", "TotalNotifier/total_notifier.py")
@case("01", "the console's example, never replaced", BAD_CODE, HELLO)
def other_code(lab, text, encoding="utf-8", file="total_notifier.py"):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr(file, text.encode(encoding))
    lab.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive.getvalue())
    wait_until_ready(lab, NOTIFIER)
    yield
    functions.ensure_function(lab, NOTIFIER)


@case("01", "no topic among the variables", {f"variables of {NOTIFIER}": NOTIFIER}, NOTIFIER, "TOPIC_ARN", None)
@case("01", "another topic", {f"variables of {NOTIFIER}": NOTIFIER}, NOTIFIER, "TOPIC_ARN", OTHER)
@case("01", "ten times the threshold", {f"variables of {NOTIFIER}": NOTIFIER}, NOTIFIER, "THRESHOLD", "15000")
@case("01", "a threshold with two points", {f"variables of {NOTIFIER}": NOTIFIER}, NOTIFIER, "THRESHOLD", "1.500.00")
@case("01", "the wrong table", {f"variables of {PROCESSOR}": PROCESSOR}, PROCESSOR, "TRANSACTIONS_TABLE", "Customer")
def other_variable(lab, function, name, value):
    variables = functions.variables(lab, function) | {name: value}
    given = {name: value for name, value in variables.items() if value is not None}
    configure(lab, function, Environment={"Variables": given})
    yield
    functions.ensure_function(lab, function)


@case("01", f"{NOTIFIER} is throttled", {f"state of {NOTIFIER}": "concurrency"})
def throttled(lab):
    lab.client("lambda").put_function_concurrency(FunctionName=NOTIFIER, ReservedConcurrentExecutions=0)
    yield
    lab.client("lambda").delete_function_concurrency(FunctionName=NOTIFIER)


# 02 · the bucket's trigger


@case("02", "no bucket trigger", {"bucket trigger": PROCESSOR}, None)
@case("02", "the bucket starts the other function", {"bucket trigger": PROCESSOR}, {"LambdaFunctionArn": NOTIFIER})
@case("02", "deletions start it", {"events of the bucket trigger": "create"}, {"Events": ["s3:ObjectRemoved:*"]})
@case("02", "only copies start it", {"events of the bucket trigger": "create"}, {"Events": ["s3:ObjectCreated:Copy"]})
@case("02", "only a folder starts it", {"filter of the bucket trigger": "prefix"}, {"Filter": ("prefix", "uploads/")})
@case("02", "only .csv starts it", {"filter of the bucket trigger": "suffix"}, {"Filter": ("suffix", ".csv")})
@case("further", "everything starts it", {"rejected rows start nothing": ".txt"}, {"Filter": ("suffix", "")})
def other_bucket_trigger(lab, change):
    put_notifications(lab, *([] if change is None else [notification(lab, **change)]))
    yield
    put_notifications(lab, notification(lab))


@case("02", "a notification for a function that is gone", {"other bucket triggers": BUCKET}, OTHER)
@case("02", "rejected rows start the other function", {"other bucket triggers": BUCKET}, NOTIFIER)
def second_bucket_trigger(lab, function):
    second = notification(lab, Id="second", LambdaFunctionArn=function, Filter=("suffix", ".csv"))
    put_notifications(lab, notification(lab), second)
    yield
    put_notifications(lab, notification(lab))


@case("02", "the bucket has no permission", {"permission of the bucket": BUCKET}, None)
@case("02", "a bucket of any account has it", {"permission of the bucket": BUCKET}, {"SourceAccount": None})
@case("02", "another bucket has it", {"permission of the bucket": BUCKET}, {"SourceArn": "arn:aws:s3:::other"})
@case("02", "another service has it", {"permission of the bucket": BUCKET}, {"Principal": "sns.amazonaws.com"})
def other_permission(lab, change):
    lambda_, ours = lab.client("lambda"), {"FunctionName": PROCESSOR, "StatementId": triggers.PERMISSION}
    lambda_.remove_permission(**ours)
    if change is not None:
        source = {"SourceArn": lab.arn("s3", lab.bucket), "SourceAccount": lab.account}
        usual = {**ours, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", **source}
        lambda_.add_permission(**{key: value for key, value in (usual | change).items() if value is not None})
    yield
    if change is not None:
        lambda_.remove_permission(**ours)
    triggers.ensure_bucket_trigger(lab)


# 02 · the stream's trigger


@case("02", "no stream trigger", {"stream trigger": NOTIFIER})
def no_mapping(lab):
    triggers.delete_stream_trigger(lab)
    yield
    triggers.ensure_stream_trigger(lab)


@case("02", "the stream was turned off and on", {"stream trigger": NOTIFIER})
def new_stream(lab):
    set_stream(lab, None)
    set_stream(lab, "NEW_AND_OLD_IMAGES")
    yield
    triggers.ensure_stream_trigger(lab)


@case("02", "the trigger is off", {"state of the stream trigger": "Enable"}, {"Enabled": False})
@case("02", "a batch size of 1", {"batch size of the stream trigger": NOTIFIER}, {"BatchSize": 1})
@case("02", "a batch size of 10000", {"batch size of the stream trigger": NOTIFIER}, {"BatchSize": 10_000})
@case(
    "02",
    "a window of 5 minutes",
    {"batching window of the stream trigger": NOTIFIER},
    {"MaximumBatchingWindowInSeconds": 300},
)
@case(
    "02",
    "a filter on the stream",
    {"filter of the stream trigger": NOTIFIER},
    {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]}},
)
@case("further", "endless retries", {"retries of the stream trigger": NOTIFIER}, {"MaximumRetryAttempts": -1})
@case("further", "failed changes are given up", {f"failed changes of {NOTIFIER}": NOTIFIER}, {"DestinationConfig": {}})
def other_mapping(lab, settings):
    update_mapping(lab, **settings)
    yield
    triggers.ensure_stream_trigger(lab)


@case("further", "the trigger starts at LATEST", {"starting position that misses nothing": "TRIM_HORIZON"}, "LATEST")
@case("02", "the trigger starts at a time", {"starting position of the stream trigger": "LATEST"}, "AT_TIMESTAMP")
def other_start(lab, position):
    triggers.delete_stream_trigger(lab)
    make_mapping(lab, NOTIFIER, position)
    yield
    triggers.delete_stream_trigger(lab)
    triggers.ensure_stream_trigger(lab)


@case("02", "two stream triggers", {"other stream triggers": "Transactions"}, NOTIFIER)
@case("02", "the stream starts both functions", {"other stream triggers": "Transactions"}, PROCESSOR)
def second_mapping(lab, function):
    uuid = make_mapping(lab, function)
    yield
    delete_mapping(lab, uuid)


@case("02", "the stream starts the wrong function", {"stream trigger": NOTIFIER})
def wrong_mapping(lab):
    triggers.delete_stream_trigger(lab)
    uuid = make_mapping(lab, PROCESSOR)
    yield
    delete_mapping(lab, uuid)
    triggers.ensure_stream_trigger(lab)


@case("02", "a trigger outlived its function", {"other stream triggers": "Transactions"})
def orphaned_mapping(lab):
    lambda_, code = lab.client("lambda"), functions.package(functions.SOURCES[NOTIFIER])
    lambda_.create_function(**functions.settings(lab, NOTIFIER) | {"FunctionName": OTHER}, Code={"ZipFile": code})
    uuid = make_mapping(lab, OTHER)
    lambda_.delete_function(FunctionName=OTHER)
    yield
    delete_mapping(lab, uuid)


# 03 · the topic


@case("03", "a misspelled topic", {f"topic {TOPIC}": "HighBalanceAlerts is there"}, "HighBalanceAlerts")
@case("03", "a FIFO topic", {f"topic {TOPIC}": "FIFO"}, f"{TOPIC}.fifo", "us-east-1", {"FifoTopic": "true"})
@case("03", "a topic in another Region", {f"topic {TOPIC}": "us-east-1"}, TOPIC, "us-west-2")
def other_topic(lab, name, region="us-east-1", attributes=None):
    topics.delete_topic(lab)
    sns = open_lab(account=lab.account, region=region).client("sns")
    topic = sns.create_topic(Name=name, Attributes=attributes or {})["TopicArn"]
    yield
    sns.delete_topic(TopicArn=topic)
    make_topic(lab)


@case("03", "no e-mail", {"e-mail subscription": TOPIC}, "email", None)
@case("03", "another e-mail address", {"e-mail subscription": TOPIC}, "email", "someone@example.org")
@case("03", "no SMS", {"SMS subscription": TOPIC}, "sms", None)
def other_address(lab, protocol, address):
    wanted = lab.email if protocol == "email" else lab.phone
    unsubscribe(lab, protocol, wanted)
    if address:
        triggers.ensure_subscription(lab, protocol, address)
    yield
    if address:
        unsubscribe(lab, protocol, address)
    triggers.ensure_subscription(lab, protocol, wanted)


ANY_TRANSPORT = '{"Version": "2012-10-17", "Statement": []}'


@case("further", "no display name", {"display name of the topic": TOPIC}, "DisplayName", "")
@case("further", "alerts lie unencrypted", {"encryption at rest of the topic": TOPIC}, "KmsMasterKeyId", "")
@case("further", "alerts are published without TLS", {"TLS to the topic": TOPIC}, "Policy", ANY_TRANSPORT)
def topic_setting(lab, name, value):
    topic = topics.find_topic(lab)
    lab.client("sns").set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    yield
    topics.ensure_topic(lab)


# 04 · the queues


@case("04", "a queue is gone", {f"queue {NOTIFY}": NOTIFY}, NOTIFY, None)
@case("04", "a misspelled queue", {f"queue {COLLECT}": "CreditCollections is there"}, COLLECT, "CreditCollections")
@case("04", "a FIFO queue", {f"queue {NOTIFY}": "FIFO"}, NOTIFY, f"{NOTIFY}.fifo")
def other_queue(lab, name, other):
    sqs = lab.client("sqs")
    queues.delete_queue(lab, name)
    if other:
        attributes = {"FifoQueue": "true"} if other.endswith(".fifo") else {}
        url = sqs.create_queue(QueueName=other, Attributes=attributes)["QueueUrl"]
    yield
    if other:
        sqs.delete_queue(QueueUrl=url)
    make_queue(lab, name)


@case("04", "a queue without subscription", {f"subscription of {NOTIFY}": TOPIC}, NOTIFY, None)
@case("04", "a subscription to another topic", {f"subscription of {COLLECT}": TOPIC}, COLLECT, OTHER)
def other_subscription(lab, queue, topic):
    sns = lab.client("sns")
    unsubscribe(lab, "sqs", queues.queue_arn(lab, queue))
    if topic:
        topics.ensure_topic(lab, topic)
        sns.subscribe(TopicArn=topics.find_topic(lab, topic), Protocol="sqs", Endpoint=queues.queue_arn(lab, queue))
    yield
    if topic:
        unsubscribe(lab, "sqs", queues.queue_arn(lab, queue))
        topics.delete_topic(lab, topic)
    triggers.ensure_queue_subscription(lab, queue)


@case("04", "raw delivery", {f"raw delivery of {COLLECT}": COLLECT}, "RawMessageDelivery", "true", "false")
@case("04", "a filter policy", {f"filter policy of {COLLECT}": COLLECT}, "FilterPolicy", '{"kind": ["alert"]}', "{}")
def subscription_setting(lab, name, value, usual):
    sns, arn = lab.client("sns"), triggers.find_queue_subscription(lab, COLLECT)
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    yield
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=usual)


@case("04", "a subscription of a queue that is gone", {"other subscriptions": TOPIC})
def orphaned_subscription(lab):
    gone = lab.arn("sqs", OTHER)
    triggers.ensure_subscription(lab, "sqs", gone)
    yield
    unsubscribe(lab, "sqs", gone)


NO_WAY_IN = {f"access policy of {NOTIFY}": NOTIFY}
STRANGERS = {f"other senders to {NOTIFY}": "aws:SourceArn"}
FROM_OTHER = {"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-1:000000000000:{OTHER}"}}}
FROM_TOPIC = {"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-1:OWN:{TOPIC}"}}}
FROM_ANYONES = {"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:*:{TOPIC}"}}}


@case("04", "no access policy", NO_WAY_IN)
@case("04", "only the owner may send", NO_WAY_IN, {"Principal": {"AWS": "arn:aws:iam::OWN:root"}, "Condition": {}})
@case("04", "anyone may send", STRANGERS, {"Principal": "*", "Condition": {}})
@case("04", "every topic may send", STRANGERS, {"Condition": {}})
@case("04", "a topic of that name in any account may send", STRANGERS, FROM_ANYONES)
@case("04", "another topic may send", NO_WAY_IN | STRANGERS, FROM_OTHER)
@case("04", "the topic may send to another queue", NO_WAY_IN, {"Resource": f"arn:aws:sqs:us-east-1:OWN:{COLLECT}"})
@case("04", "a refusal in the access policy", NO_WAY_IN, {}, {"Effect": "Deny", "Principal": "*", "Condition": {}})
@case("further", "no account in the policy", {f"account in the policy of {NOTIFY}": NOTIFY}, FROM_TOPIC)
def other_policy(lab, *changes):
    topic, queue = topics.find_topic(lab), queues.queue_arn(lab, NOTIFY)
    usual, tls_only = policies.topic_to_queue(lab, topic, queue)["Statement"]
    statements = [*(usual | change for change in changes), tls_only]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace("OWN", lab.account)
    set_queue(lab, NOTIFY, Policy=policy)
    yield
    triggers.ensure_queue_subscription(lab, NOTIFY)


@case("further", "alerts are fetched without TLS", {f"TLS to {NOTIFY}": NOTIFY})
def any_transport(lab):
    usual, _ = policies.topic_to_queue(lab, topics.find_topic(lab), queues.queue_arn(lab, NOTIFY))["Statement"]
    set_queue(lab, NOTIFY, Policy=json.dumps({"Version": "2012-10-17", "Statement": [usual]}))
    yield
    triggers.ensure_queue_subscription(lab, NOTIFY)


@case("further", "dead letters are fetched without TLS", {f"TLS to {queues.DEAD_LETTERS}": queues.DEAD_LETTERS})
def dead_letters_by_any_transport(lab):
    set_queue(lab, queues.DEAD_LETTERS, Policy="")
    yield
    queues.ensure_queue(lab, queues.DEAD_LETTERS)


@case("04", "SQS's own KMS key", {f"encryption of {NOTIFY}": "SSE-SQS"}, {"KmsMasterKeyId": "alias/aws/sqs"})
@case("further", "no encryption", {f"encryption at rest of {NOTIFY}": NOTIFY}, {"SqsManagedSseEnabled": "false"})
def queue_setting(lab, attributes):
    set_queue(lab, NOTIFY, **attributes)
    yield
    set_queue(lab, NOTIFY, KmsMasterKeyId="")
    queues.ensure_queue(lab, NOTIFY)


# 05 · what came of the upload


@case("05", "the upload was deleted", {"upload": "transactions.txt"}, None)
@case("05", "an upload that the trigger does not take", {"upload": "transactions.csv"}, "transactions.csv")
def other_upload(lab, key):
    lab.client("s3").delete_object(Bucket=lab.bucket, Key=DATA_FILE.name)
    if key:
        buckets.upload(lab, DATA_FILE, key)
    yield
    if key:
        lab.client("s3").delete_object(Bucket=lab.bucket, Key=key)
    upload(lab)


@case("05", "a file saved as UTF-16", {"readable uploads": "UTF-8"}, DATA_FILE.read_text().encode("utf-16"))
@case("05", "a file without a good row", {"readable uploads": "header"}, DATA_FILE.read_bytes().splitlines()[0])
def unreadable_upload(lab, content):
    """Put there while nothing starts the function, which would leave errors in its log."""
    put_notifications(lab)
    lab.client("s3").put_object(Bucket=lab.bucket, Key="more.txt", Body=content)
    put_notifications(lab, notification(lab))
    yield
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="more.txt")


@case(
    "05",
    "a file that the function could not read",
    {
        "readable uploads": "UTF-8",
        f"errors in the log of {PROCESSOR}": PROCESSOR,
        f"messages in {queues.DEAD_LETTERS}": queues.DEAD_LETTERS,
    },
)
def failed_upload(lab):
    """The metrics of the embedded AWS do not count the runs that an upload starts."""
    content = DATA_FILE.read_text().encode("utf-16")
    lab.client("s3").put_object(Bucket=lab.bucket, Key="more.txt", Body=content)
    wait_until(lambda: held(lab, queues.DEAD_LETTERS), "the dead letter", timeout=30)


@case("05", "a row was deleted", {"rows in Transactions": PROCESSOR})
def missing_row(lab):
    key = {"CustomerId": "C1", "TransactionId": "T01"}
    with changed_item(lab, "Transactions", key, None):
        wait_for_total(lab, "498")
        yield
    wait_for_total(lab, "598")


BAD_AMOUNT = {"amounts in Transactions": "TransactionAmount"}


@case("05", "an amount kept as text", BAD_AMOUNT, {"TransactionAmount": {"S": "100"}})
@case("05", "an amount of another name", BAD_AMOUNT, {"trn_amount": {"N": "100"}})
def bad_amount(lab, amount):
    """Written while the stream is off: what it would carry can never be added up, and would go to the dead letters."""
    set_stream(lab, None)
    key = {"CustomerId": "C1", "TransactionId": "T01"}
    with changed_item(lab, "Transactions", key, amount):
        make_stream(lab)
        yield
        set_stream(lab, None)
    make_stream(lab)


@case("05", "a customer was deleted", {"customers in Customer": PROCESSOR}, "Customer", None)
@case("05", "a total was changed", {"totals": NOTIFIER}, "TransactionTotal", {"accountBalance": {"N": "599"}})
@case("05", "a total was deleted", {"totals": NOTIFIER}, "TransactionTotal", None)
@case("05", "a total kept as text", {"totals": NOTIFIER}, "TransactionTotal", {"accountBalance": {"S": "598"}})
def other_item(lab, table, values):
    with changed_item(lab, table, {"CustomerId": "C1"}, values):
        yield


@case("05", "a total of nobody", {"totals": NOTIFIER})
def total_of_nobody(lab):
    with changed_item(lab, "TransactionTotal", {"CustomerId": "C3"}, {"accountBalance": {"N": "1"}}):
        yield


@case("05", "a queue was emptied", {f"alerts in {NOTIFY}": NOTIFY})
def emptied_queue(lab):
    purge(lab, NOTIFY)
    yield
    make_alerts(lab)


LOW = {f"balances in the alerts of {name}": name for name in queues.ALERT_QUEUES}


@case("05", "an alert below the threshold", LOW, {"customerID": "C1", "accountBalance": "598"})
@case("05", "an alert without a balance", LOW, {"customerID": "C1"})
@case("05", "an alert of a customer who is a number", LOW, {"customerID": 1, "accountBalance": 598})
def bad_alert(lab, message):
    publish(lab, message)
    yield
    make_alerts(lab)


@case("05", "the log was deleted", {f"log of {PROCESSOR}": PROCESSOR})
def no_log(lab):
    cloudwatch.delete_log_group(lab, PROCESSOR)
    yield
    cloudwatch.ensure_log_group(lab, PROCESSOR)
    upload(lab)


LOGGED = {f"errors in the log of {NOTIFIER}": NOTIFIER}
TIMED_OUT = "2026-11-25T08:00:03.000Z 5f0c7a1e Task timed out after 3.00 seconds"
KILLED = "RequestId: 5f0c7a1e Error: Runtime exited with error: signal: killed"


@case("05", "a run took too long", LOGGED, TIMED_OUT)
@case("05", "a run needed too much memory", LOGGED, KILLED)
def logged_failure(lab, words):
    """As Lambda would write it; the metrics of the embedded AWS know nothing of it."""
    logs, where = lab.client("logs"), {"logGroupName": f"/aws/lambda/{NOTIFIER}", "logStreamName": "sabotage"}
    latest = buckets.uploads(lab)[-1]["LastModified"].timestamp()
    logs.create_log_stream(**where)
    logs.put_log_events(**where, logEvents=[{"timestamp": int(latest * 1000) + 1, "message": f"{words}\n"}])
    yield
    logs.delete_log_stream(**where)


@case(
    "05",
    "a run failed",
    {f"errors in the log of {NOTIFIER}": NOTIFIER, f"errors in the metrics of {NOTIFIER}": NOTIFIER},
)
def failed_run(lab):
    lab.client("lambda").invoke(FunctionName=NOTIFIER, Payload=b"{}")


# Going further


@case("further", "a dead letter", {f"messages in {queues.DEAD_LETTERS}": queues.DEAD_LETTERS})
def dead_letter(lab):
    url = queues.find_queue(lab, queues.DEAD_LETTERS)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    yield
    purge(lab, queues.DEAD_LETTERS)


@case("further", "no queue for dead letters", {f"queue {queues.DEAD_LETTERS}": queues.DEAD_LETTERS})
def no_dead_letters(lab):
    queues.delete_queue(lab, queues.DEAD_LETTERS)
    yield
    queues.ensure_queue(lab, queues.DEAD_LETTERS)


@case("further", "failed files are given up", {f"failed files of {PROCESSOR}": PROCESSOR})
def no_destination(lab):
    lab.client("lambda").delete_function_event_invoke_config(FunctionName=PROCESSOR)
    yield
    functions.ensure_function(lab, PROCESSOR)


@case("further", "no table for markers", {"table ProcessedRecords": "ProcessedRecords"})
def no_markers(lab):
    with items_kept(lab, "ProcessedRecords"):
        yield


@case("further", "markers are kept for ever", {"expiry of ProcessedRecords": "ExpiresAt"})
def no_expiry(lab):
    off = {"Enabled": False, "AttributeName": "ExpiresAt"}
    lab.client("dynamodb").update_time_to_live(TableName="ProcessedRecords", TimeToLiveSpecification=off)
    yield
    tables.ensure_table(lab, "ProcessedRecords")


@case("further", "the bucket can be read without TLS", {"TLS to the bucket": BUCKET})
def no_bucket_policy(lab):
    lab.client("s3").delete_bucket_policy(Bucket=lab.bucket)
    yield
    buckets.ensure_bucket(lab)


@case("further", "logs are kept for ever", {f"retention of the log of {NOTIFIER}": NOTIFIER})
def no_retention(lab):
    lab.client("logs").delete_retention_policy(logGroupName=f"/aws/lambda/{NOTIFIER}")
    yield
    cloudwatch.ensure_log_group(lab, NOTIFIER)


# What breaks and mends


def make_bucket(lab):
    buckets.ensure_bucket(lab)
    triggers.ensure_bucket_trigger(lab)
    upload(lab)


def upload(lab):
    """Upload the handout's file, and wait until the function is through with it."""

    def runs():
        return cloudwatch.runs(cloudwatch.log_lines(lab, PROCESSOR))

    before = runs()
    buckets.upload(lab, DATA_FILE)
    wait_until(lambda: runs() > before, "the upload to be processed", timeout=30)


def make_table(lab, name, keys, **settings):
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    lab.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_} for key, type_ in keys.items()],
        BillingMode="PAY_PER_REQUEST",
        **settings,
    )


@contextmanager
def items_kept(lab, name):
    """Delete a table, and make it again with its items."""
    items = lab.client("dynamodb").scan(TableName=name)["Items"]
    tables.delete_table(lab, name)
    yield
    tables.ensure_table(lab, name)
    for item in items:
        lab.client("dynamodb").put_item(TableName=name, Item=item)


@contextmanager
def changed_item(lab, name, key, values):
    """Give an item these values only, or delete it for None; then make it what it was."""
    dynamodb, key = lab.client("dynamodb"), {name: {"S": value} for name, value in key.items()}
    item = dynamodb.get_item(TableName=name, Key=key).get("Item")

    def put(item):
        if item is None:
            dynamodb.delete_item(TableName=name, Key=key)
        else:
            dynamodb.put_item(TableName=name, Item=item)

    put(None if values is None else key | values)
    yield
    put(item)


def set_stream(lab, view):
    """Turn the stream of Transactions on with this view, or off for None."""
    stream = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
    lab.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=stream)


def make_stream(lab):
    tables.ensure_table(lab, "Transactions")
    triggers.ensure_stream_trigger(lab)


def wait_for_total(lab, total):
    wanted = {"S": "C1"}

    def balance():
        item = lab.client("dynamodb").get_item(TableName="TransactionTotal", Key={"CustomerId": wanted})["Item"]
        return item["accountBalance"]["N"]

    wait_until(lambda: balance() == total, f"a total of {total}", timeout=30)


def make_role(lab, function):
    roles.ensure_role(lab, functions.ROLES[function], POLICIES[function](lab))


def put_role_policy(lab, function, name, *statements):
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    lab.client("iam").put_role_policy(RoleName=functions.ROLES[function], PolicyName=name, PolicyDocument=document)


def configure(lab, function, **settings):
    lab.client("lambda").update_function_configuration(FunctionName=function, **settings)
    wait_until_ready(lab, function)


def wait_until_ready(lab, function):
    def ready():
        return functions.configuration(lab, function)["LastUpdateStatus"] == "Successful"

    wait_until(ready, f"{function} to be ready")


def make_function(lab, name):
    """With the function, its permission went too."""
    functions.ensure_function(lab, name)
    triggers.ensure_bucket_trigger(lab)
    triggers.ensure_stream_trigger(lab)


def notification(lab, **change):
    """The bucket's usual notification, changed; the function is given by its name, the filter as a pair."""
    usual = {"Id": PROCESSOR, "LambdaFunctionArn": PROCESSOR, "Events": ["s3:ObjectCreated:*"]}
    settings = usual | {"Filter": ("suffix", ".txt")} | change
    name, value = settings["Filter"]
    return settings | {
        "LambdaFunctionArn": lab.arn("lambda", f"function:{settings['LambdaFunctionArn']}"),
        "Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value}]}},
    }


def put_notifications(lab, *notifications):
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=lab.bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": list(notifications)},
        SkipDestinationValidation=True,  # so that one may name a function that is not there
    )


def make_mapping(lab, function, position="LATEST"):
    """A mapping from the stream, with the usual settings; its UUID, once it is enabled."""
    lambda_ = lab.client("lambda")
    destination = {"OnFailure": {"Destination": queues.queue_arn(lab, queues.DEAD_LETTERS)}}
    time = {"StartingPositionTimestamp": 1_700_000_000} if position == "AT_TIMESTAMP" else {}
    uuid = lambda_.create_event_source_mapping(
        EventSourceArn=tables.find_stream(lab),
        FunctionName=function,
        StartingPosition=position,
        DestinationConfig=destination,
        **triggers.MAPPING,
        **time,
    )["UUID"]
    wait_until(lambda: lambda_.get_event_source_mapping(UUID=uuid)["State"] == "Enabled", "the mapping to be enabled")
    return uuid


def update_mapping(lab, **settings):
    lab.client("lambda").update_event_source_mapping(UUID=triggers.find_stream_trigger(lab)["UUID"], **settings)
    wait_until(lambda: triggers.find_stream_trigger(lab)["State"] in ("Enabled", "Disabled"), "the mapping to settle")


def delete_mapping(lab, uuid):
    lab.client("lambda").delete_event_source_mapping(UUID=uuid)
    wait_until(lambda: uuid not in [each["UUID"] for each in triggers.mappings(lab)], "the mapping to be gone")


def make_topic(lab):
    topics.ensure_topic(lab)
    triggers.ensure_subscription(lab, "email", lab.email)
    triggers.ensure_subscription(lab, "sms", lab.phone)
    for name in queues.ALERT_QUEUES:
        triggers.ensure_queue_subscription(lab, name)


def unsubscribe(lab, protocol, address):
    """Take away every subscription of the address, to whichever topic."""
    for each in triggers.all_subscriptions(lab):
        if (each["Protocol"], each["Endpoint"]) == (protocol, address):
            lab.client("sns").unsubscribe(SubscriptionArn=each["SubscriptionArn"])


def make_queue(lab, name):
    queues.ensure_queue(lab, name)
    triggers.ensure_queue_subscription(lab, name)
    make_alerts(lab)


def make_alerts(lab):
    """One alert in each queue, as the upload leaves them."""
    for name in queues.ALERT_QUEUES:
        purge(lab, name)
    publish(lab, {"customerID": "C2", "accountBalance": "1750"})


def publish(lab, message):
    """Publish an alert, and wait until both queues have it."""
    before = {name: held(lab, name) for name in queues.ALERT_QUEUES}
    lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=json.dumps(message))
    wait_until(lambda: all(held(lab, name) > count for name, count in before.items()), "the alert to come")


def held(lab, queue):
    return int(queues.attributes(lab, queue)["ApproximateNumberOfMessages"])


def purge(lab, queue):
    lab.client("sqs").purge_queue(QueueUrl=queues.find_queue(lab, queue))
    wait_until(lambda: not held(lab, queue), f"{queue} to be empty")


def set_queue(lab, queue, **attributes):
    lab.client("sqs").set_queue_attributes(QueueUrl=queues.find_queue(lab, queue), Attributes=attributes)
