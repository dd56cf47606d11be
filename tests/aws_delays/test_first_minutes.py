"""The lab goes through all of AWS's delays at once, as a user runs it."""

import pytest

from tests.aws_delays.behaviours import ALL
from tests.aws_delays.runs import COMMANDS


@pytest.mark.slow
def test_all_commands_go_through_all_delays_at_once(run):
    lab = run(*ALL)

    # Only what is built again meets the delays after a deletion, so the last run ends there.
    commands = [*COMMANDS[:-1], ["run", "--until", "04"]]
    ended = {" ".join(command): lab.lab(*command) for command in commands}

    assert {name: done.stdout + done.stderr for name, done in ended.items() if done.returncode} == {}
