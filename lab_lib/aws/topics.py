"""Create, read and delete the SNS topic that sends each alert to its subscribers."""

import json

from lab_lib.aws import policies
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAG, Lab, only_ours

ALERT_TOPIC = "HighBalanceAlert"


def ensure_topic(lab: Lab, name: str = ALERT_TOPIC) -> str:
    """Create the topic, or repair the settings of the lab's own. Return its ARN.

    It has no KMS key: AWS documents which rights a publisher needs on a key only for keys of the customer's own.
    """
    sns = lab.client("sns")
    arn = topic_arn(lab, name)
    settings = {
        "DisplayName": "HighAlert",  # the sender that the recipient of an e-mail or SMS sees
        "Policy": json.dumps(policies.alert_topic(lab)),
    }
    if find_topic(lab, name) is None:
        sns.create_topic(Name=lab.name(name), Attributes=settings, Tags=[TAG])
    elif is_ours(lab, name):
        for setting, value in {**settings, "KmsMasterKeyId": ""}.items():
            sns.set_topic_attributes(TopicArn=arn, AttributeName=setting, AttributeValue=value)
    return arn


def topic_arn(lab: Lab, name: str = ALERT_TOPIC) -> str:
    """Return the ARN that the topic has, or will have."""
    return lab.arn("sns", lab.name(name))


def find_topic(lab: Lab, name: str = ALERT_TOPIC) -> str | None:
    """Return the topic's ARN, or None."""
    return (attributes(lab, name) or {}).get("TopicArn")


def names(lab: Lab) -> list[str]:
    """Return the names of all topics in the Region."""
    arns = lab.client("sns").get_paginator("list_topics").paginate().search("Topics[].TopicArn")
    return [arn.split(":")[-1] for arn in arns]


def attributes(lab: Lab, name: str = ALERT_TOPIC) -> dict[str, str] | None:
    """Return the topic's attributes, as SNS gives them: TopicArn, DisplayName …"""
    return none_if_absent(lambda: lab.client("sns").get_topic_attributes(TopicArn=topic_arn(lab, name))["Attributes"])


def is_ours(lab: Lab, name: str = ALERT_TOPIC) -> bool:
    """Return True if the topic exists and has the lab's tag."""
    arn = find_topic(lab, name)
    return arn is not None and TAG in lab.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]


@only_ours(is_ours)
def delete_topic(lab: Lab, name: str = ALERT_TOPIC) -> None:
    """Delete the topic and its subscriptions, if the lab created it."""
    lab.client("sns").delete_topic(TopicArn=topic_arn(lab, name))
