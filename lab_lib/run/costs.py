"""Estimate the minutes and cents of a run on AWS, and count the requests that it makes.

minutes.json holds the seconds that each notebook takes on AWS. usage.json holds what it uses there, by the names in
prices.json: the lab's requests, counted in November 2026 under tests/aws_delays; the functions' part is estimated.
So is what `lab prove` does beside the notebooks, which has the name PROOF in both, and what a million rows of a large
file take, which have the name LARGE.
"""

import functools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.cells import set_cell_size

from lab_lib.aws import cleanup, functions, machines, tables
from lab_lib.handlers.large_file_processor.parts import parts_for
from lab_lib.lab import Lab
from lab_lib.language import N_, _
from lab_lib.private_files import file_named_by
from lab_lib.sessions import REQUESTS
from lab_lib.trace import usage

PROOF, LARGE = "prove", "large"
_UNITS, _HOURS = ("read", "write"), 730  # of a month
# The names in prices.json that are shown, for the catalogues.
_SHOWN = (
    *(N_("runs"), N_("GB-s"), N_("write units"), N_("read units"), N_("s3 writes"), N_("s3 reads")),
    *(N_("sns calls"), N_("sqs messages"), N_("transitions"), N_("log KB")),
)
# Units that a new table takes in a second, and those of a row: one to write it, two for its marker, in a transaction.
_OF_NEW_TABLE, _OF_ROW, _OF_MARKER = 4_000, 1, 2
_SKIPPED = 900_000  # rows of other parts that a call passes over in a second, measured on the embedded AWS


def prices() -> dict[str, Any]:
    """Return the dollars for a million of each thing that costs, with their date and Region."""
    return _read("prices.json")


@contextmanager
def counted() -> Iterator[Callable[[], Counter[str]]]:
    """Count the requests to AWS of this process and of the kernels that it starts, such as 3 of "s3.PutObject"."""
    with file_named_by(REQUESTS) as file:
        yield lambda: Counter(file.read_text(encoding="utf-8").split())


def minutes(numbers: Iterable[str], rows: int = 0) -> float:
    """Return the minutes that these notebooks, such as "05", take on AWS, and so many rows of a large file."""
    seconds = _read("minutes.json")
    return sum(float(seconds[number]) * times for number, times in _times(numbers, rows)) / 60


def cents(numbers: Iterable[str], rows: int = 0) -> float:
    """Return what these notebooks cost on AWS, and so many rows: the lab's requests, and what the functions do."""
    usage = _read("usage.json")
    return sum(_cents(used) * times for number, times in _times(numbers, rows) for used in usage[number].values())


def before(numbers: list[str], rows: int = 0) -> str:
    """Return a sentence on the time and money that these notebooks will take, and so many rows of a large file."""
    amount = cents(numbers, rows)
    cost = _("about {cents:.1f} cents", cents=amount) if amount >= 0.05 else _("less than 0.1 cents")
    if amount >= 100:
        cost = _("about {dollars:.2f} dollars", dollars=amount / 100)
    told = N_(
        "On AWS this takes about {minutes} minutes, and costs {cost} (prices of {date} in {region}; SMS is extra)."
    )
    return _(told, minutes=math.ceil(minutes(numbers, rows)), cost=cost, **prices())


def of_upload(lab: Lab, key: str) -> str:
    """Return what one upload has used, as its trace tells, and what that costs on AWS."""
    return _sums(usage.of_upload(lab, key))


def of_rows(rows: int) -> str:
    """Return an estimate of what so many rows of a large file use, and of what that costs on AWS."""
    used = Counter[str]()
    for uses in _read("usage.json")[LARGE].values():
        used.update({item: number * rows // 1_000_000 for item, number in uses.items()})
    return _sums(used)


def large_files(*numbers: int) -> list[list[str]]:
    """Return a table about files of so many rows, with its header: estimates of the times on AWS, and of the cost.

    One function would take the first time. The second is that of the machine; a new table, and the markers there, take
    in no more rows than that in the other two.
    """
    times_of = _("One function"), _("The machine"), _("Rows of a new table"), _("Its markers")
    table = [[_("Rows"), _("Parts"), *times_of, _("Dollars")]]
    for rows in numbers:
        count, alone = parts_for(rows), rows / functions.ROWS_PER_SECOND
        machine = math.ceil(count / machines.MOST_AT_ONCE) * (alone / count + rows / _SKIPPED)
        times = (alone, machine, rows * _OF_ROW / _OF_NEW_TABLE, rows * _OF_MARKER / _OF_NEW_TABLE)
        texts = [f"{time / 60:.0f} min" if time < 7_200 else f"{time / 3_600:.1f} h" for time in times]
        table.append([f"{rows:,}", str(count), *texts, f"{cents([], rows) / 100:,.2f}"])
    return table


def kept(lab: Lab) -> list[str]:
    """Return what the clean-up keeps, since the lab did not make it, each with its cost on AWS while nobody uses it."""
    return [_(": ").join([label, _idle(lab, label)]) for label in cleanup.kept(lab)]


def _sums(used: Mapping[str, float]) -> str:
    """Return a line for each thing that is used, with its cost, and one for all."""
    rows = [(_(item), f"{number:,.7g}", _cents({item: number})) for item, number in used.items()]
    return "\n".join(
        f"{set_cell_size(item, 13)}{number:>9}  " + _("{cents:.6f} cents", cents=cost)
        for item, number, cost in [*rows, (_("all"), "", _cents(used))]
    )


def _times(numbers: Iterable[str], rows: int) -> list[tuple[str, float]]:
    """Return how often each name of the files counts."""
    return [*((number, 1.0) for number in numbers), (LARGE, rows / 1e6)]


def _idle(lab: Lab, label: str) -> str:
    kind, _space, name = label.partition(" ")
    if kind == "table" and any(units := tables.units(lab, name)):
        dollars = sum(_dollars(f"hours of a {unit} unit") * number for unit, number in zip(_UNITS, units, strict=True))
        read, write = units
        told = N_("{read} units to read and {write} to write cost ${cost:,.2f} a month, used or not")
        return _(told, read=read, write=write, cost=dollars * _HOURS)
    stored = "GB months of a " + kind
    if label.startswith("bucket trigger") or stored not in prices():
        return _("costs nothing while nobody uses it")
    return _("a GB in it costs ${cost:.3g} a month", cost=_dollars(stored))


def _dollars(item: str) -> float:
    return float(prices()[item]) / 1e6


def _cents(usage: Mapping[str, float]) -> float:
    return sum(number * float(prices()[item]) for item, number in usage.items()) * 100 / 1e6


@functools.cache
def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return content
