"""Accounts with users in them, whose policies the embedded AWS enforces as AWS does.

The account's own key, its twelve digits, may do everything. It builds what users and functions then try.
"""

import json
from dataclasses import replace

import boto3

from lab_lib.aws import policies
from lab_lib.aws.grants import as_list

EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
# The embedded AWS does not see which resource these calls are about, so it wants them allowed on every resource.
UNSEEN = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetResourcePolicy",
    "dynamodb:GetShardIterator",
    "dynamodb:ListTagsOfResource",
    "iam:SimulatePrincipalPolicy",
    "lambda:CreateFunction",
    "sns:ListTagsForResource",
]


def lab_of(root, *credentials):
    """Return the account's lab with these credentials: access key, secret and, where there is one, session token."""
    session = boto3.Session(*credentials, region_name=root.region)
    return replace(root, session=session, _clients={})


def user_of(root, name, policy=None):
    """Return the lab as a new user of the account sees it, who may do what this policy says, or nothing."""
    root.client("iam").create_user(UserName=name)
    if policy:
        allow(root, name, policy)
    key = root.client("iam").create_access_key(UserName=name)["AccessKey"]
    return lab_of(root, key["AccessKeyId"], key["SecretAccessKey"])


def allow(root, name, policy):
    """Let the user do what this policy says from now on, and nothing else."""
    iam, arn = root.client("iam"), root.arn("iam", f"policy/{name}")
    statements = as_list(policy["Statement"])
    unseen = [action for statement in statements for action in statement["Action"] if action in UNSEEN]
    statements += [policies.allow(unseen, "*")] if unseen else []
    if iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=arn)
        iam.delete_policy(PolicyArn=arn)
    iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy | {"Statement": statements}))
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
