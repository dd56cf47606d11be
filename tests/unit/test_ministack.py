"""What ministack does not do as AWS does. When a test here fails, a newer ministack does, and our part of it can go."""

import inspect

import pytest

from lab_lib.embedded import changes


@pytest.mark.parametrize(
    ("ours", "theirs", "answer"),
    [
        ("execute", lambda: '"Runtime.HandlerError"' in inspect.getsource(changes._execute), True),
        (
            "changes.denied",
            lambda: b"on resource" in changes._denied("lambda", "a", "p", "r", resource_arn="x")[2],
            False,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ministack_still_needs(ours, theirs, answer):
    assert theirs() == answer, f"a newer ministack does it: delete {ours}"
