"""The learner's copy: how it is made and renewed, and the settings and answers that it keeps."""

import json
from pathlib import Path

import pytest

from lab_lib import lab
from lab_lib.checks.bank import plain_file
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, workbook
from lab_lib.exercises.pictures import PICTURE, picture
from lab_lib.workspace import places


@pytest.fixture
def opened(moto_lab, monkeypatch):
    """opened(settings, step): the settings that lab.open_lab gets in the notebook of this step, and the data file."""
    monkeypatch.setattr(workbook, "require", lambda *_: None)
    monkeypatch.setenv(places.WORKSPACE, str(places.workspace()))  # which open_lab sets

    def opened(settings, step="01"):
        taken = {}
        monkeypatch.setattr(lab, "open_lab", lambda **named: taken.update(named) or moto_lab)
        data_file = workbook.open_lab(settings, step).data_file
        return {name: value for name, value in taken.items() if value != ""} | {"data_file": data_file}

    return opened


def test_a_copy_has_every_notebook_is_for_its_owner_only_and_is_never_overwritten(copy):
    first, second, *_ = sorted(copy.glob("*.ipynb"))
    first.write_text("mine")
    second.unlink()

    copies.complete()

    assert sorted(path.name for path in copy.glob("*.ipynb")) == [path.name for path in copies.solved_notebooks()]
    assert (first.read_text(), json.loads(second.read_text())["nbformat"]) == ("mine", 4)
    assert [path for path in [copy, *copy.rglob("*")] if path.stat().st_mode & 0o077] == []


def test_a_copy_keeps_its_id_and_notebook_05_uploads_the_transactions_of_it(copy, opened):
    assert opened({}) == {"data_file": copies.DATA_FILE}
    copies.complete("s12")

    copies.complete()

    data_file = opened({})["data_file"]
    assert copies.settings()["data_file"] == str(data_file)
    assert data_file.read_bytes() == plain_file("s12")
    with pytest.raises(UsageError, match=r"drawn from the id 's12', not 's21'. Go on without --id. To begin again"):
        copies.complete("s21")
    assert (copy / "data" / "transactions.txt").read_bytes() == plain_file("s12")


def test_a_copy_shows_no_solution_no_hidden_test_and_no_output_but_each_notebooks_picture(copy):
    for path in copy.glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert ("SOLUTION" in text, "HIDDEN TESTS" in text) == (False, False)
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        (drawn,) = [cell for cell in cells if cell["outputs"] or cell["execution_count"]]
        assert PICTURE in drawn["metadata"]["tags"]
        assert drawn["outputs"][0]["data"]["text/plain"] == picture(path.stem[:2]).alt


def test_a_solution_becomes_a_stub_and_what_stands_around_it_stays(tmp_path):
    around = "queues = []\nif True:\n    {}\nprint(1)"
    solution = around.format("### BEGIN SOLUTION\n    secret = 1\n\n    ### END SOLUTION")
    cell = {"cell_type": "code", "metadata": {"nbgrader": {"solution": True}}, "source": solution}
    (path := tmp_path / "x.ipynb").write_text(json.dumps({"cells": [cell]}))

    (made,) = copies.learners_edition(path, "en")["cells"]

    assert made["source"] == around.format("pass  # Write your code here.")
    assert made["metadata"] == cell["metadata"]  # nbgrader can still grade it


def test_a_notebook_is_given_anew_by_its_number_also_if_it_is_gone(copy):
    path = next(copy.glob("03-*.ipynb"))
    path.unlink()

    assert copies.renew("3") == path

    assert [*copy.glob("03-*.ipynb")] == [path]
    with pytest.raises(UsageError, match=r"'8'; wanted one of 00, 01, .*, 99"):
        copies.renew("8")


def test_a_setting_whose_name_is_wrong_is_refused_by_every_notebook(opened):
    with pytest.raises(UsageError, match=r"no setting 'prefx'. The settings are account, profile, .*, bucket, "):
        opened({"prefx": "bo"})


def test_a_setting_of_a_notebook_counts_more_than_one_of_00_which_keeps_all_but_the_leave_to_delete(copy, opened):
    first = {"prefix": "kept", "region": "", "email": "ana@example.com", "threshold": 1500, "data_file": "x.txt"}
    assert opened(first | {"yes": True}, "00")["threshold"] == 1500
    assert json.loads((copy / ".lab" / "settings.json").read_text()).keys() == first.keys() - {"region"}

    later = {"prefix": "bo", "threshold": 9, "email": ""}

    mixed = {"prefix": "bo", "threshold": 9, "email": "ana@example.com", "data_file": copy / "x.txt"}
    assert opened(later) == mixed
    assert opened({}, "99")["prefix"] == "kept"
    assert opened({"prefix": "ana"}, "00") == {"prefix": "ana", "data_file": copies.DATA_FILE}
    assert "email" not in opened({})
    assert (Path.cwd(), workbook.is_headless()) == (copy, False)


@pytest.mark.parametrize("place", ["elsewhere", "headless", "the lab's own folder"])
def test_nothing_is_kept_outside_of_a_copy_or_in_a_headless_run(place, copy, opened, tmp_path, monkeypatch):
    workbook.keep({"prefix": "ana"})
    before = sorted(copy.rglob("*"))
    if place == "elsewhere":
        monkeypatch.chdir(tmp_path)
    elif place == "the lab's own folder":  # where papermill runs by itself
        monkeypatch.setattr(places, "COURSE", copy)
    else:
        monkeypatch.setenv(workbook.HEADLESS, "1")
    expected = Path.cwd() / "mine.txt"

    opened({"prefix": "bo"}, "00")

    assert opened({}) == {"data_file": copies.DATA_FILE}
    assert Path.cwd() not in (copy, tmp_path)
    monkeypatch.chdir(expected.parent)
    assert opened({"data_file": "mine.txt"})["data_file"] == expected
    assert workbook.is_headless()
    assert sorted(copy.rglob("*")) == before
