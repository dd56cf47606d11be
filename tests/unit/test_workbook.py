"""The learner's copy: how it is made and renewed, and the settings and answers that it keeps."""

import json
from pathlib import Path
from types import SimpleNamespace

import IPython
import pytest
from papermill.translators import PythonTranslator

from lab_lib import lab
from lab_lib.checks.bank import plain_file
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, workbook
from lab_lib.exercises.pictures import PICTURE, picture
from lab_lib.settings import SETTINGS
from lab_lib.workspace import places


@pytest.fixture
def opened(monkeypatch):
    """Let open_lab return the settings that a notebook hands it."""
    monkeypatch.setattr(lab, "open_lab", lambda **named: named)


@pytest.fixture
def papermill(monkeypatch):
    """Let the notebook's kernel have run papermill's cell with these parameters, among others."""

    def inject(**parameters):
        cells = ["", "settings: dict = {}", PythonTranslator.codify(parameters), "prefx = 1", "# Parameters of mine ("]
        history = SimpleNamespace(input_hist_raw=cells)
        monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(history_manager=history))

    return inject


NOTHING = dict.fromkeys(SETTINGS, "")


def test_a_copy_has_every_notebook_is_for_its_owner_only_and_is_never_overwritten(copy):
    first, second, *_ = sorted(copy.glob("*.ipynb"))
    first.write_text("mine")
    second.unlink()

    copies.complete()

    assert sorted(path.name for path in copy.glob("*.ipynb")) == [path.name for path in copies.solved_notebooks()]
    assert (first.read_text(), json.loads(second.read_text())["nbformat"]) == ("mine", 4)
    assert [path for path in [copy, *copy.rglob("*")] if path.stat().st_mode & 0o077] == []


def test_a_copy_keeps_its_id_and_notebook_05_uploads_the_transactions_of_it(copy):
    assert workbook.setting("data_file", {}) == str(copies.DATA_FILE)
    copies.complete("s12")

    copies.complete()

    assert copies.settings()["data_file"] == workbook.setting("data_file", {})
    assert Path(workbook.setting("data_file", {})).read_bytes() == plain_file("s12")
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


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"prefx": "bo"}, "no setting 'prefx'. The settings are account, profile, .*, bucket, "),
        ({"account": 123456789012}, "account is 123456789012; wanted text: in quotes, or for papermill with -r"),
        ({"prefix"}, "prefix"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_every_notebook(opened, settings, named):
    for open_lab in (workbook.open_lab, workbook.open_lab_to_delete):
        with pytest.raises(UsageError, match=named):
            open_lab(settings=settings)


def test_papermills_setting_by_name_counts_more_than_one_in_settings_and_that_more_than_00s(copy, opened, papermill):
    workbook.keep({"prefix": "kept", "region": "eu-west-1", "email": "ana@example.com", "threshold": 7})
    assert not workbook.is_headless()
    papermill(prefix="bo", threshold=900, phone="", settings={"prefix": "x"}, yes=True)
    assert workbook.is_headless()
    settings = {"prefix": "x", "region": "eu-west-3", "phone": "+15555550100"}

    named = {"prefix": "bo", "threshold": 900, "region": "eu-west-3", "phone": "+15555550100"}
    assert workbook.open_lab(settings) == NOTHING | named | {"email": "ana@example.com"}
    assert workbook.open_lab_to_delete(region="us-west-2", settings=settings)["region"] == "eu-west-3"
    assert (workbook.setting("yes", {}), workbook.setting("threshold", {})) == (True, 900)
    papermill(threshold=0)
    assert workbook.open_lab({})["threshold"] == 0
    papermill(prefx="bo")
    with pytest.raises(UsageError, match="no setting 'prefx'"):
        workbook.open_lab({})


def test_notebook_00_keeps_what_papermill_has_set_but_no_leave_to_delete(copy, opened, papermill):
    workbook.keep({"email": "ana@example.com"})
    papermill(prefix="bo", yes=True, threshold=900)
    named = {"prefix": "bo", "threshold": 1500, "email": "", "bucket": "mine", "data_file": "x.txt"}

    settings = workbook.open_lab({"bucket": "my-class-bucket"}, named)

    assert settings == NOTHING | {"prefix": "bo", "threshold": 900, "bucket": "my-class-bucket"}
    papermill()
    assert (workbook.open_lab({}), workbook.setting("data_file", {})) == (settings, "x.txt")
    assert workbook.setting("yes", {}) == ""


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

    workbook.keep({"prefix": "bo"})
    workbook.record_solved("create-queue")

    assert workbook.open_lab({}) == NOTHING
    assert Path(workbook.setting("data_file", {})).read_text().startswith("customer_id|")
    assert workbook.folder().is_dir()
    assert workbook.folder() not in (copy, tmp_path)
    assert sorted(copy.rglob("*")) == before


def test_the_clean_up_of_an_embedded_lab_is_that_of_notebook_00(copy, opened, monkeypatch):
    workbook.keep(kept := {"account": "111122223333", "prefix": "ana", "notifier_role": "LabRole", "bucket": "class"})

    assert workbook.open_lab_to_delete() == NOTHING | kept
    other = {"prefix": "bo", "bucket": "other"}
    assert workbook.open_lab_to_delete(**other) == NOTHING | kept | other
    monkeypatch.setenv("LAB_PROFILE", "class")  # on AWS, the account is named there too
    assert workbook.open_lab_to_delete()["account"] == ""


@pytest.mark.parametrize("options", [{}, {"account": "111122223333"}, {"profile": "class"}])
def test_what_is_deleted_on_aws_is_named_in_the_notebook_that_deletes(options, copy, opened):
    workbook.keep({"account": "111122223333", "profile": "class", "prefix": "ana"})

    with pytest.raises(UsageError, match=r"account 111122223333 on AWS.*write account and profile"):
        workbook.open_lab_to_delete(**options)
    named = {"account": "444455556666", "profile": "other"}
    assert workbook.open_lab_to_delete(**named) == NOTHING | named | {"prefix": "ana"}
