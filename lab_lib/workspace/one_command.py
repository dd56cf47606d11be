"""Let one command at a time build, probe or delete a lab on this computer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lab_lib.errors import LabError, LabInUse
from lab_lib.language import N_, _
from lab_lib.workspace.private_files import can_write_to

if TYPE_CHECKING:
    from lab_lib.lab import Lab

_ELSEWHERE = N_("Name another folder in LAB_LOCKS.")


@contextmanager
def alone(lab: "Lab", command: str) -> Iterator[None]:
    """Lock the lab for a command such as "lab run". LabInUse if another one has locked it.

    The lock ends with the process, also if that is killed. Notebooks in JupyterLab take none.
    """
    path = _file_of(lab)
    with can_write_to(path.parent, _ELSEWHERE):
        try:
            held = FileLock(path, mode=0o600, blocking=False).acquire()
        except Timeout:
            raise LabInUse(
                "Another command is at work on this lab ({lab}): {holder}. Wait for its end.",
                lab=lab,
                holder=path.read_text("utf-8"),
            ) from None
        path.write_text(_("`{command}`, process {id}", command=command, id=os.getpid()), encoding="utf-8")
    with held:
        yield


def _file_of(lab: "Lab") -> Path:
    """Return this user's file that locks a lab."""
    place = (lab.endpoint, lab.account, lab.region, lab.prefix)  # each embedded AWS has an endpoint of its own
    return _folder() / f"{sha256(repr(place).encode()).hexdigest()}.lock"


def _folder() -> Path:
    """Return this user's folder for locks. HOME and TMPDIR do not change it, since commands may differ in them."""
    folder = Path(os.environ.get("LAB_LOCKS") or f"/tmp/serverless-lab-{os.getuid()}")  # noqa: S108  # its owner is verified
    with can_write_to(folder, _ELSEWHERE):
        folder.mkdir(0o700, parents=True, exist_ok=True)
        if folder.lstat().st_uid != os.getuid():
            raise LabError("{folder} belongs to another user. {what_to_do}", folder=folder, what_to_do=_(_ELSEWHERE))
    return folder
