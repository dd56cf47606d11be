"""Delete the lab's resources in the reverse order of their creation, and list the remaining ones. On AWS, ask first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab_lib.aws import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.errors import LabError, UsageError
from lab_lib.lab import Lab


@dataclass(frozen=True)
class Resource:
    """One resource of the lab: its name for people, and how to find and delete it."""

    label: str
    find: Callable[[Lab], object]
    is_ours: Callable[[Lab], bool]
    delete: Callable[[Lab], None]


def delete_all(lab: Lab) -> Iterator[str]:
    """Delete the lab's own resources one by one, and yield the name of each. Resources of others stay."""
    for resource in _resources():
        if resource.is_ours(lab):
            resource.delete(lab)
            yield resource.label


def remaining(lab: Lab) -> list[str]:
    """Return the names of the lab's own resources in the account."""
    return [resource.label for resource in _resources() if resource.is_ours(lab)]


def kept(lab: Lab) -> list[str]:
    """Return the resources that have the lab's names without its tag. They were created by others and never deleted."""
    return [each.label for each in _resources() if each.find(lab) is not None and not each.is_ours(lab)]


def is_half_deleted(lab: Lab) -> bool:
    """Return True if an interrupted clean-up deleted the stream's trigger, and tables still hold items.

    A half-deleted lab would miss or repeat totals and alerts.
    """
    if triggers.find_stream_trigger(lab):
        return False
    return any(tables.is_ours(lab, name) and tables.items(lab, name) for name in tables.KEYS)


def confirm(lab: Lab, yes: bool) -> None:
    """On AWS, ask before deleting, unless `yes`. LabError if the answer is no, or nobody is there to answer."""
    if lab.is_real and not yes and (names := remaining(lab)):
        answer = _answer(f"Resources of the lab in {lab}: {len(names)}. Delete them?")
        if answer is None:
            raise LabError(
                "Nothing was deleted: on AWS the lab asks first, and nobody could be asked. "
                "Set yes to True in notebook 99, or give --yes."
            )
        if not answer:
            raise LabError("Nothing was deleted. To delete it, do the same again and answer y.")


def confirm_run(lab: Lab, yes: bool) -> None:
    """On AWS, ask before a run that ends with the clean-up, unless `yes`. UsageError if nobody is there to answer."""
    if lab.is_real and not yes:
        ask(f"At its end, this run deletes all that the lab has in {lab}. Run it?", "--yes, or --keep")


def ask(question: str, options: str = "--yes") -> None:
    """Ask before resources are created or deleted. UsageError, which names `options`, if nobody is there to answer."""
    answer = _answer(question)
    if answer is None:
        raise UsageError(f"Deleting on AWS has to be confirmed, and nobody could be asked. Give {options}.")
    if not answer:
        raise LabError(f"Nothing was made and nothing was deleted. To go on without this question, give {options}.")


def _answer(question: str) -> bool | None:
    """Return the user's answer in a terminal or a notebook; None if nobody is there to answer."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # a command without a terminal, a notebook that is run headlessly
        print()  # end the question's line
        return None


def _resources() -> Iterator[Resource]:
    bucket_trigger = triggers.find_bucket_trigger, triggers.delete_bucket_trigger
    yield _trigger("bucket trigger", "TransactionProcessor", *bucket_trigger)
    stream_trigger = triggers.find_stream_trigger, triggers.delete_stream_trigger
    yield _trigger("stream trigger", "TotalNotifier", *stream_trigger)
    of_function = functions.find_function, functions.is_ours, functions.delete_function
    of_log = cloudwatch.find_log_group, cloudwatch.is_our_log_group, cloudwatch.delete_log_group
    of_topic = topics.find_topic, topics.is_ours, topics.delete_topic
    of_queue = queues.find_queue, queues.is_ours, queues.delete_queue
    of_table = tables.find_table, tables.is_ours, tables.delete_table
    of_role = roles.find_role, roles.is_ours, roles.delete_role
    yield from (_named(f"function {name}", name, *of_function) for name in functions.SOURCES)
    yield from (_named(f"log of {name}", name, *of_log) for name in functions.SOURCES)
    yield _named(f"topic {topics.ALERT_TOPIC}", topics.ALERT_TOPIC, *of_topic)
    yield from (_named(f"queue {name}", name, *of_queue) for name in [*queues.ALERT_QUEUES, queues.DEAD_LETTERS])
    yield from (_named(f"table {name}", name, *of_table) for name in tables.KEYS)
    yield from (_named(f"role {name}", name, *of_role) for name in functions.ROLES.values())
    yield Resource("bucket", buckets.find_bucket, buckets.is_ours, buckets.delete_bucket)


def _trigger(label: str, function: str, find: Callable[[Lab], object], delete: Callable[[Lab], None]) -> Resource:
    """Return a trigger as a resource. It has no tag: it is the lab's own unless it starts a function of others."""

    def is_ours(lab: Lab) -> bool:
        foreign = functions.find_function(lab, function) is not None and not functions.is_ours(lab, function)
        return find(lab) is not None and not foreign

    return Resource(label, find, is_ours, delete)


def _named(
    label: str,
    name: str,
    find: Callable[[Lab, str], object],
    is_ours: Callable[[Lab, str], bool],
    delete: Callable[[Lab, str], None],
) -> Resource:
    return Resource(label, lambda lab: find(lab, name), lambda lab: is_ours(lab, name), lambda lab: delete(lab, name))
