"""What people may do: a grader, who reads; a learner, who does the lab and nothing beside it."""

import dataclasses
import json

import pytest

from lab_lib.aws import user_policies

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table"
NOTHING_NARROWER = {"lambda:CreateEventSourceMapping", *user_policies.LISTS}  # by AWS's service authorization reference


@pytest.fixture
def allowed():
    """{action: its resources} of a policy."""

    def allowed(policy):
        pairs = [(action, arn) for each in policy["Statement"] for action in each["Action"] for arn in each["Resource"]]
        assert len(set(pairs)) == len(pairs), "an action is allowed twice"
        return {name: [arn for action, arn in pairs if action == name] for name, _ in pairs}

    return allowed


def test_a_grader_may_read_and_look_at_messages_and_nothing_else(moto_lab, allowed):
    actions = {action.split(":")[1] for action in allowed(user_policies.grader(moto_lab))}

    reading = {action for action in actions if action.startswith(("Get", "List", "Describe"))}
    assert actions - reading == {
        "ChangeMessageVisibility*",
        "FilterLogEvents",
        "ReceiveMessage",
        "Scan",
        "SimulatePrincipalPolicy",
    }


def test_a_grader_reads_only_what_is_the_labs(moto_lab, allowed):
    found = allowed(user_policies.grader(dataclasses.replace(moto_lab, prefix="ana-")))

    assert found["s3:GetObject"] == ["arn:aws:s3:::*inputs3bucketfortransact*/*"]
    assert found["dynamodb:Scan"] == [
        f"{TABLE}/ana-{name}" for name in ("Customer", "Transactions", "TransactionTotal")
    ]
    assert [arn.split(":")[-1] for arn in found["sqs:ReceiveMessage"]] == ["ana-CustomerNotify", "ana-CreditCollection"]


@pytest.fixture
def with_prefix(moto_lab):
    """The lab of somebody who shares the account."""
    return dataclasses.replace(moto_lab, prefix="ana-")


def test_a_learner_reaches_only_what_has_the_prefix_except_for_actions_that_know_nothing_narrower(with_prefix, allowed):
    found = allowed(user_policies.learner(with_prefix))

    assert {action for action, arns in found.items() if "*" in arns} == NOTHING_NARROWER
    wide = {arn for arns in found.values() for arn in arns if "ana-" not in arn and arn != "*"}
    assert wide == {"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*"}  # and see below


def test_a_learner_makes_and_changes_mappings_of_the_one_function_only(with_prefix):
    of_mappings = [
        each
        for each in user_policies.learner(with_prefix)["Statement"]
        if any(action.endswith("EventSourceMapping") for action in each["Action"])
    ]

    notifier = "arn:aws:lambda:us-east-1:123456789012:function:ana-TotalNotifier"
    assert [each["Condition"] for each in of_mappings] == [{"ArnEquals": {"lambda:FunctionArn": notifier}}] * 2


def test_a_learner_makes_and_passes_the_two_roles_only_and_only_to_lambda(with_prefix, allowed):
    roles = [f"arn:aws:iam::123456789012:role/ana-{name}Role" for name in ("TransactionProcessor", "TotalNotifier")]
    found = allowed(user_policies.learner(with_prefix))

    assert {tuple(arns) for action, arns in found.items() if action.startswith("iam:")} == {tuple(roles)}
    (passing,) = [each for each in user_policies.learner(with_prefix)["Statement"] if "iam:PassRole" in each["Action"]]
    assert passing["Action"] == ["iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


def test_a_learner_may_do_all_that_a_grader_may(moto_lab, allowed):
    assert allowed(user_policies.grader(moto_lab)).keys() <= allowed(user_policies.learner(moto_lab)).keys()


@pytest.mark.parametrize("who", [user_policies.grader, user_policies.learner])
def test_no_action_stands_for_many_but_the_one_that_comes_in_batches(moto_lab, allowed, who):
    assert [action for action in allowed(who(moto_lab)) if "*" in action] == ["sqs:ChangeMessageVisibility*"]


@pytest.mark.parametrize("who", [user_policies.grader, user_policies.learner])
def test_a_persons_policy_fits_into_a_managed_policy_with_the_longest_prefix_in_china(moto_lab, who):
    long = dataclasses.replace(moto_lab, prefix="Ana-Maria-7", partition="aws-cn", region="cn-northwest-1")

    written = json.dumps(who(long), separators=(",", ":"))
    assert len(written) <= 6144  # characters, without blanks
    assert "arn:aws:" not in written
