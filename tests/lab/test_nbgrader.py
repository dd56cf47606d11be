"""The lab as an nbgrader assignment, with nbgrader's own commands and the settings of docs/nbgrader_config.py.

nbgrader is installed by uv into an environment of its own, as in docs/instructors.md.
"""

import ast
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
from lab_lib.exercises import copies, edition

pytestmark = pytest.mark.slow

NBGRADER = "nbgrader==0.9.6"
UVX = Path(sys.executable).with_name("uvx")
CONFIG = copies.ROOT / "docs" / "nbgrader_config.py"
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


def nbgrader_of(cell):
    return cell["metadata"].get("nbgrader", {})


def wrong(cell):
    """Return a solution cell that gives each of its names a wrong value, or does nothing if it has none."""
    if cell["source"][0].startswith("%%"):
        return cell
    assignments = [node for node in ast.parse("".join(cell["source"])).body if isinstance(node, ast.Assign)]
    names = [target.id for assignment in assignments for target in assignment.targets if isinstance(target, ast.Name)]
    return {**cell, "source": [*cell["source"], *(f"\n{name} = ['wrong']" for name in names)]}


def hand_in(folder, solve, notebooks="*"):
    """Write a student's copy; `solve` fills in an empty solution cell, and is given the solved one too."""
    folder.mkdir(parents=True)
    for path in copies.NOTEBOOKS.glob(f"{notebooks}.ipynb"):
        solved = {cell["id"]: cell for cell in read(path)["cells"]}
        notebook = edition.of_learner(read(path))
        for number, cell in enumerate(notebook["cells"]):
            if nbgrader_of(cell).get("solution"):
                notebook["cells"][number] = solve(cell, solved[cell["id"]])
        text = json.dumps(notebook).replace('profile: str = \\"\\"', 'profile: str = \\"of-my-own\\"')
        text = text.replace("settings: dict = {}", 'settings: dict = {\\"profile\\": \\"of-my-own\\"}')
        (folder / path.name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a course in which Ana has answered all right, and Bo 00 wrong: its folder, and the grades of the cells."""
    folder = tmp_path_factory.mktemp("course")
    kernel = [sys.executable, "-m", "ipykernel", "install", "--prefix", str(folder), "--name", "python3"]
    subprocess.run(kernel, check=True, capture_output=True)
    environment = {**os.environ, "JUPYTER_PATH": str(folder / "share" / "jupyter")}
    shutil.copy(CONFIG, folder)
    shutil.copytree(copies.NOTEBOOKS, folder / "source" / "lab", ignore=shutil.ignore_patterns("*.toml", ".*"))

    def nbgrader(command):
        command = [UVX, "--from", NBGRADER, "nbgrader", command, "lab"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    server.start()  # in this process; the kernels find it
    nbgrader("generate_assignment")
    hand_in(folder / "submitted" / "ana" / "lab", lambda empty, solved: {**solved, "outputs": []})
    hand_in(folder / "submitted" / "bo" / "lab", lambda empty, solved: wrong(empty), "00-*")
    nbgrader("autograde")
    nbgrader("generate_feedback")
    grades = collections.defaultdict(dict)
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as book:
        for student, notebook, cell, score, most in book.execute(GRADES):
            grades[student, notebook][cell] = score, most
    return folder, grades


def test_students_get_the_same_notebooks_from_nbgrader_as_from_lab_open(course):
    folder, _ = course

    for path in copies.NOTEBOOKS.glob("*.ipynb"):
        ours, theirs = edition.of_learner(read(path)), read(folder / "release" / "lab" / path.name)
        texts = [["".join(cell["source"]) for cell in notebook["cells"]] for notebook in (ours, theirs)]
        assert texts[0] == [text for text in texts[1] if text]


def test_the_pictures_are_beside_the_notebooks_and_the_feedback_also_where_a_student_hands_in_none(course):
    folder, _ = course

    pictures = {path.name: path.read_bytes() for path in copies.pictures()}
    assert list((folder / "submitted").rglob("*.svg")) == []
    for place in ("release/lab", "feedback/ana/lab"):
        assert {path.name: path.read_bytes() for path in (folder / place).glob("*.svg")} == pictures
    for path in (folder / "feedback" / "ana" / "lab").glob("*.html"):
        assert f'src="chain-{path.stem[:2]}.svg"' in path.read_text(encoding="utf-8")


def test_right_answers_get_all_points_wrong_ones_none_and_no_notebook_is_graded_0_of_0(course):
    _, grades = course
    names = sorted(path.stem for path in copies.NOTEBOOKS.glob("*.ipynb"))

    right = {name: grades["ana", name].values() for name in names}
    assert [name for name, cells in right.items() if sum(most for _, most in cells) == 0] == []
    assert [name for name, cells in right.items() if any(score != most for score, most in cells)] == []
    cells = [nbgrader_of(cell) for cell in read(copies.NOTEBOOKS / f"{names[0]}.ipynb")["cells"]]
    answers = {cell["grade_id"] for cell in cells if cell.get("grade") and "checkpoint" not in cell["grade_id"]}
    assert {grades["bo", names[0]][answer][0] for answer in answers} == {0}


def test_every_student_gets_a_page_of_feedback_for_each_notebook(course):
    folder, _ = course

    pages = {path.stem for path in (folder / "feedback" / "ana" / "lab").glob("*.html")}
    assert pages == {path.stem for path in copies.NOTEBOOKS.glob("*.ipynb")}
