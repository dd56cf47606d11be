"""Note each wait and each repeated call while `lab prove` measures them: a line of JSON each, in one file.

The notebooks run in a kernel, so its variable names the file. Without the variable nothing is noted.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FILE = "LAB_WAITED"
_SHORTEST = 1  # seconds; a shorter wait is only the time that an answer takes
_REFUSED = "lab-refused"  # botocore keeps a call's context from one attempt to the next


@contextmanager
def noted_wait(what: str, on_aws: str, clock: Callable[[], float]) -> Iterator[None]:
    """Note how long the block waits for something, also if that does not happen."""
    begun = clock()
    try:
        yield
    finally:
        if (seconds := clock() - begun) >= _SHORTEST:
            _note(what=what, on_aws=on_aws, seconds=seconds)


def note_retry(context: dict[str, Any], operation: str, code: str, what: str, on_aws: str) -> None:
    """Note a repeated call, at its answer: why AWS refused the attempt before, and the seconds since the first one.

    `code` is that of this answer, and `what` is not ready yet, if that is why.
    """
    now = time.monotonic()
    since, refused = context.get(_REFUSED, (now, {}))
    if refused:
        _note(**refused, seconds=now - since)
    context[_REFUSED] = since, {"operation": operation, "code": code or "no answer", "what": what, "on_aws": on_aws}


def _note(seconds: float, **note: str) -> None:
    if path := os.environ.get(FILE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**note, "seconds": round(seconds, 1)}) + "\n")
