"""Print the seconds an account of `lab class`, beside a loop over papermill, for several accounts at a time."""

import itertools
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab_lib.run import headless
from tests.bench.labs import ACCOUNTS
from tests.own_aws import own_aws

COMMANDS = Path(sys.executable).parent


def main():
    for jobs in (1, 2, 4):
        graded, looped = (seconds(way, jobs) for way in (run_class, run_papermill))
        print(f"{jobs} at a time: {graded:.1f} s; papermill {looped:.1f} s", flush=True)


def seconds(way, jobs):
    """Return the seconds for each of some new accounts."""
    accounts = list(itertools.islice(ACCOUNTS, max(2, jobs)))
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        way(accounts, jobs, Path(folder))
    return (time.monotonic() - begun) / len(accounts)


def run_class(accounts, jobs, folder):
    roster = folder / "roster.csv"
    roster.write_text("\n".join(["account,name", *(f"{account},Student {account}" for account in accounts)]) + "\n")
    run("lab", "class", roster, "--out", folder / "class", f"--jobs={jobs}")


def run_papermill(accounts, jobs, folder):
    """Run the command for each notebook, as the README does, and for so many accounts side by side."""

    def loop(account):
        for path in headless.notebooks():
            run("papermill", path, folder / f"{account}-{path.name}", "-r", "account", account)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(loop, accounts))


def run(command, *arguments):
    subprocess.run([COMMANDS / command, *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    with own_aws("bench"):
        main()
