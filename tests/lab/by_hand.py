"""Build the lab as a learner does in the console, without this workbook's settings."""

import io
import json
import zipfile

from lab_lib.waiting import wait_until

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
            (topic,) = [each["TopicArn"] for each in sns.list_topics()["Topics"]]
            message = {"customerID": row["CustomerId"]["S"], "accountBalance": str(balance)}
            sns.publish(TopicArn=topic, Message=json.dumps(message))
"""


def build(lab):
    """Create everything but the upload."""
    make_bucket_and_tables(lab)
    for function, code in (("TransactionProcessor", PROCESSOR), ("TotalNotifier", NOTIFIER)):
        create_function(lab, function, code, create_role(lab, f"{function}-role-ab12cd34"))
    add_triggers(lab)
    create_topic_and_queues(lab)


def make_bucket_and_tables(lab):
    """Create them as a classroom does: no policy, no tags, provisioned tables, a stream without old images."""
    s3, dynamodb = lab.client("s3"), lab.client("dynamodb")
    s3.create_bucket(Bucket=lab.bucket)
    kinds = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=lab.bucket, PublicAccessBlockConfiguration=dict.fromkeys(kinds, True))
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
    for name, keys in KEYS.items():
        dynamodb.create_table(
            TableName=lab.name(name),
            KeySchema=[{"AttributeName": key, "KeyType": "RANGE" if keys.index(key) else "HASH"} for key in keys],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            **(stream if name == "Transactions" else {}),
        )
        dynamodb.get_waiter("table_exists").wait(TableName=lab.name(name), WaiterConfig={"Delay": 1})


def create_role(lab, name):
    """Create a role with AWS's own policies, and return its ARN."""
    iam = lab.client("iam")
    allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    # The console creates it under /service-role/, where the embedded AWS's policy simulator finds no role.
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for policy in (*map("Amazon{}".format, FULL_ACCESS), "service-role/AWSLambdaDynamoDBExecutionRole"):
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return arn


def create_function(lab, name, code, role):
    for word in (*KEYS, "1500"):
        code = code.replace(f'"{word}"', f'"{lab.threshold}"' if word == "1500" else f'"{lab.name(word)}"')
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("lambda_function.py", code)
    settings = {"Runtime": "python3.12", "Handler": "lambda_function.lambda_handler", "Timeout": 20, "Role": role}
    lambda_, name = lab.client("lambda"), lab.name(name)
    lambda_.create_function(FunctionName=name, Code={"ZipFile": archive.getvalue()}, **settings)
    wait_until(lambda: lambda_.get_function_configuration(FunctionName=name)["State"] == "Active", name)


def add_triggers(lab):
    """Add them as the console does: for every new object, and from the stream's latest record on."""
    lambda_, s3, name = lab.client("lambda"), lab.client("s3"), lab.name("TransactionProcessor")
    lambda_.add_permission(
        FunctionName=name,
        StatementId="lambda-1f2e",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=lab.arn("s3", lab.bucket),
        SourceAccount=lab.account,
    )
    trigger = {"LambdaFunctionArn": lab.arn("lambda", f"function:{name}"), "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=lab.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [trigger]}
    )
    table = lab.client("dynamodb").describe_table(TableName=lab.name("Transactions"))["Table"]
    where = {"EventSourceArn": table["LatestStreamArn"], "FunctionName": lab.name("TotalNotifier")}
    mapping = lambda_.create_event_source_mapping(**where, StartingPosition="LATEST", BatchSize=100)["UUID"]
    wait_until(lambda: lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled", "the mapping")


def create_topic_and_queues(lab):
    """Subscribe the queues as the SQS console does, which adds a statement to the policy of every new queue."""
    sns, sqs = lab.client("sns"), lab.client("sqs")
    topic = sns.create_topic(Name=lab.name("HighBalanceAlert"))["TopicArn"]
    for name in (lab.name("CustomerNotify"), lab.name("CreditCollection")):
        queue, url = lab.arn("sqs", name), sqs.create_queue(QueueName=name)["QueueUrl"]
        from_topic = {"ArnLike": {"aws:SourceArn": topic}}
        statements = [
            {"Principal": {"AWS": lab.arn("iam", "root")}, "Action": "SQS:*"},
            {"Principal": {"AWS": "*"}, "Action": "SQS:SendMessage", "Condition": from_topic},
        ]
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Resource": queue, **each} for each in statements],
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
