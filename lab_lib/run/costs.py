"""Estimate the minutes and cents of a run on AWS.

costs.json holds the seconds that each notebook takes on AWS, and what it uses there, by the names of the prices: the
lab's requests, counted in November 2026 under tests/aws_delays; the functions' part is estimated. MILLION stands for so
many rows of a file, beside the handout's, and "probe" for `lab check --probe`.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.cells import set_cell_size

from lab_lib.lab import Lab
from lab_lib.language import N_, _

MILLION = "rows"
_CHINA, _YUAN = "cn-", N_("AWS's prices in China are in yuan; the lab knows only prices in dollars")
_COSTS = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))  # dollars are for a million


def minutes(numbers: Iterable[str]) -> float:
    """Return the minutes that these notebooks, such as "05", take on AWS."""
    return sum(float(_COSTS["seconds"][number]) for number in numbers) / 60


def cents(numbers: Iterable[str]) -> float:
    """Return what these notebooks cost on AWS: the lab's requests, and what the functions do."""
    total = 0.0
    for number in numbers:
        total += sum(map(_cents, _COSTS["usage"][number].values()))
    return total


def before(numbers: list[str], rows: int, region: str) -> str:
    """Return a sentence on the time and money that these notebooks will take, with a file of so many rows."""
    millions = round(rows / 1_000_000, 2)  # a small file is in the estimate of notebook 05
    longest = math.ceil(minutes(numbers) + millions * minutes([MILLION]))
    if region.startswith(_CHINA):
        return _("On AWS this takes about {minutes} min. {yuan}.", minutes=longest, yuan=_(_YUAN))
    amount = cents(numbers) + millions * cents([MILLION])
    cost = _("about {cents:.1f} cents", cents=amount) if amount >= 0.05 else _("less than 0.1 cents")
    return _(
        "On AWS this takes about {minutes} min, and costs {cost} (prices of {date} in {region}; SMS is extra).",
        minutes=longest,
        cost=cost,
        date=_COSTS["date"],
        region=_COSTS["region"],
    )


def of_functions(lab: Lab, notebook: str) -> str:
    """Return what the functions use in a notebook, such as "05", and what that costs on AWS."""
    if lab.region.startswith(_CHINA):
        return _(_YUAN)
    used = _COSTS["usage"][notebook]["functions"]
    lines = []
    for item, number in used.items():
        name = set_cell_size(_(item), 13)
        lines.append(f"{name}{number:>9,.7g}  {_price({item: number})}")
    lines.append(set_cell_size(_("all"), 24) + _price(used))
    return "\n".join(lines)


def _price(usage: Mapping[str, float]) -> str:
    return _("{cents:.6f} cents", cents=_cents(usage))


def _cents(usage: Mapping[str, float]) -> float:
    prices = _COSTS["prices"]
    millionths = sum(number * float(prices[item]) for item, number in usage.items())  # of a dollar
    return millionths * 100 / 1e6
