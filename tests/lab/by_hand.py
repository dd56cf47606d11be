"""The lab as the console leaves it: none of our settings, and healthy all the same."""

import csv
import io
import json
import uuid
import zipfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from lab_lib.waiting import wait_until

DATA = Path(__file__).parents[2] / "data" / "transactions.txt"
QUEUES = ["CustomerNotify", "CreditCollection"]
KEYS = {"Customer": ["CustomerId"], "Transactions": ["CustomerId", "TransactionId"], "TransactionTotal": ["CustomerId"]}
ANY_ROLE = ["AmazonDynamoDBFullAccess", "service-role/AWSLambdaBasicExecutionRole"]
POLICIES = {
    "TransactionProcessor": [*ANY_ROLE, "AmazonS3ReadOnlyAccess"],
    "TotalNotifier": [*ANY_ROLE, "AmazonSNSFullAccess", "service-role/AWSLambdaDynamoDBExecutionRole"],
}

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
    count = 0
    for row in csv.DictReader(text.splitlines(), delimiter="|"):
        print("row", row)
        customer = row["customer_id"]
        customers.put_item(Item={"CustomerId": customer, "Address": row["customer_address"]})
        item = {"CustomerId": customer, "TransactionId": row["trn_id"], "TransactionDate": row["trn_date"]}
        transactions.put_item(Item={**item, "TransactionAmount": Decimal(row["trn_amount"])})
        count += 1
    return f"{count} rows written"
"""

NOTIFIER = """
import json
from decimal import Decimal

import boto3

sns = boto3.client("sns")
totals = boto3.resource("dynamodb").Table("TransactionTotal")


def lambda_handler(event, context):
    for record in event["Records"]:
        if record["eventName"] not in ("INSERT", "MODIFY"):
            continue
        row = record["dynamodb"]["NewImage"]
        answer = totals.update_item(
            Key={"CustomerId": row["CustomerId"]["S"]},
            UpdateExpression="ADD accountBalance :amount",
            ExpressionAttributeValues={":amount": Decimal(row["TransactionAmount"]["N"])},
            ReturnValues="UPDATED_NEW",
        )
        balance = answer["Attributes"]["accountBalance"]
        print(row["CustomerId"]["S"], balance)
        if balance >= Decimal("1500"):
            names = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
            topic = [arn for arn in names if arn.split(":")[-1] == "HighBalanceAlert"][0]
            message = {"customerID": row["CustomerId"]["S"], "accountBalance": str(balance)}
            subject = "Warning! Account balance is very high"
            sns.publish(TopicArn=topic, Subject=subject, Message=json.dumps(message))
