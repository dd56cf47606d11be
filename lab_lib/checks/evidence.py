"""Read what an account has of the way of its transactions: the runs of the functions, and the messages of queues.

Each is read once, and only when it is asked for. What cannot be read is noted in `unseen`, with the reason.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

from lab_lib.aws import cloudwatch, functions, log_runs, queues
from lab_lib.aws.json_text import count
from lab_lib.aws.log_runs import Run
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.lab import Lab
from lab_lib.language import N_, _

T = TypeVar("T")
PROCESSOR = "TransactionProcessor"
PROCESSOR_LOG, NOTIFIER_LOG = N_("log of TransactionProcessor"), N_("log of TotalNotifier")


class Evidence:
    """The evidence of one account."""

    def __init__(self, lab: Lab, since: datetime | None = None) -> None:
        self.lab, self._since = lab, since  # from when on logs are read; all if that is None
        self.unseen: dict[str, str] = {}  # why it cannot be read, by its name
        self.runs, self.attributes, self.messages = cache(self._runs), cache(self._attributes), cache(self._messages)

    def read(self, what: str, read: Callable[..., T], *about: Any) -> T | None:
        """Return what a function of lab_lib.aws reads. If AWS refuses that, note it, and return None."""
        return none_if_unseen(lambda: read(self.lab, *about), partial(self.unseen.__setitem__, what))

    def _runs(self, name: str) -> list[Run]:
        """Return the runs of a function, oldest first."""
        log = PROCESSOR_LOG if name == PROCESSOR else NOTIFIER_LOG
        group = self.read(f"settings of {name}", functions.log_group, name) or cloudwatch.log_group(self.lab, name)
        runs = self.read(log, log_runs.read, name, group, self._since) or []
        if not runs and not self.read(log, cloudwatch.describe, group):
            self.unseen.setdefault(log, _("there is no log"))
        return runs

    def errors(self, name: str) -> list[str]:
        """Return the errors of the runs of a function that have failed, oldest first."""
        return [run.error for run in self.runs(name) if run.error]

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue. On AWS the number may be a minute old."""
        return count(self.attributes(queue).get("ApproximateNumberOfMessages")) or 0

    def _attributes(self, queue: str) -> dict[str, str]:
        return self.read(queue, queues.attributes, queue) or {}

    def _messages(self, queue: str) -> list[tuple[int, queues.Message]]:
        """Return the messages of a queue, and when each came."""
        attributes, waiting = self.attributes(queue), self.waiting(queue)
        reason = N_("there is no such queue")
        if "RedrivePolicy" in attributes:
            reason = N_("it has a redrive policy, for which receiving counts, and {waiting} waiting")
        elif waiting > queues.MOST:
            reason = N_("it has {waiting:,} waiting, which are too many to be read")
        elif attributes:
            return self.read(queue, queues.arrivals, queue) or []
        self.unseen.setdefault(queue, _(reason, waiting=waiting))
        return []


def at_rest(lab: Lab) -> bool | None:
    """Return whether nothing more happens by itself: no call runs, and no event or record waits for one.

    What has failed twice, and is tried again and again, does not count. None if nobody can be asked, as on AWS.
    """
    work = lab.work()
    return None if work is None else work == 0


def wait_for_rest(lab: Lab, timeout: float) -> None:
    """Wait until the chain is at rest; at once where nobody can be asked."""
    lab.wait_until(lambda: at_rest(lab) is not False, "the chain to be at rest", timeout=timeout)
