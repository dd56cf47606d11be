"""A process and all that it has started: find them, add up what they take, and kill them."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil


def family(*pids: int) -> list[psutil.Process]:
    """Return the processes of these ids, and all that they have started, without those that have ended."""
    processes = []
    for pid in pids:
        with suppress(psutil.Error):
            processes.append(psutil.Process(pid))
            processes += processes[-1].children(recursive=True)
    return processes


def kill(pid: int) -> list[psutil.Process]:
    """Kill a process, but first all that it has started, such as the functions of the embedded AWS. Return them."""
    killed = family(pid)
    for process in reversed(killed):
        with suppress(psutil.Error):
            process.kill()
    return killed


def total(processes: Iterable[psutil.Process], number: Callable[[psutil.Process], float]) -> float:
    """Return the sum of a number, such as bytes, over these processes. Those that have ended count nothing."""
    result = 0.0
    for process in processes:
        with suppress(psutil.Error):
            result += number(process)
    return result


def cpu_seconds(process: psutil.Process) -> float:
    """Return the user and system time of a process, and of those children that it has waited for."""
    return float(sum(process.cpu_times()[:4]))
