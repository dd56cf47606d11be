"""Who does the work of a class: processes or threads here, or the workers of a Dask cluster. All are Executors."""

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any, NoReturn

import psutil

from lab_lib.errors import LabError, UsageError
from lab_lib.run.kernels import end_with_parent

JOBS = 2 * (os.cpu_count() or 1)  # accounts at a time: half of a run is waiting for AWS
THREADS = 8  # that look at accounts, or clean them: they only wait for AWS


@contextmanager
def threads() -> Iterator[Executor]:
    """Threads of this process. On the way out they end what they have begun; the rest is cancelled."""
    with ThreadPoolExecutor(THREADS) as workers:
        try:
            yield workers
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """So many processes. On the way out they end at once, and the kernels that they have started with them."""
    workers, before = Processes(jobs), signal.signal(signal.SIGINT, _stop_once)
    try:
        yield workers
    finally:
        workers.shutdown(wait=False, cancel_futures=True)
        workers.kill()
        if signal.getsignal(signal.SIGINT) is _stop_once:  # after Ctrl-C, all that is left is to end
            signal.signal(signal.SIGINT, before)


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The workers of a Dask cluster, such as tcp://10.0.0.5:8786. They go on; what was not begun is cancelled."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise UsageError("--scheduler wants Dask, which is not installed: pip install -e '.[dask]'") from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"No Dask scheduler answers at {address}: {error}. Start one with `dask scheduler`.") from None
    with client:
        threads = {each["nthreads"] for each in client.scheduler_info(n_workers=-1)["workers"].values()}
        if threads - {1}:
            raise UsageError("A worker there has several threads; notebooks want one: `dask worker --nthreads 1`.")
        workers = client.get_executor(pure=False)
        try:
            yield workers
        finally:
            workers.shutdown(wait=False)  # which cancels, as Dask has it


class Processes(Executor):
    """Each thread has a process of its own. Should that die, one work is lost, and another process takes its place.

    The processes have one temporary folder, since those that are killed cannot clear away their own.
    """

    def __init__(self, jobs: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lab-class-", ignore_cleanup_errors=True)
        resource_tracker.ensure_running()  # in a thread, later, this would let that thread see Ctrl-C again
        self._threads = ThreadPoolExecutor(jobs, initializer=_leave_ctrl_c_to_the_main_thread)
        self._own, self._ended = threading.local(), False
        self._pools = dict[psutil.Process, ProcessPoolExecutor]()

    def submit(self, do: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do this in a process that is free, or will be."""
        return self._threads.submit(self._in_process, do, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """End the processes and all that they have started, and delete their temporary folder."""
        self._ended = True
        pools = dict(self._pools)
        for process in pools:
            with suppress(psutil.NoSuchProcess):
                for each in [process, *process.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
        for pool in pools.values():
            pool.shutdown()  # waits until it is closed; on its way out, Python would write to one that is half closed
        self._folder.cleanup()

    def _in_process(self, do: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return self._pool().submit(do, *args, **kwargs).result()
        except BrokenProcessPool:
            del self._own.pool
            raise LabError("The process that ran the notebooks has died. Run this account once more.") from None

    def _pool(self) -> ProcessPoolExecutor:
        """This thread's process: a pool of one, since a pool as a whole ends when one of its processes dies."""
        if not hasattr(self._own, "pool"):
            spawn = multiprocessing.get_context("spawn")
            self._own.pool = ProcessPoolExecutor(1, spawn, initializer=_begin, initargs=(self._folder.name,))
            self._pools[psutil.Process(self._own.pool.submit(os.getpid).result())] = self._own.pool
        if self._ended:  # while this process was started, and nobody would end it any more
            raise LabError("The class was stopped.")
        pool: ProcessPoolExecutor = self._own.pool
        return pool


def _begin(temporary_folder: str) -> None:
    """What a process of the class does first."""
    tempfile.tempdir = temporary_folder
    end_with_parent()


def _stop_once(*_: Any) -> NoReturn:
    """Ctrl-C. Another one would break off what ends the processes, and the class would go on unseen."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _leave_ctrl_c_to_the_main_thread() -> None:
    """The processes that this thread starts do not see it either: they are ended by those who started them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
