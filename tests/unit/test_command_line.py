"""Help, and the faults of a command line, in the user's language."""

import re

import pytest
import typer

from lab_lib import language
from lab_lib.cli import main
from lab_lib.workspace.places import WORKSPACE
from tests.lab.commands import assert_refused, in_process
from tests.shown import english

CHINESE = "zh_CN"
# Of files, columns, arguments, commands, programs and packages.
NAMES = (
    "en|x|id|name|report|roster|runs|submissions|threshold|customer|transaction|event|context|file|grader|probe"
    "|learner|person|poison|crash|eval|pip|shell|hand|Canvas|Moodle|Linux|Jupyter|bubblewrap"
)


@pytest.fixture(autouse=True)
def on_a_computer_without_a_language(monkeypatch, tmp_path):
    """No language is named, and there is no copy."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", language.VARIABLE):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(WORKSPACE, str(tmp_path))


def paths(command, *before):
    """Yield each command, as the words by which it is called."""
    yield before
    for name, below in getattr(command, "commands", {}).items():
        yield from paths(below, *before, name)


def test_the_help_of_each_command_has_no_english_and_the_options_of_all_and_nothing_is_cut_off(monkeypatch):
    monkeypatch.setenv(language.VARIABLE, CHINESE)
    monkeypatch.setenv("COLUMNS", "160")  # no name is broken
    shown = {path: in_process(*path, "--help").stdout for path in paths(typer.main.get_command(main.app))}

    text = re.sub(r"Usage: .*|<[^>]+>|\blab [a-z ]+", "", "\n".join(shown.values()))  # typer's words, and commands
    names = "|".join([NAMES, *(name for path in shown for name in path)])
    assert [words for words in english(text) if not re.match(f"({names}): ", words)] == []
    assert len(shown) > 15
    lacking = [path for path, help in shown.items() if not ("--workspace" in help and "--lang" in help)]
    assert lacking == [("local",), ("class",)]  # which only hold others
    assert [path for path, help in shown.items() if "…" in help] == []


@pytest.mark.parametrize(
    ("line", "variable", "copy", "panel"),
    [
        ("check -h", "", CHINESE, "选项"),
        ("check -h", CHINESE, "en", "选项"),
        (f"--lang {CHINESE} check --help", "", "en", "选项"),
        (f"check --help --lang={CHINESE}", "xx", "en", "选项"),
        ("--lang en --help", CHINESE, CHINESE, "Options"),
    ],
)
def test_help_is_in_the_language_that_is_named_or_that_of_the_copy(line, variable, copy, panel, monkeypatch, tmp_path):
    monkeypatch.setenv(language.VARIABLE, variable)
    (setting := tmp_path / "my-lab" / language.SETTING).parent.mkdir(parents=True)
    setting.write_text(copy)

    assert f"╭─ {panel} ─" in in_process(*line.split()).stdout


FAULTS = {
    "check --prob": "There is no option --prob. Did you mean --phone, --probe, --profile?",
    "check --bogus": "There is no option --bogus.",
    "chek": "There is no command chek. Did you mean 'check'?",
    "submit a b": "There are too many arguments: a b.",
    "class check": "roster is missing.",
    "check --step": "--step needs a value.",
    "policy foo": "person is 'foo'; wanted one of 'grader', 'probe', 'learner', 'boundary'.",
}


@pytest.mark.parametrize(("line", "told"), FAULTS.items())
def test_a_fault_of_the_command_line_is_one_line_with_what_to_do_in_the_users_language(line, told):
    done, chinese = in_process(*line.split()), in_process("--lang", CHINESE, *line.split())

    assert_refused(done)
    assert done.stderr.startswith(f"UsageError: {told} See `")
    assert_refused(chinese)
    assert re.search("[。？]见 `", chinese.stderr)
