"""Build IAM policies for people.

learner.json is to do the lab, grader.json to read the result, and probe.json to probe it.

- A statement may hold actions and resources of several services: an action applies only to resources of its own
  service. So the learner's policy fits into a managed policy.
- A statement on "*" holds actions that have no resource-level permissions. The grader's second one is on "*" because a
  role may have any name.
- The grader may not list the functions: their list has the variables of all, and so other people's secrets.
- The partition of an ARN is *. It allows nothing more, since an account is in one partition only. So the learner's
  policy is short enough in every partition, with the longest names.
- A resource with a kind in braces, such as {queue}, stands for each resource of this kind in the handout's chain.
- The ARN of a log group is written with and without ":*" at its end, and AWS does not say which one an action compares.
  A trailing "*" matches both. It also matches log groups whose name only begins like that of the lab's function.
- A message can be seen only by receiving it, so the grader may receive messages and make them visible again.
- Without a permissions boundary, learner.json leads to every permission: a learner puts it into a role, and uses it
  through a function. With a boundary, no action that could widen a role works on a role without it. All these actions
  stand in the statement of iam:CreateRole.
"""

import json
from importlib.resources import files
from string import Template

from lab_lib import resources
from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab


def learner(lab: Lab) -> Policy:
    """Return the policy for doing and checking the whole lab. It covers only resources with the lab's names.

    If the lab has a boundary, every role of the learner must have it.
    """
    policy = _fill_in("learner.json", lab)
    if lab.boundary:
        (roles,) = [statement for statement in policy["Statement"] if "iam:CreateRole" in statement["Action"]]
        roles["Action"].append("iam:PutRolePermissionsBoundary")
        roles["Condition"] = {"StringEquals": {"iam:PermissionsBoundary": lab.boundary}}
    return policy


def grader(lab: Lab) -> Policy:
    """Return the policy for grading: read how the account is built, and what the lab keeps in it."""
    return _fill_in("grader.json", lab)


def probe(lab: Lab) -> Policy:
    """Return the policy for `lab check --probe`, which needs the grader's too: on AWS a probe uploads, and reads."""
    return _fill_in("probe.json", lab)


def _fill_in(file: str, lab: Lab) -> Policy:
    names = {name: getattr(lab, name) for name in ("region", "account", "prefix")}
    names["bucket"] = lab.bucket_name or f"{lab.bucket_stem}*"  # see `Lab.choose_bucket`
    text = files(__name__).joinpath(file).read_text("utf-8")
    policy: Policy = json.loads(Template(text).substitute(names))
    for statement in policy["Statement"]:
        arns = []
        for resource in statement["Resource"]:
            arns += resources.for_each(resource)
        statement["Resource"] = arns
    return policy
