"""A learner sends files of her own through the links of notebooks 02 to 04, and takes all of it away again."""

from decimal import Decimal

import pytest
from chains import HEADER, Chain, uploaded

from lab_lib.aws import buckets, queues, topics, triggers
from lab_lib.checks.evidence import snapshot
from lab_lib.checks.upload import Snapshot
from lab_lib.errors import CheckFailed
from lab_lib.exercises import tries
from lab_lib.exercises.experiments import create_functions, create_queues
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

NOTIFY, *_ = queues.ALERT_QUEUES


@pytest.fixture
def begun(account, tmp_path, monkeypatch):
    """Return the lab as it is when the bucket has its trigger, and the stream has none."""
    monkeypatch.chdir(tmp_path)
    chain = Chain(open_lab(account=account))
    create_functions(chain.lab)
    triggers.ensure_bucket_trigger(chain.lab)
    return chain


def send(lab, key, *amounts, first=1):
    rows = [f"my-ana|Lima|A{number}|03/01/2017|{amount}" for number, amount in enumerate(amounts, first)]
    tries.upload_mine(lab, key, "\n".join([HEADER, *rows, ""]))


def send_first(lab):
    send(lab, tries.FIRST, 300, 300, 300)


def held(lab):
    """Return all that the learner may not leave: items, keys of objects, messages."""
    objects = [item["Key"] for item in buckets.objects(lab)]
    return snapshot(lab), objects, {name: queues.alerts(lab, name) for name in queues.ALERT_QUEUES}


@pytest.mark.parametrize("says_rest", [True, False])
def test_each_link_shows_her_rows_and_afterwards_nothing_of_them_is_left(begun, says_rest, monkeypatch):
    if not says_rest:  # as on AWS
        monkeypatch.setattr("lab_lib.checks.chain.at_rest", lambda lab: None)
    lab = begun.lab
    send_first(lab)
    assert snapshot(lab).rows.keys() == {("my-ana", f"A{number}") for number in (1, 2, 3)}
    triggers.ensure_stream_trigger(lab)
    tries.wait_for_totals(lab)
    create_queues(lab)
    for _ in range(2):  # a cell may run again
        send_first(lab)
        send(lab, tries.SECOND, 1500, first=4)
    assert begun.totals() == {"my-ana": Decimal(2400)}
    assert all(begun.alerts(queue) == [("my-ana", Decimal(2400))] for queue in queues.ALERT_QUEUES)
    assert tries.receive(lab, NOTIFY, hide=0).alert["customerID"] == "my-ana"

    tries.delete_my_rows(lab)

    empty = Snapshot(), [], {name: [] for name in queues.ALERT_QUEUES}
    assert held(lab) == empty
    before = held(uploaded(lab))
    send_first(lab)  # notebook 02 once more, and no alert: deleting rows brings a total back to 0
    assert tries.receive(lab, NOTIFY, hide=30) is None
    tries.wait_for_totals(lab)
    for _ in range(2):
        tries.delete_my_rows(lab)
        assert held(lab) == before
    assert begun.letters() == []


def test_a_message_by_hand_arrives_in_an_envelope_and_nothing_of_it_is_left(chain):
    lab, sns = chain.lab, chain.lab.client("sns")
    envelope = {}

    def publish():
        with tries.listen(lab) as receive:
            sent = sns.publish(TopicArn=topics.find_topic(lab), Subject="Good morning", Message="By hand.")
            envelope.update(receive(sent["MessageId"]))
            raise KeyError

    with pytest.raises(KeyError):
        publish()

    assert {"Type": "Notification", "Subject": "Good morning", "Message": "By hand."}.items() <= envelope.items()
    assert queues.find_queue(lab, queues.MINE) is None
    assert len(triggers.subscriptions(lab)) == len(queues.ALERT_QUEUES)
    assert not any(queues.messages(chain.lab, queue) for queue in queues.ALERT_QUEUES)


def test_a_chain_that_is_broken_ends_a_wait_with_the_cell_that_fixes_it(begun):
    send_first(begun.lab)

    with pytest.raises(CheckFailed, match=r'^The chain stops at "changes counted: 0 of 3"\. stream trigger: not there'):
        tries.wait_for_totals(begun.lab)
    triggers.ensure_stream_trigger(begun.lab)
    tries.delete_my_rows(begun.lab)
    assert held(begun.lab)[:2] == (Snapshot(), [])
