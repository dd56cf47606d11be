"""Before anything is deleted on AWS, the lab asks: in the notebook, in `lab clean` and in `lab run`."""

from contextlib import closing
from dataclasses import replace

import nbformat
import pytest
from rich.console import Console
from typer.testing import CliRunner

from lab_lib.aws import cleanup, queues
from lab_lib.cli import main, terminal
from lab_lib.run import headless
from lab_lib.run.kernels import fresh_kernels

THING = f"queue {queues.DEAD_LETTERS}"
WHERE = "account 123456789012 on AWS, Region us-east-1"
DELETE = f"Things of the lab in {WHERE}: 1. Delete them? [y/N]"
RUN = f"At its end, this run deletes all that the lab has in {WHERE}. Run it? [y/N]"
REFUSALS = ["n\n", "\n", "no\n", "Y es\n", "delete\n"]


@pytest.fixture
def on_aws(lab, monkeypatch):
    """The commands open this lab, which is on AWS as far as they can tell, and holds one thing."""
    on_aws = replace(lab, target="AWS")
    queues.ensure_queue(on_aws, queues.DEAD_LETTERS)
    for room in (main, headless):
        monkeypatch.setattr(room, "open_lab", lambda **_: on_aws)
    monkeypatch.setattr(main, "out", Console(width=120, force_terminal=False))
    monkeypatch.setattr(main, "err", Console(width=120, force_terminal=False, stderr=True))
    return on_aws


@pytest.fixture
def ran(monkeypatch):
    """The parameters of each run that was begun; its notebooks are not run."""
    ran = []

    def run(parameters, *_):
        ran.append(parameters)
        return {"ok": True, "totals": {}, "transactions": 0, "alerts": [], "queues": {}, "rejected": []}

    monkeypatch.setattr(headless, "run", run)
    return ran


@pytest.fixture
def nobody(monkeypatch):
    """There is nobody to be asked, and who tries it fails."""
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it asked"))


def lab_command(*arguments, answer=None):
    return CliRunner().invoke(main.app, list(map(str, arguments)), input=answer)


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("answer", ["y\n", "Y\n", " yes \n"])
def test_clean_on_aws_asks_and_deletes_if_the_answer_is_yes(on_aws, answer):
    ended = lab_command("clean", answer=answer)

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith(DELETE)
    assert f"deleted {THING}" in ended.stdout
    assert cleanup.remaining(on_aws) == []


@pytest.mark.parametrize("answer", REFUSALS)
def test_clean_on_aws_deletes_nothing_at_any_other_answer(on_aws, answer):
    ended = lab_command("clean", answer=answer)

    assert ended.exit_code == 1
    assert lines(ended.stderr) == ["LabError: Nothing was deleted. To delete it, do the same again and answer y."]
    assert cleanup.remaining(on_aws) == [THING]


def test_clean_on_aws_deletes_nothing_if_nobody_can_be_asked(on_aws):
    ended = lab_command("clean")

    assert ended.exit_code == 1
    (line,) = lines(ended.stderr)
    assert "Nothing was deleted" in line
    assert "--yes" in line
    assert cleanup.remaining(on_aws) == [THING]


def test_clean_with_yes_deletes_and_does_not_ask(on_aws, nobody):
    ended = lab_command("clean", "--yes")

    assert ended.exit_code == 0, ended.output
    assert cleanup.remaining(on_aws) == []


def test_where_there_is_nothing_to_delete_nobody_is_asked(on_aws, nobody):
    lab_command("clean", "--yes")

    assert lab_command("clean").exit_code == 0


def test_on_an_emulator_nobody_is_asked(on_aws, nobody):
    elsewhere = replace(on_aws, endpoint="http://127.0.0.1:1")

    cleanup.confirm(elsewhere, yes=False)
    cleanup.confirm_run(elsewhere, yes=False)


def test_a_run_on_aws_asks_once_before_it_begins_and_hands_the_answer_to_notebook_99(on_aws, ran, tmp_path):
    ended = lab_command("run", "--out", tmp_path / "out", answer="y\n")

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith(RUN)
    assert ended.stdout.count("[y/N]") == 1
    assert [parameters["yes"] for parameters in ran] == [True]


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_run_on_aws_does_not_begin_at_any_other_answer(on_aws, ran, tmp_path, answer):
    ended = lab_command("run", "--out", tmp_path / "out", answer=answer)

    assert ended.exit_code == 1
    (line,) = lines(ended.stderr)
    assert "Nothing was made and nothing was deleted" in line
    assert (ran, (tmp_path / "out").exists()) == ([], False)


def test_a_run_on_aws_is_refused_if_nobody_can_be_asked(on_aws, ran, tmp_path):
    ended = lab_command("run", "--out", tmp_path / "out")

    assert ended.exit_code == 2
    (line,) = lines(ended.stderr)
    assert line.startswith("UsageError: ")
    assert "--yes" in line
    assert "--keep" in line
    assert (ran, (tmp_path / "out").exists()) == ([], False)


@pytest.mark.parametrize("option", ["--yes", "--keep", "--until=04"])
def test_a_run_on_aws_that_may_delete_or_will_not_does_not_ask(on_aws, ran, nobody, tmp_path, option):
    ended = lab_command("run", "--out", tmp_path / "out", option)

    assert ended.exit_code == 0, ended.output
    assert len(ran) == 1


def test_what_cannot_be_run_is_refused_before_anybody_is_asked(on_aws, ran, nobody, tmp_path):
    ended = lab_command("run", "--out", tmp_path / "out", "--data", tmp_path / "missing.txt")

    assert (ended.exit_code, ran) == (2, [])
    assert "missing.txt" in ended.stderr


def test_a_notebook_that_nobody_reads_deletes_nothing_on_aws_and_says_what_to_do(moto_lab, tmp_path):
    cells = [
        "import os, boto3; from moto import mock_aws",
        "from lab_lib.aws import cleanup, queues; from lab_lib.lab import Lab",
        "mock_aws().start(); session = boto3.Session('x', 'x', region_name='us-east-1')",
        "lab = Lab(session, 'AWS', '123456789012', 'us-east-1', 'aws')",
        "queues.ensure_queue(lab, queues.DEAD_LETTERS)",
        "cleanup.confirm(lab, yes=False)",
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)), metadata=kernel)
    nbformat.write(notebook, tmp_path / "99.ipynb")
    (tmp_path / "out").mkdir()

    with closing(fresh_kernels([tmp_path / "99.ipynb"])) as given:
        step = headless.run_one(tmp_path / "99.ipynb", tmp_path / "out", {}, moto_lab, next(given))

    assert step.error == (
        "LabError: Nothing was deleted: on AWS the lab asks first, and nobody could be asked. "
        "Set yes to True in notebook 99, or give --yes."
    )


def test_the_wait_for_an_answer_can_be_cut_off(on_aws, monkeypatch):
    def ctrl_c(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", ctrl_c)

    assert lab_command("clean").exit_code == terminal.INTERRUPTED
    assert cleanup.remaining(on_aws) == [THING]
