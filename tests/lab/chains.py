"""The lab as the notebooks build it, in one account, and functions of a test's own."""

import json
from decimal import Decimal

from lab_lib.aws import buckets, cloudwatch, functions, log_runs, queues, roles, tables, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.checks.chain import following
from lab_lib.exercises.experiments import create_functions, create_queues
from lab_lib.run.headless import DATA_FILE

HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"


class Chain:
    """The lab in one account: the steps of the notebooks, and what became of the uploads."""

    def __init__(self, lab):
        self.lab = lab

    def build(self):
        create_functions(self.lab)
        triggers.ensure_bucket_trigger(self.lab)
        triggers.ensure_stream_trigger(self.lab)
        create_queues(self.lab)
        return self

    def put(self, key, body):
        """Upload bytes, or lines of text under the usual header."""
        content = body if isinstance(body, bytes) else "\n".join([HEADER, *body, ""]).encode()
        self.lab.client("s3").put_object(Bucket=self.lab.bucket, Key=key, Body=content)

    def totals(self):
        return {item["CustomerId"]: item["accountBalance"] for item in tables.items(self.lab, "TransactionTotal")}

    def wait_for_totals(self, **totals):
        """Wait until the table holds these totals among others; amounts as text."""
        wanted = {name: Decimal(amount) for name, amount in totals.items()}
        wait_until(lambda: wanted.items() <= self.totals().items(), f"the totals {totals}", timeout=30)

    def wait_for_file(self, key):
        """Wait until TransactionProcessor has processed this upload."""

        def done():
            runs = log_runs.read(self.lab, cloudwatch.log_group(self.lab, "TransactionProcessor"))
            return key in [report["key"] for run in runs for report in run.reports]

        wait_until(done, f"{key} to be processed", timeout=30)

    def wait_for_changes(self, count):
        """Wait until TotalNotifier has added this number of changes in all, and has sent the alerts."""

        def done():
            if self.changes() < count:  # first, because the totals may be older than the last marker otherwise
                return False
            totals = tables.items(self.lab, "TransactionTotal")
            high = [item["accountBalance"] >= self.lab.threshold for item in totals]
            return high == [item.get("alerted", False) for item in totals]

        wait_until(done, f"{count} changes to be added up", timeout=60)

    def changes(self):
        """Return how many changes are in the totals, counted by their markers. An upload's begins with its bucket."""
        markers = tables.items(self.lab, "ProcessedRecords")
        return sum(not marker["EventId"].startswith(self.lab.bucket) for marker in markers)

    def letters(self):
        """Return the messages in the dead-letter queue."""
        return queues.messages(self.lab, queues.DEAD_LETTERS)

    def alerts(self, queue="CustomerNotify"):
        """Return (customer, balance) of each message, sorted."""
        bodies = [json.loads(message["Message"]) for message in queues.messages(self.lab, queue)]
        return sorted((body["customerID"], Decimal(body["accountBalance"])) for body in bodies)


def create_table(lab, name, key, view=""):
    """Create a table with this key, and with a stream of this view type; return its description."""
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
    return lab.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **stream,
    )["TableDescription"]


def uploaded(lab):
    """Upload the handout's file, and return the lab when it has gone all the way."""
    with following(lab, DATA_FILE):
        buckets.upload(lab, DATA_FILE)
    return lab


def printed(lab, name):
    """Return the lines in the log of a function."""
    return [line["message"] for line in cloudwatch.log_lines(lab, cloudwatch.log_group(lab, name))]


def logged(lab):
    """Wait until both functions have a run in their log, and return the lab."""

    groups = [cloudwatch.log_group(lab, name) for name in functions.SOURCES]

    def ran():
        return all(any(run.end for run in log_runs.read(lab, group)) for group in groups)

    wait_until(ran, "the logs", timeout=30)
    return lab


def stop(lab):
    """Delete the functions of an account that is no longer needed: idle ones take the server's time and memory."""
    lambda_ = lab.client("lambda")
    for mapping in lambda_.list_event_source_mappings()["EventSourceMappings"]:
        lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
    for name in functions.names(lab):
        lambda_.delete_function(FunctionName=name)


def replace_code(lab, name, code, file="lambda_function.py"):
    """Replace the code of a function by this file."""
    archive = functions.zipped({file: code.encode()})
    lab.client("lambda").update_function_code(FunctionName=lab.name(name), ZipFile=archive)


def create_function(lab, name, code, role="", **settings):
    """Create a function of this code, and return Lambda's answer. By default it has the role of TotalNotifier."""
    role = role or roles.ensure_role(lab, functions.ROLES["TotalNotifier"])
    archive = {"ZipFile": functions.zipped({"probe.py": code.encode()})}
    about = {"Role": role, "Runtime": functions.RUNTIME, "Handler": "probe.handler", "Code": archive}
    return lab.client("lambda").create_function(FunctionName=name, **about | settings)
