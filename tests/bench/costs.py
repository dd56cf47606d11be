"""AWS calls, units and dollars for a million rows, as counted in a run of 10,000."""

from lab_lib.run import costs
from tests.bench import chain, page, totals

PRICES = {name: price for name, price in costs.prices().items() if isinstance(price, float)}
MILLION = 1_000_000 / totals.COMPARED
CUSTOMERS = [200, 1]  # with one customer, nearly every total is above the threshold
SHOWN = ["dynamodb calls", "write units", "read units", "sns calls", "runs", "GB-s"]


def measure():
    """Return the section's text."""
    lines = []
    for customers in CUSTOMERS:
        used = [priced(totals.watched(way, customers).used) for way in chain.WAYS]
        lines += [[f"{customers:,}", name, *(f"{counts[name]:,.0f}" for counts in used)] for name in SHOWN]
        lines.append([f"{customers:,}", "**dollars**", *(f"**{counts['dollars']:.2f}**" for counts in used)])
    return f"{page.table(['Customers', 'A million rows', *chain.WAYS.values()], lines)}\n\n{NOTES}"


def priced(used):
    """Return what a million rows use, and its price."""
    used = {name: count * MILLION for name, count in used.items()}
    used = dict.fromkeys(PRICES, 0) | used | {"sqs messages": 2 * used.get("sns calls", 0), "s3 writes": 1}
    return used | {"dollars": sum(used[name] * price / 1e6 for name, price in PRICES.items())}


NOTES = f"""Counted in the functions by botocore's events, for {totals.COMPARED:,} rows, and multiplied. A write in
a transaction takes two units. GB-s are those of the embedded AWS. Storage, logs and data transfer are left out. Prices:
{costs.prices()["what"]}, {costs.prices()["date"]}."""
