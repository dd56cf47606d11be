"""Before anything is made or deleted on AWS, the lab asks: each command, and the notebook."""

import re
import signal
from dataclasses import replace
from unittest.mock import Mock

import pytest
from botocore.client import BaseClient

from lab_lib.aws import cleanup, queues
from lab_lib.cli import run_command
from lab_lib.cli.terminal import Terminal
from lab_lib.run import headless
from tests.lab.commands import in_process

ACCOUNT = "account 123456789012 on AWS, Region us-east-1"
WHERE = "--profile class --account 123456789012"
NOBODY = "UsageError: Nothing was made or deleted: on AWS the lab asks first, and there is no terminal to ask in."


@pytest.fixture(autouse=True)
def on_aws(lab, profile, tmp_path, monkeypatch):
    """Return a lab on AWS, which is moto, with one queue in it. A roster is in the working folder."""
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    (tmp_path / "roster.csv").write_text(f"account,name,profile\n123456789012,Ana,{profile}\n")
    monkeypatch.chdir(tmp_path)
    return lab


@pytest.mark.parametrize(
    "command",
    [
        *(f"run {WHERE} {options}" for options in ("", "--until 00", "--keep", "--mine")),
        f"check --probe --json {WHERE}",
        f"clean {WHERE}",
        *("class roster.csv --out out", "class check roster.csv --out out", "class clean roster.csv"),
    ],
)
def test_without_anybody_to_answer_a_command_ends_in_a_line_and_changes_nothing(copy, command, monkeypatch):
    called, call = [], BaseClient._make_api_call
    note = lambda self, name, params: called.append(name) or call(self, name, params)  # noqa: E731
    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    monkeypatch.chdir(copy.parent)

    ended = in_process(*command.split())

    assert (ended.exit_code, ended.stdout, ended.stderr.splitlines()[-1][: len(NOBODY)]) == (2, "", NOBODY)
    assert [name for name in called if not re.match("Get|List|Describe|Head", name)] == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [("Y ", 0), ("", 1), (RuntimeError, 2), (KeyboardInterrupt, 128 + signal.SIGINT)],  # the second: a closed stdin
)
def test_clean_on_aws_deletes_only_if_the_answer_is_yes(on_aws, monkeypatch, answer, status):
    monkeypatch.setattr("builtins.input", asked := Mock(side_effect=[answer]))

    assert in_process("clean", *WHERE.split()).exit_code == status

    asked.assert_called_once_with(f"Resources of the lab in {ACCOUNT}: 1. Delete them? [y/N] ")
    assert (cleanup.remaining(on_aws) == []) == (status == 0)


def test_clean_does_not_ask_with_yes_or_in_an_empty_account_or_on_an_emulator(on_aws, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it asked"))

    cleanup.confirm(replace(on_aws, endpoint="http://127.0.0.1:1"), yes=False)
    assert cleanup.remaining(on_aws)
    for options in (["--yes"], []):
        assert in_process("clean", *WHERE.split(), *options).exit_code == 0
    assert cleanup.remaining(on_aws) == []


@pytest.mark.parametrize(
    ("options", "answer", "status", "words"),
    [
        ("--until 00 --keep --prefix ana-", "y\n", 0, "role TransactionProcessorRole, role TotalNotifierRole."),
        ("", "n\n", 1, "At the end, it deletes all that the lab has there"),
        ("--yes", "", 0, "On AWS this takes about 37 min, and costs about 0.3 cents"),
    ],
)
def test_a_run_on_aws_says_what_it_makes_and_takes_and_asks_once(monkeypatch, options, answer, status, words):
    ran, held = [], {"ok": True, "totals": {}, "transactions": 0, "alerts": [], "queues": {}, "rejected": []}
    monkeypatch.setattr(headless, "run", lambda prepared, *_: ran.append(prepared.parameters["yes"]) or ([], held))
    monkeypatch.setattr(run_command, "out", Terminal(width=120, force_terminal=False))

    ended = in_process("run", *WHERE.split(), *options.split(), answer=answer)

    told = " ".join(ended.stderr.split())
    assert (ended.exit_code, ran, told.count("[y/N]")) == (status, [True] * (not status), bool(answer))
    assert told.startswith(
        f"In {ACCOUNT}{', prefix ana-' * ('ana' in options)}, this run makes what is not there yet: bucket,"
    )
    assert (words in told, "`lab clean --account … --profile …" in told) == (True, True)
    following = (
        "Everything up to 00-start-here is there now. Go on with 01-create-functions in `lab open --account … --p"
    )
    assert (following in ended.stdout) == ("--keep" in options)
