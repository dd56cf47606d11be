"""Measure how long programs run, fairly: the same on a computer that is busy with something else.

The load of the computer is no measure: it is that of everybody's processes, and has no upper bound.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from lab_lib.processes.family import cpu_seconds, family, total

LONGEST_STRETCH = 4  # times: then a second on the wall counts a quarter
_LOOK_EVERY = 0.5  # seconds; a thread's waiting is noted when it ends, so shorter times would be unfair
servers = set[int]()  # ids of the processes that work for this one, but are not its children


class Stopwatch:
    """Counts the seconds of these processes, and of all that they start, from now on.

    By default they are this process, and the embedded AWS that it uses. Read it every few seconds at least.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._counted, self._looked = 0.0, time.monotonic()
        members = self._family()
        self._waited, self._cpu = dict(_waited(members)), total(members, cpu_seconds)

    def wall(self) -> float:
        """Return the seconds that have passed, without those in which threads waited for a processor.

        At least a quarter of the time counts. Where the system does not tell, as on macOS, all of it counts.
        """
        now = time.monotonic()
        passed = now - self._looked
        if passed < _LOOK_EVERY:
            return self._counted + passed
        before, self._waited, self._looked = self._waited, dict(_waited(self._family())), now
        waited = sum(seconds - before.get(thread, 0) for thread, seconds in self._waited.items())
        self._counted += max(passed - waited, passed / LONGEST_STRETCH)
        return self._counted

    def cpu(self) -> float:
        """Return the seconds of processor time."""
        return total(self._family(), cpu_seconds) - self._cpu

    def spent(self) -> float:
        """Return the larger of both: who does nothing spends as much as who computes."""
        return max(self.wall(), self.cpu())

    def _family(self) -> list[psutil.Process]:
        return family(*(self._pids or (os.getpid(), *servers)))


def _waited(processes: Iterable[psutil.Process]) -> Iterator[tuple[str, float]]:
    """Yield the id of each thread, with the seconds for which it has waited for a processor.

    The kernel's Documentation/scheduler/sched-stats has the file: nanoseconds on a processor, nanoseconds of waiting
    for one, and how often it ran.
    """
    for process in processes:
        with suppress(OSError):  # it has ended, or the system has no such file
            for thread in Path(f"/proc/{process.pid}/task").iterdir():
                yield thread.name, int((thread / "schedstat").read_text().split()[1]) / 1e9
