"""What all tests share: an embedded AWS of their own, and how the notebooks' cells are run and compared."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from lab_lib.calls.waiting import QUIET
from lab_lib.embedded import server
from lab_lib.processes.stopwatch import Stopwatch
from lab_lib.workspace.places import WORKSPACE

_DIFFER = "\nThe outputs of {name} differ. If that is meant, run `make refresh ONLY={number}`, and read the difference."
LONGEST_FILES = (
    "test_outputs.py",
    "test_headless.py",
    "test_submissions.py",
    "test_trial.py",
    "test_healthy_accounts.py",
    "test_nbgrader.py",
    "test_first_minutes.py",
    "test_wheel.py",
    "test_site.py",
    "test_sabotage_code.py",
    "test_properties.py",
    "test_jupyterlab.py",
    "test_probe.py",
    "test_sabotage_settings.py",
    "test_classroom.py",
    "test_learner.py",
    "test_papermill.py",
    "test_endpoints.py",
    "test_managed_account.py",
    "test_delays.py",
    "test_experiments.py",
    "test_server.py",
    "test_trace.py",
)
LONGEST, LOOK_EVERY = 900, 10  # seconds for a test; a stopwatch would make a short one slower


def pytest_configure(config: pytest.Config) -> None:
    """Tests have an embedded AWS and a copy of the notebooks of their own, and no settings of the machine."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAB_", "COLUMNS", "PYTHONDONTWRITE"))]:
        del os.environ[name]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores Ctrl-C
    os.environ[WORKSPACE] = home = tempfile.mkdtemp(prefix="lab-tests-")
    os.environ["LAB_LANG"] = "en"
    os.environ["XDG_STATE_HOME"] = f"{home}/state"
    os.environ[QUIET] = "1"  # how long a wait takes is no part of what a notebook shows
    config.option.nbval_cell_timeout = None  # LONGEST ends a cell that hangs
    os.environ["IPYTHONDIR"] = f"{home}/ipython"  # kernels read the user's start-up files there, and keep a history


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded AWS and forget it; in the notebooks' cells no fixture could do this."""
    server.stop()
    shutil.rmtree(os.environ[WORKSPACE])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker waits for another at the end."""
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two processors, since a test also waits. With four, all tests end later."""
    return max((os.cpu_count() or 1) * 3 // 2, 1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():  # type: ignore[no-untyped-def]
    """End a test that hangs."""
    watches = list[Stopwatch]()

    def look(*_: object) -> None:
        if not watches:
            watches.append(Stopwatch())
        elif watches[0].wall() > LONGEST:
            raise TimeoutError(f"The test did not end in {LONGEST} s.")

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY, LOOK_EVERY)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
    if _is_notebook(item.path):
        item.output_timeout = None  # type: ignore[attr-defined]
        if getattr(item.parent, "lab_failed", False):
            pytest.skip("an earlier cell of this notebook failed")


def _is_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb"
