"""The learner's edition of a notebook: what is taken out, and how a change of the lab is found."""

import json

import pytest

from lab_lib.exercises import edition
from lab_lib.run.headless import notebooks


def cell(kind, *lines, **more):
    content = {"id": "01", "cell_type": kind, "metadata": {}, "source": "\n".join(lines).splitlines(keepends=True)}
    return content | ({"outputs": [{"output_type": "stream"}], "execution_count": 3} if kind == "code" else {}) | more


def learners(*cells):
    return edition.of_learner({"cells": list(cells), "nbformat": 4})["cells"]


def text(cell):
    return "".join(cell["source"])


def test_a_solution_becomes_a_stub_and_what_stands_around_it_stays():
    solution = [
        "queues = []",
        "if True:",
        "    ### BEGIN SOLUTION",
        "    secret = 1",
        "",
        "    ### END SOLUTION",
        "print(1)",
    ]

    (made,) = learners(cell("code", *solution, metadata={"nbgrader": {"solution": True}}))

    assert text(made) == f"queues = []\nif True:\n    {edition.STUB}\nprint(1)"
    assert made["metadata"] == {"nbgrader": {"solution": True}}  # nbgrader can still grade it
    assert (made["outputs"], made["execution_count"]) == ([], None)


def test_two_solutions_in_a_cell_and_hidden_tests_are_taken_out():
    region = ["### BEGIN SOLUTION", "secret", "### END SOLUTION"]
    hidden = ["judge(1)", "### BEGIN HIDDEN TESTS", "assert secret", "### END HIDDEN TESTS"]

    two, judging = learners(cell("code", *region, "a = 1", *region), cell("code", *hidden))

    assert text(two) == f"{edition.STUB}\na = 1\n{edition.STUB}"
    assert text(judging) == "judge(1)"


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_learner_sees_no_solution_no_hidden_test_and_no_output_of_a_real_notebook(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))

    made = edition.of_learner(notebook)["cells"]

    written = json.dumps(made)
    assert [mark for mark in ("SOLUTION", "HIDDEN TESTS") if mark in written] == []
    assert [part["id"] for part in made if part["cell_type"] == "code" and part["outputs"]] == []
    assert len(made) >= len(notebook["cells"]) - 3


def test_a_change_is_named_by_the_heading_above_it_and_a_new_solution_is_none():
    def cells(table, topic, solution, *more):
        solved = ["### BEGIN SOLUTION", solution, "### END SOLUTION"]
        parts = [cell("markdown", "# 03", "text", "## Make a table", "why"), cell("code", table)]
        parts += [cell("markdown", "## Make a topic"), cell("code", topic, *solved), *more]
        notebook = {"cells": [part | {"id": str(number)} for number, part in enumerate(parts)]}
        return edition.cells(edition.of_learner(notebook))

    before = cells("table()", "topic()", "a")

    assert edition.changes(before, cells("table()", "topic()", "b")) == []
    assert edition.changes(before, cells("other()", "topic()", "a")) == ["Make a table"]
    more = cells("table()", "topic(1)", "a", cell("markdown", "### Checkpoint"))
    assert edition.changes(before, more) == edition.changes(more, before) == ["Make a topic", "Checkpoint"]
