"""The lab in JupyterLab in Chromium, as `lab open` shows it to a learner. Screenshots go to runs/browser."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_lib.run.headless import notebooks
from lab_lib.waiting import wait_until

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
GROW = """() => {
    const height = document.querySelector('.jp-WindowedPanel-inner')?.scrollHeight ?? 0;
    return Math.min(Math.max(height + 100, 900), 16000);
}"""
SHOWS_THE_CHAIN = "() => document.querySelector('.jp-MarkdownCell img[alt^=\"The chain of the lab\"]').naturalWidth > 0"
TO_THE_TOP = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)"
CONFIG = {"LabApp": {"expose_app_in_browser": True}, "ServerApp": {"open_browser": False}}
SETTINGS = {
    "docmanager-extension/plugin": {"autosave": False},  # these are the repository's own notebooks
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are drawn, also those out of sight
}


@pytest.fixture(scope="module")
def jupyterlab(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Yield address and token of a JupyterLab that `lab open` has started; Ctrl-C ends it."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "jupyter_server_config.json").write_text(json.dumps(CONFIG))
    for plugin, values in SETTINGS.items():
        path = folder / "lab" / "user-settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    folders = {"JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    lab = subprocess.Popen([LAB, "open"], env={**os.environ, **folders})
    try:
        (note,) = wait_until(lambda: list(folder.glob("runtime/jpserver-*.json")), "JupyterLab to start")
        about = json.loads(note.read_text())
        yield about["url"], about["token"]
    finally:
        lab.send_signal(signal.SIGINT)
        assert lab.wait(timeout=60) == 0


@pytest.fixture(scope="module")
def page(browser) -> Iterator[object]:
    with browser.new_page(viewport={"width": 1100, "height": 900}) as page:
        yield page


@pytest.mark.parametrize("stem", [path.stem for path in notebooks()])
def test_a_notebook_runs_in_jupyterlab_without_an_error_and_no_pop_up_asks_anything(
    stem: str, jupyterlab: tuple[str, str], page, shots: Path
) -> None:
    address, token = jupyterlab
    page.goto(f"{address}doc/tree/notebooks/{stem}.ipynb?token={token}")
    page.wait_for_function(IS_READY, arg=stem, timeout=60_000)

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
