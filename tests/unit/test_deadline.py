import pytest

from lab_lib.classroom import grading, roster


@pytest.mark.parametrize(
    ("handed_in", "due", "days"),
    [
        ("2026-12-01 23:59", "2026-12-01", 0),
        ("2026-12-02 00:00", "2026-12-01", 1),
        ("2026-12-01 18:00", "2026-12-01 18:00", 0),
        ("2026-12-01T18:01", "2026-12-01 18:00", 1),
        ("2026-11-01", "2026-12-01 18:00", 0),
    ],
)
def test_each_day_that_has_begun_after_the_due_date_is_late(handed_in, due, days):
    assert grading.days_late(handed_in, roster.moment(due, "--due")) == days
