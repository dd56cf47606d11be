"""The workflow for GitHub, docs/grade-a-class.yml: its commands are run here, for accounts on the embedded AWS."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from lab_lib.exercises import copies

WORKFLOW = yaml.safe_load((copies.ROOT / "docs" / "grade-a-class.yml").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_parts_of_a_class_are_graded_and_their_report_is_the_summary(new_account, tmp_path):
    jobs, (here, summary) = WORKFLOW["jobs"], (tmp_path / "checkout", tmp_path / "summary.md")
    (here / "class").mkdir(parents=True)
    (here / ".venv").symlink_to(copies.ROOT / ".venv")
    rows = [f"{new_account()},{name}\n" for name in ("Ana", "Ben", "Chen")]
    (here / "class" / "roster.csv").write_text("".join(["account,name\n", *rows]))

    def step(job, name, **variables):
        [command] = [each["run"] for each in jobs[job]["steps"] if each.get("name") == name]
        environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary), **variables}
        return subprocess.run(["bash", "-e", "-c", command], cwd=here, env=environment, capture_output=True, text=True)

    parts = jobs["grade"]["strategy"]["matrix"]["part"]
    for part in parts:
        graded = step("grade", "Grade", COMMAND="check", PART=f"{part}/{len(parts)}")
        assert graded.returncode == 0, graded.stderr
        # Each part has a machine of its own; the artifacts are downloaded into one folder.
        Path(here / "runs" / "class").rename(tmp_path / f"part-{part}")
    for part in parts:
        subprocess.run(["cp", "-r", f"{tmp_path}/part-{part}/.", here / "runs" / "class"], check=True)

    assert step("report", "Report").returncode == 0
    assert "Full marks: 0 of 3. Not graded: 0." in summary.read_text(encoding="utf-8")
    assert (here / "runs" / "class" / "report.html").exists()
    (here / "class" / "roster.csv").write_text("".join(["account,name\n", *rows, f"{new_account()},Dee\n"]))
    assert step("report", "Report").returncode == 1  # Dee was not graded
    assert step("grade", "Grade", COMMAND="check", PART="5/4").returncode == 1
