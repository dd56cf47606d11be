"""The command `lab`: in this process, or as a process that is then stopped."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer import rich_utils
from typer.testing import CliRunner

from lab_lib.calls.waiting import wait_until
from lab_lib.cli import command_line
from lab_lib.cli.main import app
from lab_lib.processes.stopwatch import LONGEST_STRETCH

LAB = Path(sys.executable).with_name("lab")
_SERVICES = "sts", "s3", "iam", "lambda", "dynamodb", "dynamodb_streams", "sns", "sqs", "cloudwatch", "cloudwatch_logs"


def profile_of_aws(name, endpoint, keys):
    """Return an AWS configuration whose profile the lab takes for AWS: it has an endpoint for each single service."""
    services = "".join(f"{service} =\n  endpoint_url = {endpoint}\n" for service in _SERVICES)
    key, secret = keys
    keys = f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    return f"[profile {name}]\nservices = all\n{keys}[services all]\n{services}"


def in_process(*arguments, answer=None):
    """Run `lab` in this process, which is quicker. It reads the answer to its question."""
    with pytest.MonkeyPatch.context() as patch:  # typer's own words are as before when it has ended
        for name in (*command_line.WORDS, "highlighter"):
            patch.setattr(rich_utils, name, getattr(rich_utils, name))
        return CliRunner().invoke(app, list(map(str, arguments)), input=answer)


def assert_refused(done):
    """Assert that the command has refused a wrong request, in one line."""
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output


def run(*arguments, **variables):
    """Run `lab` as a process, to its end."""
    settings = {"env": {**os.environ, "COLUMNS": "200", **variables}, "text": True, "umask": 0}
    return subprocess.run([LAB, *arguments], capture_output=True, check=False, **settings)


def begin(until, *arguments, **variables):
    """Start `lab`, and wait until `until` returns something true; the process, and all that it started."""
    process = subprocess.Popen(
        [LAB, *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: until() or process.poll() is not None, "the command", timeout=120, longest_pause=0.1)
    assert process.poll() is None
    return process, psutil.Process(process.pid).children(recursive=True)


def still_running(processes):
    """Return those of the processes that do not end within five seconds, or more on a busy computer."""
    return psutil.wait_procs(processes, timeout=5 * LONGEST_STRETCH)[1]
