"""`lab open`: JupyterLab, with its settings in the folder jupyter beside this file."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

import lab_lib
from lab_lib import language
from lab_lib.cli.setting_options import Settings, takes
from lab_lib.cli.terminal import out, relative_to_cwd
from lab_lib.errors import UsageError
from lab_lib.language import _
from lab_lib.settings import PLACE

_SETTINGS = Path(__file__).parent / "jupyter"  # such as that JupyterLab does not ask about news
# As `python -m jupyterlab` does, but a second sooner.
_START = """
import sys
from lab_lib.exercises.notebook_files import without_slow_import
sys.exit(without_slow_import("jupyterlab.labapp").main())
"""
_LONGEST_END = 30  # seconds for JupyterLab to end its kernels


@takes(*PLACE, "boundary")
def open_(
    settings: Settings,
    fresh: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER", help="Give this notebook anew, such as 03, and keep yours beside it."),
    ] = None,
    student_id: Annotated[
        str,
        typer.Option(
            "--id", help="Your id at the school, for transactions of your own; JupyterHub's login by default."
        ),
    ] = "",
    server: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND]", help="Start this Jupyter server instead, such as JupyterHub's."),
    ] = None,
) -> None:
    """Open your own copy of the notebooks in JupyterLab; on the embedded AWS, unless AWS is named. Ctrl-C ends it.

    The first time, the copy is made, in the folder my-lab. After that it is yours: nothing in it is overwritten.
    """
    from lab_lib.exercises import copies

    if server and not shutil.which(server[0]):
        raise UsageError(
            "{command!r} is not a command; wanted none, or one that starts a Jupyter server.", command=server[0]
        )
    renewed = [copies.renew(number) for number in fresh or []]
    id = student_id or copies.data_id(copies.folder()) or os.environ.get("JUPYTERHUB_USER", "")
    copies.complete(id)
    first = copies.existing((renewed or copies.solved_notebooks())[0].name)
    lab = lab_lib.open_lab(**settings)
    out.say(_("The lab is open: {lab}. Ctrl-C in this terminal ends JupyterLab.", lab=lab))
    out.say(_("Your copy of the notebooks: {path}", path=relative_to_cwd(first.parent)))
    if drawn := copies.data_id(first.parent):
        out.say(_("Your transactions are drawn from the id {id}.", id=drawn))
    variables = {
        **os.environ,
        **{f"LAB_{name.upper()}": value for name, value in settings.items()},
        "JUPYTER_CONFIG_PATH": _config_path(),
        "PYTHONSTARTUP": str(_SETTINGS / "startup.py"),  # each kernel runs it first
        # A terminal in JupyterLab finds the command lab there.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    raise typer.Exit(_run(server or _jupyterlab(first), first.parents[1], variables))


def _jupyterlab(notebook: Path) -> list[str]:
    """Return the command that starts JupyterLab with this notebook open."""
    root = notebook.parents[1]  # the workspace
    return [
        sys.executable,
        "-c",
        _START,
        "--ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{quote(str(notebook.relative_to(root)))}",
        "--log-level=WARN",
        "--KernelManager.transport_encryption=auto",  # no other user of this computer can listen in
        "--allow-root",  # as in a container
    ]


def _run(command: list[str], root: Path, environment: dict[str, str]) -> int:
    """Run a Jupyter server until it ends or this process is interrupted; return the exit status.

    It has a session of its own, so that Ctrl-C does not make it ask whether to shut down.
    """
    jupyterlab = subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return jupyterlab.wait()
    except KeyboardInterrupt as stop:
        jupyterlab.terminate()
        with suppress(subprocess.TimeoutExpired):
            jupyterlab.wait(_LONGEST_END)
        if stop.args:  # a signal, not Ctrl-C
            raise
        return 0
    finally:
        jupyterlab.kill()
        jupyterlab.wait()


def _config_path() -> str:
    """Return the folders of Jupyter's settings: those of the language, the lab's, and the user's."""
    folders = [str(_SETTINGS)]
    if translated := language.folder(language.used()):
        folders.insert(0, str(translated / "jupyter"))
    if of_user := os.environ.get("JUPYTER_CONFIG_PATH"):
        folders.append(of_user)
    return os.pathsep.join(folders)
