"""Stretch the timeouts of functions with the load of this computer: a function that gets less CPU takes longer."""

import threading
import time
from types import SimpleNamespace
from typing import Any

from lab_lib.embedded import log_times
from lab_lib.waiting import busy, load_of_computer


class Call(threading.Thread):
    """The thread that waits for the answer of a function. ministack joins it, with the function's timeout."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread ends, or the timeout is over. The load is an average that rises late.

        So it is read again when the timeout is over, which it can only move back.
        """
        begun = time.monotonic()
        while self.is_alive() and (left := begun + (timeout or 0) * load_of_computer() - time.monotonic()) > 0:
            super().join(left)
        log_times.end()


threads = SimpleNamespace(**{**vars(threading), "Thread": Call})  # for ministack, instead of the module `threading`


def explain(answer: dict[str, Any]) -> dict[str, Any]:
    """Add to the message of a timeout that the computer is busy."""
    error, load = str(answer.get("error", "")), load_of_computer()
    if not (error.startswith("Task timed out") and (why := busy(load))):
        return answer
    return {**answer, "error": f"{error}. {why} So it had {load:.0f} times as long"}
