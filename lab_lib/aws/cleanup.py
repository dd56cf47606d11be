"""Delete the lab's resources in the reverse order of their creation, and list the remaining ones. On AWS, ask first."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from lab_lib import resources
from lab_lib.aws import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.calls.asking import ask
from lab_lib.calls.refusals import in_one_line, none_if_unseen
from lab_lib.errors import LabError, is_unreachable, warn
from lab_lib.lab import BREAK_IT, BREAK_IT_MY, TAG, Lab
from lab_lib.language import N_, _


class Deletable(NamedTuple):
    """One resource of the lab: its name for people, and how to find, recognise and delete it."""

    label: str
    find: Callable[[], object]
    is_ours: Callable[[], object]  # true or false
    delete: Callable[[], None]


_Calls = tuple[Callable[..., Any], ...]  # to find, recognise and delete a resource
_ROLE = roles.find_role, roles.is_ours, roles.delete_role
_EXPERIMENTS = roles.find_experiments, roles.find_experiments, roles.delete_experiments
_KINDS: dict[str, _Calls] = {  # of resources that a part beside the lab has too, by their marked names
    "function {}": (functions.find_function, functions.is_ours, functions.delete_function),
    N_("log of {}"): (cloudwatch.find_log_group, cloudwatch.is_our_log_group, cloudwatch.delete_log_group),
    "topic {}": (topics.find_topic, topics.is_ours, topics.delete_topic),
    "queue {}": (queues.find_queue, queues.is_ours, queues.delete_queue),
    "table {}": (tables.find_table, tables.is_ours, tables.delete_table),
}


def delete_all(lab: Lab) -> Iterator[str]:
    """Delete the lab's own resources one by one, and yield the name of each. Resources of others stay."""
    yield from _delete(_resources(lab))


def delete_experiments(lab: Lab) -> Iterator[str]:
    """Delete what notebooks 00, 01 and 06 made beside the lab, one by one, and yield the name of each.

    Warn of what is left: it does not disturb the lab, and `delete_all` deletes it too.
    """
    try:
        yield from _delete(_of_experiments(lab))
    except LabError as error:
        warn(str(error))


def remaining(lab: Lab) -> list[str]:
    """Return the names of the lab's own resources in the account."""
    return [resource.label for resource in _resources(lab) if resource.is_ours()]


def kept(lab: Lab) -> list[str]:
    """Return the resources that the lab uses or may have used, and that others created. They are never deleted."""
    others = (resource.label for resource in _resources(lab) if resource.find() and not resource.is_ours())
    named = {_("bucket"): _("bucket {name} (given)", name=lab.bucket)} if lab.bucket_name else {}
    labels = [named.get(label, label) for label in dict.fromkeys(others)]  # one role may serve both functions
    return labels + [_("bucket {name} (not the one that the lab uses)", name=name) for name in _other_buckets(lab)]


def _other_buckets(lab: Lab) -> list[str]:
    """Return the buckets that a learner may have named otherwise. Those with the tag of another lab are left out."""
    names = none_if_unseen(lambda: buckets.candidates(lab)) or []
    others = [replace(lab, bucket_name=name) for name in names if name != lab.bucket]
    return [other.bucket for other in others if none_if_unseen(partial(_may_be_of, other))]


def _may_be_of(lab: Lab) -> bool:
    tags = buckets.tags(lab)
    return buckets.region(lab) == lab.region and (TAG not in tags or all(tag in tags for tag in lab.bucket_tags))


def is_half_deleted(lab: Lab) -> bool:
    """Return True if an interrupted clean-up deleted the stream's trigger, and tables still hold items.

    A half-deleted lab would miss or repeat totals and alerts.
    """
    if triggers.find_stream_trigger(lab):
        return False
    return any(tables.is_ours(lab, name) and tables.items(lab, name, most=1) for name in tables.KEYS)


def confirm(lab: Lab, yes: bool) -> None:
    """On AWS, ask before deleting, unless `yes`. LabError if the answer is no, UsageError if nobody is there."""
    if lab.is_real and not yes and (names := remaining(lab)):
        ask(_("Resources of the lab in {lab}: {count}. Delete them?", lab=lab, count=len(names)))


def _delete(deletables: Iterator[Deletable]) -> Iterator[str]:
    """Delete what AWS lets go, and yield the name of each. LabError at the end if AWS kept some, with the reasons."""
    kept = list[str]()
    for resource in deletables:
        try:
            if resource.is_ours():
                resource.delete()
                yield resource.label
        except ClientError as error:
            kept.append(_("{resource} ({reason})", resource=resource.label, reason=in_one_line(error)))
            if is_unreachable(error):
                break
    if kept:
        raise LabError(
            "Some resources are left: {resources}. See to that, then do the same again.",
            resources=_("; ").join(kept),
        )


def _resources(lab: Lab) -> Iterator[Deletable]:
    yield from _of_experiments(lab)
    of_trigger = triggers.find_bucket_trigger, triggers.delete_bucket_trigger
    yield _trigger(_("bucket trigger"), lab, "TransactionProcessor", *of_trigger)
    yield from _in_parts(lab)
    for name in resources.names("role"):
        yield _deletable(_("role {}").format(roles.name_of(lab, name)), _ROLE, lab, name)
    yield _deletable(_("bucket"), (buckets.find_bucket, buckets.is_ours, buckets.delete_bucket), lab)


def _of_experiments(lab: Lab) -> Iterator[Deletable]:
    """Yield what notebooks 00, 01 and 06 put beside the lab: usually it is not there."""
    if none_if_unseen(lambda: buckets.candidates(lab.first_look)):  # its bucket is made first, and deleted last
        yield from _resources(lab.first_look)
    yield from _in_parts(lab.variant(BREAK_IT_MY), lab.variant(BREAK_IT))
    for name in resources.names("role"):
        yield _deletable(_("policy break-it of {role}", role=name), _EXPERIMENTS, lab, name)
    of_uploads = buckets.experiments, buckets.experiments, buckets.delete_experiments
    yield _deletable(_("uploads to break-it/"), of_uploads, lab)


def _in_parts(*labs: Lab) -> Iterator[Deletable]:
    """Yield the stream's triggers and the named resources of the lab, or of parts beside it."""
    for lab in labs:
        label = _("stream trigger of {part}", part=lab.part) if lab.part else _("stream trigger")
        delete = partial(triggers.delete_stream_trigger, wait=False)
        yield _trigger(label, lab, "TotalNotifier", triggers.find_stream_trigger, delete)
    for (label, calls), lab in product(_KINDS.items(), labs):
        kind = label.split()[0]
        names = resources.names("function" if kind == "log" else kind) + [queues.MINE] * (kind == "queue")
        yield from (_deletable(_(label).format(f"{lab.part}{name}"), calls, lab, name) for name in names)


def _trigger(
    label: str, lab: Lab, function: str, find: Callable[[Lab], object], delete: Callable[[Lab], None]
) -> Deletable:
    """Return a trigger as a resource. It has no tag: it is the lab's own unless it starts a function of others."""

    def is_ours(lab: Lab) -> bool:
        if find(lab) is None:
            return False
        return functions.find_function(lab, function) is None or functions.is_ours(lab, function)

    return _deletable(label, (find, is_ours, delete), lab)


def _deletable(label: str, calls: _Calls, *arguments: Any) -> Deletable:
    return Deletable(label, *(partial(call, *arguments) for call in calls))
