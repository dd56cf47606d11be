"""Wait for events that boto3's waiters do not cover. No other module sleeps."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import ClientError

from lab_lib.errors import TimedOut, error_code

T = TypeVar("T")
UNSEEN = "LAB_PROGRESS"  # set for a kernel that nobody looks at: a file that is to hold what a cell waits for


def wait_until(
    probe: Callable[[], T | None],
    what: str,
    *,
    timeout: float = 60,
    hint: str = "",
    so_far: Callable[[], str] = str,
    first_pause: float = 0.05,
    longest_pause: float = 2,
    say_after: float = 2,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Call `probe` until it returns something true, and return that.

    The pause doubles from `first_pause` to `longest_pause` seconds, or to the seconds that a slow probe takes. After
    `say_after` seconds, a line shows `what`, the time and what there is `so_far`. TimedOut after `timeout` seconds,
    with `what` and `hint` in the message.
    """
    start = begun = clock()
    with _line() as show:
        pause = first_pause
        while not (answer := probe()):
            took, waited = clock() - begun, clock() - start
            if waited >= timeout:
                raise TimedOut(f"Waited {waited:.0f} s for {what}, and it did not happen.{' ' + hint if hint else ''}")
            if waited >= say_after:
                show(f"waiting for {what} … {', '.join(filter(None, [f'{waited:.0f} s', so_far()]))}")
            sleep(min(max(pause, took), max(timeout - waited, 0.001)))
            pause, begun = min(pause * 2, longest_pause), clock()
    return answer


def with_progress(
    items: Iterable[T], what: str, *, say_after: float = 2, clock: Callable[[], float] = time.monotonic
) -> Iterator[T]:
    """Yield the items. After `say_after` seconds, a line shows once a second how many there were."""
    due = clock() + say_after
    with _line() as show:
        for count, item in enumerate(items, 1):
            if count % 1_000 == 0 and clock() >= due:
                due = clock() + 1
                show(f"{count:,} {what} …")
            yield item


def retry_while(
    codes: dict[str, str],
    call: Callable[[], T],
    what: str,
    *,
    timeout: float = 90,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Repeat a call while AWS answers that a resource is not ready yet, and return its answer.

    `codes` maps an error code to a pattern that its message must match ("" for any). Any other error is raised at once,
    the last of these after `timeout` seconds.
    """
    deadline = clock() + timeout

    def attempt() -> tuple[T] | None:
        try:
            return (call(),)
        except ClientError as error:
            words = codes.get(error_code(error))
            if words is None or not re.search(words, str(error)) or clock() >= deadline:
                raise
            return None

    wait = partial(wait_until, first_pause=0.5, longest_pause=5, sleep=sleep, clock=clock)
    return wait(attempt, what, timeout=timeout + 30)[0]


@contextmanager
def _line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows a line in the place of the one before; the last one stays in a terminal only.

    A notebook would show stderr in red, so there it is on stdout. What a kernel writes that nobody looks at would only
    be kept, so there it goes to the file UNSEEN.
    """
    unseen, in_notebook, width = os.environ.get(UNSEEN), _in_notebook(), 0
    stream = sys.stdout if in_notebook else sys.stderr

    def show(text: str) -> None:
        nonlocal width
        if unseen:
            Path(unseen).write_text(text, encoding="utf-8")
        else:
            print(f"\r{text:{width}}", end="", file=stream, flush=True)
        width = len(text)

    try:
        yield show
    finally:
        if width:
            if unseen or in_notebook:
                show("")
            if not unseen:
                print(end="\r" if in_notebook else "\n", file=stream, flush=True)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # a command need not wait for it to load
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
