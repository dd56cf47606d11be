"""A subscription that a person confirms, on the embedded AWS, with the cell of notebook 03."""

import json

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import topics, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server
from tests.learners import cell
from tests.web_server import serving


def test_a_subscription_is_confirmed_by_the_link_that_sns_sends(lab):
    """By HTTP, since the embedded AWS sends no mail: the link is of the same kind."""
    sns, topic = lab.client("sns"), topics.ensure_topic(lab)
    with serving() as listener:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://{server.HOST}:{listener.server_port}/")
        message = wait_until(lambda: listener.bodies, "the link", timeout=10)[0]
    link = json.loads(message)["SubscribeURL"]
    confirming = cell("03-10").replace('confirmation_link = ""', f"confirmation_link = {link!r}")

    exec(confirming, {"sns": sns, "topic": topic})

    (confirmed,) = triggers.subscriptions(lab)
    assert triggers.subscription_settings(lab, confirmed["SubscriptionArn"])["ConfirmationWasAuthenticated"] == "true"
    with pytest.raises(ClientError, match="InvalidParameter"):  # each is valid once
        exec(confirming, {"sns": sns, "topic": topic})
