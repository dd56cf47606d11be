"""The lab's cells are found in a student's notebook, and those that are missing are added at their place."""

import pytest

from lab_lib.classroom import lab_cells
from lab_lib.exercises import copies

COURSE = lab_cells.course(copies.NOTEBOOKS / "03-create-topic.ipynb")
IDS = [cell["id"] for cell in COURSE["cells"]]
CODE = [cell["id"] for cell in COURSE["cells"] if cell["cell_type"] == "code"]


def completed(mine):
    """Return the ids of the code cells, "own" for the student's own."""
    made = lab_cells.complete(mine, COURSE)
    return [cell["id"] if cell["id"] in IDS else "own" for cell in made if cell["cell_type"] == "code"]


@pytest.mark.parametrize("place", range(len(CODE)))
def test_a_cell_that_was_deleted_comes_back_at_its_place_and_an_own_cell_below_it_stays_there(place):
    own = {"cell_type": "code", "metadata": {}, "source": "mine = 1"}
    mine = [cell for cell in COURSE["cells"] if cell["id"] != CODE[place]]
    number = IDS.index(CODE[place])

    assert completed([*mine[:number], own, *mine[number:]]) == [*CODE[: place + 1], "own", *CODE[place + 1 :]]


def test_cells_are_known_without_their_ids_and_a_copy_of_one_is_the_students_own():
    mine = [{**cell, "id": f"new-{number}"} for number, cell in enumerate(COURSE["cells"])]
    solution = next(cell for cell in mine if cell["metadata"].get("nbgrader", {}).get("solution"))
    solution["source"] = "sns.create_topic(Name=name)"

    assert completed([*mine, solution]) == [*CODE, "own"]
