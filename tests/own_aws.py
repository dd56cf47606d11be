"""An embedded AWS for a command that measures: an empty one, and none of the user's settings."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_lib.embedded import server
from lab_lib.language import ENGLISH, VARIABLE
from lab_lib.workspace.places import WORKSPACE


@contextmanager
def own_aws(name: str) -> Iterator[Path]:
    """Give a workspace with an embedded AWS that starts when it is needed, and stops with the context."""
    for variable in [variable for variable in os.environ if variable.startswith(("AWS_", "LAB_"))]:
        del os.environ[variable]
    with tempfile.TemporaryDirectory(prefix=f"lab-{name}-") as home:
        os.environ |= {VARIABLE: ENGLISH, WORKSPACE: home, "XDG_STATE_HOME": f"{home}/state"}
        try:
            yield Path(home)
        finally:
            server.stop()
