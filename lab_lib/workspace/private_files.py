"""Read files that may be damaged, with one line that says so. Write files and folders that only their owner can read.

A file is written whole or not at all.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lab_lib.errors import LabError, UsageError
from lab_lib.language import N_, _

T = TypeVar("T")
_CANNOT_WRITE = N_("Cannot write to {path}: {reason}. {what_to_do}")
_MAKE_ROOM = N_("Free some space there, or name another folder.")
_LONGEST_REASON = 200  # characters


def make_folder(folder: Path, what_to_do: str = _MAKE_ROOM) -> None:
    """Make a folder for results. A folder that exists keeps its mode.

    UsageError if that cannot be.
    """
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = _(str(error.strerror))
        raise UsageError(_CANNOT_WRITE, path=folder, reason=reason, what_to_do=_(what_to_do)) from None


def exists(path: Path) -> bool:
    """Return True if something has this name. A link that leads nowhere has it, and is damaged."""
    return os.path.lexists(path)


def read_file(path: Path, parse: Callable[[bytes], T], what_to_do: str) -> T:
    """Return the result of `parse` for the file's content. UsageError, with what to do, if there is none."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        reason = _(str(error.strerror))
    except ValueError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001  # parsers raise many kinds for a damaged file
        reason = _("its content has another form ({kind})", kind=type(error).__name__)
    reason = " ".join(reason.split())[:_LONGEST_REASON]
    raise UsageError("Cannot read {path}: {reason}. {what_to_do}", path=path, reason=reason, what_to_do=_(what_to_do))


def json_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object. A byte-order mark is passed over. An error, most often ValueError, if it is none."""
    if not content:
        raise ValueError(_("it is empty"))
    value = json.loads(content.decode("utf-8-sig"))
    if not isinstance(value, dict):
        raise ValueError(_("it is not a JSON object"))
    return value


def json_text(value: Any) -> str:
    """Return a value as the text of a JSON file that people read too."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_file(path: Path, text: str, what_to_do: str = _MAKE_ROOM) -> None:
    """Write a file of results; LabError if that fails, for example because the disk is full."""
    with can_write_to(path, what_to_do):
        replace_file(path, text)


def replace_file(path: Path, text: str) -> None:
    """Write a file, or replace the one that is there; OSError if that fails."""
    with draft_of(path) as draft:
        draft.touch(0o600)
        # A message in a queue may hold half a character, which UTF-8 cannot encode.
        draft.write_text(text, "utf-8", errors="backslashreplace", newline="")


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Yield the path of a draft, which replaces the file if the block ends without an error."""
    draft = path.parent / f".{path.name}.draft"
    draft.unlink(missing_ok=True)  # a draft that a killed run left keeps its mode
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def can_write_to(path: Path, what_to_do: str = _MAKE_ROOM) -> Iterator[None]:
    """Turn an OSError into a LabError that names the file or folder, and says what to do."""
    try:
        yield
    except OSError as error:
        reason = _(error.strerror or str(error))
        raise LabError(_CANNOT_WRITE, path=path, reason=reason, what_to_do=_(what_to_do)) from None
