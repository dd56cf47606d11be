"""A kernel as `lab open` starts it: what a cell says after a restart, and when AWS refuses a call."""

import json
import os
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

import lab_lib.cli

STARTUP = Path(lab_lib.cli.__file__).parent / "jupyter" / "startup.py"
CELLS = [
    ("markdown", "# 03\n\n## Open the lab"),
    (
        "code",
        "%matplotlib inline\nfrom lab_lib import open_lab\n\nlab = open_lab()\n\n\ndef add(row):\n    inner = row",
    ),
    ("markdown", "## Make the topic"),
    ("code", "for name in []:\n    topic = add(name)\nwrong ="),
    ("code", "lab, topic, below = 1, 2, 3"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(code): run it as the last cell; what it shows as its error."""
    folder = tmp_path_factory.mktemp("kernel")
    cells = [
        {"id": str(number), "cell_type": kind, "source": text.splitlines(keepends=True)}
        for number, (kind, text) in enumerate(CELLS)
    ]
    (folder / "03.ipynb").write_text(json.dumps({"cells": cells}))
    ours = {"PYTHONSTARTUP": str(STARTUP)}
    manager, client = start_new_kernel(env={**os.environ, **ours, "JPY_SESSION_NAME": str(folder / "03.ipynb")})

    def run(code):
        # An error would otherwise abort the next cell, if it is already there when the kernel cleans up.
        content = {"code": code, "silent": False, "stop_on_error": False}
        message = client.session.msg("execute_request", content, metadata={"cellId": cells[-1]["id"]})
        client.shell_channel.send(message)
        while (reply := client.get_shell_msg())["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            pass
        return "\n".join(reply["content"].get("traceback", []))

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("code", "name"),
    [("open_lab()", "open_lab"), ("def ask():\n    return add(1)\n\nask()", "add")],
)
def test_a_name_that_a_cell_above_defines_is_one_sentence_that_says_which_cells_to_run(code, name, run):
    shown = run(code)

    assert shown.startswith(f"`{name}` is not there")
    assert ("top down to “Open the lab”" in shown, "Run All Above Selected Cell" in shown) == (True, True)
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "code",
    [
        "print(lba)",  # a slip of the learner's own
        "print(topic)",  # the cell with it is not Python yet
        "others = {}\nexec('def ask(): return lab', others)\nothers['ask']()",  # another module's
    ],
)
def test_another_missing_name_is_pythons_own_message(code, run):
    shown = run(code)

    assert ("Traceback" in shown, "NameError" in shown, "top down" in shown) == (True, True, False)


def test_what_aws_refuses_is_one_sentence(run):
    code = "from botocore.exceptions import ClientError\nraise ClientError({'Error': {'Code': '%s'}}, 'CreateTable')"

    assert " ".join(run(code % "ResourceInUse").split()).startswith("ClientError: An error occurred (ResourceInUse)")
    assert run(code % "AccessDenied").startswith("ClientError: CreateTable is denied. Ask the administrator")


def test_a_cell_that_is_stopped_says_only_that(run):
    assert run("raise KeyboardInterrupt") == "Stopped."


def test_a_cell_puts_its_functions_into_a_file_also_before_any_other_cell_has_run(run):
    assert run("%%replace lost.py\nx = 1").startswith("UsageError: Cannot read lost.py: No such file")


def test_the_file_that_runs_at_the_start_leaves_no_name_behind(run):
    assert run("assert not [n for n in ('_start', 'suppress', 'replace') if n in globals()]") == ""
