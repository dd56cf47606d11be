"""What the embedded AWS keeps from one start to the next, and what a kill has lost.

The server saves its state at a clean stop only; but what goes into buckets, and out of them, it writes at once. So
that after a kill both are of the same moment, each start puts a copy of the buckets aside.
"""

import shutil
from datetime import datetime
from pathlib import Path


def lost(folder: Path, note: Path) -> str | None:
    """What the last server has lost, in a line; None if it saved its state after the note of its start was written."""
    saved = max((path.stat().st_mtime for path in folder.glob("*.json")), default=0.0)
    if not note.exists() or saved >= note.stat().st_mtime:
        return None
    since = f" since {datetime.fromtimestamp(saved):%Y-%m-%d %H:%M}" if saved else ""
    return (
        "The embedded AWS was killed, or this machine went down, before it could save its state. "
        f"All that was made and changed there{since} is lost. Begin again at notebook 00."
    )


def settle_buckets(folder: Path, lost: str | None) -> None:
    """Put the buckets aside as the last clean stop left them; or, if what came after is lost, put those back."""
    live, aside = folder / "s3", folder / "s3-of-last-stop"
    old, new = (live, aside) if lost else (aside, live)
    if old.exists():
        shutil.rmtree(old)
    if new.exists():
        shutil.copytree(new, old)
