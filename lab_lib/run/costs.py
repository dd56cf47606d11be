"""Estimate the minutes and cents of a run on AWS, and count the requests that it makes.

minutes.json holds the seconds that each notebook takes on AWS. usage.json holds what it uses there, by the names in
prices.json: the lab's requests, and what the functions do. `make delays` writes both; the functions' part is estimated.
So is what `lab prove` does beside the notebooks, which has the name PROOF in both.
"""

import functools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab_lib.aws import cleanup, tables
from lab_lib.lab import Lab
from lab_lib.private_files import file_named_by
from lab_lib.sessions import REQUESTS
from lab_lib.trace import usage

PROOF = "prove"
_UNITS, _HOURS = ("read", "write"), 730  # of a month


def prices() -> dict[str, Any]:
    """Return the dollars for a million of each thing that costs, with their date and Region."""
    return _read("prices.json")


@contextmanager
def counted() -> Iterator[Callable[[], Counter[str]]]:
    """Count the requests to AWS of this process and of the kernels that it starts, such as 3 of "s3.PutObject"."""
    with file_named_by(REQUESTS) as file:
        yield lambda: Counter(file.read_text(encoding="utf-8").split())


def minutes(numbers: Iterable[str]) -> float:
    """Return the minutes that these notebooks, such as "05", take on AWS."""
    seconds = _read("minutes.json")
    return sum(float(seconds[number]) for number in numbers) / 60


def cents(numbers: Iterable[str]) -> float:
    """Return what these notebooks cost on AWS: the requests of the lab, and what the functions do."""
    return sum(_cents(used) for number in numbers for used in _read("usage.json")[number].values())


def before(numbers: list[str]) -> str:
    """Return a sentence on the time and money that these notebooks will take."""
    amount = cents(numbers)
    cost = f"about {amount:.1f} cents" if amount >= 0.05 else "less than 0.1 cents"
    dated = f"prices of {prices()['date']} in {prices()['region']}; SMS is extra"
    return f"On AWS this takes about {math.ceil(minutes(numbers))} minutes, and costs {cost} ({dated})."


def of_upload(lab: Lab, key: str) -> str:
    """Return what one upload has used, as its trace tells, and what that costs on AWS."""
    used = usage.of_upload(lab, key)
    lines = [f"{item:13}{number:>9,.6g}  {_cents({item: number}):.6f} cents" for item, number in used.items()]
    return "\n".join([*lines, f"{'all':13}{'':9}  {_cents(used):.6f} cents"])


def kept(lab: Lab) -> list[str]:
    """Return what the clean-up keeps, since the lab did not make it, each with its cost on AWS while nobody uses it."""
    return [f"{label}: {_idle(lab, label)}" for label in cleanup.kept(lab)]


def _idle(lab: Lab, label: str) -> str:
    kind, _, name = label.partition(" ")
    if kind == "table" and any(units := tables.units(lab, name)):
        dollars = sum(_dollars(f"hours of a {unit} unit") * number for unit, number in zip(_UNITS, units, strict=True))
        read, write = units
        return f"{read} units to read and {write} to write cost ${dollars * _HOURS:,.2f} a month, used or not"
    stored = "GB months of a " + kind
    if label.startswith("bucket trigger") or stored not in prices():
        return "costs nothing while nobody uses it"
    return f"a GB in it costs ${_dollars(stored):.3g} a month"


def _dollars(item: str) -> float:
    return float(prices()[item]) / 1e6


def _cents(usage: Mapping[str, float]) -> float:
    return sum(number * float(prices()[item]) for item, number in usage.items()) * 100 / 1e6


@functools.cache
def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return content
