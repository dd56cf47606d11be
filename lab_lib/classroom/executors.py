"""Run the work of a class in processes or threads.

Each way is a context manager that gives `submit(work)`, which returns a Future of the student's record.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psutil

from lab_lib.classroom import running
from lab_lib.classroom.job import Record, Work

_CORES = os.cpu_count() or 1
JOBS = 2 * _CORES  # accounts at a time on the embedded AWS, which needs the other half of the cores' time
# Accounts at a time on AWS: a run waits there for more than 90 % of its time, but all kernels start at once.
JOBS_ON_AWS = 16 * _CORES
MEMORY = 300_000_000  # bytes of a student's process and kernel, of which 245 MB were measured
THREADS = 8  # accounts that are graded or cleaned at a time on the embedded AWS

Submit = Callable[[Work], Future[Record]]


def jobs_for(students: int, on_aws: bool) -> int:
    """Return how many accounts to run at a time: on AWS as many as this computer can hold, else as its cores can do."""
    fit = min(students, JOBS_ON_AWS, psutil.virtual_memory().available // MEMORY) if on_aws else min(students, JOBS)
    return max(fit, 1)


def threads_for(students: int, on_aws: bool) -> int:
    """Return how many accounts to grade or clean at a time."""
    return max(min(students, JOBS_ON_AWS if on_aws else THREADS), 1)


@contextmanager
def threads(number: int) -> Iterator[Submit]:
    """Grade this many accounts at a time. On the way out, gradings that have begun end; the others are cancelled."""
    pool = ThreadPoolExecutor(number)
    try:
        yield lambda work: pool.submit(running.grade, work)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def processes(jobs: int, do: Callable[[Work, int], Record] | None = None) -> Iterator[Submit]:
    """Run the notebooks of this many students at a time, each in a process. On the way out, all processes are stopped.

    `do` starts a process and waits for it, by default running.do. The processes watch a pipe. It closes here, or when
    this process dies.
    """
    pool, (watched, held) = ThreadPoolExecutor(jobs), os.pipe()
    try:
        yield lambda work: pool.submit(do or running.do, work, watched)
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave processes behind
        os.close(held)
        pool.shutdown(cancel_futures=True)
        os.close(watched)
        signal.signal(signal.SIGINT, before)
