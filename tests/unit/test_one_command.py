"""One command at a time works on a lab: the others are refused, and a killed one blocks nobody."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from lab_lib.errors import LabInUse
from lab_lib.lab import Lab
from lab_lib.workspace.one_command import alone

LAB = Lab(None, "AWS", "111122223333", "us-east-1", "aws")
HOLD = """
from lab_lib.lab import Lab
from lab_lib.workspace.one_command import alone
with alone(Lab(None, "AWS", "111122223333", "us-east-1", "aws"), "lab run"):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def holder():
    """Yield another process, which works on the lab. Its TMPDIR differs, as in a process of a class."""
    env = {**os.environ, "TMPDIR": "/nowhere"}
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_command_on_a_lab_is_refused_and_told_who_is_at_work_and_another_lab_is_not_locked(holder):
    message = rf"\(account 111122223333 on AWS, Region us-east-1\): `lab run`, process {holder.pid}\. Wait for its end"
    for _ in range(2):  # a refusal leaves the note as it is
        with pytest.raises(LabInUse, match=message), alone(LAB, "lab clean"):
            pass
    others = {"prefix": "ana-", "account": "111122224444", "region": "eu-west-1", "endpoint": "http://127.0.0.1:4566"}
    for name, value in others.items():
        with alone(replace(LAB, **{name: value}), "lab run"):
            pass


def test_a_command_that_was_killed_or_has_ended_locks_nothing(holder):
    holder.kill()
    holder.wait()

    for _ in range(2):
        with alone(LAB, "lab run"):
            pass
