"""Run a handler in this process, with moto as AWS, and make chosen calls of it go wrong.

A fault is a function of the call's name and of `make`, which makes the call. It returns the answer or raises an error.
"""

import itertools
import json
from types import SimpleNamespace

import boto3
import pytest
import total_notifier
import transaction_processor
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from lab_lib import transactions
from lab_lib.aws import buckets, queues, tables, topics
from tests.lab.chains import HEADER

MAKE_CALL = BaseClient._make_api_call  # every call of a boto3 client goes through it
NUMBERS = itertools.count()
CONTEXT = SimpleNamespace(aws_request_id="this-run")


class Stopped(BaseException):
    """Lambda ends the function here."""


class Function:
    """A function in an account of its own. `made` lists the calls that AWS carried out: name and parameters."""

    TABLES: tuple[str, ...] = ()

    def __init__(self, lab, monkeypatch, handler, **variables):
        self.lab, self.handler = lab, handler
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", lab.session)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for name in self.TABLES:
            tables.ensure_table(lab, name)
        self.made = []

    def empty(self):
        """Empty the tables, and forget the calls. To delete and make the tables would take half of the time."""
        for name in self.TABLES:
            dynamodb_backends[self.lab.account][self.lab.region].get_table(name).items.clear()
        self.made = []

    def run(self, *records, fault=lambda name, make: make(), event=None, context=CONTEXT):
        """Run the function for these records or this event, let its calls meet the fault, and return its answer."""

        def call(client, name, parameters):
            def make():
                if name == "BatchWriteItem":
                    refuse_a_key_twice(parameters["RequestItems"])
                answer = MAKE_CALL(client, name, parameters)
                self.made.append((name, parameters))
                return answer

            make.parameters, make.service = parameters, client.meta.service_model.service_name
            return fault(name, make)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", call)
            return self.handler(event or {"Records": list(records)}, context)


def refuse_a_key_twice(requests):
    """Fail as DynamoDB does if two requests are about one item; moto does not."""
    for writes in requests.values():
        items = [write["PutRequest"]["Item"] for write in writes]
        keys = {(item["CustomerId"], item.get("TransactionId")) for item in items}
        assert len(keys) == len(items), "Provided list of item keys contains duplicates"


def stop(moment):
    """Return the fault that stops the function before call number n (moment 2n) or after it (2n + 1), from 0 on."""
    moments = itertools.count()

    def fault(name, make):
        if next(moments) == moment:
            raise Stopped
        answer = make()
        if next(moments) == moment:
            raise Stopped
        return answer

    return fault


def fail(name, code="InternalError", **details):
    """Return the fault that AWS refuses each call of this name."""

    def fault(called, make):
        if called == name:
            raise ClientError({"Error": {"Code": code, "Message": "no"}, **details}, name)
        return make()

    return fault


def before(name, deed):
    """Return the fault that calls `deed` just before the first call of this name."""
    deeds = [deed]

    def fault(called, make):
        if called == name and deeds:
            deeds.pop()()
        return make()

    return fault


class Processor(Function):
    """TransactionProcessor, with its bucket."""

    TABLES = ("Customer", "Transactions", "ProcessedRecords")

    def __init__(self, lab, monkeypatch):
        lab.client("s3").create_bucket(Bucket=lab.bucket)
        variables = ("CUSTOMER_TABLE", "TRANSACTIONS_TABLE", "MARKER_TABLE")
        names = dict(zip(variables, map(lab.name, self.TABLES), strict=True))
        super().__init__(lab, monkeypatch, transaction_processor.lambda_handler, **names)

    def empty(self):
        super().empty()
        for item in buckets.objects(self.lab):
            buckets.delete_object(self.lab, item["Key"])

    def upload(self, *content, key="transactions.txt"):
        """Upload these rows under the usual header, or these bytes, and return the record of S3's event."""
        text = "" if isinstance(content[0], bytes) else "\n".join([HEADER, *content, ""])
        body = text.encode(errors="surrogateescape") or content[0]
        buckets.put(self.lab, key, body)
        return buckets.creation(self.lab, key)["Records"][0]

    def process(self, *rows, key="transactions.txt"):
        """Upload these rows, run the function for them, and return its report."""
        return self.run(self.upload(*rows, key=key))["files"][0]

    def amounts(self):
        return transactions.read_amounts(tables.items(self.lab, "Transactions"))

    def held(self):
        """Return the items of both tables, and the keys under rejected/."""
        rejected = [item["Key"] for item in buckets.objects(self.lab) if item["Key"].startswith("rejected/")]
        return tables.items(self.lab, "Customer"), tables.items(self.lab, "Transactions"), rejected


class Notifier(Function):
    """TotalNotifier, with a threshold of 1500."""

    TABLES = ("TransactionTotal", "ProcessedRecords")

    def __init__(self, lab, monkeypatch):
        variables = {
            "TOTAL_TABLE": lab.name("TransactionTotal"),
            "MARKER_TABLE": lab.name("ProcessedRecords"),
            "TOPIC_ARN": topics.ensure_topic(lab),
            "THRESHOLD": "1500",
            "DEAD_LETTER_QUEUE": queues.ensure_queue(lab, queues.DEAD_LETTERS),
        }
        super().__init__(lab, monkeypatch, total_notifier.lambda_handler, **variables)

    def recheck(self, *milliseconds, **fault):
        """Have all totals compared with the threshold; `milliseconds` is what is left of the time at each look."""
        clock = itertools.chain(milliseconds, itertools.repeat(20_000))
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: next(clock))
        return self.run(event={"recheck": True}, context=context, **fault)

    def totals(self):
        return {item["CustomerId"]: item["accountBalance"] for item in tables.items(self.lab, "TransactionTotal")}

    def alerts(self):
        """Return (customer, balance) of each alert that was published, sorted."""
        messages = [json.loads(parameters["Message"]) for name, parameters in self.made if name == "Publish"]
        return sorted((message["customerID"], message["accountBalance"]) for message in messages)

    def letters(self):
        """Return what was sent to the dead-letter queue: error and record."""
        return [json.loads(parameters["MessageBody"]) for name, parameters in self.made if name == "SendMessage"]


def record(customer, new=None, old=None, transaction=None):
    """Return a stream record: the amount was `old` and is `new`; None where the transaction did not or does not exist.

    An amount that is a dict stands there as it is, such as {"S": "ten"}.
    """
    number = next(NUMBERS)
    key = {"CustomerId": {"S": customer}, "TransactionId": {"S": transaction or f"T{number}"}}
    images = {"Keys": key}
    for name, amount in (("NewImage", new), ("OldImage", old)):
        if amount is not None:
            images[name] = {**key, "TransactionAmount": amount if isinstance(amount, dict) else {"N": str(amount)}}
    return {"eventID": f"event-{number}", "dynamodb": images}
