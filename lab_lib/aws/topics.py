"""The SNS topic that spreads an alert to everyone who subscribed."""

import json

from botocore.exceptions import ClientError

from lab_lib.aws import grants, policies
from lab_lib.errors import error_code
from lab_lib.lab import TAG, Lab

ALERT_TOPIC = "HighBalanceAlert"
DISPLAY_NAME = "HighAlert"  # what the recipient of an e-mail or SMS sees as its sender
KEY = "alias/aws/sns"  # AWS's own key for SNS: it costs nothing a month, and whoever may publish may use it


def ensure_topic(lab: Lab, name: str = ALERT_TOPIC) -> str:
    """Make the topic, encrypted at rest, or give ours back its settings; its ARN."""
    sns, arn = lab.client("sns"), lab.arn("sns", lab.name(name))
    settings = {
        "DisplayName": DISPLAY_NAME,
        "KmsMasterKeyId": KEY,
        "Policy": json.dumps(policies.alert_topic(lab, arn)),
    }
    if find_topic(lab, name) is None:
        sns.create_topic(Name=lab.name(name), Attributes=settings, Tags=[TAG])
    elif is_ours(lab, name):
        for setting, value in settings.items():
            sns.set_topic_attributes(TopicArn=arn, AttributeName=setting, AttributeValue=value)
    return arn


def find_topic(lab: Lab, name: str = ALERT_TOPIC) -> str | None:
    """The topic's ARN."""
    return (attributes(lab, name) or {}).get("TopicArn")


def names(lab: Lab) -> list[str]:
    """The names of all topics in the Region."""
    pages = lab.client("sns").get_paginator("list_topics").paginate()
    return [topic["TopicArn"].split(":")[-1] for page in pages for topic in page["Topics"]]


def attributes(lab: Lab, name: str = ALERT_TOPIC) -> dict[str, str] | None:
    """The topic's attributes, as SNS gives them: TopicArn, DisplayName …"""
    try:
        answer: dict[str, str] = lab.client("sns").get_topic_attributes(TopicArn=lab.arn("sns", lab.name(name)))[
            "Attributes"
        ]
        return answer
    except ClientError as error:
        if error_code(error) in ("NotFound", "NotFoundException"):
            return None
        raise


def statements(lab: Lab, name: str = ALERT_TOPIC) -> list[policies.Policy]:
    """The statements of the topic's policy."""
    return grants.listed(json.loads((attributes(lab, name) or {}).get("Policy") or '{"Statement": []}')["Statement"])


def is_ours(lab: Lab, name: str = ALERT_TOPIC) -> bool:
    """True if the topic is there and the lab made it."""
    arn = find_topic(lab, name)
    return arn is not None and TAG in lab.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]


def delete_topic(lab: Lab, name: str = ALERT_TOPIC) -> None:
    """Delete the topic and its subscriptions, if the lab made it."""
    if is_ours(lab, name):
        lab.client("sns").delete_topic(TopicArn=find_topic(lab, name))
