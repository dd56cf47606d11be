import json

from lab_lib.aws import policies, topics


def test_the_topic_has_the_handouts_display_name_and_its_policy_and_no_key(lab):
    arn = topics.ensure_topic(lab)

    made = topics.attributes(lab)
    assert arn == made["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:HighBalanceAlert"
    assert (made["DisplayName"], made.get("KmsMasterKeyId", "")) == ("HighAlert", "")
    assert json.loads(made["Policy"])["Statement"] == policies.alert_topic(lab, arn)["Statement"]
