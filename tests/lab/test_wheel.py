"""The built wheel, in empty folders: run by uvx, and installed by pip."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError

import psutil
import pytest

from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server
from lab_lib.processes.family import kill
from lab_lib.workspace.places import PACKAGE

pytestmark = pytest.mark.slow
CHECKOUT = PACKAGE.parent
NAME = "serverless-lab-workbook"
UV, UVX = (Path(sys.executable).with_name(name) for name in ("uv", "uvx"))
FIRST = "my-lab/00-start-here.ipynb"
PLAIN = {"capture_output": True, "text": True, "check": False}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel that the variable WHEEL names, or build it."""
    if given := os.environ.get("WHEEL"):
        return Path(given).resolve(strict=True)
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--no-build-isolation", "--offline", "-o", folder, CHECKOUT], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return a virtual environment with the wheel.

    The dependencies are those of the lock. uv takes them from its cache, or else from the network. pip installs the
    wheel, and looks whether all that it needs is there.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    needed = ["--python", folder, "--constraints", CHECKOUT / "requirements.lock", "-r", CHECKOUT / "pyproject.toml"]
    install = [UV, "pip", "install", "--quiet", *needed]
    if subprocess.run([*install, "--offline"], capture_output=True, check=False).returncode:
        subprocess.run(install, check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    return folder


@pytest.fixture(scope="module")
def uvx(wheel, installed, tmp_path_factory):
    """Return `uvx`, with the versions of the lock. What it needs is in uv's cache, now that the lab is `installed`.

    The lab's name means the wheel here, whatever a registry has.
    """
    this = tmp_path_factory.mktemp("constraints") / "this.txt"
    this.write_text(f"{NAME} @ {wheel.as_uri()}\n")
    command = [UVX, "--offline", "--python", sys.executable, "-c", CHECKOUT / "requirements.lock", "-c", this]
    yield command
    made = subprocess.run([*command, "--from", NAME, "python", "-c", "import sys; print(sys.prefix)"], **PLAIN)
    shutil.rmtree(made.stdout.strip())  # it would stay in uv's cache


@pytest.fixture
def empty():
    """Yield an empty folder, beside an empty home. The embedded AWS of a folder ends when that is deleted."""
    with TemporaryDirectory(prefix="lab-wheel-", ignore_cleanup_errors=True) as place:
        (folder := Path(place) / "work").mkdir()
        (Path(place) / "home").mkdir()
        yield folder


def settings(folder):
    """Return how a process starts in this folder: with its home beside it, and no other setting of this computer."""
    cache = subprocess.run([UV, "cache", "dir"], **PLAIN).stdout.strip()
    home = folder.with_name("home")
    return {"cwd": folder, "env": {"HOME": home, "PATH": os.defpath, "UV_CACHE_DIR": cache, "BROWSER": "true"}}


def test_uvx_and_the_name_alone_open_the_lab_and_ctrl_c_ends_it(uvx, empty):
    log = empty.with_name("log")
    with log.open("w") as said:
        command = [*uvx, NAME, "open"]
        process = subprocess.Popen(command, **settings(empty), stdout=said, stderr=said, start_new_session=True)

    def ask(path, data=None, with_token=True):
        about = json.loads(next(empty.with_name("home").rglob("jpserver-*.json")).read_text())
        return urllib.request.urlopen(about["url"] + path + (f"?token={about['token']}" if with_token else ""), data)

    def answers():
        assert process.poll() is None, log.read_text()
        try:
            return ask("api/status").status == 200
        except (StopIteration, OSError, ValueError):  # it has not said yet where it is, or does not listen
            return False

    try:
        wait_until(answers, "JupyterLab to answer", timeout=120)
        first = json.load(ask(f"api/contents/{FIRST}"))
        with pytest.raises(HTTPError, match="403"):
            ask(f"api/contents/{FIRST}", with_token=False)
        assert ask(f"lab/tree/{FIRST}").status == 200
        assert ask("api/kernels", data=b"{}").status == 201
        processes = psutil.Process(process.pid).children(recursive=True)
        ours = [one for one in processes if server.PROGRAM not in one.cmdline()]  # not the embedded AWS
        found = {shutil.which("lab", path=one.environ()["PATH"]) for one in ours}
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all processes of its foreground
        assert process.wait() == 0
    finally:
        kill(process.pid)
    assert "SOLUTION" not in str(first["content"])
    assert [path.name for path in empty.iterdir()] == ["my-lab"]
    assert None not in found  # a terminal in JupyterLab finds it
    left = [one for one in processes if one.is_running()]
    assert [server.PROGRAM in one.cmdline() for one in left] == [True]  # the embedded AWS outlives it, and no kernel


def test_the_installed_lab_runs_and_checks(installed, empty):
    lab = installed / "bin" / "lab"

    command = ["sh", "-c", f"{lab} run --until 00 && {lab} check --step 00"]
    done = subprocess.run(command, **settings(empty), **PLAIN)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in empty.iterdir()] == ["runs"]
