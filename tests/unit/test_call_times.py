"""How long the embedded AWS waits for a function."""

import itertools
import os
import time
from threading import Event

from lab_lib.embedded.call_times import Call


def test_a_load_that_rises_during_a_call_moves_its_end(monkeypatch):
    loads = itertools.chain([1], itertools.repeat(10))
    monkeypatch.setattr(os, "getloadavg", lambda: (next(loads) * os.cpu_count(), 0, 0))
    over, begun = Event(), time.monotonic()
    call = Call(target=over.wait)
    call.start()

    call.join(0.05)

    assert time.monotonic() - begun >= 0.2
    over.set()
