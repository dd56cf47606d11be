"""Find, recognise and delete the lab's resources by their kinds, also those that notebooks 00, 01 and 06 put beside it.

What stands beside the lab: a small lab of its own for the first look of 00, with another prefix and bucket; two parts
for 01 and 06, with names of their own; and in the lab's roles and bucket what these parts need there.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from botocore.exceptions import ClientError

from lab_lib import resources
from lab_lib.aws import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.calls.asking import ask
from lab_lib.calls.refusals import in_one_line, none_if_unseen
from lab_lib.errors import LabError, is_unreachable, warn
from lab_lib.lab import BREAK_IT, BREAK_IT_MY, Lab, only_ours
from lab_lib.language import _


class Kind(NamedTuple):
    """A kind of resource: how to find, recognise and delete one. `delete` does so, and is true, if it is the lab's."""

    find: Callable[..., object]
    is_ours: Callable[..., object]
    delete: Callable[..., object]


def _trigger(find: Callable[[Lab], object], function: str, delete: Callable[[Lab], None]) -> Kind:
    """Return the kind of a trigger, which has no tag: it is ours if it does not start a function of others."""

    def is_ours(lab: Lab, /) -> bool:
        if find(lab) is None:
            return False
        return functions.find_function(lab, function) is None or functions.is_ours(lab, function)

    return Kind(find, is_ours, only_ours(is_ours)(delete))


KINDS = {
    "bucket": Kind(buckets.find_bucket, buckets.is_ours, buckets.delete_bucket),
    "table": Kind(tables.find_table, tables.is_ours, tables.delete_table),
    "queue": Kind(queues.find_queue, queues.is_ours, queues.delete_queue),
    "role": Kind(roles.find_role, roles.is_ours, roles.delete_role),
    "log": Kind(cloudwatch.find_log_group, cloudwatch.is_our_log_group, cloudwatch.delete_log_group),
    "function": Kind(functions.find_function, functions.is_ours, functions.delete_function),
    "bucket trigger": _trigger(triggers.find_bucket_trigger, "TransactionProcessor", triggers.delete_bucket_trigger),
    "stream trigger": _trigger(
        triggers.find_stream_trigger, "TotalNotifier", partial(triggers.delete_stream_trigger, wait=False)
    ),
    "topic": Kind(topics.find_topic, topics.is_ours, topics.delete_topic),
    "policy break-it": Kind(roles.find_experiments, roles.find_experiments, roles.delete_experiments),
    "uploads to break-it/": Kind(buckets.experiments, buckets.experiments, buckets.delete_experiments),
}
_PARTS: dict[str, Callable[..., object]] = {  # go with the bucket and the topic
    "upload": buckets.uploads,
    "subscription": triggers.find_queue_subscription,
}
_OF_PART = ["stream trigger", "function", "log", "topic", "queue", "table"]  # in the order of the clean-up
_OF_LAB = ["bucket trigger", *_OF_PART, "role", "bucket"]
_NAMES = {  # of the kinds that resources.py does not list, or not whole
    "log": resources.names("function"),
    "queue": [*resources.names("queue"), queues.MINE],
    "policy break-it": resources.names("role"),
    "uploads to break-it/": [""],
}


class Deletable(NamedTuple):
    """A resource that a clean-up deletes, if it is there and the lab's."""

    lab: Lab
    kind: str
    name: str

    @property
    def label(self) -> str:
        """Return what people call it."""
        if self.kind == "role":
            return resources.title(self.kind, roles.name_of(self.lab, self.name))
        if self.kind == "bucket" and self.lab.bucket_name:
            return _("bucket {name} (given)", name=self.lab.bucket)
        return resources.title(self.kind, f"{self.lab.part}{self.name}")

    def is_ours(self) -> object:
        """Return something true if it is there and the lab's."""
        return _call(KINDS[self.kind].is_ours, self.lab, self.name)


