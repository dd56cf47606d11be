"""The workflows for GitHub, docs/grade-a-class.yml and grade-submissions.yml: their commands are run here."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from lab_lib.classroom import sandbox
from lab_lib.workspace.places import COURSE


class Workflow:
    """A workflow of docs/, and a checkout in which its steps are run. Each part has a machine of its own."""

    def __init__(self, name, folder):
        self.jobs = yaml.safe_load((COURSE / "docs" / name).read_text(encoding="utf-8"))["jobs"]
        self.folder, self.checkout, self.summary = folder, folder / "checkout", folder / "summary.md"
        (self.checkout / "class").mkdir(parents=True)
        (self.checkout / ".venv").symlink_to(COURSE / ".venv")

    def write(self, name, *lines):
        (self.checkout / "class" / name).write_text("\n".join([*lines, ""]))

    def grade(self):
        """Grade as if there were two parts, and download their artifacts into one folder."""
        parts = self.jobs["grade"]["strategy"]["matrix"]["part"][:2]
        for part in parts:
            graded = self.step("grade", "Grade", **{"matrix.part": part, "strategy.job-total": len(parts)})
            assert graded.returncode == 0, graded.stderr
            Path(self.checkout / "runs" / "class").rename(self.folder / f"part-{part}")
        for part in parts:
            subprocess.run(["cp", "-r", f"{self.folder}/part-{part}/.", self.checkout / "runs" / "class"], check=True)

    def report(self):
        return self.step("report", "Report").returncode

    def step(self, job, name, **values):
        [step] = [step for step in self.jobs[job]["steps"] if step.get("name") == name]
        values |= {"inputs.command || 'check'": "check"}
        variables = {name: str(values[text.strip("${ }")]) for name, text in step.get("env", {}).items()}
        github = {"GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_RUN_ID": "1658821493"}
        settings = {"cwd": self.checkout, "env": {**os.environ, **github, **variables}, "text": True}
        return subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, **settings)


@pytest.mark.slow
def test_the_parts_of_a_class_are_graded_and_their_report_is_the_summary(new_account, tmp_path):
    workflow = Workflow("grade-a-class.yml", tmp_path)
    rows = [f"{new_account()},{name}" for name in ("Ana", "Ben", "Chen")]
    workflow.write("roster.csv", "account,name", *rows)

    workflow.grade()

    assert workflow.report() == 0
    assert "Full marks: 0 of 3. Not graded: 0." in workflow.summary.read_text(encoding="utf-8")
    assert (workflow.checkout / "runs" / "class" / "report.html").exists()
    workflow.write("roster.csv", "account,name", *rows, f"{new_account()},Dee")
    assert workflow.report() == 1  # Dee was not graded
    workflow.write("overrides.csv", "student,column,points,comment,late,excused", "Dee,,,,,yes")
    assert workflow.report() == 0


@pytest.mark.slow
@pytest.mark.skipif(bool(sandbox.fault()), reason="there is no sandbox here")
def test_the_parts_of_a_class_that_has_handed_in_nothing_have_a_report_too(tmp_path):
    workflow = Workflow("grade-submissions.yml", tmp_path)
    workflow.write("roster.csv", "name", "Ana", "Ben", "Chen")
    (workflow.checkout / "class" / "submissions").mkdir()
    workflow.write("submissions/stranger.zip", "no zip")

    workflow.grade()

    assert workflow.report() == 0
    assert "Full marks: 0 of 3. Not graded: 3." in workflow.summary.read_text(encoding="utf-8")
    workflow.write("roster.csv", "name", "Ana", "Ben", "Chen", "Dee")
    assert workflow.report() == 1  # Dee is in no part
