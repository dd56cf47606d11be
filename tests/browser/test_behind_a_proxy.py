"""JupyterLab behind a proxy: the learner's 00 in Chromium, and who else is refused."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab_lib.places import WORKSPACE
from lab_lib.waiting import wait_until
from tests.browser.opened import IS_READY, LAB, REACH, opened
from tests.browser.proxy import proxy
from tests.web_server import serving, unasked

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FIRST = "00-start-here"
RUN = """async (numbers) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    for (const number of numbers) {
        notebook.activeCellIndex = number;
        await jupyterapp.commands.execute('notebook:run-cell');
    }
    return notebook.model.sharedModel.cells[numbers.at(-1)].getOutputs();
}"""


def in_terminal(log: Path, address: str) -> str:
    """Return the address in the terminal that begins like this one, and has the token."""
    pattern = re.compile(rf"{re.escape(address)}\S*\?token=\w+")
    return wait_until(lambda: pattern.search(log.read_text()), "the address in the terminal")[0]


@pytest.fixture(scope="module")
def through():
    """Yield a proxy before a free port."""
    with unasked() as port:
        pass
    with proxy(port) as through:
        yield through


@pytest.fixture(scope="module")
def address(through):
    return f"http://lab.localhost:{through.server_address[1]}/user/ana/"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab_open(through, address, workspace):
    """Yield the address that `lab open` prints behind the proxy."""
    with opened(workspace, LAB, "open", "--address", address, JUPYTER_PORT=str(through.port)):
        yield in_terminal(workspace / "log", address)


@pytest.fixture
def page(browser):
    with browser.new_context() as context:
        yield context.new_page()


def run(page, *cells):
    """Return what the last of these cells shows."""
    page.wait_for_function(IS_READY, arg=FIRST, timeout=0)
    return page.evaluate(RUN, cells)


def test_the_learners_00_runs_through_a_proxy(lab_open, page):
    page.goto(lab_open)

    assert "inputs3bucketfortransact" in str(run(page, 2, 4, 6))


@pytest.mark.parametrize("host", ["", "localhost:{}"], ids=["keeps the host", "puts localhost in its place"])
def test_jupyterlab_answers_the_page_that_comes_through_a_proxy_and_none_of_another_port(
    host, lab_open, address, through, page
):
    through.host = host.format(through.port)

    page.goto(lab_open, wait_until="commit")  # its scripts need not run
    assert page.evaluate(REACH, address) == [200, True]

    with serving() as other:
        page.goto(f"http://lab.localhost:{other.server_address[1]}")  # a browser sends it the same cookies
        assert page.evaluate(REACH, address) == [0, False]


def test_a_second_jupyterlab_takes_no_port_that_the_proxy_does_not_know(lab_open, address, through, workspace):
    environment = {**os.environ, WORKSPACE: str(workspace), "JUPYTER_PORT": str(through.port)}

    second = subprocess.run([LAB, "open", "--address", address], env=environment, capture_output=True, text=True)

    assert (second.returncode, f"port {through.port} is not available" in second.stderr) == (1, True), second.stderr


def test_a_page_that_makes_its_own_name_mean_this_computer_is_refused(lab_open, through, page):
    assert page.goto(f"http://page.example:{through.port}/user/ana/lab").status == 403


def test_binder_opens_the_learners_00_with_our_settings(page, tmp_path):
    shutil.copytree(ROOT / ".binder", tmp_path / ".binder")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    binders = ["python3", "-c", "import os, sys, jupyterlab; os.execvp('jupyter-lab', sys.argv)", "--allow-root"]
    options = [f"--ServerApp.{name}" for name in ("base_url=/user/ana/", "token=x", "allow_remote_access=True")]
    with (
        opened(tmp_path, str(tmp_path / ".binder" / "start"), *binders, *options) as about,
        proxy(about["port"]) as hub,
    ):
        page.goto(f"http://lab.localhost:{hub.server_address[1]}/user/ana/lab/tree/my-lab/{FIRST}.ipynb?token=x")

        [too_soon] = run(page, 6)
        made = run(page, 2, 4, 6)

    assert too_soon["traceback"][0].startswith("`notebook` is not there")
    assert "inputs3bucketfortransact" in str(made)
