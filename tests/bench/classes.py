"""A class, against a loop over the papermill command, for several accounts at a time."""

import itertools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab_lib.run import headless
from tests.bench import chain, page

COMMANDS = Path(sys.executable).parent
JOBS = [1, 2, 4]
NAMES = {"class": "`lab class`", "papermill": "`papermill`"}
LEAST = 3.5


def measure():
    """Return the section's text."""
    took = {}
    for jobs in JOBS:
        took[jobs, "class"] = seconds(run_class, max(2, jobs), f"--jobs={jobs}")
        took[jobs, "papermill"] = seconds(side_by_side, jobs, jobs)
    lines = [[text, *(page.spread(took[jobs, name], ".2f") for jobs in JOBS)] for name, text in NAMES.items()]
    return "\n\n".join([page.table(["", *(f"{jobs} at a time" for jobs in JOBS)], lines), NOTES, met(took)])


def seconds(way, count, *given):
    """Return a list of one figure: the seconds for each of so many new accounts."""
    accounts = list(itertools.islice(chain.ACCOUNTS, count))
    took = page.timed(lambda: way(accounts, *given))() / count
    print(f"  {count} × {way.__name__}: {took:.2f} s an account", file=sys.stderr)
    return [took]


def met(took):
    ratios = [took[jobs, "papermill"][0] / took[jobs, "class"][0] for jobs in JOBS]
    goal = f"papermill takes at least {LEAST} times as long"
    return f"Ratios for {', '.join(map(str, JOBS))} at a time:\n\n" + page.goals(
        (goal, page.listed(ratios), min(ratios) >= LEAST, WAITS)
    )


def run_class(accounts, option):
    """Run `lab class` for these accounts."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [f"{account},Student {number}" for number, account in enumerate(accounts, 1)]
        roster = Path(folder, "roster.csv")
        roster.write_text("\n".join(["account,name", *rows]) + "\n")
        command(COMMANDS / "lab", "class", roster, "--out", Path(folder, "class"), option)


def side_by_side(accounts, jobs):
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(papermill, accounts))


def papermill(account):
    """Run the command once for each notebook, as a shell loop does."""
    with tempfile.TemporaryDirectory() as folder:
        for path in headless.notebooks():
            command(COMMANDS / "papermill", path, Path(folder, path.name), "--cwd", path.parent, LAB_ACCOUNT=account)


def command(*arguments, **variables):
    subprocess.run(arguments, check=True, capture_output=True, env={**os.environ, **variables})


NOTES = f"""Seconds an account of {len(headless.notebooks())} notebooks, 06 among them. `papermill`: a loop over
the command for each account, as many loops side by side; it grades nothing."""
WAITS = "both wait for the faults of 06, and only `lab class` grades"
