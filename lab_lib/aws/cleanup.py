"""Delete everything of this lab, in the reverse order of its making, and list what is left. On AWS, ask first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab_lib.aws import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.errors import LabError, UsageError
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


def was_cut_off(lab: Lab) -> bool:
    """True if the triggers are gone, as after the first moments of a clean-up, but not all the items that they brought.

    Such a rest is no start: what is counted already, or alerted, does not come again, or comes twice.
    """
    if triggers.find_stream_trigger(lab):
        return False
    return any(tables.is_ours(lab, name) and tables.items(lab, name) for name in tables.KEYS)


def confirm(lab: Lab, yes: bool) -> None:
    """On AWS, ask whether all of it may be deleted, unless `yes`; LabError if it may not, or nobody can be asked."""
    if lab.is_real and not yes and (there := left(lab)):
        answer = _answer(f"Things of the lab in {lab}: {len(there)}. Delete them?")
        if answer is None:
            raise LabError(
                "Nothing was deleted: on AWS the lab asks first, and nobody could be asked. "
                "Set yes to True in notebook 99, or give --yes."
            )
        if not answer:
            raise LabError("Nothing was deleted. To delete it, do the same again and answer y.")


def confirm_run(lab: Lab, yes: bool) -> None:
    """Ask the same before a run that ends with the clean-up; UsageError if nobody can be asked."""
    if lab.is_real and not yes:
        answer = _answer(f"At its end, this run deletes all that the lab has in {lab}. Run it?")
        if answer is None:
            raise UsageError("A run on AWS ends with deleting, and nobody could be asked. Give --yes, or --keep.")
        if not answer:
            raise LabError("Nothing was made and nothing was deleted. --keep runs the lab and leaves everything there.")


def ask(question: str) -> None:
    """Ask the same of a whole class, in these words."""
    answer = _answer(question)
    if answer is None:
        raise UsageError("Deleting on AWS was to be confirmed, and nobody could be asked. Give --yes.")
    if not answer:
        raise LabError("Nothing was made and nothing was deleted.")


def _answer(question: str) -> bool | None:
    """What the user answers, in a terminal or a notebook; None if nobody is there."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # a command without a terminal; a notebook without a reader
        print()  # the question is still on the line
        return None


def _things() -> Iterator[Thing]:
    bucket_trigger = triggers.find_bucket_trigger, triggers.delete_bucket_trigger
    yield _trigger("bucket trigger", "TransactionProcessor", *bucket_trigger)
    stream_trigger = triggers.find_stream_trigger, triggers.delete_stream_trigger
    yield _trigger("stream trigger", "TotalNotifier", *stream_trigger)
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


def _trigger(what: str, function: str, find: Callable[[Lab], object], delete: Callable[[Lab], None]) -> Thing:
    """A trigger carries no tag: it is the lab's, unless it starts a function that is not."""

    def is_ours(lab: Lab) -> bool:
        starts_theirs = functions.find_function(lab, function) is not None and not functions.is_ours(lab, function)
        return find(lab) is not None and not starts_theirs

    return Thing(what, find, is_ours, delete)


def _named(
    what: str,
    name: str,
    find: Callable[[Lab, str], object],
    is_ours: Callable[[Lab, str], bool],
    delete: Callable[[Lab, str], None],
) -> Thing:
    return Thing(what, lambda lab: find(lab, name), lambda lab: is_ours(lab, name), lambda lab: delete(lab, name))
