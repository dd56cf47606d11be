"""`lab check`, as a user types it: what it prints where, and its exit status."""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console
from typer.testing import CliRunner

from lab_lib import checks
from lab_lib.aws import topics
from lab_lib.checks import Check, Report
from lab_lib.cli import main
from lab_lib.errors import LabError

GOOD = Check("03", "topic", True, "HighBalanceAlert", "HighBalanceAlert", "Create the topic.")
BAD = Check("04", "queue", False, "[b]not there[/]", "CustomerNotify", "Run the cell that makes it.")
UNSEEN = Check("04", "policy", False, "cannot see: GetQueueAttributes is refused", "to be seen", "Look there.")
WAITING = Check("04", "encryption", False, "waits for queue", "queue first", "See to that first.")
MORE = Check("further", "retention", False, "for ever", "some days", "Set the retention.")
EXPIRED = ClientError({"Error": {"Code": "ExpiredToken", "Message": "The token [x] has expired"}}, "ListBuckets")
NO_NETWORK = EndpointConnectionError(endpoint_url="https://s3.amazonaws.com/")


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal of this width, without colours, wherever the tests run."""
    monkeypatch.setattr(main, "out", Console(width=120, force_terminal=False))
    monkeypatch.setattr(main, "err", Console(width=120, force_terminal=False, stderr=True))


@pytest.fixture
def opened(lab, monkeypatch):
    """The lab on moto is what the command opens; with which settings."""
    seen = []

    def open_lab(**settings):
        seen.append(settings)
        return replace(lab, prefix=settings["prefix"])

    monkeypatch.setattr(main, "open_lab", open_lab)
    return seen


@pytest.fixture
def reported(opened, monkeypatch):
    """reported(GOOD, BAD): let these be the checks of any account."""

    def reported(*made):
        def run(lab, *steps, done):
            for check in made:
                done(check)
            return Report(list(made))

        monkeypatch.setattr(checks, "run", run)

    return reported


def lab_check(*arguments):
    return CliRunner().invoke(main.app, ["check", *arguments])


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


def test_an_account_in_which_all_holds_ends_with_status_0(reported):
    reported(GOOD)

    assert lab_check().exit_code == 0


@pytest.mark.parametrize("check", [BAD, UNSEEN, WAITING], ids=lambda check: check.state)
def test_an_account_in_which_something_does_not_hold_ends_with_status_1(reported, check):
    reported(GOOD, check)

    assert lab_check().exit_code == 1


def test_what_only_goes_further_is_not_counted_in_the_status(reported):
    reported(GOOD, MORE)

    assert lab_check().exit_code == 0


def test_a_step_that_holds_ends_with_status_0_in_an_account_of_which_the_rest_is_missing(lab, opened):
    topics.ensure_topic(lab)

    assert (lab_check("--step", "03").exit_code, lab_check().exit_code) == (0, 1)


def test_an_empty_account_ends_with_status_1_and_no_traceback(opened):
    ended = lab_check()

    assert (ended.exit_code, lines(ended.stderr)) == (1, [])
    assert "✘ 00 start here" in " ".join(ended.stdout.replace("│", " ").split())
    assert "Traceback" not in ended.output


def test_the_table_of_the_whole_account_shows_what_needs_something_done_and_counts_what_waits(reported):
    reported(GOOD, BAD, UNSEEN, WAITING, MORE)

    shown = lab_check().stdout

    assert "✔" in shown
    assert "03 create topic" in shown
    assert "1 of 1 hold" in shown
    assert "0 of 3 hold, 1 wait" in shown
    assert "going further: what this workbook adds to the handout" in shown
    assert "✘ not yet" in shown
    assert "→ Run the cell that makes it." in shown
    assert "? cannot see" in shown
    assert "cannot see: GetQueueAttributes is refused" in shown
    assert not any(word in shown for word in ("encryption", "waits for", "retention", "HighBalanceAlert", "to be seen"))


def test_the_table_of_one_step_shows_every_check(reported):
    reported(GOOD, BAD, UNSEEN, WAITING, MORE)

    shown = lab_check("--step", "04").stdout

    assert "✔ ok" in shown
    assert "HighBalanceAlert" in shown
    assert "… waits" in shown
    assert "waits for queue" in shown
    assert "See to that first" not in shown
    assert "○ could be" in shown
    assert "→ Set the retention." in shown


def test_a_found_text_is_shown_as_it_is_not_as_markup(reported):
    reported(BAD)

    assert "[b]not there[/]; wanted: CustomerNotify" in lab_check().stdout


def test_the_first_line_says_which_account_was_looked_at(reported):
    reported(GOOD)

    shown = lab_check("--prefix", "ana-").stdout

    assert shown.splitlines()[0] == "Account 123456789012 on moto, Region us-east-1, prefix ana-"


def test_all_options_of_the_lab_are_handed_over(opened, reported):
    reported(GOOD)
    options = {"account": "123456789012", "profile": "class", "region": "eu-west-1", "prefix": "ana-"}
    options |= {"threshold": "99.50", "email": "ana@example.com", "phone": "+15555550100"}

    lab_check(*(word for name, value in options.items() for word in (f"--{name}", value)))

    assert opened == [options]


def test_several_steps_are_all_checked(opened):
    ended = lab_check("--step", "03", "--step", "further", "--json")

    assert {check["step"] for check in json.loads(ended.stdout)} == {"03", "further"}


def test_json_is_all_that_is_printed_on_stdout_and_holds_every_check(reported):
    made = [GOOD, BAD, UNSEEN, WAITING, replace(MORE, found="Größe → “x”")]
    reported(*made)

    ended = lab_check("--json")

    assert json.loads(ended.stdout) == Report(made).as_dicts()
    assert [list(each) for each in json.loads(ended.stdout)] == [["step", "name", "ok", "found", "wanted", "hint"]] * 5
    assert "Größe → “x”" in ended.stdout
    assert (ended.exit_code, lines(ended.stderr)) == (1, [])


def test_json_does_not_tell_whose_account_it_is_and_the_terminal_does(reported):
    reported(replace(BAD, found="bucket-123456789012", hint="Ask 123456789012."))

    assert "123456789012" not in lab_check("--json").stdout
    assert json.loads(lab_check("--json").stdout)[0]["found"] == "bucket-********9012"
    assert "bucket-123456789012" in lab_check().stdout


def test_json_of_a_real_account_has_all_checks_also_those_that_wait(opened):
    told = json.loads(lab_check("--json").stdout)

    assert len(told) == checks.number_of()
    assert any(check["found"].startswith("waits for") for check in told)


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
def test_an_unknown_step_is_one_line_and_status_2(opened, as_json):
    ended = lab_check("--step", "2", *as_json)

    assert (ended.exit_code, ended.stdout) == (2, "")
    (line,) = lines(ended.stderr)
    assert line.startswith("UsageError: There is no step '2'. The steps are 00, 01")


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--account", "22", "twelve digits"),
        ("--region", "nowhere", "no Region 'nowhere'"),
        ("--threshold", "high", "threshold is 'high'"),
        ("--email", "ana", "email is 'ana'"),
        ("--profile", "class", "no account is named"),
    ],
)
def test_a_setting_that_cannot_be_right_is_one_line_and_status_2(option, value, named):
    ended = lab_check(option, value, "--json")

    assert (ended.exit_code, ended.stdout) == (2, "")
    (line,) = lines(ended.stderr)
    assert named in line


def test_an_unknown_option_is_status_2():
    assert lab_check("--stp", "02").exit_code == 2


@pytest.mark.parametrize("error", [EXPIRED, NO_NETWORK, LabError("Sign in again.")], ids=["token", "network", "ours"])
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
def test_an_error_at_the_door_is_one_line_on_stderr_and_status_1(monkeypatch, error, as_json):
    monkeypatch.setattr(main, "open_lab", _raising(error))

    ended = lab_check(*as_json)

    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = lines(ended.stderr)
    assert line == f"{'LabError' if isinstance(error, LabError) else 'AWS'}: {error}"


@pytest.mark.parametrize("error", [EXPIRED, NO_NETWORK], ids=["token", "network"])
def test_an_error_in_the_middle_is_one_line_on_stderr_and_status_1(lab, opened, monkeypatch, error):
    monkeypatch.setattr(lab.client("sns"), "get_topic_attributes", _raising(error))

    ended = lab_check()

    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = lines(ended.stderr)
    assert line == f"AWS: {error}"


def test_ctrl_c_is_one_line_and_status_130(monkeypatch):
    monkeypatch.setattr(main, "open_lab", _raising(KeyboardInterrupt()))

    ended = lab_check()

    assert (ended.exit_code, len(lines(ended.stderr)), ended.stdout) == (130, 1, "")


def test_the_help_names_each_option_and_what_the_status_means():
    ended = lab_check("--help")

    text = " ".join(ended.stdout.replace("│", " ").split())
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "Grade the account, whoever built it" in text
    assert "Nothing is changed." in text
    assert "The exit status is 0 if all holds, 1 if not." in text
    options = ("account", "profile", "region", "prefix", "threshold", "email", "phone", "step", "json")
    assert all(f"--{option}" in text for option in options)


def _raising(error):
    def answer(**_):
        raise error

    return answer
