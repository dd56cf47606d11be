"""Measure how long programs run, fairly: the same on a computer that is busy with something else.

The load of the computer is no measure: it is that of everybody's processes, and has no upper bound.
"""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from lab_lib.processes.family import cpu_seconds, family, total

LONGEST_STRETCH = 4  # times: then a second on the wall counts a quarter
_LOOK_EVERY = 0.5  # seconds; a thread's waiting is noted when it ends, so shorter times would be unfair
servers = set[int]()  # ids of the processes that work for this one, but need not be its children


class Stopwatch:
    """Counts the seconds of these processes, and of all that they start, from now on.

    By default they are this process, and the embedded AWS that it uses. A look takes some milliseconds. Take one every
    few seconds at least.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._wall = self._spent = 0.0
        self._looked, self._cpu, self._waited = self._measured()

    def wall(self) -> float:
        """Return the seconds that have passed, without those in which threads waited for a processor.

        At least a quarter of the time counts. Where the system does not tell, as on macOS, all of it counts.
        """
        since = time.monotonic() - self._looked
        if since < _LOOK_EVERY:
            return self._wall + since
        self._look()
        return self._wall

    def spent(self) -> float:
        """Return the seconds on the wall or of processor time, whichever is more at each look.

        So who does nothing spends as much as who computes.
        """
        self._look()
        return self._spent

    def _look(self) -> None:
        """Count the seconds since the last look."""
        now, cpu, waited = self._measured()
        passed = now - self._looked
        waits = sum(seconds - self._waited.get(thread, 0) for thread, seconds in waited.items())
        wall = max(passed - waits, passed / LONGEST_STRETCH)
        self._wall += wall
        self._spent += max(wall, cpu - self._cpu)
        self._looked = now
        self._cpu = max(self._cpu, cpu)  # what a process took that nobody waited for is lost
        self._waited |= waited

    def _measured(self) -> tuple[float, float, dict[str, float]]:
        """Return the time, the processor time of all processes, and how long each of their threads has waited."""
        pids = self._pids or (os.getpid(), *servers)
        members = set(family(*pids))
        return time.monotonic(), total(members, cpu_seconds), dict(_waited(members))


def _waited(processes: Collection[psutil.Process]) -> Iterator[tuple[str, float]]:
    """Yield the id of each thread, with the seconds for which it has waited for a processor.

    The kernel's Documentation/scheduler/sched-stats has the file: nanoseconds on a processor, nanoseconds of waiting
    for one, and how often it ran.
    """
    for process in processes:
        with suppress(OSError):  # a thread has ended: the others are read at the next look
            for file in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
                yield file.parent.name, int(file.read_text().split()[1]) / 1e9
