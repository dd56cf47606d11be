"""When a run is graded, and what becomes of the grade: no notebook is run here, and no account is read."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from lab_lib import checks
from lab_lib.checks.bank import plain_file
from lab_lib.checks.reports import Report
from lab_lib.classroom import graded as books
from lab_lib.classroom.students import Student
from lab_lib.classroom.work import Work
from lab_lib.errors import EmulatorError
from lab_lib.run import headless
from lab_lib.run.execution import Step
from tests.classes import judged, made_by, record
from tests.lab.commands import in_process

STEPS = ["00", "01", "02", "03", "04", "05"]


@pytest.fixture
def run(lab, monkeypatch, tmp_path):
    """run(until="04", fails="02"): what a run did, in order: the notebooks, "graded", and "held"."""
    done = []

    def run(until=None, fails=""):
        def run_one(path, *_):
            done.append(path.stem[:2])
            notebook = {"metadata": {"papermill": {"duration": 1.0}}}
            return Step(path.stem, notebook, "no" if done[-1] == fails else None)

        monkeypatch.setattr(headless, "run_one", run_one)
        prepared = headless.Prepared(lab, {"data_file": "x.txt"}, headless.notebooks(until), rows=1)
        headless.run(prepared, tmp_path / "run", complete=lambda lab: done.append("graded"))
        return done

    monkeypatch.setattr(headless.cleanup, "is_half_deleted", lambda lab: False)
    monkeypatch.setattr(
        headless, "one_kernel", lambda *_, **__: nullcontext(type("Kernel", (), {"reset": lambda self: None})())
    )
    monkeypatch.setattr(headless, "_held", lambda *_: done.append("held") or {})
    return run


@pytest.mark.parametrize(
    ("options", "did"),
    [
        ({}, [*STEPS, "graded", "06", "held", "99"]),
        ({"fails": "06"}, [*STEPS, "graded", "06", "held"]),
        ({"until": "01"}, ["00", "01", "graded", "held"]),
        ({"fails": "01"}, ["00", "01", "graded", "held"]),
    ],
)
def test_an_account_is_graded_once_before_notebook_06_or_where_the_run_ended(run, options, did):
    assert run(**options) == did


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Return Ana's work. Every check of her account holds."""
    report = Report(judged(record()).checks)
    monkeypatch.setattr(checks, "run", lambda lab, **_: report)
    return Work(Student("Ana", "111122229012", parameters={"prefix": "ana-"}), tmp_path / "out")


@pytest.mark.parametrize("graded", [True, False])
def test_what_was_graded_counts_even_if_notebook_06_ends_the_run(work, lab, monkeypatch, graded):
    def run(*_, complete, **__):
        if graded:
            complete(lab)
        raise EmulatorError("The embedded AWS has stopped.")

    monkeypatch.setattr(headless, "prepare", lambda *_: None)
    monkeypatch.setattr(headless, "run", run)
    work.write(work.do())

    [ana] = books.book([work.read()]).students
    assert (ana.state, ana.error) == ("failed", "EmulatorError: The embedded AWS has stopped.")
    assert ana.percent == (100 if graded else None)
    assert [path.name for path in work.folder.iterdir()] == ["grade.json"]


def test_the_notebooks_of_a_student_with_an_id_upload_transactions_of_their_own(tmp_path, monkeypatch):
    uploaded = []
    monkeypatch.setattr(headless, "prepare", lambda parameters, _: uploaded.append(parameters.get("data_file")))
    (tmp_path / "march.txt").write_text("the instructor's")
    for id, more in (("s12", {}), ("s12", {"data_file": str(tmp_path / "march.txt")}), ("", {})):
        Work(Student("Ana", "111122229012", id, parameters=more), tmp_path / "out").do()

    assert uploaded[1:] == [str(tmp_path / "march.txt"), None]
    assert Path(uploaded[0]).read_bytes() == plain_file("s12")


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """graded(*missing): run `lab class check` for Ana, for whom these checks fail; the status and the output."""
    (tmp_path / "roster.csv").write_text("name,account\nAna,111122229012\n")
    monkeypatch.setattr("lab_lib.classroom.class_run.server.start", lambda: None)

    def graded(*missing, state="done", command="check"):
        checks = judged(record(missing=missing)).checks if state != "failed" else []
        monkeypatch.setattr(Work, "check_account", lambda work: made_by(work, state=state, checks=checks))
        ended = in_process("class", command, tmp_path / "roster.csv", "--out", tmp_path / "out")
        return ended.exit_code, ended.output

    return graded


@pytest.mark.parametrize(
    ("missing", "state", "status"), [((), "done", 0), (["bucket-trigger"], "done", 1), ((), "failed", 3)]
)
def test_the_exit_status_of_a_class_says_whether_all_have_full_marks_and_were_graded(graded, missing, state, status):
    assert graded(*missing, state=state)[0] == status
    assert graded(command="report")[0] == status


def test_a_check_keeps_the_earlier_results_beside_its_own(graded, tmp_path):
    out = tmp_path / "out"
    graded("bucket-trigger")
    (out / "notes.txt").write_text("mine")

    _, said = graded()
    graded()

    first, second = sorted((out / "earlier").iterdir())
    assert (f"earlier/{first.name}" in said, (out / "notes.txt").exists()) == (True, True)
    books = [json.loads((place / "gradebook.json").read_text()) for place in (first, second, out)]
    assert [book["full"] for book in books] == [0, 1, 1]
    assert (first / "feedback" / "ana-9012.html").exists()
    assert "nobody" not in graded(command="report")[1]
