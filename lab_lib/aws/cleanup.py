"""Delete the lab's resources in the reverse order of their creation, and list the remaining ones. On AWS, ask first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from lab_lib import resources
from lab_lib.aws import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.errors import LabError, UsageError, is_access_denied
from lab_lib.lab import BREAK_IT, BREAK_IT_MY, TAG, Lab


@dataclass(frozen=True)
class Deletable:
    """One resource of the lab: its name for people, and how to find and delete it."""

    label: str
    find: Callable[[Lab], object]
    is_ours: Callable[[Lab], object]  # true or false
    delete: Callable[[Lab], None]


_Call = Callable[[Lab, str], Any]
# Each kind of resource that has names: the names in the account, and how to find, recognise and delete one.
_KINDS: list[tuple[str, Callable[[Lab], list[str]], _Call, _Call, _Call]] = [
    ("function", functions.names, functions.find_function, functions.is_ours, functions.delete_function),
    ("log of", cloudwatch.names, cloudwatch.find_log_group, cloudwatch.is_our_log_group, cloudwatch.delete_log_group),
    ("topic", topics.names, topics.find_topic, topics.is_ours, topics.delete_topic),
    ("queue", queues.names, queues.find_queue, queues.is_ours, queues.delete_queue),
    ("table", tables.names, tables.find_table, tables.is_ours, tables.delete_table),
]


def delete_all(lab: Lab) -> Iterator[str]:
    """Delete the lab's own resources one by one, and yield the name of each. Resources of others stay."""
    yield from _delete(lab, _resources(lab))


def delete_experiments(lab: Lab) -> Iterator[str]:
    """Delete what notebooks 01 and 06 made beside the lab, one by one, and yield the name of each."""
    yield from _delete(lab, _of_experiments(lab))


def remaining(lab: Lab) -> list[str]:
    """Return the names of the lab's own resources in the account."""
    return [resource.label for resource in _resources(lab) if resource.is_ours(lab)]


def kept(lab: Lab) -> list[str]:
    """Return the resources that the lab uses or may have used, and that others created. They are never deleted."""
    others = (resource.label for resource in _resources(lab) if resource.find(lab) and not resource.is_ours(lab))
    named = {"bucket": f"bucket {lab.bucket} (given)"} if lab.bucket_name else {}
    labels = [named.get(label, label) for label in dict.fromkeys(others)]  # one role may serve both functions
    return labels + [f"bucket {name} (not the one that the lab uses)" for name in _other_buckets(lab)]


def _other_buckets(lab: Lab) -> list[str]:
    """Return the buckets that a learner may have named otherwise. Those with the tag of another lab are left out."""
    try:
        others = [replace(lab, bucket_name=name) for name in buckets.candidates(lab) if name != lab.bucket]
    except ClientError as error:
        if is_access_denied(error):
            return []
        raise
    return [other.bucket for other in others if buckets.region(other) == lab.region and _may_be_of(other)]


def _may_be_of(lab: Lab) -> bool:
    tags = buckets.tags(lab)
    return TAG not in tags or all(tag in tags for tag in lab.bucket_tags)


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
        raise UsageError(f"On AWS this has to be confirmed, and nobody could be asked. Give {options}.")
    if not answer:
        raise LabError(f"Nothing was made and nothing was deleted. To go on without this question, give {options}.")


def _answer(question: str) -> bool | None:
    """Return the user's answer in a terminal or a notebook; None if nobody is there to answer."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # a command without a terminal, a notebook that is run headlessly
        print()  # end the question's line
        return None


def _delete(lab: Lab, deletables: Iterator[Deletable]) -> Iterator[str]:
    for resource in deletables:
        if resource.is_ours(lab):
            resource.delete(lab)
            yield resource.label


def _resources(lab: Lab) -> Iterator[Deletable]:
    yield from _of_experiments(lab)
    bucket_trigger = triggers.find_bucket_trigger, triggers.delete_bucket_trigger
    yield _trigger("bucket trigger", "TransactionProcessor", *bucket_trigger)
    yield _stream_trigger()
    for kind, _, *calls in _KINDS:
        names = resources.names("function" if kind == "log of" else kind)
        names += [queues.MINE] * (kind == "queue")
        yield from (_named(f"{kind} {name}", name, *calls) for name in names)
    of_role = roles.find_role, roles.is_ours, roles.delete_role
    yield from (_named(f"role {roles.name_of(lab, name)}", name, *of_role) for name in resources.names("role"))
    yield Deletable("bucket", buckets.find_bucket, buckets.is_ours, buckets.delete_bucket)


def _of_experiments(lab: Lab) -> Iterator[Deletable]:
    """Yield what stands beside the lab, found by their names: usually there are none."""
    yield from (_stream_trigger(part) for part in (BREAK_IT_MY, BREAK_IT))
    for kind, names, *calls in _KINDS:
        there = [name.removeprefix(lab.prefix) for name in names(lab) if name.startswith(lab.prefix)]
        experiments = [name for name in there if name.startswith((BREAK_IT, BREAK_IT_MY))]
        yield from (_named(f"{kind} {name}", name, *calls) for name in experiments)
    for role in resources.names("role"):
        of_policy = roles.find_experiments, roles.find_experiments, roles.delete_experiments
        yield _named(f"policy {roles.EXPERIMENTS} of {role}", role, *of_policy)
    of_uploads = buckets.experiments, buckets.experiments, buckets.delete_experiments
    yield Deletable(f"uploads to {buckets.EXPERIMENTS}", *of_uploads)


def _stream_trigger(part: str = "") -> Deletable:
    def find(lab: Lab) -> object:
        return triggers.find_stream_trigger(lab.variant(part))

    def delete(lab: Lab) -> None:
        triggers.delete_stream_trigger(lab.variant(part), wait=False)

    return _trigger(f"stream trigger{' of ' if part else ''}{part}", f"{part}TotalNotifier", find, delete)


def _trigger(label: str, function: str, find: Callable[[Lab], object], delete: Callable[[Lab], None]) -> Deletable:
    """Return a trigger as a resource. It has no tag: it is the lab's own unless it starts a function of others."""

    def is_ours(lab: Lab) -> bool:
        if find(lab) is None:
            return False
        return functions.find_function(lab, function) is None or functions.is_ours(lab, function)

    return Deletable(label, find, is_ours, delete)


def _named(
    label: str,
    name: str,
    find: Callable[[Lab, str], object],
    is_ours: Callable[[Lab, str], object],
    delete: Callable[[Lab, str], None],
) -> Deletable:
    return Deletable(label, lambda lab: find(lab, name), lambda lab: is_ours(lab, name), lambda lab: delete(lab, name))
