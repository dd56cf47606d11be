"""The workflow for GitHub, docs/grade-a-class.yml: its commands are run here, for accounts on the embedded AWS."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from lab_lib.places import COURSE

WORKFLOW = yaml.safe_load((COURSE / "docs" / "grade-a-class.yml").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_parts_of_a_class_are_graded_and_their_report_is_the_summary(new_account, tmp_path):
    jobs, (checkout, summary) = WORKFLOW["jobs"], (tmp_path / "checkout", tmp_path / "summary.md")
    (checkout / "class").mkdir(parents=True)
    (checkout / ".venv").symlink_to(COURSE / ".venv")
    rows = [f"{new_account()},{name}\n" for name in ("Ana", "Ben", "Chen")]
    (checkout / "class" / "roster.csv").write_text("".join(["account,name\n", *rows]))

    def step(job, name, **variables):
        [command] = [step["run"] for step in jobs[job]["steps"] if step.get("name") == name]
        env = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary), **variables}
        return subprocess.run(["bash", "-e", "-c", command], cwd=checkout, env=env, capture_output=True, text=True)

    parts = jobs["grade"]["strategy"]["matrix"]["part"]
    for part in parts:
        graded = step("grade", "Grade", COMMAND="check", PART=f"{part}/{len(parts)}")
        assert graded.returncode == 0, graded.stderr
        # Each part has a machine of its own; the artifacts are downloaded into one folder.
        Path(checkout / "runs" / "class").rename(tmp_path / f"part-{part}")
    for part in parts:
        subprocess.run(["cp", "-r", f"{tmp_path}/part-{part}/.", checkout / "runs" / "class"], check=True)

    assert step("report", "Report").returncode == 0
    assert "Full marks: 0 of 3. Not graded: 0." in summary.read_text(encoding="utf-8")
    assert (checkout / "runs" / "class" / "report.html").exists()
    (checkout / "class" / "roster.csv").write_text("".join(["account,name\n", *rows, f"{new_account()},Dee\n"]))
    assert step("report", "Report").returncode == 1  # Dee was not graded
    (checkout / "class" / "overrides.csv").write_text("student,column,points,comment,late,excused\nDee,,,,,yes\n")
    assert step("report", "Report").returncode == 0
