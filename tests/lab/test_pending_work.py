"""What the embedded AWS says it has to do: nothing, only when nothing more will happen."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import spoil
from accounts import user_of
from chains import create_function

from lab_lib.aws import functions
from lab_lib.calls.waiting import wait_until
from lab_lib.lab import Work, open_lab

pytestmark = pytest.mark.slow

NOTHING = Work(busy=0, failed=0)
RAISE = "def handler(event, context):\n    raise ValueError\n"
OPEN = {"Id": "open"}
GATED = """
import time
import spoil

calls, gate = [], spoil.Faults({secret!r}, name={name!r}).table

def handler(event, context):
    calls.append(1)
    while len(calls) > {free} and "Item" not in gate.get_item(Key={{"Id": "open"}}, ConsistentRead=True):
        time.sleep(0.01)
    {end}
"""
soon = partial(wait_until, timeout=30, first_pause=0.005, longest_pause=0.005)


def create(lab, code):
    files = {"probe.py": code.encode(), "spoil.py": Path(spoil.__file__).read_bytes()}
    create_function(lab, "Act", code, Code={"ZipFile": functions.zipped(files)})


def assert_at_work(lab, other):
    """Assert that this account has something to do, and the other one has nothing."""
    assert [lab.work(), other.work()] == [Work(busy=1, failed=0), NOTHING]


def first_rest(lab):
    """Return the first answer that nothing is tried for the first or second time, as soon as it comes."""
    while (now := lab.work()).busy:
        pass
    return now


@pytest.fixture
def gate(lab):
    """gate(free): create `Act`, whose calls after the first `free` end only while the gate that is returned is open.

    It is open while it holds an item. Its table is where a function in a box reaches it too.
    """
    secret = lab.session.get_credentials().secret_key
    gate = spoil.Faults(secret, lab.endpoint).table

    def create_gated(free=0, end="return"):
        create(lab, GATED.format(secret=secret, name=gate.name, free=free, end=end))
        return gate

    yield create_gated
    gate.put_item(Item=OPEN)


@pytest.fixture
def other(new_account):
    """Return the lab in an account that has nothing to do."""
    return open_lab(account=new_account())


def test_a_call_is_work_of_its_account_as_its_users_see_too(lab, other, gate):
    end = gate()
    user = user_of(lab, "ana")

    with ThreadPoolExecutor() as pool:
        call = pool.submit(lab.client("lambda").invoke, FunctionName="Act")
        soon(lambda: lab.work() != NOTHING, "the call to begin")
        assert user.work() == Work(busy=1, failed=0)
        assert other.work() == NOTHING
        assert not call.done()
        end.put_item(Item=OPEN)
    assert user.work() == NOTHING


def test_an_asynchronous_call_and_a_message_to_a_function_are_work_at_once(lab, other, gate):
    end = gate()
    lambda_, sns = lab.client("lambda"), lab.client("sns")
    arn = sns.create_topic(Name="Topic")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=lab.arn("lambda", "function:Act"))

    for begin in (
        lambda: lambda_.invoke(FunctionName="Act", InvocationType="Event"),
        lambda: sns.publish(TopicArn=arn, Message="{}"),
    ):
        begin()
        assert_at_work(lab, other)
        end.put_item(Item=OPEN)
        assert first_rest(lab) == NOTHING
        end.delete_item(Key=OPEN)


def test_there_is_work_from_the_answer_to_an_upload_until_its_alert_is_in_both_queues(chain):
    for number in range(20):
        chain.put(f"{number}.txt", [f"C{number}|Street 1|T{number}|01/02/2026|1500"])
        assert first_rest(chain.lab) == NOTHING
        for queue in ("CustomerNotify", "CreditCollection"):
            assert f"C{number}" in dict(chain.alerts(queue))


def test_an_event_that_has_failed_twice_keeps_nobody_waiting(lab, gate):
    end = gate(free=2, end="raise ValueError")
    lab.client("lambda").invoke(FunctionName="Act", InvocationType="Event")

    assert first_rest(lab) == Work(busy=0, failed=2)
    end.put_item(Item=OPEN)
    soon(lambda: lab.work() == NOTHING, "the third and last call")


def test_a_batch_that_fails_for_ever_keeps_nobody_waiting_nor_do_the_records_behind_it(lab, stream):
    create(lab, RAISE)
    uuid, switch = stream.map(BatchSize=1), lab.client("lambda").update_event_source_mapping
    stream.write("a")

    assert first_rest(lab).failed >= 2
    stream.write("b")

    def is_tried_again():
        now = lab.work()
        assert now.busy == 0
        return now.failed >= 4

    soon(is_tried_again, "more tries")
    switch(UUID=uuid, Enabled=False)
    soon(lambda: lab.work() == NOTHING, "the last call")
    switch(UUID=uuid, Enabled=True)
    assert lab.work().failed >= 4


def test_a_record_is_work_only_while_its_mapping_is_enabled(lab, other, stream, gate):
    end = gate()
    stream.write("a")
    uuid = stream.map(Enabled=False)

    assert lab.work() == NOTHING
    lab.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    assert_at_work(lab, other)
    end.put_item(Item=OPEN)
    assert first_rest(lab) == NOTHING
