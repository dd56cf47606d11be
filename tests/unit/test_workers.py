"""How long the embedded AWS waits for a function, and what it reads of it."""

import time
from queue import Queue
from threading import Event, Timer
from types import SimpleNamespace

from lab_lib.embedded import workers
from lab_lib.processes import stopwatch


def test_all_that_a_function_has_printed_is_read_when_it_has_failed():
    worker = SimpleNamespace(_stderr_queue=Queue(), _proc=SimpleNamespace(stderr=["ValueError: ninety\n"]))
    Timer(0.1, workers.read, [worker]).start()

    assert workers.printed(worker) == "ValueError: ninety\n"


def test_the_timeout_moves_while_threads_wait_for_a_processor(monkeypatch):
    monkeypatch.setattr(workers, "_SHORT", 0.1)
    monkeypatch.setattr(stopwatch, "_waited", lambda _: {"a thread": time.monotonic()})
    over, begun = Event(), time.monotonic()
    call = workers.Call(target=over.wait, daemon=True)
    call.start()

    call.join(0.7)

    assert time.monotonic() - begun >= 1
    over.set()
