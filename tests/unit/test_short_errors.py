"""A kernel as `lab open` starts it: what a cell says after a restart, and when AWS refuses a call."""

import os
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

import lab_lib.cli

STARTUP = Path(lab_lib.cli.__file__).parent / "jupyter" / "startup.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(code): run it as a cell; what it shows as its error."""
    ours = {"PYTHONSTARTUP": str(STARTUP)}
    manager, client = start_new_kernel(env={**os.environ, **ours}, cwd=str(tmp_path_factory.mktemp("kernel")))

    def run(code):
        # An error would otherwise abort the next cell, if it is already there when the kernel cleans up.
        content = {"code": code, "silent": False, "stop_on_error": False}
        message = client.session.msg("execute_request", content)
        client.shell_channel.send(message)
        while (reply := client.get_shell_msg())["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            pass
        return "\n".join(reply["content"].get("traceback", []))

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("code", ["lba", "def ask():\n    return lba(1)\n\nask()"])
def test_a_name_that_is_missing_in_the_notebook_is_one_sentence_that_says_which_cells_to_run(code, run):
    shown = " ".join(run(code).split())

    assert shown.startswith("NameError: `lba` is not there. Is it spelled")
    assert ("Run All Above Selected Cell" in shown, "Traceback" in shown) == (True, False)


def test_a_name_that_is_missing_in_a_module_is_pythons_own_message(run):
    shown = run("others = {}\nexec('def ask(): return lab', others)\nothers['ask']()")

    assert ("Traceback" in shown, "NameError" in shown, "Run All" in shown) == (True, True, False)


def test_what_aws_refuses_is_one_sentence(run):
    code = "from botocore.exceptions import ClientError\nraise ClientError({'Error': {'Code': '%s'}}, 'CreateTable')"

    assert " ".join(run(code % "ResourceInUse").split()).startswith("ClientError: An error occurred (ResourceInUse)")
    assert run(code % "AccessDenied").startswith("ClientError: CreateTable is denied. Ask the administrator")


@pytest.mark.parametrize("typed", ['"“', ",，", ":：", "(（", " \u3000"])
def test_a_chinese_mark_is_one_sentence_that_says_what_to_type(typed, run):
    right, wrong = typed

    assert run(f"x = 1\nprint{wrong}").startswith(f"SyntaxError: Line 2 has `{wrong}`. Type `{right}` instead")
    assert "Line 2" not in run("x = 1\nprint(")


def test_a_cell_that_is_stopped_says_only_that(run):
    assert run("raise KeyboardInterrupt") == "KeyboardInterrupt: Stopped."
