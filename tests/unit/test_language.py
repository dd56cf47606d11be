"""Which language is used, and how the learner's copy changes to another one."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

from lab_lib import language
from lab_lib.cli import run_command, try_command
from lab_lib.exercises import answers, copies, texts, trial
from lab_lib.exercises.cases import CASES
from tests.shown import english

CHINESE = "zh_CN"
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
TOTALS = pd.DataFrame({"CustomerId": ["C1", "C2"], "accountBalance": [Decimal(598), Decimal(1750)]})


@pytest.fixture(autouse=True)
def no_language(monkeypatch, tmp_path):
    """Each test begins in an empty workspace on a computer without a language, and its own language ends with it."""
    monkeypatch.setenv(language.VARIABLE, "")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, CHINESE),
        ({"LANG": "xx_XX.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "en"),
        ({"LANG": "../zh_CN"}, "en"),
        ({"LANG": "zh_CN.UTF-8", language.VARIABLE: "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", language.VARIABLE: "xx"}, CHINESE),
    ],
)
def test_without_a_copy_the_computer_names_the_language_unless_the_lab_has_none_of_it(variables, name, monkeypatch):
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    assert language.used() == name


def test_a_language_without_catalogues_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"The language is 'xx'; wanted one of en, .*zh_CN, or a folder"):
        language.use("xx")


def test_a_language_of_no_country_is_for_all_countries(tmp_path, monkeypatch):
    (messages := tmp_path / "qq" / "LC_MESSAGES").mkdir(parents=True)
    (messages / "lab.po").touch()
    monkeypatch.setattr(language, "LOCALE", tmp_path)
    monkeypatch.setenv("LANG", "qq_QQ.UTF-8")

    assert language.used() == "qq"


def test_a_folder_may_be_named_from_the_current_one(tmp_path):
    (messages := tmp_path / "fr" / "LC_MESSAGES").mkdir(parents=True)
    (messages / "lab.po").touch()

    language.use("./fr")

    assert language.used() == str(tmp_path / "fr")


def in_language(name):
    """Return the text of each cell of the copy in a language, by the cell's id."""
    language.use(name)
    notebooks = [json.loads((copies.complete() / path.name).read_text("utf-8")) for path in copies.solved_notebooks()]
    return {cell["id"]: "".join(cell["source"]) for notebook in notebooks for cell in notebook["cells"]}


def test_another_language_of_the_copy_keeps_the_learners_own_cells_and_the_way_back_is_the_same():
    first = in_language("en")
    path = copies.folder() / "00-start-here.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    code = next(cell for cell in notebook["cells"] if cell["id"] == "00-17")
    code["source"], code["outputs"] = (
        "my_actions = {'Scan'}",
        [{"output_type": "stream", "name": "stdout", "text": "x"}],
    )
    note = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "My own note."}
    notebook["cells"].insert(1, note)
    path.write_text(json.dumps(notebook), encoding="utf-8")

    chinese = in_language(CHINESE)

    mine = {"mine": "My own note.", "00-17": "my_actions = {'Scan'}"}
    assert {id: text for id, text in chinese.items() if id in mine} == mine
    assert code["outputs"] in [cell.get("outputs") for cell in json.loads(path.read_text("utf-8"))["cells"]]
    assert chinese["00-01"].startswith("# 00 · 从这里开始")
    assert "pass  # 在这里写代码。" in chinese["00-10a"]
    assert language.of_copy(copies.folder()) == CHINESE
    assert in_language("en") == first | mine


def test_a_terminal_whose_encoding_lacks_a_character_shows_its_number():
    lab = [sys.executable, "-m", "lab_lib", "local", "status", "--lang", CHINESE]

    done = subprocess.run(lab, capture_output=True, text=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert r"\u" in done.stdout, done.stderr


def test_no_word_of_a_chinese_table_is_cut_off_in_a_narrow_terminal(capsys):
    language.use(CHINESE)
    results = trial.Results([trial.Result(case, "not tried") for case in CASES], "")
    steps = [
        SimpleNamespace(notebook="00-start-here", ok=False, seen="", error=language._(CASES[0].sentence), seconds=1)
    ]

    for table in (try_command._table(results), run_command.steps_table(steps, ["00-start-here"])):
        Console(width=60).print(table)

    assert "…" not in capsys.readouterr().out


def test_a_translation_that_was_cut_off_is_ended_by_the_next_command_in_any_language(monkeypatch):
    first, write, written = in_language("en"), copies._write, []

    def cut_off(name, notebook):
        written.append(name)
        if len(written) == 3:
            raise KeyboardInterrupt
        write(name, notebook)

    with monkeypatch.context() as cut:
        cut.setattr(copies, "_write", cut_off)
        with pytest.raises(KeyboardInterrupt):
            in_language(CHINESE)
    monkeypatch.setenv(language.VARIABLE, "")

    assert in_language(language.of_copy(copies.folder())) == first


def test_a_translation_with_another_place_is_shown_in_english(tmp_path):
    messages = tmp_path / "fr" / "LC_MESSAGES" / "lab.po"
    messages.parent.mkdir(parents=True)
    messages.write_text('msgid "{name} is missing."\nmsgstr "{nom} manque."\n')
    language.use(str(tmp_path / "fr"))

    assert language._("{name} is missing.", name="x") == "x is missing."


def test_the_copy_keeps_its_language_on_another_computer_and_one_without_is_english(monkeypatch):
    in_language(CHINESE)
    monkeypatch.setenv(language.VARIABLE, "")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    assert language.of_copy(copies.folder()) == CHINESE

    (copies.folder() / language.SETTING).unlink()  # as of an earlier version of the lab
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language.of_copy(copies.folder()) == "en"


@pytest.mark.parametrize("content", [b"\xff", b"x" * 300])
def test_a_copy_with_a_damaged_setting_is_english_until_a_language_is_named(content):
    in_language(CHINESE)
    (copies.folder() / language.SETTING).write_bytes(content)

    assert language.of_copy(copies.folder()) == "en"
    assert in_language(CHINESE)["00-01"].startswith("# 00 · 从这里开始")


WRONG = {
    "actions": ({"GetItem", "Scan"},),
    "rejected": ([1, 3],),
    "keys": (["rejected/march.txt.csv"],),
    "message": ('{"customerID": 1, "x": 2}', 'O"Hara', "1750"),
    "policy": ("a",),
    "room": ([1, 2], TOTALS, Decimal(1500)),
    "effect": ([1, 2],),
    "one-transaction": ("a",),
    "split": ("a",),
    "order": ("a",),
}


@pytest.mark.parametrize("question", answers.QUESTIONS)
def test_a_wrong_and_a_right_answer_are_told_in_chinese(question, capsys):
    language.use(CHINESE)

    answers.judge(question, *WRONG[question])
    print(answers._(answers.QUESTIONS[question].why))

    printed = capsys.readouterr().out
    assert english(printed) == []
    assert "还不对" in printed


@pytest.mark.parametrize("exercise", ["policy", "one-transaction", "order"])
def test_a_choice_in_the_words_of_another_language_is_right_too(exercise):
    language.use("en")

    right = {text for letter, text in texts.options(exercise) if letter == "b"}

    assert len(right) == len(language.names())
    assert all(answers.is_right(exercise, text) for text in right)
