"""What all tests share: an embedded AWS of their own, and how the notebooks' cells are run and compared."""

import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from lab_lib.embedded import server
from lab_lib.waiting import UNSEEN

_DIFFER = "\nThe outputs of {name} differ. If that is meant, run `make refresh ONLY={number}`, and read the difference."
GARBAGE = 100_000  # objects; moto makes so many that Python's 700 cost a seventh of the time


def pytest_configure(config: pytest.Config) -> None:
    """Tests have an embedded AWS and a copy of the notebooks of their own, and no settings of the machine."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAB_", "COLUMNS"))]:
        del os.environ[name]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores Ctrl-C
    gc.set_threshold(GARBAGE)
    os.environ["LAB_EMULATOR_HOME"] = home = tempfile.mkdtemp(prefix="lab-tests-")
    os.environ["LAB_COPY"] = f"{home}/my-lab"
    os.environ["LAB_LOCKS"] = f"{home}/locks"
    os.environ[UNSEEN] = os.devnull  # how long a wait takes is no part of what a notebook shows
    os.environ["IPYTHONDIR"] = f"{home}/ipython"  # kernels read the user's start-up files there, and keep a history


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded AWS and forget it; in the notebooks' cells no fixture could do this."""
    server.stop()
    shutil.rmtree(os.environ["LAB_EMULATOR_HOME"])


class _OneWorkerForNotebooks(LoadFileScheduling):
    """Send each test file to one worker, and all notebooks to the same one: each builds on the notebook before."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "notebooks" if file.startswith("notebooks/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Use the scheduler above whenever tests run side by side."""
    return _OneWorkerForNotebooks(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Note the notebook in which a cell failed, and say how to keep its new outputs."""
    report = yield
    if _is_notebook(item.path) and report.failed:
        item.parent.lab_failed = True  # type: ignore[union-attr]
        if str(call.excinfo.value) == "Cell outputs differ":  # as nbval says it
            report.longrepr += _DIFFER.format(name=item.path.name, number=item.path.name[:2])
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A notebook ends at its first failing cell, as it does for a learner."""
    if _is_notebook(item.path) and getattr(item.parent, "lab_failed", False):
        pytest.skip("an earlier cell of this notebook failed")


def _is_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb"
