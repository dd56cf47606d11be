"""How long a class takes against a loop over the `papermill` command, on the same embedded AWS.

Run by `make bench-class`; `.venv/bin/python tests/bench_class.py 30 3` for 30 accounts, and the loop for 3 of them.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab_lib.classroom.executors import JOBS
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.run import headless

COMMANDS = Path(sys.executable).parent
ACCOUNTS = (f"{number:012}" for number in itertools.count(300_000_000_001))


def with_class(accounts, folder):
    """Run `lab class` for these accounts."""
    rows = [f"{account},Student {number}" for number, account in enumerate(accounts, 1)]
    (folder / "roster.csv").write_text("\n".join(["account,name", *rows]) + "\n")
    arguments = [COMMANDS / "lab", "class", folder / "roster.csv", "--out", folder / "class"]
    subprocess.run(arguments, check=True, capture_output=True)


def with_papermill(accounts, folder):
    """Run the command once for each notebook of each account, as a shell loop does."""
    for account, path in itertools.product(accounts, headless.notebooks()):
        given = {"account": account, "data_file": str(headless.DATA_FILE)}
        options = [part for name in given.keys() & headless.parameters_of(path) for part in ("-r", name, given[name])]
        command = [COMMANDS / "papermill", path, folder / f"{account}-{path.name}", "--cwd", path.parent, *options]
        subprocess.run(command, check=True, capture_output=True)


def measured(way, count, folder):
    """Return the seconds per account, for this number of new accounts."""
    accounts = list(itertools.islice(ACCOUNTS, count))
    folder = folder / way.__name__
    folder.mkdir()
    begun = time.monotonic()
    way(accounts, folder)
    return (time.monotonic() - begun) / count


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    looped = min(int(sys.argv[2]) if len(sys.argv) > 2 else 2, count)
    with tempfile.TemporaryDirectory() as name:
        os.environ["LAB_EMULATOR_HOME"] = f"{name}/emulator"
        open_lab()
        try:
            loop = measured(with_papermill, looped, Path(name))
            whole = measured(with_class, count, Path(name))
        finally:
            server.stop()
    print(f"{count} accounts, {JOBS} at a time, {len(headless.notebooks())} notebooks each; seconds an account:")
    for name, took in {"lab class": whole, "papermill": loop}.items():
        print(f"  {name:12} {took:6.2f}")
    print(f"The loop over papermill was measured for {looped}.")
    print(f"lab class is {loop / whole:.1f} times faster")


if __name__ == "__main__":
    main()
