"""How long the embedded AWS waits for a function."""

import time
from threading import Event

from lab_lib.embedded import call_times
from lab_lib.embedded.call_times import Call
from lab_lib.processes import stopwatch


def test_the_timeout_moves_while_threads_wait_for_a_processor(monkeypatch):
    monkeypatch.setattr(call_times, "_SHORT", 0.1)
    monkeypatch.setattr(stopwatch, "_waited", lambda _: {"a thread": time.monotonic()})
    over, begun = Event(), time.monotonic()
    call = Call(target=over.wait, daemon=True)
    call.start()

    call.join(0.7)

    assert time.monotonic() - begun >= 1
    over.set()
