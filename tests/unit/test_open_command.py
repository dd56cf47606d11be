"""What `lab open` takes as the command of a Jupyter server, and what that server gets."""

import pytest

import lab_lib
from tests.lab.commands import assert_refused, in_process


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Open no lab. Each test has a workspace of its own."""
    monkeypatch.setattr(lab_lib, "open_lab", lambda **_: "a lab")


def test_the_number_of_a_notebook_is_not_taken_for_the_command_of_a_jupyter_server():
    done = in_process("open", "03")

    assert_refused(done)
    assert "'03' is not a command; wanted none, or one that starts a Jupyter server" in done.stderr


def test_another_jupyter_server_starts_in_the_workspace_with_the_copy_and_the_settings():
    list_all = 'ls my-lab/00-start-here.ipynb "$PYTHONSTARTUP" "$JUPYTER_CONFIG_PATH"'

    assert in_process("open", "--", "sh", "-c", list_all).exit_code == 0
    assert in_process("open", "--", "sh", "-c", "exit 3").exit_code == 3


def test_a_user_of_jupyterhub_has_transactions_of_their_own(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "ana1")

    assert "drawn from the id ana1" in in_process("open", "--", "true").stdout
    assert_refused(in_process("open", "--id", "bo2", "--", "true"))
    monkeypatch.setenv("JUPYTERHUB_USER", "bo2")  # the copy came from elsewhere
    assert "drawn from the id ana1" in in_process("open", "--", "true").stdout
