"""How much longer the headless run, and `lab check`, take than what they cannot do without.

Run by `make bench`. The baseline of the run is the notebooks' own imports alone, in one kernel with the same papermill
calls; that of the check is a Python that only opens the lab. Each pair is measured in turn, on a running embedded AWS.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from lab_lib.embedded import server
from lab_lib.lab import Lab, open_lab
from lab_lib.run import headless
from lab_lib.run.kernels import one_kernel

ROUNDS = 3
LAB = Path(sys.executable).with_name("lab")
ONLY_OPEN = "from lab_lib.lab import open_lab; open_lab()"


def only_imports(path: Path, folder: Path) -> Path:
    """Write a copy of the notebook that has its parameters and its imports only."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [line for cell in code for line in cell.source.splitlines() if line.startswith(("import ", "from "))]
    parameters = next(cell for cell in code if "parameters" in cell.metadata.get("tags", []))
    notebook.cells = [parameters, nbformat.v4.new_code_cell("\n".join(lines))]
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


def run_each(paths: list[Path], folder: Path, lab: Lab) -> None:
    with one_kernel(folder) as kernel:
        for path in paths:
            headless.run_one(path, folder, {}, lab, kernel)
            kernel.reset()


def seconds(call) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LAB_EMULATOR_HOME"] = str(folder / "emulator")
        (folder / "empty").mkdir()
        empty = [only_imports(path, folder) for path in headless.notebooks()]
        lab = open_lab()
        try:
            headless.run({}, folder / "warm-up")
            ratios = []
            for number in range(ROUNDS):
                whole = seconds(lambda number=number: headless.run({}, folder / f"run-{number}"))
                imports = seconds(lambda: run_each(empty, folder / "empty", lab))
                ratios.append(whole / imports)
                print(f"run {whole:5.1f} s   imports alone {imports:5.1f} s   ratio {ratios[-1]:.2f}")
            print(f"median ratio {statistics.median(ratios):.2f}")
            headless.run({}, folder / "kept", until=headless.last_kept())
            for _ in range(ROUNDS):
                check = seconds(lambda: subprocess.run([LAB, "check"], check=True, capture_output=True))
                opened = seconds(lambda: subprocess.run([sys.executable, "-c", ONLY_OPEN], check=True))
                print(f"lab check {check:4.2f} s   only open the lab {opened:4.2f} s   ratio {check / opened:.2f}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
