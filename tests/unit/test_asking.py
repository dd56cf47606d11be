"""Before anything is deleted on AWS, the lab asks: in the notebook, in `lab clean` and in `lab run`."""

import signal
from dataclasses import replace
from unittest.mock import Mock

import pytest

import lab_lib
from lab_lib.aws import cleanup, queues
from lab_lib.cli import main, run_command
from lab_lib.cli.terminal import Terminal
from lab_lib.run import headless
from tests.lab.commands import in_process

THING = f"queue {queues.DEAD_LETTERS}"
ACCOUNT = "account 123456789012 on AWS, Region us-east-1"


@pytest.fixture
def on_aws(lab, monkeypatch):
    """Return the lab that the commands open: on AWS as far as they can tell, and with one queue in it."""
    on_aws = replace(lab, target="AWS")
    queues.ensure_queue(on_aws, queues.DEAD_LETTERS)
    for module in (lab_lib, headless):
        monkeypatch.setattr(module, "open_lab", lambda **_: on_aws)
    for module in (main, run_command):
        monkeypatch.setattr(module, "out", Terminal(width=120, force_terminal=False))
    return on_aws


@pytest.fixture
def ran(monkeypatch):
    """Return the parameters of each run that was begun; its notebooks are not run."""
    ran, result = [], {"ok": True, "totals": {}, "transactions": 0, "alerts": [], "queues": {}, "rejected": []}
    monkeypatch.setattr(headless, "run", lambda prepared, *_: ran.append(prepared.parameters) or ([], result))
    return ran


RUN = ("run", "--profile", "class", "--account", "123456789012")


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ("y\n", 0, f"deleted {THING}"),
        ("\n", 1, "Nothing was deleted. To delete it, do the same again and answer y."),
        (None, 1, "Set yes to True in notebook 99, or give --yes."),
    ],
)
def test_clean_on_aws_deletes_only_if_the_answer_is_yes(on_aws, answer, status, words):
    ended = in_process("clean", answer=answer)

    assert ended.stdout.startswith(f"Resources of the lab in {ACCOUNT}: 1. Delete them? [y/N]")
    assert (ended.exit_code, words in ended.output) == (status, True), ended.output
    assert cleanup.remaining(on_aws) == ([THING] if status else [])


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt, 128 + signal.SIGINT), (NotImplementedError, 1)],  # ipykernel raises it if nobody looks
)
def test_clean_on_aws_deletes_nothing_without_an_answer(on_aws, monkeypatch, error, status):
    monkeypatch.setattr("builtins.input", Mock(side_effect=error))

    assert in_process("clean").exit_code == status
    assert cleanup.remaining(on_aws) == [THING]


def test_clean_does_not_ask_with_yes_or_in_an_empty_account_or_on_an_emulator(on_aws, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it asked"))

    cleanup.confirm(replace(on_aws, endpoint="http://127.0.0.1:1"), yes=False)
    assert cleanup.remaining(on_aws) == [THING]
    assert in_process("clean", "--yes").exit_code == in_process("clean").exit_code == 0
    assert cleanup.remaining(on_aws) == []


def test_a_run_on_aws_asks_once_and_hands_the_answer_to_notebook_99(on_aws, ran, tmp_path):
    ended = in_process(*RUN, "--out", tmp_path / "out", answer="y\n")

    assert ended.stdout.startswith(f"At its end, this run deletes all that the lab has in {ACCOUNT}. Run it? [y/N]")
    assert (ended.exit_code, ended.stdout.count("[y/N]")) == (0, 1)
    assert [parameters["yes"] for parameters in ran] == [True]


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), (None, 2)])
def test_a_run_on_aws_does_not_begin_without_a_yes(on_aws, ran, tmp_path, answer, status):
    ended = in_process(*RUN, "--out", tmp_path / "out", answer=answer)

    assert (ended.exit_code, "--keep" in ended.stderr, ran) == (status, True, [])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--yes", "--keep", "--until=04"])
def test_a_run_on_aws_that_may_delete_or_will_not_does_not_ask(on_aws, ran, tmp_path, option):
    assert in_process(*RUN, "--out", tmp_path / "out", option).exit_code == 0
    assert len(ran) == 1
