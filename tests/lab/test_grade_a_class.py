"""The workflows for GitHub, docs/grade-a-class.yml and grade-submissions.yml: their commands are run here."""

import os
import subprocess

import pytest
import yaml

from lab_lib.classroom import sandbox
from lab_lib.workspace.places import COURSE


class Workflow:
    """A workflow of docs/, and a checkout in which its steps are run."""

    def __init__(self, name, folder):
        self.jobs = yaml.safe_load((COURSE / "docs" / name).read_text(encoding="utf-8"))["jobs"]
        self.checkout = folder / "checkout"
        (self.checkout / "class").mkdir(parents=True)
        (self.checkout / ".venv").symlink_to(COURSE / ".venv")

    def write(self, name, *lines):
        (self.checkout / "class" / name).write_text("\n".join([*lines, ""]))

    def grade(self):
        graded = self.step("Grade")
        assert graded.returncode == 0, graded.stderr

    def report(self):
        """Return the status of the report, and how many have full marks."""
        ended = self.step("Report")
        return ended.returncode, ended.stdout.splitlines()[0]

    def step(self, name):
        [step] = [step for step in self.jobs["grade"]["steps"] if step.get("name") == name]
        variables = {**os.environ, "COMMAND": "check", "GITHUB_RUN_ID": "1658821493"}
        settings = {"cwd": self.checkout, "env": variables, "text": True}
        return subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, **settings)


@pytest.mark.slow
def test_a_class_is_graded_and_has_a_report(new_account, tmp_path):
    workflow = Workflow("grade-a-class.yml", tmp_path)
    rows = [f"{new_account()},{name}" for name in ("Ana", "Ben", "Chen")]
    workflow.write("roster.csv", "account,name", *rows)

    workflow.grade()

    assert workflow.report() == (0, "Full marks: 0 of 3")
    assert (workflow.checkout / "runs" / "class" / "report.html").exists()
    workflow.write("roster.csv", "account,name", *rows, f"{new_account()},Dee")
    assert workflow.report()[0] == 1  # Dee was not graded
    workflow.write("overrides.csv", "student,column,points,comment,late,excused", "Dee,,,,,yes")
    assert workflow.report()[0] == 0


@pytest.mark.slow
@pytest.mark.skipif(bool(sandbox.fault()), reason="there is no sandbox here")
def test_a_class_that_has_handed_in_nothing_has_a_report_too(tmp_path):
    workflow = Workflow("grade-submissions.yml", tmp_path)
    workflow.write("roster.csv", "name", "Ana", "Ben", "Chen")
    (workflow.checkout / "class" / "submissions").mkdir()
    workflow.write("submissions/stranger.zip", "no zip")

    workflow.grade()

    assert workflow.report() == (0, "Full marks: 0 of 3")
