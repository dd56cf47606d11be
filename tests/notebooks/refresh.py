"""Run the notebooks in order on an embedded AWS of their own, and keep their outputs as the ones to compare with.

Run by `make refresh`, after a change to a notebook or to what it shows. Look at the difference before you commit it.
"""

import os
import tempfile

import nbformat
from nbclient import NotebookClient
from rich.progress import track

from lab_lib import emulator
from lab_lib.headless import NOTEBOOKS, notebooks
from lab_lib.kernels import PRIVATE_KERNEL

QUIET = {"record_timing": False, "coalesce_streams": True}  # nothing that differs from run to run for no reason


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="lab-refresh-") as home:
        os.environ["LAB_EMULATOR_HOME"] = home
        try:
            for path in track(notebooks(), description="refreshing"):
                notebook = nbformat.read(path, as_version=4)
                place = {"metadata": {"path": str(NOTEBOOKS)}}
                NotebookClient(notebook, resources=place, config=PRIVATE_KERNEL, **QUIET).execute()
                nbformat.write(notebook, path)
        finally:
            emulator.stop()


if __name__ == "__main__":
    main()
