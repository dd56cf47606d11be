"""How long a class takes against a loop over the `papermill` command, and against what it cannot do without.

Run by `make bench-class`; `.venv/bin/python tests/bench_class.py 30 3` for 30 accounts, and the loop for 3 of them. The
floor is the same notebooks' cells for as many accounts, in as many processes, with one kernel an account and nothing
else: nothing is made clean, written or graded. All are measured in one run, on an embedded AWS that already runs.
"""

import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from lab_lib.classroom.executors import JOBS
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.run import headless

COMMANDS = Path(sys.executable).parent
ACCOUNTS = (f"{number:012}" for number in itertools.count(300_000_000_001))


def with_class(accounts, folder):
    """`lab class` for these accounts."""
    rows = [f"{account},Student {number}" for number, account in enumerate(accounts, 1)]
    (folder / "roster.csv").write_text("\n".join(["account,name", *rows]) + "\n")
    arguments = [COMMANDS / "lab", "class", folder / "roster.csv", "--out", folder / "class"]
    subprocess.run(arguments, check=True, capture_output=True)


def with_papermill(accounts, folder):
    """What a shell loop does: the command once for each notebook of each account."""
    for account, path in itertools.product(accounts, headless.notebooks()):
        given = {"account": account, "data_file": str(headless.DATA_FILE)}
        options = [part for name in given.keys() & headless.parameters_of(path) for part in ("-r", name, given[name])]
        command = [COMMANDS / "papermill", path, folder / f"{account}-{path.name}", "--cwd", path.parent, *options]
        subprocess.run(command, check=True, capture_output=True)


def with_kernels_only(accounts, folder):
    """The cells, and nothing else."""
    with ProcessPoolExecutor(JOBS, multiprocessing.get_context("spawn")) as processes:
        list(processes.map(cells_only, accounts))


def cells_only(account):
    kernel, client = start_new_kernel(kernel_name="python3", cwd=str(headless.NOTEBOOKS), stderr=subprocess.DEVNULL)
    try:
        for path in headless.notebooks():
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] != "code":
                    continue
                code = "".join(cell["source"])
                if "parameters" in cell["metadata"].get("tags", []):
                    code += f'\naccount = "{account}"'
                reply = client.execute(code, reply=True, timeout=headless.LONGEST_CELL)["content"]
                if reply["status"] != "ok":
                    raise RuntimeError(f"{path.stem}: {reply['evalue']}")
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def measured(way, count, folder):
    """Seconds for each of so many new accounts."""
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
            floor = measured(with_kernels_only, count, Path(name))
        finally:
            server.stop()
    print(f"{count} accounts, {JOBS} at a time, {len(headless.notebooks())} notebooks each; seconds an account:")
    for name, took in {"lab class": whole, "papermill": loop, "cells alone": floor}.items():
        print(f"  {name:12} {took:6.2f}")
    print(f"The loop over papermill was measured for {looped}.")
    print(f"lab class is {loop / whole:.1f} times faster, and takes {whole / floor:.2f} of the cells alone")


if __name__ == "__main__":
    main()
