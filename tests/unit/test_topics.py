import dataclasses
import json

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import policies, topics


@pytest.fixture
def attributes(lab):
    return lambda arn: lab.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]


@pytest.fixture
def given_topic(lab):
    created = lab.client("sns").create_topic(Name="HighBalanceAlert", Attributes={"DisplayName": "Theirs"})
    return created["TopicArn"]


def test_ensure_topic_makes_a_tagged_encrypted_topic_with_its_display_name_and_policy(lab, attributes):
    arn = topics.ensure_topic(lab)

    assert arn == "arn:aws:sns:us-east-1:123456789012:HighBalanceAlert"
    assert attributes(arn)["DisplayName"] == "HighAlert"
    assert attributes(arn)["KmsMasterKeyId"] == "alias/aws/sns"
    assert json.loads(attributes(arn)["Policy"]) == policies.alert_topic(lab, arn)
    assert lab.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "lab", "Value": "serverless-lab"}
    ]


def test_ensure_topic_twice_gives_the_same_topic(lab):
    assert topics.ensure_topic(lab) == topics.ensure_topic(lab)
    assert len(lab.client("sns").list_topics()["Topics"]) == 1


@pytest.mark.parametrize(
    ("setting", "changed"),
    [("DisplayName", "Spam"), ("KmsMasterKeyId", ""), ("Policy", '{"Version": "2012-10-17", "Statement": []}')],
)
def test_ensure_topic_gives_a_changed_setting_back(lab, attributes, setting, changed):
    arn = topics.ensure_topic(lab)
    right = attributes(arn)[setting]
    lab.client("sns").set_topic_attributes(TopicArn=arn, AttributeName=setting, AttributeValue=changed)
    assert attributes(arn).get(setting) != right

    topics.ensure_topic(lab)

    assert attributes(arn)[setting] == right


def test_ensure_topic_adopts_a_given_topic_and_changes_nothing(lab, given_topic, attributes):
    before = attributes(given_topic)

    assert topics.ensure_topic(lab) == given_topic

    assert attributes(given_topic) == before
    assert not topics.is_ours(lab)


def test_an_absent_topic_is_none(lab):
    assert topics.find_topic(lab) is None
    assert topics.attributes(lab) is None
    assert topics.is_ours(lab) is False


def test_a_refusal_is_never_absence(lab, refuse):
    refuse("sns", "get_topic_attributes", code="AuthorizationError")

    for call in (topics.find_topic, topics.attributes, topics.ensure_topic, topics.delete_topic, topics.is_ours):
        with pytest.raises(ClientError, match="AuthorizationError"):
            call(lab)


def test_delete_topic_deletes_it_with_its_subscriptions(lab):
    arn = topics.ensure_topic(lab)
    lab.client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="ana@example.com")

    topics.delete_topic(lab)

    assert topics.find_topic(lab) is None
    assert lab.client("sns").list_subscriptions()["Subscriptions"] == []


def test_delete_topic_again_is_quiet(lab):
    topics.ensure_topic(lab)
    topics.delete_topic(lab)

    topics.delete_topic(lab)

    assert topics.find_topic(lab) is None


def test_delete_topic_keeps_a_given_topic(lab, given_topic):
    topics.delete_topic(lab)

    assert topics.find_topic(lab) == given_topic


def test_attributes_are_what_sns_tells_of_the_topic(lab, given_topic):
    found = topics.attributes(lab)

    assert (found["TopicArn"], found["DisplayName"]) == (given_topic, "Theirs")


def test_attributes_are_those_of_the_topic_with_the_labs_prefix(lab, given_topic):
    assert topics.attributes(dataclasses.replace(lab, prefix="ana-")) is None
    assert topics.attributes(lab, "Another") is None


def test_names_are_all_topics_of_the_region_when_they_are_more_than_a_page(lab):
    wanted = [f"Topic{number:03}" for number in range(101)]  # SNS's pages have 100
    for name in wanted:
        lab.client("sns").create_topic(Name=name)

    assert sorted(topics.names(lab)) == wanted


def test_names_of_fifo_topics_have_their_ending(lab):
    lab.client("sns").create_topic(Name="HighBalanceAlert.fifo", Attributes={"FifoTopic": "true"})

    assert topics.names(lab) == ["HighBalanceAlert.fifo"]


def test_names_without_a_topic_are_none(lab):
    assert topics.names(lab) == []
