"""Ways in which a learner may build a lab that works, none of which is this workbook's own."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import by_hand
from by_hand import NOTIFIER, PROCESSOR, Way

from lab_lib.aws import functions

TEMPLATE = Path(__file__).parents[2] / "docs" / "lab.yaml"

# The handout's own functions in Python 3: one row after the other, whole amounts, a failed row printed and passed over,
# the topic found by its name, an alert at every change.
HANDOUT_PROCESSOR = """
import csv
import json
import urllib.parse

import boto3

s3 = boto3.resource("s3")
dynamodb = boto3.resource("dynamodb")
customers = dynamodb.Table("Customer")
transactions = dynamodb.Table("Transactions")


def lambda_handler(event, context):
    print("Event: " + json.dumps(event, indent=2))
    source = event["Records"][0]["s3"]
    name, key = source["bucket"]["name"], urllib.parse.unquote_plus(source["object"]["key"])
    path = "/tmp/" + context.aws_request_id + ".txt"
    try:
        s3.meta.client.download_file(name, key, path)
    except Exception as error:
        print(error)
        print("Cannot get {} from {}".format(key, name))
        raise error
    count = 0
    with open(path) as file:
        for row in csv.DictReader(file, delimiter="|"):
            count += 1
            print(row["customer_id"], row["customer_address"], row["trn_id"], row["trn_date"], row["trn_amount"])
            try:
                customers.put_item(Item={"CustomerId": row["customer_id"], "Address": row["customer_address"]})
                transactions.put_item(
                    Item={
                        "CustomerId": row["customer_id"],
                        "TransactionId": row["trn_id"],
                        "TransactionDate": row["trn_date"],
                        "TransactionAmount": int(row["trn_amount"]),
                    }
                )
            except Exception as error:
                print(error)
                print("Cannot put the row")
    return "%d rows" % count
"""
HANDOUT_NOTIFIER = """
import json

import boto3

sns = boto3.client("sns")
topics = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
topic = [arn for arn in topics if arn.endswith(":HighBalanceAlert")][0]
totals = boto3.resource("dynamodb").Table("TransactionTotal")


def lambda_handler(event, context):
    print("Event: " + json.dumps(event, indent=2))
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        customer, amount = image["CustomerId"]["S"], int(image["TransactionAmount"]["N"])
        answer = totals.update_item(
            Key={"CustomerId": customer},
            UpdateExpression="add accountBalance :val",
            ExpressionAttributeValues={":val": amount},
            ReturnValues="UPDATED_NEW",
        )
        balance = answer["Attributes"]["accountBalance"]
        if balance >= 1500:
            message = '{"customerID": "' + customer + '", ' + '"accountBalance": "' + str(balance) + '"}'
            sns.publish(TopicArn=topic, Message=message, Subject="Warning! Account balance is very high")
    return "{} records".format(len(event["Records"]))
"""
# A total that follows corrections and deletions.
SIGNED_NOTIFIER = NOTIFIER.replace(
    '        row = record["dynamodb"]["NewImage"]\n',
    '        old, new = (record["dynamodb"].get(name, {}) for name in ("OldImage", "NewImage"))\n'
    "        row = new or old\n",
).replace(
    'Decimal(row["TransactionAmount"]["N"])',
    'sum(Decimal(image["TransactionAmount"]["N"]) * sign for image, sign in ((new, 1), (old, -1)) if image)',
)


@dataclass(frozen=True)
class Account:
    """A lab that works: how it is built, its settings, and what is uploaded."""

    way: Way = field(default_factory=Way)
    build: Callable[[Any, Way], None] = by_hand.build
    settings: dict[str, Any] = field(default_factory=dict)  # of open_lab
    bucket: str = ""  # a name without the handout's part; the account's number is put behind it
    uploads: tuple[tuple[str, str], ...] = (("transactions.txt", ""),)  # (key, lines); the handout's file without lines


def from_template(lab, way):
    """Create a stack from the template, whose folders are packed as `aws cloudformation package` does it."""
    s3, cloudformation = lab.client("s3"), lab.client("cloudformation")
    s3.create_bucket(Bucket=(code := f"code-{lab.account}"))

    def packed(found):
        archive = functions.package([*(TEMPLATE.parent / found[1]).glob("*.py")])
        s3.put_object(Bucket=code, Key=found[1], Body=archive)
        return f"Code: {{ S3Bucket: {code}, S3Key: {found[1]} }}"

    body = re.sub(r"Code: (\S+)", packed, TEMPLATE.read_text("utf-8"))
    cloudformation.create_stack(StackName="lab", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName="lab", WaiterConfig={"Delay": 1})


# One account shows many ways at once, where none of them hides what a check says of another.
ACCOUNTS = {
    "the_template_of_the_documents": Account(build=from_template),
    "aliases_roles_with_a_path_packages_no_deletions_and_two_files_for_a_threshold_that_is_just_reached": Account(
        Way(
            processor={"app/__init__.py": "", "app/lambda_function.py": PROCESSOR},
            notifier={"app/__init__.py": "", "app/lambda_function.py": NOTIFIER},
            handler="app.lambda_function.lambda_handler",
            alias="live",
            role_path="/service-role/",
            mapping={"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT", "MODIFY"]}'}]}},
        ),
        settings={"threshold": "1750"},
        uploads=(("transactions.txt", ""), ("april.txt", "C3|3 Smith Street, London|T30|04/01/2017|2000.50")),
    ),
    "one_role_and_log_group_for_both_a_prefix_a_region_a_folder_of_any_bucket_and_a_correction": Account(
        Way(
            one_role=True,
            permission=("SourceArn",),
            notifier=SIGNED_NOTIFIER,
            view="NEW_AND_OLD_IMAGES",
            key={"prefix": "in/", "suffix": "s.txt"},
            function={"LoggingConfig": {"LogGroup": "/lab/ana"}},
        ),
        settings={"region": "eu-west-1", "prefix": "Ana-", "threshold": "100"},  # more alerts than SQS shows at once
        bucket="ana-files",
        uploads=(
            ("in/transactions.txt", ""),
            ("in/corrections.txt", "C1|1 Smith Street, London|T01|03/16/2017|90"),
        ),
    ),
    "the_handouts_own_code_an_administrators_role_and_a_bad_row": Account(
        Way(processor=HANDOUT_PROCESSOR, notifier=HANDOUT_NOTIFIER, policies=("AdministratorAccess",)),
        uploads=(("transactions.txt", ""), ("more.txt", "C1|1 Smith Street, London|T50|03/17/2017|many")),
    ),
}
