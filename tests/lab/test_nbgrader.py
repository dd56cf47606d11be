"""The lab as an nbgrader assignment, with nbgrader's own commands and the settings of docs/nbgrader_config.py.

nbgrader is installed by uv into an environment of its own, as in docs/instructors.md.
"""

import collections
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lab_lib.embedded import server
from lab_lib.exercises import copies
from lab_lib.run.headless import notebooks
from lab_lib.workspace.places import COURSE
from tests.learners import solve

pytestmark = pytest.mark.slow

NBGRADER = "nbgrader==0.9.6"
FIRST, SECOND, *_ = notebooks()  # the others are marked in the same way
UVX = Path(sys.executable).with_name("uvx")
CONFIG = COURSE / "docs" / "nbgrader_config.py"
GRADES = """
    SELECT submitted_assignment.student_id, notebook.name, base_cell.name, grade.auto_score, grade_cells.max_score
    FROM grade
    JOIN grade_cells ON grade_cells.id = grade.cell_id
    JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN notebook ON notebook.id = submitted_notebook.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
"""  # the command `nbgrader export` has sums only


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def hand_in(folder):
    """Write a student's copy of the first notebook, with nothing filled in but a profile; return its folder."""
    folder.mkdir(parents=True)
    text = json.dumps(copies.learners_edition(FIRST))
    text = text.replace('profile: str = \\"\\"', 'profile: str = \\"of-my-own\\"')
    text = text.replace("settings: dict = {}", 'settings: dict = {\\"profile\\": \\"of-my-own\\"}')
    (folder / FIRST.name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a course in which Ana has answered all right, and Bo nothing: its folder, and the grades of the cells."""
    folder = tmp_path_factory.mktemp("course")
    kernel = [sys.executable, "-m", "ipykernel", "install", "--prefix", str(folder), "--name", "python3"]
    subprocess.run(kernel, check=True, capture_output=True)
    environment = {**os.environ, "JUPYTER_PATH": str(folder / "share" / "jupyter")}
    shutil.copy(CONFIG, folder)
    shutil.copytree(
        copies.NOTEBOOKS, folder / "source" / "lab", ignore=shutil.ignore_patterns("*.toml", ".*", "0[2-9]*", "99*")
    )

    def nbgrader(command):
        command = [UVX, "--from", NBGRADER, "nbgrader", command, "lab"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    server.start()  # in this process; the kernels find it
    nbgrader("generate_assignment")
    solve(hand_in(folder / "submitted" / "ana" / "lab"))
    hand_in(folder / "submitted" / "bo" / "lab")
    nbgrader("autograde")
    nbgrader("generate_feedback")
    grades = collections.defaultdict(dict)
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as book:
        for student, notebook, cell, score, most in book.execute(GRADES):
            grades[student, notebook][cell] = score, most
    return folder, grades


def test_students_get_the_same_notebooks_from_nbgrader_as_from_lab_open(course):
    folder, _ = course

    for path in (FIRST, SECOND):
        ours, theirs = copies.learners_edition(path), read(folder / "release" / "lab" / path.name)
        texts = [["".join(cell["source"]) for cell in notebook["cells"]] for notebook in (ours, theirs)]
        assert texts[0] == [text for text in texts[1] if text]


def test_right_answers_get_all_points_and_no_answers_none_and_there_is_feedback(course):
    folder, grades = course

    ana, bo = (grades[name, FIRST.stem] for name in ("ana", "bo"))
    assert [score for score, _ in ana.values()] == [most for _, most in ana.values()] != []
    assert {score for cell, (score, _) in bo.items() if "checkpoint" not in cell} == {0}
    assert (folder / "feedback" / "ana" / "lab" / f"{FIRST.stem}.html").exists()
