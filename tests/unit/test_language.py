"""Which language is used, and how the learner's copy changes to another one."""

import json

import pytest
from stub_account import run

from lab_lib import language
from lab_lib.aws import queues, triggers
from lab_lib.exercises import copies
from tests.shown import english

CHINESE = "zh_CN"
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


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
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, CHINESE),
        ({"LANG": "../zh_CN"}, "en"),
        ({"LANG": "zh_CN.UTF-8", language.VARIABLE: "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", language.VARIABLE: "xx"}, CHINESE),
    ],
)
def test_without_a_copy_the_computer_names_the_language_unless_the_lab_has_none_of_it(variables, name, monkeypatch):
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    assert language.used() == name


def test_a_language_of_no_country_is_for_all_countries_and_what_is_translated_wrongly_stays_english(
    tmp_path, monkeypatch
):
    messages = tmp_path / "fr" / "LC_MESSAGES" / "lab.po"
    messages.parent.mkdir(parents=True)
    messages.write_text('msgid "{name} is missing."\nmsgstr "{nom} manque."\n')
    monkeypatch.setattr(language, "LOCALE", tmp_path)
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")

    assert language.used() == "fr"
    assert language._("{name} is missing.", name="x") == "x is missing."


def in_language(name):
    """Return the text of each cell of the copy in a language, by the cell's id."""
    language.use(name)
    notebooks = [json.loads((copies.complete() / path.name).read_text("utf-8")) for path in copies.solved_notebooks()]
    return {cell["id"]: "".join(cell["source"]) for notebook in notebooks for cell in notebook["cells"]}


def test_another_language_of_the_copy_keeps_the_learners_own_cells_and_the_way_back_is_the_same(monkeypatch):
    first = in_language("en")
    path = copies.folder() / "02-add-triggers.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    code = next(cell for cell in notebook["cells"] if cell["id"] == "02-12")
    code |= {"source": "my_keys = ['march.txt']", "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "My own note."})
    path.write_text(json.dumps(notebook), encoding="utf-8")

    chinese = in_language(CHINESE)

    mine = {"mine": "My own note.", "02-12": "my_keys = ['march.txt']"}
    assert {id: chinese[id] for id in mine} == mine
    assert code["outputs"] in [cell.get("outputs") for cell in json.loads(path.read_text("utf-8"))["cells"]]
    assert "pass  # 在这里写代码。" in chinese["00-10a"]
    monkeypatch.setenv(language.VARIABLE, "")  # on another computer
    assert language.of_copy(copies.folder()) == CHINESE
    assert in_language("en") == first | mine


def test_a_copy_without_its_language_is_english_until_a_language_is_named(monkeypatch):
    in_language(CHINESE)
    monkeypatch.setenv(language.VARIABLE, "")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    (copies.folder() / language.SETTING).unlink()  # as of an earlier version of the lab
    assert language.of_copy(copies.folder()) == "en"

    assert in_language(CHINESE)["00-01"].startswith("# 00 · 从这里开始")


def test_no_english_is_left_in_what_the_checks_say_of_a_broken_account(monkeypatch):
    monkeypatch.setenv(language.VARIABLE, CHINESE)

    told = repr(run({(queues.attributes, queues.ALERT_QUEUES[0]): {"Policy": ""}, (triggers.mappings,): []}))

    assert "✘" in told
    assert english(told) == []
