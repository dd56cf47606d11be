"""Run the notebooks in order on an embedded AWS of their own, and keep their outputs as the ones to compare with.

Run by `make refresh`, after a change to a notebook or to what it shows. Look at the difference before you commit it.
"""

import os
import tempfile
from contextlib import closing

import nbformat
from nbclient import NotebookClient
from rich.progress import track

from lab_lib.embedded import server
from lab_lib.run.headless import notebooks
from lab_lib.run.kernels import fresh_kernels

QUIET = {"record_timing": False, "coalesce_streams": True}  # nothing that differs from run to run for no reason


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="lab-refresh-") as home:
        os.environ["LAB_EMULATOR_HOME"] = home
        try:
            with closing(fresh_kernels(notebooks())) as kernels:
                for path, kernel in zip(track(notebooks(), description="refreshing"), kernels, strict=True):
                    notebook = nbformat.read(path, as_version=4)
                    NotebookClient(notebook, kernel, **QUIET).execute()
                    nbformat.write(notebook, path)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
