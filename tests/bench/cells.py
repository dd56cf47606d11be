"""Run notebooks for one account and do nothing else: `python -m tests.bench.cells ACCOUNT`."""

import sys
import tempfile
from pathlib import Path

from lab_lib.exercises import copies
from lab_lib.lab import open_lab
from lab_lib.run import headless
from lab_lib.run.kernels import one_kernel


def run_each(paths, folder, lab):
    """Run the notebooks, one after the other, in one kernel."""
    given = {"account": lab.account, "data_file": str(headless.DATA_FILE), "yes": True}
    with one_kernel(copies.NOTEBOOKS) as kernel:
        for path in paths:
            step = headless.run_one(path, folder, given, lab, kernel)
            assert step.ok, step
            kernel.reset()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        run_each(headless.notebooks(), Path(name), open_lab(account=sys.argv[1]))
