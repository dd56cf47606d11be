"""Where the course is, and where the user works."""

from pathlib import Path

import pytest

from lab_lib.exercises import copies
from lab_lib.workspace import places
from tests.lab.commands import in_process


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    """Start in an empty folder that no variable names."""
    monkeypatch.delenv(places.WORKSPACE)
    monkeypatch.chdir(tmp_path)


def test_the_workspace_is_the_current_folder_or_the_one_that_is_named(tmp_path, monkeypatch):
    assert places.workspace() == tmp_path
    monkeypatch.setenv(places.WORKSPACE, "other/../named")

    assert places.workspace() == tmp_path / "named"
    assert copies.folder() == tmp_path / "named" / "my-lab"


def test_a_notebook_that_is_opened_by_hand_works_in_the_folder_above_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(copies.complete())
    assert places.workspace() == tmp_path
    monkeypatch.chdir(places.NOTEBOOKS)
    assert places.workspace() == places.COURSE


def test_the_copy_has_the_files_that_the_notebooks_tell_the_learner_to_read_and_none_of_teachers(tmp_path):
    copies.complete()
    data = copies.complete() / "data"

    files = {path.relative_to(data): path for path in data.rglob("*") if path.is_file()}
    assert {Path("transactions.txt"), Path("wrong/break-it-utf16.txt")} < files.keys()
    assert Path("roster.csv") not in files
    for name, path in files.items():
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == ((places.DATA / name).read_bytes(), 0o400)


def test_each_command_takes_workspace_and_language_before_or_after_its_name(tmp_path, monkeypatch):
    (setting := tmp_path / "other" / "my-lab" / ".lab" / "language").parent.mkdir(parents=True)
    setting.write_text("zh_CN")

    for line, told in (
        ("local status --workspace there", f"The embedded AWS of {tmp_path / 'there'} does not run"),
        ("--workspace there local status", f"The embedded AWS of {tmp_path / 'there'} does not run"),
        ("local status --workspace other", "没有运行"),
        ("local status --workspace other --lang en", f"{tmp_path / 'other'} does not run"),
        ("--lang en local status --workspace other", f"{tmp_path / 'other'} does not run"),
        ("local status --lang xx", "--lang is 'xx'; wanted one of 'en', 'zh_CN'."),
    ):
        monkeypatch.delenv(places.WORKSPACE, raising=False)
        monkeypatch.setenv("LAB_LANG", "")
        assert told in in_process(*line.split()).output
    assert not (tmp_path / "there").exists()
