"""No false alarm: accounts that are all healthy, and as different as learners and classrooms build them.

China's Regions are missing: the embedded AWS gives its topics the partition aws wherever they are.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from by_hand import DATA, PROCESSOR, QUEUES, ByHand

from conftest import Chain, logged
from lab_lib import checks, transactions
from lab_lib.aws import buckets, functions, queues, tables, triggers
from lab_lib.lab import open_lab
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

TOTALS = {"C1": "598", "C2": "1750"}  # of the handout's file
ROLES = {"TransactionProcessor": "TransactionProcessor-role-ab12cd34", "TotalNotifier": "TotalNotifier-role-9x8y7z"}
SUBSCRIBERS = {"email": "ana@example.com", "phone": "+15555550100"}
PREFIXES = ["Ana-2", "Ana"]  # the first begins with the second
AT_ONCE = 4  # most of a build is waiting
NOTEBOOKS = """
import sys
from pathlib import Path
from lab_lib.run import headless

sys.exit(not headless.run({"account": sys.argv[1]}, Path(sys.argv[2]), headless.last_kept())["ok"])
"""


def built(account, **settings):
    """The lab as our helpers build it."""
    return Chain(open_lab(account=account, **settings)).build()


def uploaded(chain, body=None, totals=TOTALS, alerts=1):
    """The chain's lab when a file, the handout's or another, has gone all the way and left each queue its alerts."""
    chain.put("transactions.txt", body or DATA.read_bytes())
    chain.wait_for_totals(**totals)
    wait_until(lambda: [len(chain.messages(queue)) for queue in QUEUES] == [alerts, alerts], f"{alerts} alerts")
    return logged(chain.lab)


def by_hand(lab, steps=ByHand.STEPS, kind=ByHand, **given):
    """The account that was built by hand, when the handout's file has gone all the way."""
    hand = kind(lab, **given).build(steps)
    hand.upload()
    hand.wait()
    logged(lab)
    return hand


def through_the_notebooks(account, folder):
    """In a process of its own: papermill changes the working directory, and others build meanwhile."""
    subprocess.run([sys.executable, "-c", NOTEBOOKS, account, folder], check=True, capture_output=True, timeout=110)
    return open_lab(account=account)


def built_twice(account, _):
    return uploaded(Chain(uploaded(built(account))).build())


def with_subscribers(account, _):
    chain = built(account, region="eu-west-1", **SUBSCRIBERS)
    triggers.ensure_subscription(chain.lab, "email", chain.lab.email)
    triggers.ensure_subscription(chain.lab, "sms", chain.lab.phone)
    return uploaded(chain)


def with_a_large_file(account, folder):
    transactions.write(folder / "large.txt", transactions.make_up(rows=2000, customers=20))
    totals = transactions.totals(transactions.read(folder / "large.txt").amounts())
    high = sum(total >= 1500 for total in totals.values())
    assert high > 10
    return uploaded(built(account), (folder / "large.txt").read_bytes(), totals, alerts=high)


def with_a_correction(account, _):
    """C2 falls below the threshold; its alert stays, as an e-mail would."""
    chain = built(account)
    uploaded(chain)
    corrected = DATA.read_bytes().replace(b"|T07|03/16/2017|400", b"|T07|03/16/2017|40.50")
    return uploaded(chain, corrected, totals={"C1": "598", "C2": "1390.50"})


def beside_each_other(account, _):
    return [uploaded(built(account, prefix=prefix)) for prefix in ("Ana", "")]


BY_HELPERS = {
    "through our helpers": lambda account, _: uploaded(built(account)),
    "through the notebooks": through_the_notebooks,
    "built twice": built_twice,
    "prefixes beside each other": beside_each_other,
    "with a lower threshold": lambda account, _: uploaded(built(account, threshold="99.5"), alerts=2),
    "with a higher threshold": lambda account, _: uploaded(built(account, threshold=5000), alerts=0),
    "in another Region, with e-mail and SMS": with_subscribers,
    "with a large file": with_a_large_file,
    "with a second, corrected upload": with_a_correction,
}


class InAnotherStyle(ByHand):
    """Narrow roles, a notification for each kind of file, and a handler that is no def."""

    def make_roles(self):
        """Each function may do what the handout's code does, on its own things, and read .txt files only."""
        super().make_roles()
        arn, table = self.lab.arn, self.lab.arn("dynamodb", "table")
        allowed = {
            "TransactionProcessor": [
                ("s3:GetObject", f"{arn('s3', self.bucket)}/*.txt"),
                ("dynamodb:PutItem", f"{table}/Customer"),
                ("dynamodb:PutItem", f"{table}/Transactions"),
            ],
            "TotalNotifier": [
                ("dynamodb:DescribeStream", f"{table}/Transactions/stream/*"),
                ("dynamodb:GetRecords", f"{table}/Transactions/stream/*"),
                ("dynamodb:GetShardIterator", f"{table}/Transactions/stream/*"),
                ("dynamodb:ListStreams", "*"),
                ("dynamodb:UpdateItem", f"{table}/TransactionTotal"),
                ("sns:ListTopics", "*"),
                ("sns:Publish", arn("sns", "HighBalanceAlert")),
            ],
        }
        iam = self.lab.client("iam")
        for function, role in self.role_names.items():
            for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=attached["PolicyArn"])
            log = arn("logs", f"log-group:/aws/lambda/{function}:*")
            pairs = [*allowed[function], ("logs:CreateLogStream", log), ("logs:PutLogEvents", log)]
            statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in pairs]
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=role, PolicyName="narrow", PolicyDocument=policy)

    def create_processor(self):
        """The handler is a name that is given to a function, as decorators are; a variable is set, and none read."""
        code = PROCESSOR.replace("def lambda_handler", "def run")
        more = 'import os\n\nos.environ["TZ"] = "UTC"\nlambda_handler = run\n'
        self._create_function("TransactionProcessor", f"{code}\n\n{more}")

    def add_bucket_trigger(self):
        """One notification for .txt files, one for .csv files; no upload starts both."""
        super().add_bucket_trigger()
        s3 = self.lab.client("s3")
        found = s3.get_bucket_notification_configuration(Bucket=self.bucket)["LambdaFunctionConfigurations"][0]
        rules = [{"FilterRules": [{"Name": "suffix", "Value": suffix}]} for suffix in (".txt", ".csv")]
        both = [{**found, "Id": rule["FilterRules"][0]["Value"], "Filter": {"Key": rule}} for rule in rules]
        s3.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": both}
        )


