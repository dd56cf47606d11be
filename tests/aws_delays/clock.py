"""A clock that all processes of a run share. It jumps over most of each sleep, and runs as usual in between.

So AWS's time is computing time plus waiting time, whatever the speed. Each process appends its jumps to one file: the
wall clock's time and how far AWS's time is ahead of it.
"""

import os
import struct
import threading
import time
from bisect import bisect_right
from pathlib import Path

_JUMP = struct.Struct("dd")  # written in one piece, so that processes need no lock
_sleep, _monotonic = time.sleep, time.monotonic


class Clock:
    """AWS's time. Sleeps take 1/speed of their length."""

    def __init__(self, file: Path, speed: float) -> None:
        self.speed, self._lock = speed, threading.RLock()
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._moments, self._ahead = [0.0], [0.0]

    def ahead(self, moment: float | None = None) -> float:
        """Return how many seconds AWS's time was ahead at a moment of the wall clock, by default now."""
        with self._lock:
            data = os.pread(self._file, 1 << 20, _JUMP.size * (len(self._ahead) - 1))
            for when, ahead in _JUMP.iter_unpack(data[: len(data) // _JUMP.size * _JUMP.size]):
                self._moments.append(max(when, self._moments[-1]))
                self._ahead.append(max(ahead, self._ahead[-1]))  # of two that slept at once, the longer sleep counts
            return self._ahead[-1 if moment is None else bisect_right(self._moments, moment) - 1]

    def now(self) -> float:
        return time.time() + self.ahead()

    def at(self, moment: float) -> float:
        """Return AWS's time at a moment of the wall clock, such as the time stamp of an event."""
        return moment + self.ahead(moment)

    def monotonic(self) -> float:
        return _monotonic() + self.ahead()

    def sleep(self, seconds: float) -> None:
        """Sleep so long in AWS's time."""
        end = self.now() + seconds
        _sleep(seconds / self.speed)
        if (ahead := end - time.time()) > self.ahead():
            os.write(self._file, _JUMP.pack(time.time(), ahead))
