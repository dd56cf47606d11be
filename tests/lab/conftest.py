"""What the tests of the whole chain share: accounts of their own, and the lab built as the notebooks build it."""

import io
import itertools
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from lab_lib.aws import buckets, cleanup, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.waiting import wait_until

HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"
ACCOUNTS = itertools.count(200_000_000_001)
pytest.register_assert_rewrite("books")  # so that its comparisons tell what differs


class Chain:
    """The lab in one account, with the steps of the notebooks, and short ways to look at what came of an upload."""

    def __init__(self, lab):
        self.lab = lab

    def start_here(self):
        buckets.ensure_bucket(self.lab)
        for name in tables.KEYS:
            tables.ensure_table(self.lab, name)
        queues.ensure_queue(self.lab, queues.DEAD_LETTERS)
        roles.ensure_role(self.lab, "TransactionProcessorRole", policies.transaction_processor(self.lab))
        roles.ensure_role(self.lab, "TotalNotifierRole", policies.total_notifier(self.lab))

    def create_functions(self):
        for name in functions.SOURCES:
            functions.ensure_function(self.lab, name)

    def add_triggers(self):
        triggers.ensure_bucket_trigger(self.lab)
        triggers.ensure_stream_trigger(self.lab)

    def create_topic(self):
        topics.ensure_topic(self.lab)

    def create_queues(self):
        for name in queues.ALERT_QUEUES:
            queues.ensure_queue(self.lab, name)
            triggers.ensure_queue_subscription(self.lab, name)

    def build(self):
        for step in (self.start_here, self.create_functions, self.add_triggers, self.create_topic, self.create_queues):
            step()
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

    def reports(self, function):
        """What the function printed of its runs, which it does when all else is done."""
        return [json.loads(line) for line in cloudwatch.log_lines(self.lab, function) if line.startswith("{")]

    def wait_for_files(self, *keys):
        """Wait until TransactionProcessor has processed each of these uploads, as often as its key is named."""

        def done():
            processed = sorted(report["key"] for report in self.reports("TransactionProcessor"))
            return processed == sorted(keys)

        wait_until(done, f"the files {keys} to be processed", timeout=30)

    def wait_for_changes(self, count):
        """Wait until TotalNotifier is through with so many changes of Transactions, alerts included."""

        def through():
            if self.changes() < count:
                return False  # and only now the totals: read before, they might lack the last change and its alert
            totals = tables.items(self.lab, "TransactionTotal")
            high = [item["accountBalance"] >= self.lab.threshold for item in totals]
            return high == [item.get("alerted", False) for item in totals]

        wait_until(through, f"{count} changes to be added up", timeout=60)

    def changes(self):
        """How many are in the totals, by their markers."""
        return len(tables.items(self.lab, "ProcessedRecords"))

    def messages(self, queue):
        return queues.messages(self.lab, queue)

    def alerts(self, queue="CustomerNotify"):
        """(customer, balance) of each message, as often as it lies there."""
        bodies = [json.loads(message["Message"]) for message in self.messages(queue)]
        return sorted((body["customerID"], Decimal(body["accountBalance"])) for body in bodies)


def logged(lab):
    """The lab when both functions have a run in their log, which comes a little after all that the run did."""

    def ran():
        return all(cloudwatch.runs(cloudwatch.log_lines(lab, name)) for name in functions.SOURCES)

    wait_until(ran, "the logs", timeout=30)
    return lab


def zipped(code):
    """Return the archive of a function whose handler is probe.handler."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("probe.py", code)
    return archive.getvalue()


def create_function(lab, name, code, role, **settings):
    """Create a function of this code, and return what Lambda tells of it."""
    about = {"Role": role, "Runtime": functions.RUNTIME, "Handler": "probe.handler", **settings}
    return lab.client("lambda").create_function(FunctionName=name, Code={"ZipFile": zipped(code)}, **about)


@pytest.fixture(scope="session")
def new_account():
    """new_account(): twelve digits that no other test uses."""
    return lambda: str(next(ACCOUNTS))


@pytest.fixture
def account(new_account):
    return new_account()


@pytest.fixture
def lab(account):
    """The lab in an empty account."""
    return open_lab(account=account)


@pytest.fixture(scope="session")
def chains(new_account):
    """Chains, one after the other. Most of a build is waiting, so the next one is built while a test runs."""

    def chains():
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(build)
            while True:
                chain, ahead = ahead.result(), pool.submit(build)
                yield chain

    def build():
        return Chain(open_lab(account=new_account())).build()

    chains = chains()
    yield chains
    chains.close()


@pytest.fixture
def chain(chains):
    """The whole lab in an account of its own, and nothing uploaded yet."""
    chain = next(chains)
    yield chain
    list(cleanup.delete_all(chain.lab))  # an idle mapping still costs the server its time


@pytest.fixture(scope="session")
def chain_in():
    """chain_in(account, region=..., prefix=..., threshold=...): a lab with these settings, and nothing made yet."""
    return lambda account, **settings: Chain(open_lab(account=account, **settings))


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """A home without an embedded AWS, and none running in it afterwards."""
    monkeypatch.setenv("LAB_EMULATOR_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    server.stop()
