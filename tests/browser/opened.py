"""JupyterLab with the learner's copy, as `lab open` starts it, and what the tests ask of its page."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab_lib.places import WORKSPACE
from lab_lib.waiting import PROGRESS_FILE, wait_until

LAB = str(Path(sys.executable).with_name("lab"))
IS_READY = """stem => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    return widget && widget.context && widget.context.path.includes(stem) && widget.context.isReady
        && widget.sessionContext.session && widget.sessionContext.session.kernel
        && widget.sessionContext.session.kernel.status === 'idle';
}"""
CONFIG = {"LabApp": {"expose_app_in_browser": True}, "ServerApp": {"open_browser": False}}
SETTINGS = {
    "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
        "windowingMode": "none"  # all cells are drawn, also those out of sight
    },
}


REACH = """async (address) => {
    const answer = await fetch(address + 'api/contents', {credentials: 'include'}).then(got => got.status, () => 0);
    const socket = new WebSocket(address.replace('http', 'ws') + 'api/events/subscribe');
    const opened = new Promise(tell => { socket.onopen = () => tell(true); socket.onerror = () => tell(false); });
    return [answer, await opened];
}"""  # whether JupyterLab answers this page, and lets it open a WebSocket; all cells need one


@contextmanager
def opened(workspace: Path, *command: str, **variables: str) -> Iterator[dict[str, Any]]:
    """Run a command that starts JupyterLab in this workspace. Yield what JupyterLab notes about itself.

    Ctrl-C ends it. What it prints is in the file `log` of the workspace.
    """
    folder = workspace / "jupyter"
    for path, values in {"jupyter_server_config.json": CONFIG, **SETTINGS}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(values))
    environment = {name: value for name, value in os.environ.items() if name != PROGRESS_FILE} | variables
    environment |= {
        WORKSPACE: str(workspace),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_RUNTIME_DIR": f"{folder}/run",
    }
    with (workspace / "log").open("w") as log:
        lab = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        (note,) = wait_until(lambda: list(folder.glob("run/jpserver-*.json")), "JupyterLab to start")
        yield json.loads(note.read_text())
    finally:
        lab.send_signal(signal.SIGINT)
        assert lab.wait() == 0
        subprocess.run([LAB, "local", "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)
