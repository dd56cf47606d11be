"""Two whole accounts, one built with the helpers and one by hand: the checks read, and change nothing."""

import re
from dataclasses import replace

import by_hand
import pytest
from chains import Chain, logged, uploaded

from lab_lib import checks
from lab_lib.aws import queues, triggers
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

READING = re.compile(r"(Get|List|Describe|Head)\w+|Scan|FilterLogEvents|SimulatePrincipalPolicy")
LOOKING = {"ReceiveMessage", "ChangeMessageVisibilityBatch"}  # the messages of a queue are read, and laid back
HELD = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@pytest.fixture(scope="module")
def with_helpers(new_account):
    lab = open_lab(account=new_account(), region="eu-west-1", email="ana@example.com", phone="+15555550100")
    Chain(lab).build()
    triggers.ensure_subscription(lab, "email", lab.email)
    triggers.ensure_subscription(lab, "sms", lab.phone)
    return logged(uploaded(lab))


@pytest.fixture(scope="module")
def built_by_hand(new_account):
    """Return a lab with a prefix, a bucket and roles of other names, and more alerts than SQS shows at once."""
    lab = open_lab(account=new_account(), prefix="Ana-", threshold=100)
    by_hand.build(replace(lab, bucket_name=f"ana-qls-17-inputs3bucketfortransact-{lab.account}"))
    logged(uploaded(replace(lab, bucket_name=f"ana-qls-17-inputs3bucketfortransact-{lab.account}")))
    return lab


@pytest.fixture(params=["with_helpers", "built_by_hand"])
def lab(request):
    return request.getfixturevalue(request.param)


def held(lab):
    """Return how many messages each queue holds: those to be seen, and those that somebody has just received."""
    return [[queues.attributes(lab, name)[number] for number in HELD] for name in queues.ALERT_QUEUES]


def test_the_checks_only_read_and_every_message_can_be_seen_afterwards(lab):
    before, calls = held(lab), []
    settings = ("account", "region", "prefix", "threshold", "email", "phone")
    watched = open_lab(**{name: getattr(lab, name) for name in settings})
    watched.session.events.register("before-call", lambda model, **_: calls.append(model.name))

    assert checks.run(watched, *checks.STEPS) == checks.run(lab, *checks.STEPS)

    assert {name for name in calls if not READING.fullmatch(name)} == LOOKING
    assert held(lab) == before
    assert {hidden for _, hidden in before} == {"0"}
    assert len(calls) < 150 + 20 * len(queues.ALERT_QUEUES)
