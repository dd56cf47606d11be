"""The workflows for GitHub, docs/grade-a-class.yml and grade-submissions.yml: their commands are run here."""

import os
import subprocess

import pytest
import yaml

from lab_lib.classroom import sandbox
from lab_lib.workspace.places import COURSE


@pytest.fixture
def files(tmp_path):
    """files(name, line, …): write a file of the class, into a checkout in which workflows are run."""
    (folder := tmp_path / "class").mkdir()
    (tmp_path / ".venv").symlink_to(COURSE / ".venv")
    return lambda name, *lines: (folder / name).write_text("\n".join([*lines, ""]))


def run(workflow, name, checkout):
    """Run a step of a workflow of docs/; its status and the first line that it prints."""
    [step] = [step for step in workflow["jobs"]["grade"]["steps"] if step.get("name") == name]
    values = {"inputs.command || 'check'": "check"}
    variables = {name: str(values[text.strip("${ }")]) for name, text in step.get("env", {}).items()}
    settings = {"cwd": checkout, "env": {**os.environ, **variables, "GITHUB_RUN_ID": "1658821493"}, "text": True}
    ended = subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, **settings)
    return ended.returncode, (ended.stdout or ended.stderr).partition("\n")[0]


def read(name):
    return yaml.safe_load((COURSE / "docs" / name).read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_class_is_graded_and_has_a_report(new_account, files, tmp_path):
    workflow = read("grade-a-class.yml")
    rows = [f"{new_account()},{name}" for name in ("Ana", "Ben", "Chen")]
    files("roster.csv", "account,name", *rows)

    graded = run(workflow, "Grade", tmp_path)

    assert graded[0] == 0, graded
    assert run(workflow, "Report", tmp_path) == (0, "Full marks: 0 of 3")
    assert (tmp_path / "runs" / "class" / "report.html").exists()
    files("roster.csv", "account,name", *rows, f"{new_account()},Dee")
    assert run(workflow, "Report", tmp_path)[0] == 1  # Dee was not graded
    files("overrides.csv", "student,column,points,comment,late,excused", "Dee,,,,,yes")
    assert run(workflow, "Report", tmp_path)[0] == 0


@pytest.mark.slow
@pytest.mark.skipif(bool(sandbox.fault()), reason="there is no sandbox here")
def test_a_class_that_has_handed_in_nothing_has_a_report_too(files, tmp_path):
    workflow = read("grade-submissions.yml")
    files("roster.csv", "name", "Ana", "Ben", "Chen")
    (tmp_path / "class" / "submissions").mkdir()
    files("submissions/stranger.zip", "no zip")

    graded = run(workflow, "Grade", tmp_path)

    assert graded[0] == 0, graded
    assert run(workflow, "Report", tmp_path) == (0, "Full marks: 0 of 3")
