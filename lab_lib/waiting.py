"""The only place that sleeps. boto3's own waiters come first; this is for what they do not know."""

import re
import sys
import time
from collections.abc import Callable
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
    first_pause: float = 0.05,
    longest_pause: float = 2,
    say_after: float = 2,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Ask `probe` until its answer is true, and return that answer.

    The pause doubles from `first_pause` to `longest_pause` seconds. A wait of more than `say_after` seconds shows
    itself on a terminal or in a notebook. TimedOut after `timeout` seconds, with `what` and `hint` in the message.
    """
    start, pause, said = clock(), first_pause, False
    while not (answer := probe()):
        waited = clock() - start
        if waited >= timeout:
            print(file=sys.stderr, end="\n" if said else "")
            raise TimedOut(f"Waited {waited:.0f} s for {what}, and it did not happen.{' ' + hint if hint else ''}")
        if waited >= say_after:
            said = True
            print(f"\rwaiting for {what} … {waited:.0f} s", end="", file=sys.stderr, flush=True)
        sleep(min(pause, max(timeout - waited, 0.001)))
        pause = min(pause * 2, longest_pause)
    if said:
        print(f"\rwaited {clock() - start:.0f} s for {what}.   ", file=sys.stderr, flush=True)
    return answer


def retry_while(
    codes: dict[str, str],
    call: Callable[[], T],
    what: str,
    *,
    timeout: float = 90,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Call again while AWS answers that something it needs is not ready yet.

    `codes` maps an error code to a pattern that its message must match ("" for any). Every other error goes up at
    once; after `timeout` seconds the last one does.
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

    return wait_until(attempt, what, timeout=timeout + 30, first_pause=0.5, longest_pause=5, sleep=sleep, clock=clock)[
        0
    ]
