"""Delete everything of this lab, in the reverse order of its making, and list what is left."""

from collections.abc import Callable, Iterator

from typing import TypeVar

from lab_lib import buckets, functions, queues, roles, tables, topics, triggers
from lab_lib.lab import Lab

T = TypeVar("T")
Thing = tuple[str, Callable[[Lab], object], Callable[[Lab], None]]  # what it is, find it, delete it


def delete_all(lab: Lab) -> Iterator[str]:
    """Delete what the lab made, one thing after the other; says what it has just deleted."""
    for what, find, delete in _things():
        if find(lab) is not None:
            delete(lab)
            if find(lab) is None:
                yield what


def left(lab: Lab) -> list[str]:
    """What is still there of the lab's names: in the end only what the account was given, which is kept."""
    return [what for what, find, _ in _things() if find(lab) is not None]


def _things() -> Iterator[Thing]:
    yield "bucket trigger", triggers.find_bucket_trigger, triggers.delete_bucket_trigger
    yield "stream trigger", triggers.find_stream_trigger, triggers.delete_stream_trigger
    for name in reversed(functions.SOURCES):
        yield f"function {name}", _bound(functions.find_function, name), _bound(functions.delete_function, name)
        yield f"logs of {name}", _bound(functions.find_log_group, name), _bound(functions.delete_log_group, name)
    yield f"topic {topics.ALERT_TOPIC}", topics.find_topic, topics.delete_topic
    for name in [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]:
        yield f"queue {name}", _bound(queues.find_queue, name), _bound(queues.delete_queue, name)
    for name in tables.KEYS:
        yield f"table {name}", _bound(tables.find_table, name), _bound(tables.delete_table, name)
    for name in functions.ROLES.values():
        yield f"role {name}", _bound(roles.find_role, name), _bound(roles.delete_role, name)
    yield "bucket", buckets.find_bucket, buckets.delete_bucket


def _bound(call: Callable[[Lab, str], T], name: str) -> Callable[[Lab], T]:
    return lambda lab: call(lab, name)
