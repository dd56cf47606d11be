"""Wait, and show for what. No other module sleeps, and the lab waits in three ways only.

A helper waits with `wait_until` for what it has asked for: a table that is active, a mapping that is enabled. It says
how long where it calls it; a minute, if it says nothing.
A call waits by itself: `retries.Retry` repeats it while AWS refuses it for a reason of waiting.csv, or answers without
what `recent` knows. How long stands in waiting.csv and `recent.PATIENCE`. Some reasons count on AWS only: elsewhere
nothing is late, and no network is between.
A check that does not hold waits for what was just changed: `checks.making.settled` makes it again.
"""

import math
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ConnectionError, HTTPClientError
from rich.cells import cell_len

from lab_lib.calls.recent import Call, Journal
from lab_lib.errors import TimedOut
from lab_lib.language import N_, _, sentences
from lab_lib.processes.stopwatch import Stopwatch

T = TypeVar("T")
QUIET = "LAB_QUIET"  # set for a kernel that nobody looks at: what it waits for would only be kept in its outputs


class Wait(NamedTuple):
    """Something that is not ready for a while, and how AWS refuses calls for it: a line of waiting.csv.

    Operations, codes and messages are patterns. AWS does not document the messages: they are those that the Terraform
    provider for AWS retries too. A HEAD request has only its HTTP status for a code. A name of a bucket that was
    deleted is refused for hours, so its creation is no other "change".
    """

    what: str  # that is not ready yet
    on_aws: str  # how long that takes
    longest: float  # seconds to wait: a fault that stays must be told soon after
    where: str = ""  # "AWS" for what may be a mistake elsewhere, where nothing is late
    operations: str = ""
    codes: str = ""
    message: str = ""

    @property
    def times(self) -> dict[str, Any]:
        """Return how long `wait_until` waits for the same."""
        return {"on_aws": self.on_aws, "timeout": self.longest}

    def refuses(self, call: Call) -> bool:
        """Return True if AWS has refused the call for this reason."""
        fits = re.fullmatch(self.operations, call.operation) and re.fullmatch(self.codes, call.code)
        return bool(fits and re.search(self.message, call.message))


WAITS = {}
for _line in Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:]:
    _id, _what, _on_aws, _longest, *_how = _line.split(";")
    WAITS[_id] = Wait(_what, _on_aws, float(_longest), *_how)
LOGS_TAKE = WAITS["logs"].on_aws  # until they can be read, by Lambda's guide


def reason(call: Call, exception: Exception | None, journal: Journal | None) -> Wait | None:
    """Return the reason for which a call fails, or is answered wrongly, for a while; None if it does not."""
    if exception:
        is_away = isinstance(exception, ConnectionError | HTTPClientError)
        return WAITS["network"] if journal and is_away else None
    late = journal.read(call) if journal else None
    if late:
        return Wait(str(late), N_("a few seconds"), math.inf)
    for wait in WAITS.values():
        counts_here = journal or wait.where != "AWS"
        if counts_here and wait.refuses(call):
            return wait
    return None


def wait_until(
    probe: Callable[[], T | None],
    what: str,
    *,
    timeout: float = 60,
    on_aws: str = "",
    hint: str = "",
    so_far: Callable[[], str] = str,
    first_pause: float = 0.05,
    longest_pause: float = 2,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] | None = None,
) -> T:
    """Call `probe` until it returns something true, and return that.

    The pause doubles from `first_pause` to `longest_pause` seconds, or to the seconds that a slow probe takes. Soon a
    line shows each second `what`, how long it takes `on_aws`, the time and what there is `so_far`. TimedOut after
    `timeout` seconds, with `what`, `hint` and that in the message. Without a `clock`, a Stopwatch counts them.
    """
    now = clock or time.monotonic
    start = now()
    if answer := probe():
        return answer
    probe_took = now() - start
    pause = first_pause
    watch = clock or Stopwatch().wall  # which takes some milliseconds
    end = watch() + timeout
    with closing(Line()) as line:
        while (seconds_left := end - watch()) > 0:
            end_of_pause = now() + min(max(pause, probe_took), seconds_left)
            while (pause_left := end_of_pause - now()) > 0:
                waited = now() - start
                if waited >= 2:  # seconds
                    line.wait(what, on_aws, _("{seconds:.0f} s", seconds=waited), so_far())
                sleep(min(pause_left, 1))
            begun = now()
            if answer := probe():
                return answer
            probe_took = now() - begun
            pause = min(pause * 2, longest_pause)
    message = _("Waited {seconds:.0f} s for {what}, and it did not happen.", seconds=now() - start, what=_(what))
    raise TimedOut(sentences(message, hint, so_far()))


class Line:
    """Shows a text in the place of the one before. The last one stays in a terminal only.

    A pipe or a file gets the first text only, in a line of its own. A notebook would show stderr in red, so there it is
    on stdout. Where QUIET is set, nothing is shown.
    """

    def __init__(self) -> None:
        ipython = sys.modules.get("IPython")  # a command need not wait for it to load
        self._in_notebook = ipython is not None and hasattr(ipython.get_ipython(), "kernel")
        self._stream = sys.stdout if self._in_notebook else sys.stderr
        self._is_quiet = QUIET in os.environ
        self._repaints = self._in_notebook or self._stream.isatty()
        self._width = 0

    def show(self, text: str) -> None:
        """Show the text."""
        if self._is_quiet:
            return
        if self._repaints:
            blank = " " * (self._width - cell_len(text))  # where the text before was longer
            print(f"\r{text}", end=blank, file=self._stream, flush=True)
        elif not self._width:
            print(text, file=self._stream, flush=True)
        self._width = cell_len(text)

    def wait(self, what: str, on_aws: str, *so_far: str) -> None:
        """Show what is waited for, how long that takes on AWS, and what there is so far."""
        waits = _("waiting for {what}", what=_(what))
        if on_aws:
            waits = _("waiting for {what} (on AWS {on_aws})", what=_(what), on_aws=_(on_aws))
        self.show(f"{waits} … {_(', ').join(filter(None, so_far))}")

    def close(self) -> None:
        """Make room for other output, if a text was shown."""
        if self._width and self._repaints:
            blank = " " * self._width
            end = f"\r{blank}\r" if self._in_notebook else "\n"
            print(end=end, file=self._stream, flush=True)
        self._width = 0
