"""Keep the grader's own list of the probes of an account: nothing in the account marks what a probe uploads.

An entry is written before the first upload. It tells later checks which uploads and errors are a probe's.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lab_lib.lab import Lab
from lab_lib.workspace.one_command import file_of
from lab_lib.workspace.private_files import read_file, replace_file

_LONGEST = timedelta(minutes=10)


class Entry(NamedTuple):
    """A probe: its times in ISO format, and the keys of its files. Without an end it was killed."""

    begun: str
    keys: list[str]
    ended: str = ""

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.begun)

    @property
    def end(self) -> datetime:
        """Return when it ended; of one that was killed, when it must have."""
        return datetime.fromisoformat(self.ended) if self.ended else self.start + _LONGEST

    def has_uploaded(self, key: str, time: datetime) -> bool:
        """Return whether an object of this key and time is the probe's. S3 tells whole seconds."""
        return key in self.keys and self.start - timedelta(seconds=1) <= time <= self.end


def entries(lab: Lab) -> list[Entry]:
    """Return the probes of this account from this computer, oldest first. UsageError if the list is damaged."""
    path = file_of(lab, "probes.json")
    if not path.exists():
        return []
    return read_file(path, _read, "Delete it; it lists old probes.")


def _read(text: bytes) -> list[Entry]:
    return [Entry(probe["begun"], probe["keys"], probe["ended"]) for probe in json.loads(text)]


@contextmanager
def noted(lab: Lab, keys: list[str]) -> Iterator[None]:
    """Enter a probe, and its end with the block."""
    earlier = entries(lab)
    entry = Entry(datetime.now(UTC).isoformat(), keys)
    _write(lab, [*earlier, entry])
    try:
        yield
    finally:
        _write(lab, [*earlier, entry._replace(ended=datetime.now(UTC).isoformat())])


def _write(lab: Lab, probes: list[Entry]) -> None:
    replace_file(file_of(lab, "probes.json"), json.dumps([probe._asdict() for probe in probes], ensure_ascii=False))
