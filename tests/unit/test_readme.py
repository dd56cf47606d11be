"""What the README says of who may do what is what the policies say."""

import re
from pathlib import Path

import pytest

from lab_lib.aws import buckets, functions, policies, queues, roles, triggers, user_policies

README = Path(__file__).parents[2] / "README.md"
WHO = ["TransactionProcessor", "TotalNotifier", "Lambda", "S3", "SNS", "a learner", "a grader", "everyone else"]


@pytest.fixture(scope="module")
def told():
    """{who: [(what they may, to which)]} of the table; an empty first cell means the one above."""
    rows, who = {}, ""
    table = README.read_text(encoding="utf-8").split("| Who | May | To which |\n|---|---|---|\n")[1].split("\n\n")[0]
    for line in table.splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        who = first or who
        rows.setdefault(who, []).append(tuple(rest))
    return rows


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


def pairs(rows):
    """Every action with every thing of its row."""
    return {(action, thing) for may, which in rows for action in quoted(may) for thing in quoted(which)}


def said(lab, *statements):
    """Every action with every thing of these statements, as the table writes it."""
    return {
        (action, shown(lab, arn))
        for each in statements
        for action in _listed(each["Action"])
        for arn in _listed(each["Resource"])
    }


def shown(lab, arn):
    """The last part of an ARN: the table, the queue, the role."""
    name = arn.removesuffix(":*").split(":")[-1].replace(lab.bucket, "BUCKET")
    return re.sub(r"^(table|role)/", "", name)


def _listed(value):
    return value if isinstance(value, list) else [value]


def test_the_table_is_about_everyone(told):
    assert list(told) == WHO
    assert told["everyone else"] == [("nothing", "")]


@pytest.mark.parametrize(
    ("name", "policy"),
    [("TransactionProcessor", policies.transaction_processor), ("TotalNotifier", policies.total_notifier)],
)
def test_a_function_may_do_what_the_readme_says(moto_lab, told, name, policy):
    assert pairs(told[name]) == said(moto_lab, *policy(moto_lab)["Statement"])


def test_lambda_s3_and_sns_may_do_what_the_readme_says(lab, told):
    buckets.ensure_bucket(lab)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    functions.ensure_function(lab, "TransactionProcessor")
    triggers.ensure_bucket_trigger(lab)
    arns = [queues.queue_arn(lab, name) for name in queues.ALERT_QUEUES]

    let_in = [policies.topic_to_queue(lab, "the-topic", arn)["Statement"][0] for arn in arns]
    trusted = policies.lambda_trust(lab)["Statement"][0]["Action"]
    assert pairs(told["SNS"]) == said(lab, *let_in)
    assert pairs(told["S3"]) == said(lab, *functions.statements(lab, "TransactionProcessor"))
    assert pairs(told["Lambda"]) == {(trusted, role) for role in functions.ROLES.values()}


def test_a_learner_reaches_what_the_readme_says(moto_lab, told):
    statements = user_policies.learner(moto_lab)["Statement"]
    things = {thing for _, thing in said(moto_lab, *statements) if thing not in ("*", "event-source-mapping")}
    passed = {thing for action, thing in said(moto_lab, *statements) if action == "iam:PassRole"}
    (_, reached), (_, given) = told["a learner"]

    assert set(quoted(reached)) == {thing for thing in things if not thing.startswith("/aws/lambda/")}
    assert set(quoted(given)) == passed


def test_a_grader_reads_what_the_readme_says(moto_lab, told):
    reading = ("dynamodb:Scan", "sqs:ReceiveMessage")
    read = {
        thing for action, thing in said(moto_lab, *user_policies.grader(moto_lab)["Statement"]) if action in reading
    }

    assert set(quoted(told["a grader"][1][1])) == read
