"""Run the embedded AWS: a program on this computer that answers as AWS does.

server.py starts, finds and stops it. process.py is the program: ministack, behind the guard in guard.py, which admits
requests of the owner only. It has no settings for what it does unlike AWS, so other modules replace functions of it by
name, each in its `install`. They begin with what a newer ministack would have to do to make them needless.
"""

from types import SimpleNamespace
from typing import Any


def replace(owner: Any, name: str, ours: Any) -> None:
    """Put something in the place of what a module or class of ministack has. AttributeError names what is missing."""
    getattr(owner, name)
    setattr(owner, name, ours)


def replace_in(owner: Any, module: str, **ours: Any) -> None:
    """Give a module of ministack a variant of another module that it has imported, with these names of ours."""
    replace(owner, module, SimpleNamespace(**{**vars(getattr(owner, module)), **ours}))
