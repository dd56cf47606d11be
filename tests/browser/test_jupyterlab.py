"""Every notebook in JupyterLab in Chromium, as a learner sees it. Screenshots go to runs/browser.

Skipped where Chromium is not installed.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_lib.run.headless import notebooks
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

RUN_ALL = """async () => {
    await jupyterapp.commands.execute('notebook:run-all-cells');
    const cells = jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
    return cells.map(cell => cell.cell_type === 'code' ? cell.getOutputs() : []);
}"""
IS_READY = """stem => {
    const widget = jupyterapp.shell.currentWidget;
    return widget && widget.context && widget.context.path.includes(stem) && widget.context.isReady
        && widget.sessionContext.session && widget.sessionContext.session.kernel
        && widget.sessionContext.session.kernel.status === 'idle';
}"""
GROW = """() => {
    const height = document.querySelector('.jp-WindowedPanel-inner')?.scrollHeight ?? 0;
    return Math.min(Math.max(height + 100, 900), 16000);
}"""
TO_THE_TOP = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)"


@pytest.fixture(scope="module")
def jupyterlab(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A JupyterLab over a copy of the notebooks; its address and token."""
    folder, token = tmp_path_factory.mktemp("lab"), secrets.token_hex(8)
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name)
    settings = folder / "settings"
    for plugin, values in {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are drawn, also those out of sight
    }.items():
        path = settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={address.split(':')[-1]}", "--expose-app-in-browser"]
    options += [
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
        "--KernelManager.transport_encryption=auto",
    ]
    if os.geteuid() == 0:
        options.append("--allow-root")
    environment = {**os.environ, "JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    with (folder / "jupyterlab.log").open("wb") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(f"{address}/api?token={token}"), "JupyterLab to start", timeout=60)
        yield address, token
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def page(browser) -> Iterator[object]:
    with browser.new_page(viewport={"width": 1100, "height": 900}) as page:
        yield page


@pytest.mark.parametrize("stem", [path.stem for path in notebooks()])
def test_a_notebook_runs_in_jupyterlab_and_shows_no_error(
    stem: str, jupyterlab: tuple[str, str], page, shots: Path
) -> None:
    address, token = jupyterlab
    page.goto(f"{address}/doc/tree/notebooks/{stem}.ipynb?token={token}")
    page.wait_for_function(IS_READY, arg=stem, timeout=60_000)

    outputs = page.evaluate(RUN_ALL)

    shown = [output for cell in outputs for output in cell]
    assert shown
    assert [output for output in shown if output["output_type"] == "error"] == []
    page.wait_for_selector(".jp-RenderedMermaid img, .jp-RenderedMermaid svg", timeout=30_000)
    page.set_viewport_size({"width": 1100, "height": page.evaluate(GROW)})
    page.evaluate(TO_THE_TOP)
    page.screenshot(path=shots / f"{stem}.png")
    page.set_viewport_size({"width": 1100, "height": 900})
    assert page.locator("text=Syntax error").count() == 0  # what Mermaid draws when it cannot read a picture


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url, timeout=1).status == 200)
    except OSError:
        return False
