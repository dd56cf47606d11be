"""Build the lab as a learner does in the console, without this workbook's settings."""

import json
from dataclasses import dataclass, field
from typing import Any

import chains

from lab_lib.aws.functions import zipped
from lab_lib.aws.queues import ALERT_QUEUES
from lab_lib.calls.waiting import wait_until
from lab_lib.lab import open_lab

KEYS = {"Customer": ["CustomerId"], "Transactions": ["CustomerId", "TransactionId"], "TransactionTotal": ["CustomerId"]}
FULL_ACCESS = ["DynamoDBFullAccess", "S3ReadOnlyAccess", "SNSFullAccess"]

# The names in double quotes, and the threshold, are replaced by those of the account.
PROCESSOR = """
import csv
from decimal import Decimal
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client("s3")
customers = boto3.resource("dynamodb").Table("Customer")
transactions = boto3.resource("dynamodb").Table("Transactions")


def lambda_handler(event, context):
    upload = event["Records"][0]["s3"]
    key = unquote_plus(upload["object"]["key"])
    text = s3.get_object(Bucket=upload["bucket"]["name"], Key=key)["Body"].read().decode("utf-8")
    for row in csv.DictReader(text.splitlines(), delimiter="|"):
        try:
            write(row)
        except Exception as error:
            print(row, error)


def write(row):
    customer = row["customer_id"]
    customers.put_item(Item={"CustomerId": customer, "Address": row["customer_address"]})
    item = {"CustomerId": customer, "TransactionId": row["trn_id"], "TransactionDate": row["trn_date"]}
    transactions.put_item(Item={**item, "TransactionAmount": Decimal(row["trn_amount"])})
"""

NOTIFIER = """
import json
from decimal import Decimal

import boto3

sns = boto3.client("sns")
totals = boto3.resource("dynamodb").Table("TransactionTotal")


def lambda_handler(event, context):
    for record in event["Records"]:
        row = record["dynamodb"]["NewImage"]
        answer = totals.update_item(
            Key={"CustomerId": row["CustomerId"]["S"]},
            UpdateExpression="ADD accountBalance :amount",
            ExpressionAttributeValues={":amount": Decimal(row["TransactionAmount"]["N"])},
            ReturnValues="UPDATED_NEW",
        )
        balance = answer["Attributes"]["accountBalance"]
        if balance >= Decimal("1500"):
            (topic,) = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
            message = {"customerID": row["CustomerId"]["S"], "accountBalance": str(balance)}
            subject = "Warning! Account balance is very high"
            sns.publish(TopicArn=topic, Subject=subject, Message=json.dumps(message))
"""


def from_topic(queue, topic):
    """Return what the SQS console writes: the owner, and this topic."""
    return [
        {"Principal": {"AWS": queue.split(":")[4]}, "Action": "SQS:*"},
        {"Principal": {"AWS": "*"}, "Action": "SQS:SendMessage", "Condition": {"ArnLike": {"aws:SourceArn": topic}}},
    ]


@dataclass(frozen=True)
class Way:
    """How a learner builds the lab; by default as the console does."""

    processor: str | dict[str, str] = PROCESSOR  # the text of lambda_function.py, or of several files
    notifier: str | dict[str, str] = NOTIFIER
    handler: str = "lambda_function.lambda_handler"
    function: dict[str, Any] = field(default_factory=dict)  # more settings of both functions
    alias: str = ""  # the alias that both triggers start, instead of the function
    role_path: str = "/"
    one_role: bool = False
    policies: tuple[str, ...] = (*map("Amazon{}".format, FULL_ACCESS), "service-role/AWSLambdaDynamoDBExecutionRole")
    permission: tuple[str, ...] = ("SourceArn", "SourceAccount")
    key: dict[str, str] = field(default_factory=dict)  # prefix, suffix
    view: str = "NEW_IMAGE"
    mapping: dict[str, Any] = field(default_factory=dict)


def build(lab, way: Way = Way()):  # it is frozen
    """Create everything but the upload."""
    make_bucket_and_tables(lab, way)
    for function, code in (("TransactionProcessor", way.processor), ("TotalNotifier", way.notifier)):
        role = "lab-role-ab12cd34" if way.one_role else f"{function}-role-ab12cd34"
        create_function(lab, function, code, create_role(lab, role, way), way)
    add_triggers(lab, way)
    create_topic_and_queues(lab)


