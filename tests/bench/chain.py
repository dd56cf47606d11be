"""The lab's chain in an account of its own, with our two functions or with those of another way."""

import contextlib
import itertools
import json
import re
from collections import Counter
from pathlib import Path

from lab_lib.aws import cleanup, cloudwatch, functions, policies, queues, roles
from lab_lib.lab import open_lab
from lab_lib.waiting import wait_until
from tests.lab.chains import Chain

WAYS = {"ours": "ours", "batched": "batches", "per_row": "row by row"}
FUNCTIONS = {"TransactionProcessor": "process", "TotalNotifier": "notify"}
ACCOUNTS = map(str, itertools.count(700_000_000_001))
FILES = {path.name: path.read_bytes() for path in Path(__file__).with_name("ways").glob("*.py")}
MEMORY = 0.25  # GB that a function has


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
    """Give the function another way's code, or ours again: both with their calls counted, and all the time there is."""
    now, lambda_ = functions.configuration(lab, name), lab.client("lambda")
    code = functions.code(lab, name) if way == "ours" else {}
    files = {file: text.encode() for file, text in code.items()}
    handler = now["Handler"] if way == "ours" else f"{way}.{FUNCTIONS[name]}"
    variables = now["Environment"]["Variables"]
    variables |= {"BENCH_HANDLER": handler, "TOPIC_ARN": lab.arn("sns", "HighBalanceAlert")}
    settings = {"Handler": "counted.lambda_handler", "Timeout": 900, "Environment": {"Variables": variables}}
    lambda_.update_function_configuration(FunctionName=name, **settings)
    lambda_.update_function_code(FunctionName=name, ZipFile=functions.zipped(FILES | files))
    if way != "ours":  # as in the handout, whose roles have full access
        full = json.dumps(policies.document(policies.allow(["*"], "*")))
        lab.client("iam").put_role_policy(
            RoleName=functions.ROLES[name], PolicyName=roles.POLICY_NAME, PolicyDocument=full
        )


def alerts(lab):
    return int(queues.attributes(lab, queues.ALERT_QUEUES[0])["ApproximateNumberOfMessages"])


def usage(lab):
    """Return the calls, units, runs and seconds of both functions so far."""
    lines = [line for name in FUNCTIONS for line in cloudwatch.log_lines(lab, name)]
    used = Counter({"runs": cloudwatch.runs(lines)})
    for line in lines:
        used.update(json.loads(line)["counted"] if line.startswith('{"counted"') else {})
        used["GB-s"] += sum(int(duration) / 1000 * MEMORY for duration in re.findall(r"Billed Duration: (\d+)", line))
    return used


def settle(lab):
    """Wait until the functions have sent their last alerts and written their logs: two looks show the same."""
    seen = []

    def same():
        seen.append((alerts(lab), usage(lab)["runs"]))
        return len(seen) > 1 and seen[-1] == seen[-2]

    wait_until(same, "the functions to end", first_pause=1, longest_pause=1)
