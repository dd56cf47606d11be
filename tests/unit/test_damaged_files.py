"""A learner's file that is damaged is one line: which file, why, and what to do. Nothing is lost by it."""

import json
import re

import pytest

import lab_lib
from lab_lib.cli import open_command
from lab_lib.exercises import copies
from tests.lab.commands import assert_refused, in_process

FIRST, THIRD = "00-start-here.ipynb", "03-create-topic.ipynb"
SOUND = json.loads((copies.NOTEBOOKS / THIRD).read_text(encoding="utf-8"))
CELL = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": "1"}


def of(**parts):
    """Return a sound notebook with these parts instead."""
    return json.dumps({**SOUND, **parts}).encode()


@pytest.fixture
def opened(monkeypatch):
    """Return the notebooks that JupyterLab has opened."""
    notebooks = []
    monkeypatch.setattr(open_command, "_jupyterlab", lambda first: notebooks.append(first.name) or ["true"])
    monkeypatch.setattr(lab_lib, "open_lab", lambda **_: "a lab")
    return notebooks


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (of()[:-9], "Unterminated string"),
        (b"{}", "nbformat is None; wanted 4"),
        (of(cells=[None]), "its content has another form"),
    ],
    ids=["empty", "cut off", "no notebook", "no cell"],
)
def test_a_damaged_notebook_is_not_handed_in_and_lab_open_gives_it_anew(content, why, copy, opened):
    (copy / THIRD).write_bytes(content)

    done = in_process("submit", "--name", "Ana")

    assert_refused(done)
    assert [*copy.glob("*.zip")] == []
    assert f"Cannot read {copy / THIRD}: {why}" in done.stderr
    assert "`lab open --fresh 03` gives it anew" in done.stderr
    assert (in_process("open", "--fresh", "03").exit_code, opened) == (0, [THIRD])
    assert json.loads((copy / THIRD).read_text())["nbformat"] == 4
    [aside] = (path for path in copy.iterdir() if path.match("03-*.*.ipynb"))
    assert aside.read_bytes() == content


def test_a_notebook_that_the_tools_after_us_take_is_not_damaged(copy):
    (copy / THIRD).write_bytes(of(metadata={}, cells=[{**CELL, "own": 1}], nbformat_minor=4))

    assert copies.existing(THIRD) == copy / THIRD


@pytest.mark.parametrize(
    ("name", "command"),
    [(FIRST, ["open"]), (THIRD, ["run", "--mine"])],
)
def test_a_command_that_needs_a_damaged_file_says_so_in_one_line(name, command, copy, opened):
    (copy / name).write_bytes(b"{")

    done = in_process(*command)

    [line] = [line for line in done.output.splitlines() if f"Cannot read {copy / name}: " in line]
    assert (done.exit_code, "`lab open --fresh 0" in line) == (2, True)


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        (THIRD, [{**CELL, "source": "#" * 11_000_000}], f"{THIRD} has 11.0 MB; .* 10 MB in all. Make it smaller"),
        (FIRST, [], f"The settings in .*{FIRST} cannot be read"),
    ],
    ids=["large", "no settings"],
)
def test_what_cannot_be_graded_is_not_handed_in_and_an_earlier_file_stays(name, cells, why, copy, tmp_path):
    (tmp_path / "ana.zip").write_text("earlier")
    (copy / name).write_bytes(of(cells=cells))

    done = in_process("submit", "--out", tmp_path / "ana.zip")

    assert_refused(done)
    assert re.search(why, done.stderr)
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"ana.zip": "earlier"}


def test_a_command_whose_file_does_not_say_whose_it_is_says_so(copy):
    named, other = (in_process("submit", "--name", "Ana García", *more) for more in ([], ["--out", "final.zip"]))

    assert {path.name for path in copy.glob("*.zip")} == {"submission-ana-garcia.zip", "final.zip"}
    assert ["must say whose it is" in done.stdout for done in (named, other)] == [False, True]
