"""Ways in which a learner may build a lab that works, none of which is this workbook's own."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import by_hand
from by_hand import NOTIFIER, PROCESSOR, Way
from template import template

from lab_lib.aws import functions, queues

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
EACH_WAY = tuple(f"s3:ObjectCreated:{way}" for way in ("Put", "Post", "Copy", "CompleteMultipartUpload"))
ADMIN = ("AdministratorAccess",)


@dataclass(frozen=True)
class Account:
    """A lab that works: its settings, how it is built, what is uploaded, and the totals that must come of it."""

    way: Way = field(default_factory=Way)
    build: Callable[[Any, Way], None] = by_hand.build
    settings: dict[str, Any] = field(default_factory=dict)  # of open_lab
    bucket: str = ""  # a name without the handout's part; the account's number is put behind it
    uploads: tuple[tuple[str, str], ...] = (("transactions.txt", ""),)  # (key, lines); the handout's file without lines
    totals: dict[str, str] = field(default_factory=lambda: {"C1": "598", "C2": "1750"})
    alerted: tuple[str, ...] = ("C2",)


def follow_corrections(**settings):
    return Account(way=Way(notifier=SIGNED_NOTIFIER, view="NEW_AND_OLD_IMAGES"), **settings)


def build_by_template(lab, way):
    cloudformation = lab.client("cloudformation")
    cloudformation.create_stack(StackName="lab", TemplateBody=template(lab.bucket), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName="lab", WaiterConfig={"Delay": 1})


def build_by_command(lab, way):
    keys = lab.session.get_credentials()
    variables = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_DEFAULT_REGION": lab.region,
        "AWS_ENDPOINT_URL": lab.endpoint,
        "ACCOUNT": lab.account,
        "BUCKET": lab.bucket,
        "QUEUES": " ".join(queues.ALERT_QUEUES),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, code in (("TransactionProcessor", way.processor), ("TotalNotifier", way.notifier)):
            archive = functions.zipped({"lambda_function.py": code.encode()})
            Path(folder, f"{name}.zip").write_bytes(archive)
        command = ["sh", Path(__file__).with_name("build.sh")]
        subprocess.run(command, cwd=folder, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL)


ACCOUNTS = {
    "the_aws_command": Account(build=build_by_command),  # the first, since it takes longest
    "a_template_of_cloudformation": Account(build=build_by_template),
    "as_the_console_does": Account(),
    "aliases": Account(Way(alias="live")),
    "roles_with_a_path": Account(Way(role_path="/service-role/")),
    "one_role_for_both": Account(Way(one_role=True)),
    "an_administrators_role": Account(Way(policies=ADMIN)),
    "permission_without_account": Account(Way(permission=("SourceArn",))),
    "inserts_and_changes": Account(
        Way(mapping={"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT", "MODIFY"]}'}]}})
    ),
    "batches_of_10000": Account(Way(mapping={"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 1})),
    "each_kind_of_upload": Account(Way(events=EACH_WAY)),
    "a_folder_of_the_bucket": Account(
        Way(key={"prefix": "in/", "suffix": "s.txt"}), uploads=(("in/transactions.txt", ""),)
    ),
    "a_bucket_of_any_name": Account(bucket="ana-files"),
    "a_log_group_of_ones_own": Account(Way(function={"LoggingConfig": {"LogGroup": "/lab/ana"}})),
    "logs_as_json": Account(Way(function={"LoggingConfig": {"LogFormat": "JSON"}})),
    "other_settings_of_the_functions": Account(
        Way(function={"Timeout": 60, "MemorySize": 1024, "Runtime": "python3.13", "Architectures": ["arm64"]})
    ),
    "a_package": Account(
        Way(
            processor={"app/__init__.py": "", "app/lambda_function.py": PROCESSOR},
            notifier={"app/__init__.py": "", "app/lambda_function.py": NOTIFIER},
            handler="app.lambda_function.lambda_handler",
        )
    ),
    "several_files": Account(
        Way(
            processor={"main.py": "from work import lambda_handler\n", "work.py": PROCESSOR},
            notifier={"main.py": "import work\n\nlambda_handler = work.lambda_handler\n", "work.py": NOTIFIER},
            handler="main.lambda_handler",
        )
    ),
    "a_layer_with_the_clients": Account(
        Way(
            processor=PROCESSOR.replace('boto3.client("s3")', "clients.s3").replace(
                "import boto3", "import boto3\nimport clients"
            ),
            layer={"python/clients.py": 'import boto3\n\ns3 = boto3.client("s3")\n'},
        )
    ),
    "a_prefix": Account(settings={"prefix": "Ana-"}),
    "another_region": Account(settings={"region": "eu-west-1"}),
    "a_threshold_that_is_just_reached": Account(settings={"threshold": "1750"}),
    "the_handouts_own_code_and_a_bad_row": Account(
        Way(processor=HANDOUT_PROCESSOR, notifier=HANDOUT_NOTIFIER),
        uploads=(("transactions.txt", ""), ("more.txt", "C1|1 Smith Street, London|T50|03/17/2017|many")),
    ),
    "two_files": Account(
        uploads=(("transactions.txt", ""), ("april.txt", "C3|3 Smith Street, London|T30|04/01/2017|2000.50")),
        totals={"C1": "598", "C2": "1750", "C3": "2000.50"},
        alerted=("C2", "C3"),
    ),
    "a_correction_in_a_later_file": follow_corrections(
        uploads=(("transactions.txt", ""), ("correction.txt", "C1|1 Smith Street, London|T01|03/16/2017|90")),
        totals={"C1": "588", "C2": "1750"},
    ),
    "a_refund_after_the_alert": follow_corrections(
        uploads=(("transactions.txt", ""), ("refund.txt", "C2|2 Smith Street, London|T70|04/01/2017|-1000")),
        totals={"C1": "598", "C2": "750"},
    ),
    "queues_with_other_settings": Account(
        Way(queue={"VisibilityTimeout": "300", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "false"})
    ),
    "tables_on_demand": Account(Way(table={"BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": True})),
}
