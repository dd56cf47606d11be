"""Folders and files that only their owner can read; a file is written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_lib.errors import LabError, UsageError


def make_folder(folder: Path) -> None:
    """Make a folder for results; UsageError if that fails. A folder that exists keeps its mode."""
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write to {folder}: {error.strerror}. Name another folder.") from None


def write_file(path: Path, text: str) -> None:
    """Write a file of results; LabError if that fails, for example because the disk is full."""
    with can_write_to(path.parent):
        replace_file(path, text)


def replace_file(path: Path, text: str) -> None:
    """Write a file, or replace the one that is there; OSError if that fails."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)  # a draft that a killed run left keeps its mode
    try:
        draft.touch(0o600)
        # A message in a queue may hold half a character, which UTF-8 cannot encode.
        draft.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def can_write_to(folder: Path, what_to_do: str = "Free some space there, or name another folder.") -> Iterator[None]:
    """Turn an OSError into a LabError that names the folder and says what to do."""
    try:
        yield
    except OSError as error:
        raise LabError(f"Cannot write to {folder}: {error.strerror or error}. {what_to_do}") from None
