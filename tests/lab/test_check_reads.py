"""The checks only read: which calls they make, how many, and that an account is afterwards what it was before."""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from by_hand import ByHand

from conftest import Chain, logged
from lab_lib import checks, transactions
from lab_lib.aws import functions, queues, tables, topics, triggers
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

READING = re.compile(r"(Get|List|Describe|Head)\w+|Scan|FilterLogEvents|SimulatePrincipalPolicy")
LOOKING = {"ReceiveMessage", "ChangeMessageVisibilityBatch"}  # how a queue's messages are read, and laid back
MOST_CALLS = 150
MOST_REPEATS = 5


def watched(lab):
    """The lab once more, with clients of its own, and the list that its calls are noted in: (operation, parameters)."""
    fresh = open_lab(account=lab.account, region=lab.region, prefix=lab.prefix, threshold=lab.threshold)
    calls = []
    note = calls.append
    fresh.session.events.register(
        "provide-client-params", lambda params, model, **_: note((model.name, deepcopy(params)))
    )
    return fresh, calls


def calls_of(lab, *steps):
    fresh, calls = watched(lab)
    checks.run(fresh, *steps)
    return calls


def others(calls):
    """The operations that are no reading ones."""
    return {name for name, _ in calls if not READING.fullmatch(name)}


def held(lab):
    """How many messages each queue holds: those to be seen, and those that somebody has just received."""
    numbers = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = {name: queues.attributes(lab, name) for name in [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]}
    return {name: tuple(settings.get(number) for number in numbers) for name, settings in found.items()}


def everything(lab):
    """The names of all that is in the account, whoever made it."""
    buckets = lab.client("s3").list_buckets()["Buckets"]
    roles, groups = lab.client("iam").list_roles()["Roles"], lab.client("logs").describe_log_groups()["logGroups"]
    named = [each["Name"] for each in buckets] + [each["RoleName"] for each in roles]
    named += [each["logGroupName"] for each in groups] + tables.names(lab) + functions.names(lab)
    mappings = lab.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return named + topics.names(lab) + queues.names(lab) + [each["UUID"] for each in mappings]


def through_helpers(account):
    """The lab as our helpers build it, with the handout's file gone all the way."""
    chain = Chain(open_lab(account=account)).build()
    chain.put("transactions.txt", DATA_FILE.read_bytes())
    wait_until(lambda: checks.settled(chain.lab, transactions.read(DATA_FILE)), "the upload", timeout=30)
    return chain.lab


def by_hand(account):
    """The lab as a learner builds it; with this threshold there are more alerts than one look shows."""
    hand = ByHand(open_lab(account=account, threshold=100)).build()
    hand.upload()
    hand.wait()
    return hand.lab


@pytest.fixture(scope="module")
def both(new_account):
    """The two labs, built at once, when their functions have ended their runs."""
    with ThreadPoolExecutor(2) as pool:
        labs = [each.result() for each in [pool.submit(build, new_account()) for build in (through_helpers, by_hand)]]
    return [logged(lab) for lab in labs]


@pytest.fixture
def settled(both):
    return both[0]


@pytest.fixture
def settled_by_hand(both):
    return both[1]


@pytest.fixture(scope="module")
def calls(both):
    """What one run of all checks calls in the first account."""
    return calls_of(both[0])


def test_all_calls_are_reading_ones_but_looks_at_the_alerts(calls):
    assert others(calls) == LOOKING


def test_the_check_of_the_clean_up_only_reads(settled):
    assert others(calls_of(settled, "99")) == set()


def test_an_account_built_by_hand_is_only_read_too(settled_by_hand):
    assert others(calls_of(settled_by_hand)) == LOOKING


def test_settled_only_reads(settled):
    fresh, calls = watched(settled)

    assert checks.settled(fresh, transactions.read(DATA_FILE))
    assert others(calls) == LOOKING


def test_only_the_queues_of_the_alerts_are_looked_into(settled, calls):
    looks = [parameters["QueueUrl"] for name, parameters in calls if name in LOOKING]

    assert set(looks) == {queues.find_queue(settled, name) for name in queues.ALERT_QUEUES}


def test_all_messages_are_there_and_can_be_seen_afterwards(settled):
    before = held(settled)

    checks.run(settled)

    assert held(settled) == before
    assert before["CustomerNotify"] == before["CreditCollection"] == ("1", "0")


def test_many_messages_are_all_there_and_can_be_seen_afterwards(settled_by_hand):
    count, hidden = held(settled_by_hand)["CustomerNotify"]

    checks.run(settled_by_hand)

    assert int(count) > 10
    assert held(settled_by_hand)["CustomerNotify"] == (count, hidden) == (count, "0")


def test_a_run_makes_few_calls_and_seldom_the_same_one_again(calls):
    counted = Counter((name, json.dumps(parameters, default=str)) for name, parameters in calls)

    assert len(calls) < MOST_CALLS
    assert [call for call, times in counted.items() if times > MOST_REPEATS] == []


def test_two_runs_find_the_same(settled, settled_by_hand):
    for lab in (settled, settled_by_hand):
        assert checks.run(lab) == checks.run(lab)


def test_a_run_changes_nothing_in_a_settled_account(settled):
    before = everything(settled), [tables.items(settled, name) for name in tables.KEYS], triggers.mappings(settled)

    checks.run(settled)

    after = everything(settled), [tables.items(settled, name) for name in tables.KEYS], triggers.mappings(settled)
    assert after == before


def test_in_an_empty_account_a_run_makes_nothing_and_only_reads(lab):
    before = everything(lab)

    calls = calls_of(lab)

    assert others(calls) == set()
    assert everything(lab) == before == []


def test_two_runs_find_the_same_in_an_empty_account(lab):
    first, second = checks.run(lab), checks.run(lab)

    assert first == second
    assert {check.state for check in first.checks} == {"not yet", "waits", "could be"}