def uploaded(account):
    """Return the lab built by hand in an account, with the handout's file gone all the way."""
    build(lab := open_lab(account=account))
    return chains.uploaded(lab)


def make_bucket_and_tables(lab, way):
    """Create them as a classroom does: no policy, no tags, provisioned tables, a stream without old images."""
    s3, dynamodb = lab.client("s3"), lab.client("dynamodb")
    where = {} if lab.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": lab.region}}
    s3.create_bucket(Bucket=lab.bucket, **where)
    kinds = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=lab.bucket, PublicAccessBlockConfiguration=dict.fromkeys(kinds, True))
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": way.view}}
    for name, keys in KEYS.items():
        dynamodb.create_table(
            TableName=lab.name(name),
            KeySchema=[{"AttributeName": key, "KeyType": "RANGE" if keys.index(key) else "HASH"} for key in keys],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            **(stream if name == "Transactions" else {}),
        )
        dynamodb.get_waiter("table_exists").wait(TableName=lab.name(name), WaiterConfig={"Delay": 1})


def create_role(lab, name, way):
    """Create a role with AWS's own policies, and return its ARN."""
    iam = lab.client("iam")
    allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    if name in [role["RoleName"] for role in iam.list_roles(PathPrefix=way.role_path)["Roles"]]:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    role = iam.create_role(RoleName=name, Path=way.role_path, AssumeRolePolicyDocument=trust)["Role"]
    for policy in way.policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return role["Arn"]


def create_function(lab, name, code, role, way):
    files = code if isinstance(code, dict) else {"lambda_function.py": code}
    for word in (*KEYS, "1500"):
        new = f'"{lab.threshold}"' if word == "1500" else f'"{lab.name(word)}"'
        files = {file: text.replace(f'"{word}"', new) for file, text in files.items()}
    archive = zipped({file: text.encode() for file, text in files.items()})
    lambda_, name = lab.client("lambda"), lab.name(name)
    settings = {"Runtime": "python3.12", "Handler": way.handler, "Timeout": 20, "Role": role, **way.function}
    lambda_.create_function(FunctionName=name, Code={"ZipFile": archive}, **settings)
    wait_until(lambda: lambda_.get_function_configuration(FunctionName=name)["State"] == "Active", name)
    if way.alias:
        version = lambda_.publish_version(FunctionName=name)["Version"]
        lambda_.create_alias(FunctionName=name, Name=way.alias, FunctionVersion=version)


def add_triggers(lab, way):
    """Add them as the console does: for every new object, and from the stream's latest record on."""
    lambda_, s3 = lab.client("lambda"), lab.client("s3")
    processor, notifier = (
        lab.arn("lambda", f"function:{lab.name(name)}{way.alias and ':'}{way.alias}")
        for name in ("TransactionProcessor", "TotalNotifier")
    )
    source = {"SourceArn": lab.arn("s3", lab.bucket), "SourceAccount": lab.account}
    lambda_.add_permission(
        FunctionName=processor,
        StatementId="lambda-1f2e",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        **{name: source[name] for name in way.permission},
    )
    trigger = {"LambdaFunctionArn": processor, "Events": ["s3:ObjectCreated:*"]}
    if way.key:
        trigger["Filter"] = {"Key": {"FilterRules": [{"Name": name, "Value": text} for name, text in way.key.items()]}}
    s3.put_bucket_notification_configuration(
        Bucket=lab.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [trigger]}
    )
    table = lab.client("dynamodb").describe_table(TableName=lab.name("Transactions"))["Table"]
    where = {"EventSourceArn": table["LatestStreamArn"], "FunctionName": notifier}
    settings = {"StartingPosition": "LATEST", "BatchSize": 100, **way.mapping}
    mapping = lambda_.create_event_source_mapping(**where, **settings)["UUID"]
    wait_until(lambda: lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled", "the mapping")


def create_topic_and_queues(lab):
    """Subscribe the queues as the SQS console does, which adds a statement to the policy of every new queue."""
    sns, sqs = lab.client("sns"), lab.client("sqs")
    topic = sns.create_topic(Name=lab.name("HighBalanceAlert"))["TopicArn"]
    for name in map(lab.name, ALERT_QUEUES):
        queue, url = lab.arn("sqs", name), sqs.create_queue(QueueName=name)["QueueUrl"]
        statements = [{"Effect": "Allow", "Resource": queue, **statement} for statement in from_topic(queue, topic)]
        policy = {"Version": "2012-10-17", "Statement": statements}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
