"""The whole chain on the embedded AWS, beside those of others, and a subscription that a person confirms."""

import json

import pytest
from chains import Chain

from lab_lib.aws import cleanup, topics, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server
from lab_lib.errors import LabError
from lab_lib.lab import open_lab
from tests.web_server import serving


@pytest.mark.slow
def test_labs_of_another_prefix_account_or_region_do_not_see_each_other(chain, account):
    prefixed = Chain(open_lab(account=chain.lab.account, prefix="Ana-")).build()
    labs = [chain, prefixed, Chain(open_lab(account=account, region="eu-west-1")).build()]

    for number, lab in enumerate(labs):
        lab.put("a.txt", [f"C1||T1|03/16/2017|{1499 + number}"])
    for number, lab in enumerate(labs):
        lab.wait_for_changes(1)
        assert lab.totals() == {"C1": 1499 + number}
        assert len(lab.alerts()) == (number > 0)
    remaining = [cleanup.remaining(lab.lab) for lab in labs]
    list(cleanup.delete_all(prefixed.lab))

    assert [cleanup.remaining(lab.lab) for lab in labs] == [remaining[0], [], remaining[2]]


def test_a_subscription_is_confirmed_by_the_link_that_sns_sends(lab):
    """By HTTP, since the embedded AWS sends no mail: the link is of the same kind."""
    with serving() as listener:
        topics.ensure_topic(lab)
        triggers.ensure_subscription(lab, "http", f"http://{server.HOST}:{listener.server_port}/")
        message = wait_until(lambda: listener.bodies, "the link", timeout=10)[0]
    link = json.loads(message)["SubscribeURL"]
    (waiting,) = triggers.subscriptions(lab)
    assert triggers.subscription_settings(lab, waiting["SubscriptionArn"])["ConfirmationWasAuthenticated"] == "false"

    arn = triggers.confirm_subscription(lab, link)

    assert triggers.subscription_settings(lab, arn)["ConfirmationWasAuthenticated"] == "true"
    with pytest.raises(LabError, match="SNS does not accept this token"):  # each is valid once
        triggers.confirm_subscription(lab, link)
