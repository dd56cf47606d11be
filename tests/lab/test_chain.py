"""A subscription that a person confirms, on the embedded AWS."""

import json

import pytest

from lab_lib.aws import topics, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server
from lab_lib.errors import LabError
from tests.web_server import serving


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
