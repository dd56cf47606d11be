"""What the processes of a run tell each other: what happened when, and which calls are due when."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS notes (kind, name, moment REAL, value, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS calls (kind, name, due REAL, call, PRIMARY KEY (kind, name));
"""


class Notes:
    """The notes and the due calls, each with a kind and a name, in one SQLite file."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.executescript(_TABLES)

    def put(self, kind: str, name: str, moment: float, value: Any = None) -> None:
        self._do("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", kind, name, moment, json.dumps(value, default=str))

    def get(self, kind: str, name: str) -> tuple[float, Any]:
        """Return when the note was made, long ago if it was not, and its value."""
        rows = self._do("SELECT moment, value FROM notes WHERE (kind, name) = (?, ?)", kind, name)
        return (rows[0][0], json.loads(rows[0][1])) if rows else (float("-inf"), None)

    def of_kind(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Yield the names and values of the notes of a kind."""
        for name, value in self._do("SELECT name, value FROM notes WHERE kind = ?", kind):
            yield name, json.loads(value)

    def forget(self, kind: str, name: str) -> None:
        """Delete the note, and the call that is due because of it."""
        for table in ("notes", "calls"):
            self._do(f"DELETE FROM {table} WHERE (kind, name) = (?, ?)", kind, name)

    def later(self, kind: str, name: str, due: float, *call: Any) -> None:
        """Let this call be made when it is due, instead of an earlier one about the same."""
        self._do("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)", kind, name, due, json.dumps(call))

    def hasten(self, kind: str, name: str) -> None:
        """Let the call that is due later be due now."""
        self._do("UPDATE calls SET due = 0 WHERE (kind, name) = (?, ?)", kind, name)

    def make_due_calls(self, now: float, make: Callable[..., None]) -> None:
        """Make the calls that are due, each in one process. The others wait until it is made."""
        if self._do("SELECT 1 FROM calls WHERE due <= ? LIMIT 1", now):
            with self._lock:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    for (call,) in self._do("DELETE FROM calls WHERE due <= ? RETURNING call", now):
                        make(*json.loads(call))
                finally:
                    self._db.execute("COMMIT")

    def _do(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()
