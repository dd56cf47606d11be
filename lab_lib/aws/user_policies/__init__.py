"""IAM policies for people: learner.json for doing the lab, grader.json for reading the result.

- A statement on "*" holds actions that have no resource-level permissions. The grader's second one is on "*" because an
  account that was built by hand may use any names.
- Log groups stand there in both ways of writing their ARN, since AWS does not say which one an action compares.
- A message can be seen only by receiving it, so the grader may receive messages and make them visible again.
- Whoever has learner.json can create a role, put any permission into it, and use it through a function. In a shared
  account, add a permissions boundary to iam:CreateRole.
"""

import json
from importlib.resources import files
from string import Template

from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab


def learner(lab: Lab) -> Policy:
    """Return the policy for doing and checking the whole lab. It covers only resources with the lab's names."""
    return _fill_in("learner.json", lab)


def grader(lab: Lab) -> Policy:
    """Return the policy for grading: read how the account is built, and what the lab keeps in it."""
    return _fill_in("grader.json", lab)


def _fill_in(file: str, lab: Lab) -> Policy:
    names = {name: getattr(lab, name) for name in ("partition", "region", "account", "prefix", "bucket")}
    policy: Policy = json.loads(Template(files(__name__).joinpath(file).read_text("utf-8")).substitute(names))
    return policy
