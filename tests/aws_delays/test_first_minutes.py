"""The lab goes through all of AWS's delays at once, as a user runs it: processes that share what happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab_lib.embedded import server
from lab_lib.workspace.places import WORKSPACE
from tests.aws_delays.behaviours import DELAYS
from tests.aws_delays.layer import ARGUMENTS
from tests.lab.commands import profile_of_aws

LAB = Path(sys.executable).with_name("lab")
SPEED = 100  # a faster clock takes a slow moment of this computer for minutes of AWS


@pytest.fixture
def run(tmp_path, account):
    """run("check", …): a `lab` command that takes the embedded AWS for AWS in its first minutes."""
    running, config = server.start(), tmp_path / "config"
    config.write_text(profile_of_aws("delays", running.endpoint, (account, running.secret)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAB_", "PYTHON"))}
    environment = {
        **kept,
        WORKSPACE: os.environ[WORKSPACE],  # its embedded AWS is the one below the layer
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONPATH": os.pathsep.join(map(str, [Path(__file__).with_name("start"), Path(__file__).parents[2]])),
        ARGUMENTS: json.dumps([str(tmp_path), account, SPEED, [*DELAYS]]),
    }

    def run(command, *options):
        where = ["--profile", "delays", "--account", account]
        arguments = [str(LAB), command, *where, *options]
        return subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_all_commands_go_through_all_delays_at_once(run):
    # The last run meets the delays after a deletion: of tables, a queue, and the bucket whose name is lost.
    for command in (
        ["run", "--until", "05", "--yes"],
        ["check", "--probe", "--yes"],
        ["clean", "--yes"],
        ["run", "--until", "00", "--yes"],
    ):
        done = run(*command)

        assert done.returncode == 0, done.stdout + done.stderr
