"""Check what no upload shows: whom the policies of the chain's parts let in from other accounts."""

from lab_lib.aws import buckets, functions, grants, queues, topics
from lab_lib.aws.policies import Policy
from lab_lib.checks import step_00, step_04  # noqa: F401  # their checks come before these
from lab_lib.checks.reading import role_for
from lab_lib.checks.rules import FURTHER, Account, Finding, check, none_of
from lab_lib.language import N_, _
from lab_lib.resources import cell

HINT = N_("Remove what lets another account in from this policy")


@check("00", "outsiders-bucket", "other accounts at the bucket", after="bucket", call="put_bucket_policy")
def at_bucket(account: Account) -> Finding:
    objects = account.lab.arn("s3", f"{account.lab.bucket}/any")
    return _outsiders(account, account.ask(buckets.statements), objects, "s3:GetObject", "s3:PutObject")


@check(
    FURTHER,
    "outsiders-role-{}",
    "other accounts at the role for {}",
    after="role-{}",
    subjects=functions.SOURCES,
    call="update_assume_role_policy",
    made_by=cell("role"),
)
def at_role(account: Account, name: str) -> Finding:
    """It gives no points: a managed classroom account has a role that its students may not change, or even read."""
    role = role_for(account, name)
    return _outsiders(account, grants.statements(role.get("AssumeRolePolicyDocument")), role["Arn"], "sts:AssumeRole")


@check("01", "outsiders-{}", "other accounts at {}", after="function-{}", subjects=functions.SOURCES)
def at_function(account: Account, name: str) -> Finding:
    function = account.lab.arn("lambda", f"function:{account.name(name)}")
    hint = account.how_to_fix(_(HINT), "remove_permission", N_("Permissions"))
    return _outsiders(account, account.ask(functions.statements, name), function, "lambda:InvokeFunction", hint=hint)


@check(
    FURTHER,
    "outsiders-topic",
    "other accounts at the topic",
    after="topic",
    call=N_("set_topic_attributes with a Policy"),
)
def at_topic(account: Account) -> Finding:
    """It gives no points: the embedded AWS gives a topic of CloudFormation a default policy that lets everybody in."""
    topic = account.lab.arn("sns", account.name(topics.ALERT_TOPIC))
    return _outsiders(account, account.ask(topics.statements), topic, "sns:Publish", "sns:Subscribe")


@check("04", "outsiders-{}", "other accounts at {}", after="queue-{}", subjects=queues.ALERT_QUEUES)
def at_queue(account: Account, name: str) -> Finding:
    queue = queues.queue_arn(account.lab, name)
    hint = account.how_to_fix(_(HINT), "set_queue_attributes", N_("Access policy"))
    return _outsiders(account, account.ask(queues.statements, name), queue, "sqs:ReceiveMessage", hint=hint)


def _outsiders(account: Account, policy: list[Policy], arn: str, *actions: str, hint: str = HINT) -> Finding:
    """Return whether nobody of another account may do these actions."""
    faults = (fault.split(": ", 1) for fault in grants.outsiders(account.lab, policy, actions, arn))
    return none_of((_("{user}: {action}", user=_(user), action=action) for user, action in faults), _(hint))
