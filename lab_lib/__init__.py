"""Build and check the serverless lab: `from lab_lib import open_lab`, and `from lab_lib.aws import queues`."""

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab_lib.lab import open_lab

__all__ = ["open_lab"]
gc.set_threshold(100_000)  # objects: libraries make so many that Python's 700 cost a tenth of the time to load them


def __getattr__(name: str) -> Any:
    """Import open_lab when it is first used: boto3 takes 0.2 s, which `lab --help` and the server can do without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lab_lib.lab import open_lab

    return open_lab
