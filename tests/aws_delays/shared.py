"""What the processes of a run share, in one SQLite file: AWS's time, what was done when, and which calls are due when.

AWS's time runs as usual, and jumps over most of each sleep. So it is computing time plus waiting time.
"""

import json
import sqlite3
import threading
import time

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS jumps (moment REAL PRIMARY KEY, ahead REAL);
CREATE TABLE IF NOT EXISTS notes (kind, name, moment REAL, value, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS calls (kind, name, due REAL, call);
INSERT OR IGNORE INTO jumps VALUES (0, 0);
"""
_sleep, _monotonic = time.sleep, time.monotonic


class Shared:
    """Sleeps take 1/speed of their length."""

    def __init__(self, file, speed):
        self._speed, self._lock = speed, threading.RLock()
        self._db = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.executescript(_TABLES)

    def ahead(self, moment=float("inf")):
        """Return how many seconds AWS's time was ahead at a moment of the wall clock, by default now."""
        last = "SELECT ahead FROM jumps WHERE moment <= ? ORDER BY moment DESC LIMIT 1"
        return self._do(last, moment)[0][0]

    def now(self):
        return time.time() + self.ahead()

    def monotonic(self):
        return _monotonic() + self.ahead()

    def sleep(self, seconds):
        """Sleep so long in AWS's time. Of two processes that sleep at once, the longer sleep counts."""
        end = self.now() + seconds
        _sleep(seconds / self._speed)
        now = time.time()
        jump = "INSERT OR IGNORE INTO jumps SELECT ?, ? WHERE ? > (SELECT max(ahead) FROM jumps)"
        self._do(jump, now, end - now, end - now)

    def note(self, kind, name, value=None):
        """Note that something was done now, and a value of it."""
        self._do("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", kind, name, self.now(), json.dumps(value))

    def age(self, kind, name):
        """Return how many seconds ago something was noted."""
        rows = self._do("SELECT moment FROM notes WHERE (kind, name) = (?, ?)", kind, name)
        return self.now() - rows[0][0] if rows else float("inf")

    def value(self, kind, name):
        rows = self._do("SELECT value FROM notes WHERE (kind, name) = (?, ?)", kind, name)
        return json.loads(rows[0][0]) if rows else None

    def one_delay_ago(self, seconds, kind, name, value, before):
        """Return the value that was there so many seconds ago, and note this one; `before` stands for the first."""
        now, history = self.now(), self.value(kind, name) or [[0, before]]
        if history[-1][1] != value:
            history.append([now, value])
            self.note(kind, name, history)
        return [known for moment, known in history if moment <= now - seconds][-1]

    def later(self, seconds, kind, name, *call):
        """Let the embedded AWS get this call in so many seconds."""
        self._do("INSERT INTO calls VALUES (?, ?, ?, ?)", kind, name, self.now() + seconds, json.dumps(call))

    def hasten(self, kind, name):
        """Let the calls that are due later be due now."""
        self._do("UPDATE calls SET due = 0 WHERE (kind, name) = (?, ?)", kind, name)

    def pending(self, kind, name):
        """Return the parameters of the last call that is due later, or None."""
        rows = self._do("SELECT call FROM calls WHERE (kind, name) = (?, ?) ORDER BY due DESC", kind, name)
        return json.loads(rows[0][0])[-1] if rows else None

    def make_due_calls(self, make):
        """Make the calls that are due, each in one process. The others wait until it is made."""
        now = self.now()
        if self._do("SELECT 1 FROM calls WHERE due <= ? LIMIT 1", now):
            with self._lock:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    for (call,) in self._do("DELETE FROM calls WHERE due <= ? RETURNING call", now):
                        make(*json.loads(call))
                finally:
                    self._db.execute("COMMIT")

    def _do(self, statement, *values):
        with self._lock:
            return self._db.execute(statement, values).fetchall()
