"""Wait for events that boto3's waiters do not cover. No other module sleeps."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError

from lab_lib.errors import TimedOut, error_code

T = TypeVar("T")


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
    `say_after` seconds, stderr shows `what`, the time and what there is `so_far`. TimedOut after `timeout` seconds,
    with `what` and `hint` in the message.
    """
    start = begun = clock()
    pause, width = first_pause, 0
    while not (answer := probe()):
        took, waited = clock() - begun, clock() - start
        if waited >= timeout:
            print(file=sys.stderr, end="\n" if width else "")
            raise TimedOut(f"Waited {waited:.0f} s for {what}, and it did not happen.{' ' + hint if hint else ''}")
        if waited >= say_after:
            text = f"waiting for {what} … {', '.join(filter(None, [f'{waited:.0f} s', so_far()]))}"
            print(f"\r{text:{width}}", end="", file=sys.stderr, flush=True)
            width = len(text)
        sleep(min(max(pause, took), max(timeout - waited, 0.001)))
        pause, begun = min(pause * 2, longest_pause), clock()
    if width:
        text = f"waited {clock() - start:.0f} s for {what}."
        print(f"\r{text:{width}}", file=sys.stderr, flush=True)
    return answer


def with_progress(
    items: Iterable[T], what: str, *, say_after: float = 2, clock: Callable[[], float] = time.monotonic
) -> Iterator[T]:
    """Yield the items. After `say_after` seconds, stderr shows once a second how many there were."""
    due, shown = clock() + say_after, False
    for count, item in enumerate(items, 1):
        if count % 1_000 == 0 and clock() >= due:
            due, shown = clock() + 1, True
            print(f"\r{count:,} {what} …", end="", file=sys.stderr, flush=True)
        yield item
    if shown:
        print(file=sys.stderr)


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
