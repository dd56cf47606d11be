"""Check what no upload shows: whom the policies of the chain's parts let in from other accounts.

senders.py says who may send to a queue, where the topic and its account count too.
"""

from lab_lib.aws import buckets, functions, grants, queues, topics
from lab_lib.aws.policies import Policy
from lab_lib.checks.rules import FURTHER, Account, Finding, check, none_of
from lab_lib.checks.step_00 import fix_role, role_for


@check("00", "outsiders-bucket", "other accounts at the bucket", after="bucket")
def at_bucket(account: Account) -> Finding:
    objects = account.lab.arn("s3", f"{account.lab.bucket}/any")
    fix = account.fix("put_bucket_policy", console="Permissions")
    return _outsiders(account, account.ask(buckets.statements), ("s3:GetObject", "s3:PutObject"), objects, fix)


@check(FURTHER, "outsiders-role-{}", "other accounts at the role for {}", after="role-{}", subjects=functions.SOURCES)
def at_role(account: Account, name: str) -> Finding:
    """It gives no points: a managed classroom account has a role that its students may not change, or even read."""
    role = role_for(account, name)
    trust = grants.statements(role.get("AssumeRolePolicyDocument"))
    fix = fix_role(account, role, "update_assume_role_policy", "Trust relationships")
    return _outsiders(account, trust, ("sts:AssumeRole",), role["Arn"], fix)


@check("01", "outsiders-{}", "other accounts at {}", after="function-{}", subjects=functions.SOURCES)
def at_function(account: Account, name: str) -> Finding:
    function = account.lab.arn("lambda", f"function:{account.lab.name(name)}")
    fix = account.fix("remove_permission", console="Permissions")
    return _outsiders(account, account.ask(functions.statements, name), ("lambda:InvokeFunction",), function, fix)


@check(FURTHER, "outsiders-topic", "other accounts at the topic", after="topic")
def at_topic(account: Account) -> Finding:
    """It gives no points: the embedded AWS gives a topic of CloudFormation a default policy that lets everybody in."""
    topic = account.lab.arn("sns", account.lab.name(topics.ALERT_TOPIC))
    fix = account.fix("set_topic_attributes with a Policy", console="Access policy")
    return _outsiders(account, account.ask(topics.statements), ("sns:Publish", "sns:Subscribe"), topic, fix)


@check("04", "outsiders-{}", "other accounts at {}", after="queue-{}", subjects=queues.ALERT_QUEUES)
def at_queue(account: Account, name: str) -> Finding:
    queue, fix = queues.queue_arn(account.lab, name), account.fix("set_queue_attributes", console="Access policy")
    return _outsiders(account, account.ask(queues.statements, name), ("sqs:ReceiveMessage",), queue, fix)


def _outsiders(account: Account, policy: list[Policy], actions: tuple[str, ...], arn: str, fix: str) -> Finding:
    """Return whether nobody of another account may do these actions."""
    hint = f"Remove what lets another account in from this policy{fix}"
    return none_of(grants.outsiders(account.lab, policy, actions, arn), hint)
