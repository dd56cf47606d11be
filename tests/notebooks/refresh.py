"""Run the notebooks in order on an embedded AWS of their own, and keep their outputs: the tests compare with them.

Run by `make refresh`, after a change to a notebook or to what it shows. Look at the difference before you commit it.
"""

import os
import tempfile

import nbformat
from nbclient import NotebookClient
from rich.progress import track

from lab_lib.embedded import server
from lab_lib.run.headless import notebooks
from lab_lib.waiting import UNSEEN

QUIET = {"record_timing": False, "coalesce_streams": True}  # what differs from run to run without a reason


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="lab-refresh-") as home:
        os.environ |= {"LAB_EMULATOR_HOME": home, UNSEEN: os.devnull}
        try:
            for path in track(notebooks(), description="refreshing"):
                notebook = nbformat.read(path, as_version=4)
                NotebookClient(notebook, **QUIET).execute(cwd=str(path.parent))
                nbformat.write(notebook, path)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
