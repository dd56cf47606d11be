"""`--shard`: every student is in one part."""

import pytest

from lab_lib.classroom import class_run, shards
from lab_lib.classroom.students import Student
from lab_lib.errors import UsageError


def test_every_student_is_in_one_shard():
    students = [Student(f"Student {number}") for number in range(7)]

    parts = [class_run.select(students, shards.read(f"{part}/3")) for part in (1, 2, 3)]

    assert sorted((student for part in parts for student in part), key=lambda student: student.name) == students
    assert sorted(map(len, parts)) == [2, 2, 3]


@pytest.mark.parametrize("option", ["auto", "0/3", "4/3", "2"])
def test_a_part_that_is_none_is_refused(option):
    with pytest.raises(UsageError, match="wanted a part and the number of parts, such as 2/5"):
        shards.read(option)
