"""What the embedded AWS says it has to do: nothing, only when nothing more will happen."""

from functools import partial
from threading import Thread

import pytest
from accounts import user_of
from chains import create_function, create_table, printed

from lab_lib.aws import queues
from lab_lib.calls.waiting import wait_until
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

RAISE = "def handler(event, context):\n    raise ValueError\n"
OPEN = {"Id": "open"}
GATED = """
import time
import boto3

keys = {{"aws_access_key_id": {account!r}, "aws_secret_access_key": {secret!r}}}  # the function's role may not read it
calls, gate = [], boto3.resource("dynamodb", **keys).Table("Gate")

def handler(event, context):
    calls.append(1)
    while len(calls) > {free} and "Item" not in gate.get_item(Key={{"Id": "open"}}, ConsistentRead=True):
        time.sleep(0.01)
    {end}
"""
soon = partial(wait_until, timeout=30, first_pause=0.005, longest_pause=0.005)


def wait_for_rest(lab):
    """Wait until nothing is tried for the first or second time, and return as soon as it is so."""
    while lab.work():
        pass


def tries(lab):
    return sum(line.startswith("START") for line in printed(lab, "Act"))


@pytest.fixture
def gate(lab):
    """gate(free): create `Act`, whose calls after the first `free` end only while the gate that is returned is open.

    It is a table, which is open while it holds an item: a function in a box reaches it too.
    """
    secret = lab.session.get_credentials().secret_key
    create_table(lab, "Gate", "Id")
    gate = lab.session.resource("dynamodb", endpoint_url=lab.endpoint).Table("Gate")

    def create_gated(free=0, end="return"):
        create_function(lab, "Act", GATED.format(account=lab.account, secret=secret, free=free, end=end))
        return gate

    yield create_gated
    gate.put_item(Item=OPEN)


def test_a_call_and_an_event_are_work_of_their_account_until_they_end_as_its_users_see_too(lab, new_account, gate):
    end, user, other = gate(), user_of(lab, "ana"), open_lab(account=new_account())
    lambda_, sns = lab.client("lambda"), lab.client("sns")
    arn = sns.create_topic(Name="Topic")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=lab.arn("lambda", "function:Act"))

    for begin in (
        lambda: lambda_.invoke(FunctionName="Act", InvocationType="Event"),
        lambda: sns.publish(TopicArn=arn, Message="{}"),
        Thread(target=lambda_.invoke, kwargs={"FunctionName": "Act"}).start,
    ):
        begin()
        soon(lambda: lab.work(), "the call in the thread to begin")
        assert (user.work(), other.work()) == (1, 0)
        end.put_item(Item=OPEN)
        wait_for_rest(lab)
        end.delete_item(Key=OPEN)


def test_there_is_work_from_the_answer_to_an_upload_until_its_alert_is_in_all_queues(chain):
    for number in range(20):
        chain.put(f"{number}.txt", [f"C{number}|Street 1|T{number}|01/02/2026|1500"])
        wait_for_rest(chain.lab)
        for queue in queues.ALERT_QUEUES:
            assert f"C{number}" in dict(chain.alerts(queue))


def test_an_event_that_has_failed_twice_keeps_nobody_waiting(lab, gate):
    gate(free=2, end="raise ValueError")
    lab.client("lambda").invoke(FunctionName="Act", InvocationType="Event")

    wait_for_rest(lab)

    assert tries(lab) == 2


def test_a_batch_that_fails_for_ever_keeps_nobody_waiting_nor_do_the_records_behind_it(lab, stream):
    create_function(lab, "Act", RAISE)
    stream.map(BatchSize=1)
    stream.write("a")

    wait_for_rest(lab)
    stream.write("b")

    first = tries(lab)
    assert first >= 2
    while tries(lab) < first + 2:
        assert lab.work() == 0


def test_a_record_is_work_only_while_its_mapping_is_enabled(lab, stream, gate):
    end = gate()
    stream.write("a")
    uuid = stream.map(Enabled=False)

    assert lab.work() == 0
    lab.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    assert lab.work() == 1
    end.put_item(Item=OPEN)
    wait_for_rest(lab)
    assert tries(lab) == 1
