"""Run the work of a class in processes or threads of this machine, or on the workers of a Dask cluster.

Each way is a context manager that gives `submit(work)`, which returns a Future of the student's record. The module job,
which loads boto3, is imported only when work begins: `lab --help` reads JOBS.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from lab_lib.errors import UsageError

JOBS = 2 * (os.cpu_count() or 1)  # accounts at a time: half of a run is waiting for AWS
THREADS = 8  # accounts that are graded or cleaned at a time: a thread only waits for AWS

Submit = Callable[[Any], Future[dict[str, Any]]]  # from a job.Work to its record


@contextmanager
def threads() -> Iterator[Submit]:
    """Grade accounts in threads. On the way out, gradings that have begun end, and the others are cancelled."""
    from lab_lib.classroom import job

    pool = ThreadPoolExecutor(THREADS)
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
