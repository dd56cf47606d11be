"""The learner's copy in JupyterLab in Chromium, as `lab open` shows it. Screenshots go to runs/browser."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_lib.exercises.copies import ROOT
from lab_lib.run.headless import notebooks
from lab_lib.waiting import PROGRESS_FILE, wait_until
from tests.learners import solve

pytestmark = pytest.mark.slow

LAB = str(Path(sys.executable).with_name("lab"))
RUN_ALL = """async () => {
    await jupyterapp.commands.execute('notebook:run-all-cells');
    const cells = jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
    return cells.map(cell => cell.cell_type === 'code' ? cell.getOutputs() : []);
}"""
IS_READY = """stem => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    return widget && widget.context && widget.context.path.includes(stem) && widget.context.isReady
        && widget.sessionContext.session && widget.sessionContext.session.kernel
        && widget.sessionContext.session.kernel.status === 'idle';
}"""
RESTART_AND_RUN = """async (number) => {
    const widget = jupyterapp.shell.currentWidget;
    await widget.sessionContext.session.kernel.restart();
    widget.content.activeCellIndex = number;
    await jupyterapp.commands.execute('notebook:run-cell');
    return widget.content.model.sharedModel.cells[number].getOutputs();
}"""
GROW = """() => {
    const height = document.querySelector('.jp-WindowedPanel-inner')?.scrollHeight ?? 0;
    return Math.min(Math.max(height + 100, 900), 16000);
}"""
SHOWS_THE_CHAIN = "() => document.querySelector('.jp-MarkdownCell img[alt^=\"The chain of the lab\"]').naturalWidth > 0"
TO_THE_TOP = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)"
CONFIG = {"LabApp": {"expose_app_in_browser": True}, "ServerApp": {"open_browser": False}}
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are drawn, also those out of sight
}


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    """Yield the folder of a copy that is not there yet, beside `notebooks/`."""
    with tempfile.TemporaryDirectory(prefix="my-lab-", dir=ROOT) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def jupyterlab(browser, copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the copy in a JupyterLab that `lab open` has started; Ctrl-C ends it."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "jupyter_server_config.json").write_text(json.dumps(CONFIG))
    for plugin, values in SETTINGS.items():
        path = folder / "lab" / "user-settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    folders = {"JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "LAB_COPY": str(copy)}
    environment = {name: value for name, value in os.environ.items() if name != PROGRESS_FILE}
    lab = subprocess.Popen([LAB, "open"], env={**environment, **folders})
    try:
        (note,) = wait_until(lambda: list(folder.glob("runtime/jpserver-*.json")), "JupyterLab to start")
        about = json.loads(note.read_text())
        solve(copy)
        yield f"{about['url']}doc/tree/{copy.name}/{{}}.ipynb?token={about['token']}"
    finally:
        lab.send_signal(signal.SIGINT)
        assert lab.wait() == 0


@pytest.fixture(scope="module")
def page(browser) -> Iterator[object]:
    with browser.new_page(viewport={"width": 1100, "height": 900}) as page:
        yield page


@pytest.mark.parametrize("stem", [path.stem for path in notebooks()])
def test_a_notebook_runs_in_jupyterlab_without_an_error_and_no_pop_up_asks_anything(
    stem: str, jupyterlab: str, page, shots: Path
) -> None:
    page.goto(jupyterlab.format(stem))
    page.wait_for_function(IS_READY, arg=stem, timeout=0)

    outputs = page.evaluate(RUN_ALL)

    shown = [output for cell in outputs for output in cell]
    assert shown
    assert [output for output in shown if output["output_type"] == "error"] == []
    page.wait_for_function(SHOWS_THE_CHAIN)
    page.set_viewport_size({"width": 1100, "height": page.evaluate(GROW)})
    page.evaluate(TO_THE_TOP)
    page.screenshot(path=shots / f"{stem}.png")
    page.set_viewport_size({"width": 1100, "height": 900})
    assert page.locator(".Toastify__toast").all_text_contents() == []


def test_a_cell_that_is_run_after_a_restart_says_which_cells_come_first(jupyterlab: str, page) -> None:
    path = notebooks()[3]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (checkpoint,) = [n for n, cell in enumerate(cells) if "checkpoint" in cell["metadata"].get("tags", [])]
    page.goto(jupyterlab.format(path.stem))
    page.wait_for_function(IS_READY, arg=path.stem, timeout=0)

    (shown,) = page.evaluate(RESTART_AND_RUN, checkpoint)

    assert shown["traceback"][0].startswith("`notebook` is not there")
    assert len(shown["traceback"]) == 1
