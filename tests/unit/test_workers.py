"""What is read of a function whose process has ended."""

from queue import Queue
from threading import Timer
from types import SimpleNamespace

from lab_lib.embedded import workers


def test_all_that_a_function_has_printed_is_read_when_it_has_failed():
    lines = Queue()
    reader = Timer(0.1, lines.put, ["ValueError: ninety"])
    reader.start()

    assert workers.printed(SimpleNamespace(_stderr_queue=lines, _stderr_thread=reader)) == "ValueError: ninety"
