"""Let one command at a time build, probe or delete a lab on this computer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lab_lib.errors import LabInUse
from lab_lib.language import _
from lab_lib.workspace.places import state_folder
from lab_lib.workspace.private_files import can_write_to

if TYPE_CHECKING:
    from lab_lib.lab import Lab


@contextmanager
def alone(lab: "Lab", command: str) -> Iterator[None]:
    """Lock the lab for a command such as "lab run" of this user. LabInUse if another one has locked it.

    The lock ends with the process, also if that is killed. Notebooks in JupyterLab take none.
    """
    path = _file_of(lab)
    with can_write_to(path.parent):
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
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
    """Return the file that locks a lab."""
    place = (lab.endpoint, lab.account, lab.region, lab.prefix)  # each embedded AWS has an endpoint of its own
    return state_folder() / "locks" / f"{sha256(repr(place).encode()).hexdigest()}.lock"
