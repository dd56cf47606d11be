"""The lab's chain in an account of its own, with our two functions or with those of another way."""

import contextlib
import itertools
import json
import tempfile
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import cleanup, cloudwatch, functions, policies, queues, roles
from lab_lib.lab import open_lab
from lab_lib.waiting import wait_until
from tests.lab.chains import Chain

WAYS = {"ours": "ours", "batched": "batches"}
FUNCTIONS = {"TransactionProcessor": "process", "TotalNotifier": "notify"}
ACCOUNTS = map(str, itertools.count(700_000_000_001))
BATCHED = Path(__file__).with_name("batched.py")


@contextlib.contextmanager
def built(way="ours"):
    """Build a chain, warm; everything is deleted at the end, since an idle mapping still takes the server's time."""
    chain = Chain(open_lab(account=next(ACCOUNTS))).build()
    for name in FUNCTIONS:
        deploy(chain.lab, name, way)
    chain.put("warm-up.txt", ["warm-up|a|T|01/01/2017|1"])
    chain.wait_for_totals(**{"warm-up": "1"})
    yield chain
    list(cleanup.delete_all(chain.lab))


def deploy(lab, name, way):
    """Give the function all the time there is, and the code of the other way."""
    functions.ensure_function(lab, name, timeout=functions.LONGEST_TIMEOUT)
    if way == "ours":
        return
    full = json.dumps(policies.document(policies.allow(["*"], "*")))
    lab.client("iam").put_role_policy(RoleName=functions.ROLES[name], PolicyName=roles.POLICY_NAME, PolicyDocument=full)
    lambda_, now = lab.client("lambda"), functions.configuration(lab, name)
    variables = now["Environment"]["Variables"] | {"TOPIC_ARN": lab.arn("sns", "HighBalanceAlert")}
    settings = {"Handler": f"batched.{FUNCTIONS[name]}", "Environment": {"Variables": variables}}
    lambda_.update_function_configuration(FunctionName=name, **settings)
    code = functions.zipped({BATCHED.name: BATCHED.read_bytes()})
    lambda_.update_function_code(FunctionName=name, ZipFile=code)


@contextlib.contextmanager
def file_of(rows):
    """Yield the path of a transactions file with these rows."""
    with tempfile.TemporaryDirectory() as folder:
        with (path := Path(folder, "rows.txt")).open("w") as stream:
            transactions.write(stream, rows)
        yield path


def totals_of(rows):
    return transactions.totals(transactions.read_amounts(rows))


def alerts(lab):
    return int(queues.attributes(lab, queues.ALERT_QUEUES[0])["ApproximateNumberOfMessages"])


def settle(lab):
    """Wait until the functions have sent their last alerts and written their logs: two looks show the same."""
    seen = []

    def same():
        seen.append((alerts(lab), [cloudwatch.runs(cloudwatch.log_lines(lab, name)) for name in FUNCTIONS]))
        return len(seen) > 1 and seen[-1] == seen[-2]

    wait_until(same, "the functions to end", first_pause=1, longest_pause=1)
