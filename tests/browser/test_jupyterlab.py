"""The learner's copy in JupyterLab in Chromium, as `lab open` shows it.

The copy is in Chinese: so what is not translated is found too. The other tests in a browser are in English.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_lib.calls.waiting import QUIET, wait_until
from lab_lib.lab import open_lab
from lab_lib.run.headless import notebooks
from lab_lib.workspace.places import WORKSPACE
from tests.lab.chains import Chain
from tests.learners import solve
from tests.shown import english, shown

pytestmark = pytest.mark.slow

LAB = str(Path(sys.executable).with_name("lab"))
SETTINGS = {
    "jupyter_server_config.json": {"LabApp": {"expose_app_in_browser": True}, "ServerApp": {"open_browser": False}},
    "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
        "windowingMode": "none"  # all cells are drawn, also those out of sight
    },
}
OPEN = "async path => { await jupyterapp.restored; await jupyterapp.commands.execute('docmanager:open', {path}); }"
IS_READY = """stem => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    return widget && widget.context && widget.context.path.includes(stem) && widget.context.isReady
        && widget.sessionContext.session && widget.sessionContext.session.kernel
        && widget.sessionContext.session.kernel.status === 'idle';
}"""
RUN_ALL = """async () => {
    await jupyterapp.commands.execute('notebook:run-all-cells');
    const cells = jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
    return cells.map(cell => cell.cell_type === 'code' ? cell.getOutputs() : []);
}"""
SHOWS_THE_CHAIN = """() => jupyterapp.shell.currentWidget.node
    .querySelector('.jp-CodeCell svg[aria-label^="实验的链路"]').clientHeight > 0"""
LONGEST_START = 240_000  # milliseconds, on a busy computer


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def jupyterlab(browser, workspace: Path) -> Iterator[str]:
    """Yield the address of a JupyterLab that `lab open` has started, with the solutions in the copy."""
    folder = workspace / "jupyter"
    for path, values in SETTINGS.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(values))
    environment = {name: value for name, value in os.environ.items() if name != QUIET}
    environment |= {WORKSPACE: str(workspace), "JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
    lab = subprocess.Popen([LAB, "open", "--lang", "zh_CN"], env=environment)
    try:
        (note,) = wait_until(lambda: list(folder.glob("jpserver-*.json")), "JupyterLab to start")
        about = json.loads(note.read_text())
        solve(workspace / "my-lab")
        yield f"{about['url']}lab?token={about['token']}"
    finally:
        lab.send_signal(signal.SIGINT)
        assert lab.wait() == 0
        subprocess.run([LAB, "local", "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def page(jupyterlab: str, browser) -> Iterator[object]:
    """Yield a page with JupyterLab, which takes longer to load than to open a notebook."""
    with browser.new_page(viewport={"width": 1100, "height": 900}) as page:
        page.goto(jupyterlab)
        yield page


def show(page, stem: str) -> None:
    """Open a notebook in JupyterLab, and wait until it can be run."""
    page.wait_for_function("window.jupyterapp", timeout=LONGEST_START)
    page.evaluate(OPEN, f"my-lab/{stem}.ipynb")
    page.wait_for_function(IS_READY, arg=stem, timeout=LONGEST_START)


# The first, and the one with the live cell: nbval runs them all, and test_learner.py in a language.
@pytest.mark.parametrize("number", [0, 5])
def test_a_notebook_runs_in_jupyterlab_without_an_error_and_no_pop_up_asks_anything(
    number: int, page, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stem = notebooks()[number].stem
    if number == 5:
        monkeypatch.setenv(WORKSPACE, str(workspace))
        Chain(open_lab()).build()  # what the notebooks between them make
    show(page, stem)

    outputs = page.evaluate(RUN_ALL)

    assert any(outputs)
    assert [output for cell in outputs for output in cell if output["output_type"] == "error"] == []
    read = shown({"cells": [{"outputs": of_cell} for of_cell in outputs]})
    assert [words for text in read for words in english(text)] == []
    page.wait_for_function(SHOWS_THE_CHAIN)
    assert page.locator(".Toastify__toast").all_text_contents() == []
    assert page.locator(".lm-MenuBar").first.inner_text().split()[:3] == ["文件", "编辑", "查看"]
