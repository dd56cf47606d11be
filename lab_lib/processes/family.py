"""A process and all that it has started: find them, add up what they take, and kill them."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event

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
    """Kill a process and all that it has started, such as the embedded AWS and its functions. Return them."""
    killed = family(pid)
    _kill(killed)
    return killed


def end_when(is_over: Callable[[], bool], last: Callable[[], None] = lambda: None) -> None:
    """Look each second if it is over. Then kill all that this process has started, do the last, and end this process.

    A change of `os.getppid()` says on every system that the parent has ended, also if it was killed.
    """
    pause = Event().wait  # nothing sets the event
    while not is_over():
        pause(1)
    _kill(family(os.getpid())[1:])  # before the last, which may delete the folder that they write to
    last()
    os._exit(0)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


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
