"""Units and dollars for a million rows, by the trace of an upload of 10,000."""

from lab_lib.run import costs
from lab_lib.trace import usage
from tests.bench import chain, page, totals

MILLION = 1_000_000 / totals.COMPARED
CUSTOMERS = [200, 1]  # with one customer, nearly every total is above the threshold
SHOWN = ["write units", "read units", "sns calls", "runs", "GB-s"]


def measure():
    """Return the section's text."""
    used = [million(customers) for customers in CUSTOMERS]
    lines = [[name, *(f"{counts[name]:,.0f}" for counts in used)] for name in SHOWN]
    lines.append(["**dollars**", *(f"**{sum(map(price, counts.items())):.2f}**" for counts in used)])
    header = ["A million rows", *(f"of {customers} customer{'s' * (customers > 1)}" for customers in CUSTOMERS)]
    return f"{page.table(header, lines)}\n\n{NOTES}"


def million(customers):
    """Return what a million rows use."""
    with chain.built() as built:
        totals.upload(built, totals.COMPARED, customers)
        chain.settle(built.lab)
        return {name: count * MILLION for name, count in usage.of_upload(built.lab, "rows.txt").items()}


def price(used):
    name, count = used
    return count * costs.prices()[name] / 1e6


NOTES = f"""From the trace of an upload of {totals.COMPARED:,} rows, multiplied. A write in a transaction takes two
units, so exact totals cost about twice what batches cost. GB-s are those of the embedded AWS. Storage, logs and data
transfer are left out. Prices: {costs.prices()["what"]}, {costs.prices()["date"]}."""