def hand_in_two_regions(account, _):
    """With the same roles: IAM knows no Regions."""
    without_roles = [step for step in ByHand.STEPS if step != "make_roles"]
    east, west = open_lab(account=account), open_lab(account=account, region="eu-west-1")
    first = by_hand(east, bucket=f"east-inputs3bucketfortransact-{account}")
    second = by_hand(west, without_roles, bucket=f"west-inputs3bucketfortransact-{account}")
    return [first.lab, second.lab]


def hand_with_things_added(account, _):
    """A folder, which the console makes as an empty object, and a transaction of somebody new."""
    hand = by_hand(open_lab(account=account))
    hand.lab.client("s3").put_object(Bucket=hand.bucket, Key="archive/", Body=b"")
    hand.upload("archive/March + 交易.txt")
    item = {"CustomerId": {"S": "C3"}, "TransactionId": {"S": "T25"}, "TransactionAmount": {"N": "5"}}
    hand.lab.client("dynamodb").put_item(TableName="Transactions", Item=item)
    hand.wait()
    return hand.lab


def partly_by_hand(account, _):
    """Tables, roles and TransactionProcessor by hand, the rest by our helpers."""
    lab = open_lab(account=account)
    ByHand(lab).build(["make_tables", "make_roles", "create_processor"])
    # Our TotalNotifier also parks what it cannot process, and marks what it has added.
    policy = f"arn:{lab.partition}:iam::aws:policy/AmazonSQSFullAccess"
    lab.client("iam").attach_role_policy(RoleName="TotalNotifierRole", PolicyArn=policy)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    tables.ensure_table(lab, "ProcessedRecords")
    buckets.ensure_bucket(lab)
    functions.ensure_function(lab, "TotalNotifier")
    chain = Chain(lab)
    for step in (chain.add_triggers, chain.create_topic, chain.create_queues):
        step()
    return uploaded(chain)


TOPIC_FIRST = ["create_topic", "create_queues", *ByHand.GIVEN, *ByHand.FUNCTIONS]
BY_HAND = {
    "by hand": lambda account, _: by_hand(open_lab(account=account)).lab,
    "by hand, topic and queues first, with a lower threshold": lambda account, _: (
        by_hand(open_lab(account=account, threshold="99.5"), TOPIC_FIRST).lab
    ),
    "by hand, with roles that the console named and a bucket of another name": lambda account, _: (
        by_hand(
            open_lab(account=account), bucket=f"class-7-inputs3bucketfortransactions-{account}", role_names=ROLES
        ).lab
    ),
    "by hand, prefixes beside each other": lambda account, _: [
        by_hand(open_lab(account=account, prefix=prefix)).lab for prefix in PREFIXES
    ],
    "by hand, with a higher threshold, e-mail and SMS": lambda account, _: (
        by_hand(open_lab(account=account, threshold=5000, **SUBSCRIBERS)).lab
    ),
    "by hand, in two Regions": hand_in_two_regions,
    "by hand, in another style": lambda account, _: by_hand(open_lab(account=account), kind=InAnotherStyle).lab,
    "by hand, with a folder and a transaction added in the console": hand_with_things_added,
    "partly by hand": partly_by_hand,
}


@pytest.fixture(scope="module")
def ahead(request, new_account, tmp_path_factory):
    """The accounts that the selected tests want, being built a few at a time: {name: the future of its labs}."""
    wanted = [item.callspec.params["name"] for item in request.session.items if item.path == request.path]
    builders, folder = {**BY_HELPERS, **BY_HAND}, tmp_path_factory.mktemp
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = sorted(set(wanted), key=wanted.index)
        yield {name: pool.submit(builders[name], new_account(), folder("healthy")) for name in names}
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def labs(ahead, name):
    """One account's labs, settled. Afterwards the functions go: each is a process, and each mapping is polled."""
    found = ahead[name].result()
    found = found if isinstance(found, list) else [found]
    yield found
    for lab in found:
        for mapping in triggers.mappings(lab):
            lab.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
        for function in functions.SOURCES:
            lab.client("lambda").delete_function(FunctionName=lab.name(function))


def told(lab, found):
    return "\n".join([str(lab), *(f"{check.name}: {check.words}" for check in found)])


@pytest.mark.parametrize("name", BY_HELPERS)
def test_what_our_helpers_build_has_all_that_is_required_and_all_that_goes_further(name, labs):
    for lab in labs:
        wrong = [check for check in checks.run(lab).checks if not check.ok]
        assert not wrong, told(lab, wrong)


@pytest.mark.parametrize("name", BY_HAND)
def test_what_is_built_by_hand_has_all_that_is_required(name, labs):
    for lab in labs:
        wrong = checks.run(lab).failed
        assert not wrong, told(lab, wrong)
