"""Delete everything of this lab, in the reverse order of its making, and list what is left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab_lib import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.lab import Lab


@dataclass(frozen=True)
class Thing:
    """One thing of the lab: what it is called, whether it is there, whether the lab made it, and how it goes."""

    what: str
    find: Callable[[Lab], object]
    is_ours: Callable[[Lab], bool]
    delete: Callable[[Lab], None]


def delete_all(lab: Lab) -> Iterator[str]:
    """Delete what the lab made, one thing after the other, and say what was just deleted. Others' things stay."""
    for thing in _things():
        if thing.is_ours(lab):
            thing.delete(lab)
            yield thing.what


def left(lab: Lab) -> list[str]:
    """What the lab made and is still there."""
    return [thing.what for thing in _things() if thing.is_ours(lab)]


def given(lab: Lab) -> list[str]:
    """What has the lab's names but was not made by it: it was given, or made by hand, and is never deleted."""
    return [thing.what for thing in _things() if thing.find(lab) is not None and not thing.is_ours(lab)]


def _things() -> Iterator[Thing]:
    yield _trigger("bucket trigger", triggers.find_bucket_trigger, triggers.delete_bucket_trigger)
    yield _trigger("stream trigger", triggers.find_stream_trigger, triggers.delete_stream_trigger)
    for name in functions.SOURCES:
        yield _named(f"function {name}", name, functions.find_function, functions.is_ours, functions.delete_function)
    for name in functions.SOURCES:
        find, is_ours = cloudwatch.find_log_group, cloudwatch.is_our_log_group
        yield _named(f"log of {name}", name, find, is_ours, cloudwatch.delete_log_group)
    name = topics.ALERT_TOPIC
    yield _named(f"topic {name}", name, topics.find_topic, topics.is_ours, topics.delete_topic)
    for name in [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]:
        yield _named(f"queue {name}", name, queues.find_queue, queues.is_ours, queues.delete_queue)
    for name in tables.KEYS:
        yield _named(f"table {name}", name, tables.find_table, tables.is_ours, tables.delete_table)
    for name in functions.ROLES.values():
        yield _named(f"role {name}", name, roles.find_role, roles.is_ours, roles.delete_role)
    yield Thing("bucket", buckets.find_bucket, buckets.is_ours, buckets.delete_bucket)


def _trigger(what: str, find: Callable[[Lab], object], delete: Callable[[Lab], None]) -> Thing:
    """A trigger joins things of the lab, and so is the lab's."""
    return Thing(what, find, lambda lab: find(lab) is not None, delete)


def _named(
    what: str,
    name: str,
    find: Callable[[Lab, str], object],
    is_ours: Callable[[Lab, str], bool],
    delete: Callable[[Lab, str], None],
) -> Thing:
    return Thing(what, lambda lab: find(lab, name), lambda lab: is_ours(lab, name), lambda lab: delete(lab, name))
