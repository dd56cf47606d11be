"""The sandbox of a submission, as far as it can be seen without one. test_sandbox_attacks.py runs code in it."""

import shutil
import subprocess
import sys

import pytest

from lab_lib.classroom import sandbox
from lab_lib.classroom.sandbox import Ended, Sandbox
from lab_lib.errors import UsageError
from lab_lib.language import VARIABLE
from lab_lib.processes.limits import Limits


def test_without_bubblewrap_only_trust_runs_the_students_code(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(UsageError, match="--trust"):
        sandbox.refuse_without(trust=False)
    sandbox.refuse_without(trust=True)


def test_a_bubblewrap_that_does_not_work_is_none(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho No permissions >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))

    with pytest.raises(UsageError, match=r"does not work here \(No permissions\)"):
        sandbox.refuse_without(trust=False)


def test_the_environment_has_nothing_of_the_users_but_the_language(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-mine")
    monkeypatch.setenv(VARIABLE, "zh_CN")

    variables = sandbox._environment("/tmp/work")

    assert "secret-of-mine" not in str(variables)
    assert variables[VARIABLE] == "zh_CN"


@pytest.fixture
def box(request):
    """Yield a sandbox with the program that the test names in the place of the one in the sandbox."""
    command = [sys.executable, "-c", request.param]
    made = Sandbox(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE), 0, 60, Limits(10**9, 100))
    yield made
    made.stop("The test is over.")
    made.process.stdin.close()
    made.process.stdout.close()


@pytest.mark.parametrize("box", ["""print('{"a": [1]}')""", "print('x' * 20_000_000)", ""], indirect=True)
def test_what_is_no_object_ends_the_conversation(box):
    with pytest.raises(Ended, match="has ended"):
        box.hear()
