"""`lab check`, as a user types it: what it prints where, and its exit status."""

import json
import os
from dataclasses import replace
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError
from made_checks import BAD, GOOD, MORE, UNSEEN, WAITING

import lab_lib
from lab_lib import checks
from lab_lib.calls.refusals import in_one_line
from lab_lib.checks.reports import Report
from lab_lib.cli import check_command
from lab_lib.cli.terminal import Terminal
from lab_lib.lab import Lab
from lab_lib.language import VARIABLE
from tests.lab.commands import assert_refused, in_process

NO_NETWORK = EndpointConnectionError(endpoint_url="https://s3.amazonaws.com/")


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Print to a terminal of this width, without colours, wherever the tests run."""
    monkeypatch.setattr(check_command, "out", Terminal(width=120, force_terminal=False))


@pytest.fixture
def opened(lab, monkeypatch):
    """Return the settings that the command opens its lab with; it gets the lab on moto."""
    seen = []

    def open_lab(**settings):
        seen.append(settings)
        return replace(lab, prefix=settings["prefix"])

    monkeypatch.setattr(lab_lib, "open_lab", open_lab)
    return seen


@pytest.fixture
def reported(opened, monkeypatch):
    """reported(GOOD, BAD): let these be the checks of any account. The list gets the language of each."""
    languages = []

    def reported(*made):
        monkeypatch.setattr(checks, "run", lambda *_, **__: languages.append(os.environ[VARIABLE]) or Report([*made]))
        return languages

    return reported


def lab_check(*arguments, answer=None):
    return in_process("check", *arguments, answer=answer)


@pytest.mark.parametrize(
    ("made", "status"),
    [([GOOD, MORE], 0), ([GOOD, BAD], 1), ([GOOD, UNSEEN], 1), ([GOOD, WAITING], 1), ([UNSEEN], 3)],
)
def test_the_exit_status_is_0_if_all_holds_and_3_if_nothing_can_be_seen(reported, made, status):
    reported(*made)

    assert lab_check().exit_code == lab_check("--json").exit_code == status


def test_checks_are_made_in_the_users_language_but_in_english_for_programs(reported, monkeypatch):
    monkeypatch.setenv(VARIABLE, "zh_CN")
    languages = reported(GOOD, BAD)

    assert "共 1 项，1 项通过" in lab_check().stdout
    lab_check("--json")
    assert languages == ["zh_CN", "en"]


def test_the_table_of_all_steps_shows_what_to_do_and_counts_the_rest_and_that_of_one_step_has_every_check(reported):
    reported(GOOD, BAD, UNSEEN, WAITING, MORE)

    whole, one = lab_check("--prefix", "ana-").stdout, lab_check("--step", "04").stdout

    assert whole.startswith("Account 123456789012 on moto, Region us-east-1, prefix ana-\n")
    wanted = ("03 · Create the topic", "1 of 1 hold", "0 of 3 hold, 1 wait, 1 cannot be seen", "going further")
    wanted += ("✘ not yet", "[b]not there[/]; wanted: CustomerNotify", "→ Run the cell that makes it.", "? cannot see")
    assert [words for words in wanted if words not in whole] == []
    others = ("waits for queue", "→ Set the retention.", "✔ ok  ")
    assert [(words in whole, words in one) for words in others] == [(False, True)] * len(others)
    assert ("✔ there" in whole, "✔ there" in one) == (True, False)


def test_json_is_all_that_is_printed_and_does_not_tell_whose_account_it_is(reported):
    reported(GOOD, UNSEEN, WAITING, MORE._replace(found="Größe → “x”"), BAD._replace(found="bucket-123456789012"))

    ended = lab_check("--json")

    told = json.loads(ended.stdout)
    assert list(told[0]) == ["id", "step", "name", "state", "found", "wanted", "hint", "counts", "cause"]
    assert [(check["id"], check["state"]) for check in told[:2]] == [("topic", "ok"), ("policy", "cannot see")]
    assert [check["found"] for check in told[3:]] == ["Größe → “x”", "bucket-********9012"]
    assert (ended.stderr.strip(), "bucket-123456789012" in lab_check().stdout) == ("", True)


def test_the_steps_that_are_named_are_checked_and_all_options_are_handed_over(opened):
    ended = lab_check("--step", "03", "--step", "further", "--json", "--prefix", "ana-", "--processor-role", "LabRole")

    assert {check["step"] for check in json.loads(ended.stdout)} == {"03", "further"}
    assert (opened[0]["prefix"], opened[0]["processor_role"]) == ("ana-", "LabRole")


def test_a_wrong_request_is_one_line_and_status_2(opened):
    ended = lab_check("--step", "2", "--json")

    assert_refused(ended)
    assert ended.stderr.startswith("UsageError: There is no step '2'. The steps are 00, 01")


def test_an_error_of_aws_is_one_line_on_stderr_and_status_3(monkeypatch):
    monkeypatch.setattr(lab_lib, "open_lab", Mock(side_effect=NO_NETWORK))

    ended = lab_check("--json")

    assert (ended.exit_code, ended.stdout, ended.stderr) == (3, "", f"AWS: {in_one_line(NO_NETWORK)}\n")


@pytest.mark.parametrize(("options", "answer", "status"), [([], "n\n", 3), ([], "y\n", 0), (["--yes"], "", 0)])
def test_a_probe_on_aws_says_what_stays_and_how_it_goes_away_and_asks(
    reported, opened, monkeypatch, options, answer, status
):
    reported(GOOD)
    monkeypatch.setattr(Lab, "is_real", True)

    asked = lab_check("--probe", "--json", "--prefix", "ana-", *options, answer=answer)

    assert (asked.exit_code, asked.stdout.startswith("[")) == (status, status == 0)
    told = "stay there until `lab clean --prefix …` deletes them with the lab.\nOn AWS this takes about 4 min"
    assert (told in asked.stderr, "[y/N]" in asked.stderr) == (True, bool(answer))
