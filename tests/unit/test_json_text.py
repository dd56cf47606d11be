import pytest

from lab_lib.aws.json_text import json_object, moment


@pytest.mark.parametrize("text", ["x", "[]", None, "[" * 5000])
def test_what_is_no_json_object_is_an_empty_one(text):
    assert json_object(text) == {}


def test_a_moment_needs_a_time_zone():
    assert moment("2026-01-03T00:00:00.000Z") == moment("2026-01-03T01:00:00.000+0100")
    odd = ("yesterday", None, 7, "2026-01-03T00:00:00", "2026-13-45T00:00:00Z")
    assert {moment(text) for text in odd} == {None}
