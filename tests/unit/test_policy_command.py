"""`lab policy`, as a user types it."""

import json

import pytest
from typer.testing import CliRunner

from lab_lib.aws import user_policies
from lab_lib.cli import main


@pytest.fixture(autouse=True)
def opened(moto_lab, monkeypatch):
    """The lab on moto is what the command opens."""
    monkeypatch.setattr(main, "open_lab", lambda **settings: moto_lab)


def lab_policy(*arguments):
    return CliRunner().invoke(main.app, ["policy", *arguments])


@pytest.mark.parametrize(
    ("arguments", "policy"),
    [([], user_policies.grader), (["grader"], user_policies.grader), (["learner"], user_policies.learner)],
)
def test_the_policy_is_the_one_of_the_person_or_else_of_a_grader(moto_lab, arguments, policy):
    printed = lab_policy(*arguments)

    assert (json.loads(printed.stdout), printed.stderr) == (policy(moto_lab), "")
    assert printed.exit_code == 0


def test_there_is_no_policy_for_anybody_else():
    printed = lab_policy("teacher")

    assert (printed.exit_code, printed.stdout) == (2, "")
    assert "'teacher' is not one of" in printed.stderr
