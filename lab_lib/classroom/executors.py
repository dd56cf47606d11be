"""Run the work of a class in processes or threads of this machine, or on the workers of a Dask cluster.

Each way is a context manager that gives `submit(work)`, which returns a Future of the student's record.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from lab_lib.errors import UsageError

_CORES = os.cpu_count() or 1
JOBS = 2 * _CORES  # accounts at a time on the embedded AWS, which needs the other half of the cores' time
# Accounts at a time on AWS: a run waits there for more than 90 % of its time, but all kernels start at once.
JOBS_ON_AWS = 16 * _CORES
MEMORY = 300_000_000  # bytes of a student's process and kernel, of which 245 MB were measured
THREADS = 8  # accounts that are graded or cleaned at a time on the embedded AWS

Submit = Callable[[Any], Future[dict[str, Any]]]  # from a job.Work to its record


def jobs_for(students: int, on_aws: bool) -> int:
    """Return how many accounts to run at a time: on AWS as many as this computer can hold, else as its cores can do."""
    import psutil

    fit = min(students, JOBS_ON_AWS, psutil.virtual_memory().available // MEMORY) if on_aws else min(students, JOBS)
    return max(fit, 1)


def threads_for(students: int, on_aws: bool) -> int:
    """Return how many accounts to grade or clean at a time."""
    return max(min(students, JOBS_ON_AWS if on_aws else THREADS), 1)


@contextmanager
def threads(number: int) -> Iterator[Submit]:
    """Grade this many accounts at a time. On the way out, gradings that have begun end; the others are cancelled."""
    from lab_lib.classroom import job

    pool = ThreadPoolExecutor(number)
    try:
        yield lambda work: pool.submit(job.grade, work)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def processes(jobs: int) -> Iterator[Submit]:
    """Run the notebooks of this many students at a time, each in a process. On the way out, all processes are stopped.

    The processes watch a pipe. It closes here, or when this process dies.
    """
    from lab_lib.classroom import job

    pool, (watched, held) = ThreadPoolExecutor(jobs), os.pipe()
    try:
        yield lambda work: pool.submit(job.do, work, watched)
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave processes behind
        os.close(held)
        pool.shutdown(cancel_futures=True)
        os.close(watched)
        signal.signal(signal.SIGINT, before)


@contextmanager
def cluster(address: str) -> Iterator[Submit]:
    """Let the workers of a Dask cluster, such as tcp://10.0.0.5:8786, run the notebooks.

    On the way out, work that has not begun is cancelled. The workers go on with the rest.
    """
    from lab_lib.classroom import job

    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise UsageError("--scheduler needs Dask, which is not installed: pip install -e '.[dask]'") from None
    try:
        client = Client(address, timeout="5s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"No Dask scheduler answers at {address}: {error}. Start one with `dask scheduler`.") from None
    with client:
        pool = client.get_executor(pure=False)
        try:
            yield lambda work: pool.submit(job.do, work)
        finally:
            pool.shutdown(wait=False)  # cancels, too
