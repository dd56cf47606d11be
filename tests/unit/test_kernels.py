"""One notebook, and the next, in the kernel of a headless run: what is written, what is left, who can listen."""

import asyncio
from pathlib import Path

import pytest
from jupyter_core.utils import ensure_event_loop

from lab_lib.lab import Lab
from lab_lib.run import headless
from lab_lib.run.execution import one_kernel
from tests.learners import write_notebook

SPOIL = (
    "import os, sys, matplotlib.pyplot as plt",
    "secret = 1; plt.figure(); os.environ['SECRET'] = '1'; sys.path.append('/secret'); os.chdir('/')",
    "plt.rcParams['lines.linewidth'] = 9",
    "secret",
)
LOOK = (
    "print({'secret', 'plt', 'os', '_6'} & set(globals()), 6 in Out)",
    "import os, sys, matplotlib.pyplot as plt",
    "print(plt.get_fignums(), 'SECRET' in os.environ, '/secret' in sys.path, os.getcwd() == '/')",
    "print(plt.rcParams['lines.linewidth'])",
)
PRIVATE = "123456789012", "ana@example.com", "+15555550100"


@pytest.fixture(scope="module")
def private_lab(session):
    account, email, phone = PRIVATE
    return Lab(session, "moto", account, "us-east-1", "aws", email=email, phone=phone)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Yield a kernel for those tests that leave it alive."""
    with one_kernel(tmp_path_factory.mktemp("notebooks")) as kernel:
        yield kernel


@pytest.fixture
def notebook(tmp_path):
    """notebook(cell, …): the path of a notebook with these cells."""

    def notebook(*cells, name="00-test"):
        write_notebook(tmp_path / f"{name}.ipynb", *cells)
        return tmp_path / f"{name}.ipynb"

    (tmp_path / "out").mkdir()
    return notebook


@pytest.fixture
def run(private_lab, tmp_path):
    """run(path, kernel): run this notebook; its step."""
    return lambda path, kernel: headless.run_one(path, tmp_path / "out", {}, private_lab, kernel)


def test_nothing_of_one_notebook_is_seen_in_the_next(notebook, kernel, run):
    assert run(notebook(*SPOIL), kernel).ok
    kernel.reset()
    step = run(notebook(*LOOK, name="01-look"), kernel)

    assert (step.error, step.printed()) == (None, "set() False\n[] False False False\n1.5")


def test_a_failed_notebook_is_written_with_its_error_and_without_private_values(notebook, kernel, run, tmp_path):
    cells = (f"print({PRIVATE})", f"raise RuntimeError('no mail for ' + {' '.join(PRIVATE)!r})")

    step = run(notebook(*cells), kernel)
    kernel.reset()

    text = (tmp_path / "out" / "00-test.ipynb").read_text()
    assert (step.ok, step.error) == (False, "RuntimeError: no mail for ********9012 a***@example.com +*********00")
    assert "********9012 a***@example.com +*********00" in text
    assert [value for value in PRIVATE if value in text + step.error] == []


@pytest.mark.slow
def test_a_kernel_that_dies_is_a_failed_step_and_the_notebook_is_written(notebook, run, tmp_path):
    with one_kernel(tmp_path) as kernel:
        step = run(notebook("print('before', flush=True)", "import os; os._exit(1)"), kernel)

    assert step.error == "Kernel died. Run the notebook in JupyterLab to see where."
    assert '"before' in (tmp_path / "out" / "00-test.ipynb").read_text()


@pytest.mark.slow
def test_ctrl_c_leaves_the_notebook_and_no_task_that_would_report_a_dead_kernel(notebook, run, tmp_path):
    path = notebook("import os, signal", "os.kill(os.getppid(), signal.SIGINT); signal.pause()")

    with pytest.raises(KeyboardInterrupt), one_kernel(tmp_path) as kernel:
        run(path, kernel)

    assert (tmp_path / "out" / "00-test.ipynb").exists()
    assert asyncio.all_tasks(ensure_event_loop()) == set()


def test_only_the_owner_can_speak_to_a_kernel_or_listen(notebook, kernel, run):
    assert run(notebook(), kernel).ok

    sockets = Path(kernel.connection_file).parent
    assert len(list(sockets.glob("channel-*"))) == 5
    assert sockets.stat().st_mode & 0o077 == 0