"""


class ByHand:
    """The lab as a learner clicks it together in the console."""

    GIVEN = ("make_bucket", "make_tables", "make_roles")
    FUNCTIONS = ("create_processor", "add_bucket_trigger", "create_notifier", "add_stream_trigger")
    STEPS = (*GIVEN, *FUNCTIONS, "create_topic", "create_queues")

    def __init__(self, lab, bucket=None, role_names=None):
        self.lab = lab
        self.bucket = bucket or f"{lab.prefix}qls-17-inputs3bucketfortransact-{lab.account}".lower()
        self.role_names = {name: lab.name(f"{name}Role") for name in POLICIES} | (role_names or {})
        self.uploaded = set()  # the keys of the rows that Transactions must get

    def build(self, steps=STEPS):
        """Do these steps, in this order."""
        for step in steps:
            getattr(self, step)()
        return self

    def make_bucket(self):
        """The bucket that the classroom gives: no policy, no tags."""
        s3, region = self.lab.client("s3"), self.lab.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=self.bucket, **where)
        # AWS does this by itself, and encrypts with AES256; the embedded AWS only encrypts.
        kinds = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=dict.fromkeys(kinds, True))

    def make_tables(self):
        """The tables that the classroom gives; a template that does not speak of billing gets provisioned ones."""
        dynamodb, stream = self.lab.client("dynamodb"), {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        for name, keys in KEYS.items():
            kinds = zip(keys, ("HASH", "RANGE"), strict=False)
            dynamodb.create_table(
                TableName=self.lab.name(name),
                KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
                **({"StreamSpecification": stream} if name == "Transactions" else {}),
            )
            dynamodb.get_waiter("table_exists").wait(TableName=self.lab.name(name), WaiterConfig={"Delay": 1})

    def make_roles(self):
        """The roles that the classroom gives, or the console makes: full access, by AWS's own policies."""
        iam = self.lab.client("iam")
        allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        for function, role in self.role_names.items():
            # The console puts its own under /service-role/, where the embedded AWS's policy simulator finds no role.
            iam.create_role(RoleName=role, Path="/", AssumeRolePolicyDocument=trust)
            for policy in POLICIES[function]:
                iam.attach_role_policy(RoleName=role, PolicyArn=f"arn:{self.lab.partition}:iam::aws:policy/{policy}")

    def create_processor(self):
        self._create_function("TransactionProcessor", PROCESSOR)

    def create_notifier(self):
        self._create_function("TotalNotifier", NOTIFIER)

    def add_bucket_trigger(self):
        """As the function's page adds it: for every new object, whatever its name."""
        function = self.lab.name("TransactionProcessor")
        self.lab.client("lambda").add_permission(
            FunctionName=function,
            StatementId=f"lambda-{uuid.uuid4()}",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=self.lab.arn("s3", self.bucket),
            SourceAccount=self.lab.account,
        )
        arn = self.lab.arn("lambda", f"function:{function}")
        trigger = {"Id": str(uuid.uuid4()), "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
        self.lab.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [trigger]}
        )

    def add_stream_trigger(self):
        lambda_, table = self.lab.client("lambda"), self.lab.name("Transactions")
        stream = self.lab.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        where = {"EventSourceArn": stream, "FunctionName": self.lab.name("TotalNotifier")}
        mapping = lambda_.create_event_source_mapping(**where, StartingPosition="LATEST", BatchSize=100)["UUID"]
        wait_until(lambda: lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled", "the stream's mapping")

    def create_topic(self):
        sns = self.lab.client("sns")
        topic = sns.create_topic(Name=self.lab.name("HighBalanceAlert"))["TopicArn"]
        for protocol, address in (("email", self.lab.email), ("sms", self.lab.phone)):
            if address:
                sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=address)

    def create_queues(self):
        """Both queues, subscribed from their own page, which adds a statement to the policy of every new queue."""
        sqs, topic = self.lab.client("sqs"), self.lab.arn("sns", self.lab.name("HighBalanceAlert"))
        for name in QUEUES:
            queue, url = self.lab.arn("sqs", self.lab.name(name)), sqs.create_queue(QueueName=self.lab.name(name))
            owner = {"Sid": "__owner_statement", "Principal": {"AWS": self.lab.arn("iam", "root")}, "Action": "SQS:*"}
            subscription = {
                "Sid": f"topic-subscription-{topic}",
                "Principal": {"AWS": "*"},
                "Action": "SQS:SendMessage",
                "Condition": {"ArnLike": {"aws:SourceArn": topic}},
            }
            statements = [{"Effect": "Allow", "Resource": queue, **each} for each in (owner, subscription)]
            policy = json.dumps({"Version": "2012-10-17", "Id": "__default_policy_ID", "Statement": statements})
            sqs.set_queue_attributes(QueueUrl=url["QueueUrl"], Attributes={"Policy": policy})
            self.lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def upload(self, key="transactions.txt", path=None):
        content = Path(path or DATA).read_bytes()
        rows = csv.DictReader(content.decode().splitlines(), delimiter="|")
        self.uploaded |= {(row["customer_id"], row["trn_id"]) for row in rows}
        self.lab.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="text/plain")

    def wait(self):
        """Wait until the rows are there, the totals agree with them, and both queues hold an alert, if one is due."""

        def done():
            rows, sums = self._items("Transactions"), defaultdict(Decimal)
            for row in rows:
                sums[row["CustomerId"]] += Decimal(row["TransactionAmount"])
            totals = {row["CustomerId"]: Decimal(row["accountBalance"]) for row in self._items("TransactionTotal")}
            there = self.uploaded <= {(row["CustomerId"], row["TransactionId"]) for row in rows}
            due = any(total >= self.lab.threshold for total in totals.values())
            return there and totals == sums and (not due or all(map(self._held, QUEUES)))

        wait_until(done, "totals and alerts", timeout=30)

    def _items(self, table):
        """The table's items, numbers as text."""
        scan = self.lab.client("dynamodb").get_paginator("scan")
        pages = scan.paginate(TableName=self.lab.name(table), ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
        return [{key: text for key, value in item.items() for text in value.values()} for item in items]

    def _held(self, queue):
        """How many messages the queue holds; receiving them would hide them for a while."""
        sqs, number = self.lab.client("sqs"), "ApproximateNumberOfMessages"
        url = sqs.get_queue_url(QueueName=self.lab.name(queue))["QueueUrl"]
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[number])["Attributes"][number])

    def _create_function(self, name, code):
        lambda_, function, archive = self.lab.client("lambda"), self.lab.name(name), io.BytesIO()
        for word in (*KEYS, "HighBalanceAlert"):
            code = code.replace(f'"{word}"', f'"{self.lab.name(word)}"')
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("lambda_function.py", code.replace('"1500"', f'"{self.lab.threshold:f}"'))
        lambda_.create_function(
            FunctionName=function,
            Role=self.lab.client("iam").get_role(RoleName=self.role_names[name])["Role"]["Arn"],
            Runtime="python3.12",
            Handler="lambda_function.lambda_handler",
            Timeout=20,
            Code={"ZipFile": archive.getvalue()},
        )
        wait_until(lambda: lambda_.get_function_configuration(FunctionName=function)["State"] == "Active", function)
