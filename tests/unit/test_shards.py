"""`--shard`: every student is in one part, and `auto` takes the part from the engine that runs the command."""

import pytest

from lab_lib.classroom import class_run, shards
from lab_lib.classroom.shards import Shard
from lab_lib.classroom.students import Student
from lab_lib.errors import UsageError

TASK = "SLURM_ARRAY_TASK"


def slurm(task, ids):
    """Return the variables of a task, as Slurm 24.11 sets them."""
    return {
        f"{TASK}_{name}": str(value) for name, value in zip(("ID", "MIN", "MAX", "COUNT"), (task, *ids), strict=True)
    }


BATCH = {"AWS_BATCH_JOB_ARRAY_INDEX": "4", "AWS_BATCH_JOB_ARRAY_SIZE": "5"}


@pytest.fixture
def engine(monkeypatch):
    """engine(variables): run on an engine that sets these; without any before it is called."""
    for name in [f"{TASK}_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX", "CI_NODE_INDEX"]:
        monkeypatch.delenv(name, raising=False)

    def engine(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return engine


def test_every_student_is_in_one_shard():
    students = [Student(f"Student {number}") for number in range(7)]

    parts = [class_run.select(students, shards.read(f"{part}/3")) for part in (1, 2, 3)]

    assert sorted((student for part in parts for student in part), key=lambda student: student.name) == students
    assert sorted(map(len, parts)) == [2, 2, 3]


@pytest.mark.parametrize(
    ("variables", "shard"),
    [
        (slurm(2, (1, 3, 3)), (2, 3)),
        (slurm(0, (0, 2, 3)), (1, 3)),
        ({"JOB_COMPLETION_INDEX": "2", "LAB_SHARDS": "3"}, (3, 3)),
        (BATCH, (5, 5)),
        ({"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, (1, 4)),
        ({"LAB_SHARD_INDEX": "0", "LAB_SHARDS": "2", "CI_NODE_TOTAL": "1"}, (1, 2)),
    ],
)
def test_auto_is_the_part_that_the_engine_says(engine, variables, shard):
    engine(variables)

    assert shards.read("auto") == shard
    assert shards.read("2/9") == Shard(2, 9)  # what is written counts


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, "wants one of SLURM_ARRAY_TASK_ID (a Slurm array), JOB_COMPLETION_INDEX (a Kubernetes"),
        ({"CI_NODE_TOTAL": "1"}, "found none"),  # GitLab's without `parallel`
        ({"JOB_COMPLETION_INDEX": "2"}, "LAB_SHARDS is ''; wanted a number"),
        ({"LAB_SHARD_INDEX": "two", "LAB_SHARDS": "3"}, "LAB_SHARD_INDEX is 'two'"),
        ({"LAB_SHARD_INDEX": "3", "LAB_SHARDS": "3"}, "is 3 and LAB_SHARDS is 3; wanted a place from 0 to 2"),
        (slurm(2, (1, 3, 3)) | BATCH, "found SLURM_ARRAY_TASK_ID and AWS_BATCH_JOB_ARRAY_INDEX"),
        (slurm(3, (1, 9, 5)), "the array has 5 ids from 1 to 9; wanted all from 0 or 1 on, such as --array=1-5"),
        (slurm(2, (2, 2, 1)), "the array has 1 ids from 2 to 2"),  # a second try of one part would do the whole class
    ],
)
def test_auto_is_refused_in_one_line_unless_one_engine_says_a_place_among_all(engine, variables, found):
    engine(variables)

    with pytest.raises(UsageError) as error:
        shards.read("auto")

    assert found in str(error.value)
    assert "\n" not in str(error.value)
