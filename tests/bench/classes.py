"""A class, for several accounts at a time."""

import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab_lib.run import headless
from tests.bench import chain, page

LAB = Path(sys.executable).with_name("lab")
JOBS = [1, 2, 4]
NOTES = f"""Seconds an account of {len(headless.notebooks())} notebooks, 06 among them, and their grade."""


def measure():
    """Return the section's text."""
    header = ["Command", *(f"{jobs} at a time" for jobs in JOBS)]
    return f"{page.table(header, [['`lab class`', *(f'{seconds(jobs):.2f}' for jobs in JOBS)]])}\n\n{NOTES}"


def seconds(jobs):
    """Return the seconds for each of some new accounts."""
    accounts = list(itertools.islice(chain.ACCOUNTS, max(2, jobs)))
    with tempfile.TemporaryDirectory() as folder:
        rows = [f"{account},Student {number}" for number, account in enumerate(accounts, 1)]
        roster, begun = Path(folder, "roster.csv"), time.monotonic()
        roster.write_text("\n".join(["account,name", *rows]) + "\n")
        command = [LAB, "class", roster, "--out", Path(folder, "class"), f"--jobs={jobs}"]
        subprocess.run(command, check=True, capture_output=True)
        took = (time.monotonic() - begun) / len(accounts)
    print(f"  {len(accounts)} accounts, {jobs} at a time: {took:.2f} s an account", file=sys.stderr)
    return took