def find(lab: Lab, kind: str, name: str = "") -> object:
    """Return what AWS tells of a resource, such as its ARN; None or an empty list if it is not there."""
    function = _PARTS[kind] if kind in _PARTS else KINDS[kind].find
    return _call(function, lab, name)


def delete_all(lab: Lab) -> Iterator[str]:
    """Delete the lab's own resources one by one, and yield the name of each. Resources of others stay."""
    yield from _delete(_whole(lab))


def delete_first_look(lab: Lab) -> None:
    """Delete the small lab of 00's first look."""
    list(_delete(_of_first_look(lab)))


def delete_experiments(lab: Lab) -> Iterator[str]:
    """Delete what notebooks 00, 01 and 06 made beside the lab, one by one, and yield the name of each.

    Warn of what is left: it does not disturb the lab, and `delete_all` deletes it too.
    """
    try:
        yield from _delete(_beside(lab))
    except LabError as error:
        warn(str(error))


def remaining(lab: Lab) -> list[str]:
    """Return the names of the lab's own resources in the account."""
    return [resource.label for resource in _whole(lab) if resource.is_ours()]


def survey(lab: Lab) -> tuple[list[str], list[str]]:
    """Return the names of the lab's own resources in the account, and of those that it uses and others created.

    The latter are never deleted.
    """
    own = []
    kept = []
    for resource in _whole(lab):
        if not find(*resource):
            continue
        if resource.is_ours():
            own.append(resource.label)
        elif resource.label not in kept:  # one role may serve both functions
            kept.append(resource.label)
    return own, kept


def is_half_deleted(lab: Lab) -> bool:
    """Return True if an interrupted clean-up deleted the stream's trigger, and tables still hold items.

    A half-deleted lab would miss or repeat totals and alerts.
    """
    if triggers.find_stream_trigger(lab):
        return False
    return any(tables.is_ours(lab, name) and tables.items(lab, name, most=1) for name in tables.KEYS)


def confirm(lab: Lab, yes: bool) -> None:
    """On AWS, ask before deleting, unless `yes`. LabError if the answer is no, UsageError if nobody is there."""
    if yes or not lab.is_real:
        return
    names = remaining(lab)
    if names:
        ask(_("Resources of the lab in {lab}: {count}. Delete them?", lab=lab, count=len(names)))


def _delete(resources: Iterable[Deletable]) -> Iterator[str]:
    """Delete what AWS lets go, and yield the name of each. LabError at the end if AWS kept some, with the reasons."""
    kept = []
    for resource in resources:
        try:
            if _call(KINDS[resource.kind].delete, resource.lab, resource.name):
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


def _whole(lab: Lab) -> Iterator[Deletable]:
    """Yield what may be there of the lab and beside it, in the reverse order of its creation."""
    yield from _beside(lab)
    yield from _of_kinds(_OF_LAB, lab)


def _beside(lab: Lab) -> Iterator[Deletable]:
    """Yield what notebooks 00, 01 and 06 put beside the lab: usually it is not there."""
    yield from _of_first_look(lab)
    yield from _of_kinds(_OF_PART, lab.variant(BREAK_IT_MY))
    yield from _of_kinds(_OF_PART, lab.variant(BREAK_IT))
    yield from _of_kinds(["policy break-it", "uploads to break-it/"], lab)


def _of_first_look(lab: Lab) -> Iterator[Deletable]:
    if none_if_unseen(lambda: buckets.candidates(lab.first_look)):  # its bucket is made first, and deleted last
        yield from _of_kinds(_OF_LAB, lab.first_look)


def _of_kinds(kinds: list[str], lab: Lab) -> Iterator[Deletable]:
    for kind in kinds:
        for name in _NAMES.get(kind) or resources.names(kind):
            yield Deletable(lab, kind, name)


def _call(function: Callable[..., object], lab: Lab, name: str) -> object:
    """Call a function of a resource module. It takes no name if the lab has one resource of the kind."""
    return function(lab, name) if name else function(lab)
