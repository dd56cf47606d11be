"""The clock of all limits."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from lab_lib.processes import stopwatch
from lab_lib.processes.stopwatch import Stopwatch


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how long a thread waits")
def test_who_waits_for_a_processor_beside_others_gets_more_time_and_who_sleeps_does_not():
    with ExitStack() as stack:

        def start(command):
            process = stack.enter_context(subprocess.Popen(["sh", "-c", command]))
            stack.callback(process.kill)
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            return process.pid

        spinner, *_ = [start("while :; do :; done") for _ in range(6)]
        begun, watches = time.monotonic(), [Stopwatch(spinner), Stopwatch(start("exec sleep 60"))]
        time.sleep(1.5)
        spun, slept = (watch.wall() / (time.monotonic() - begun) for watch in watches)

    assert 0.2 < spun < 0.7 < slept


def test_processor_time_counts_where_it_is_more_and_none_twice(monkeypatch):
    clock, taken = iter([0, 10, 20, 30]), iter([5, 35, 0, 36])  # a process has ended before the third look
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr(stopwatch, "total", lambda *_: next(taken))
    monkeypatch.setattr(stopwatch, "_waited", lambda _: {})
    watch = Stopwatch()

    assert [watch.spent() for _ in range(3)] == [30, 40, 50]
