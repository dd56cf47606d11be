"""Keep the settings and answers of a learner's copy of the notebooks, for all of its notebooks.

A notebook runs in a copy if the working folder is one. Elsewhere, and in a headless run, nothing is kept. Where
`lab class grade` runs a copy headlessly, it is kept.
"""

import functools
import json
import os
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab_lib import lab
from lab_lib.errors import UsageError
from lab_lib.exercises.copies import ROOT, STATE, state
from lab_lib.private_files import can_write_to, exists, json_object, open_file, read_file, write_file
from lab_lib.settings import SETTINGS as OF_LAB

DATA_FILE = ROOT / "data" / "transactions.txt"
HEADLESS = "LAB_HEADLESS"  # set in the kernels of `lab run`: a replay of the copy changes nothing in it
ANSWERS = "answers.jsonl"
_AGAIN = "Move it away, or free some space, then run the cell again."
KEEPING = "keeping"  # the value of HEADLESS for which all is kept nevertheless
SETTINGS = (*OF_LAB, "data_file")
MOST_PARTS, LONGEST_PART = 1_000, 2_000  # parts of an answer that are kept, and the characters of each


def keep(settings: dict[str, Any]) -> None:
    """Keep the settings of notebook 00 in the copy. An empty one is still a default."""
    if copy := _copy():
        write_file(state(copy) / "settings.json", json.dumps(settings, default=str, ensure_ascii=False), _AGAIN)


def setting(name: str, settings: dict[str, Any]) -> Any:
    """Return one of these settings, or if it is empty, the one that notebook 00 has kept. The lab has a data_file.

    UsageError if one of the settings is unknown.
    """
    if unknown := sorted({*settings} - {*SETTINGS}, key=str):
        raise UsageError(f"There is no setting {unknown[0]!r}. The settings are {', '.join(SETTINGS)}.")
    values = [settings.get(name, ""), _kept().get(name, ""), str(DATA_FILE) if name == "data_file" else ""]
    return next((value for value in values if value != ""), "")


def open_lab(settings: dict[str, Any]) -> lab.Lab:
    """Open the lab of notebook 00. A setting that is here and not empty counts instead of the one there."""
    if not isinstance(settings, dict):
        raise UsageError(f'settings is {settings!r}; wanted names and values, such as {{"prefix": "ana-"}}.')
    return lab.open_lab(**{name: setting(name, settings) for name in OF_LAB})


def open_lab_to_delete(
    account: str = "", profile: str = "", region: str = "", prefix: str = "", bucket: str = ""
) -> lab.Lab:
    """Open the lab of notebook 00. UsageError if that is on AWS and account or profile is not given: both are named."""
    kept = _kept()
    if kept.get("profile") and not (account and profile):
        raise UsageError(
            f"Notebook 00 has built the lab in account {kept.get('account') or '(not named)'} on AWS, with profile "
            f"{kept['profile']}. What is deleted there is named: write account and profile into the settings above."
        )
    if not (profile or os.environ.get("LAB_PROFILE") or os.environ.get("LAB_ROLE_ARN")):  # not on AWS
        account = setting("account", {"account": account})
    here = {"region": region, "prefix": prefix, "bucket": bucket}
    settings = {name: setting(name, here) for name in (*here, "processor_role", "notifier_role")}
    return lab.open_lab(account, profile, **settings)


def is_headless() -> bool:
    """Return True if nobody looks at the notebook while it runs, as in `lab run`."""
    return bool(os.environ.get(HEADLESS))


def folder() -> Path:
    """Return the folder for what the learner writes: the copy, elsewhere a temporary one of this process."""
    return _copy() or Path(_temporary().name)


def record(kind: str, question: str, answer: Any, right: bool) -> None:
    """Add an "answer" or a "prediction" to the copy's record, a line of JSON. It can be judged again from there."""
    if copy := _copy():
        entry = {"kind": kind, "question": question, "answer": _written(answer), "right": bool(right)}
        line = json.dumps({"when": datetime.now().isoformat(timespec="seconds"), **entry}, ensure_ascii=False)
        path = state(copy) / ANSWERS
        with can_write_to(path, _AGAIN), open_file(path, "ab+") as file:
            file.seek(max(file.tell() - 1, 0))
            is_cut_off = file.read() not in (b"", b"\n")
            file.write(f"{is_cut_off * chr(10)}{line}\n".encode(errors="backslashreplace"))


def _copy() -> Path | None:
    """Return the learner's copy if this process runs in it."""
    here = Path.cwd()
    return here if exists(here / STATE) and os.environ.get(HEADLESS, KEEPING) == KEEPING else None


def _kept() -> dict[str, Any]:
    path = state(copy) / "settings.json" if (copy := _copy()) else None
    what_to_do = "Run notebook 00 again as far as “Open the lab”: it writes this file anew."
    return read_file(path, _texts_and_numbers, what_to_do) if path and exists(path) else {}


def _texts_and_numbers(content: bytes) -> dict[str, Any]:
    found = json_object(content)
    if wrong := [f"{name} is {value!r}" for name, value in found.items() if not isinstance(value, str | int | float)]:
        raise ValueError(f"{wrong[0]}; wanted text or a number")
    return found


@functools.cache
def _temporary() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="lab-mine-")


def _written(answer: Any) -> str | list[str]:
    """Return the answer as text or, if it has parts, as a list of texts; its type if it cannot be read."""
    try:
        if isinstance(answer, str) or not isinstance(answer, Iterable):
            return str(answer)[: 10 * LONGEST_PART]
        return [str(part)[:LONGEST_PART] for part in islice(answer, MOST_PARTS)]
    except Exception:  # noqa: BLE001  # an answer is any object, and may do anything when it is looked at
        return f"<{type(answer).__name__}>"
