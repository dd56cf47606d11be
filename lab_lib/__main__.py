"""Start the command `lab`, also as `python -m lab_lib`."""

import io
import os
import signal
import sys
from typing import Any

from lab_lib.language import _


def main() -> None:
    """Run the command. Whatever ends it, such as Ctrl-C or a full disk, it ends without a traceback.

    Only their owner can read the files that the commands, JupyterLab and the kernels write.
    """
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal's encoding, such as GBK, may lack the signs of states
            stream.reconfigure(errors="backslashreplace")
    try:
        from lab_lib.cli.main import app

        app()
    except KeyboardInterrupt as stop:  # while the commands were loaded, which takes a moment
        stopped_by = stop.args[0] if stop.args else signal.SIGINT  # Python's own has no number
        sys.exit(128 + stopped_by)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        message = _(
            "{kind}: {error}. Do the same again. "
            "If that does not help, run it with PYTHONDEVMODE=1, and report all that it prints.",
            kind=type(error).__name__,
            error=error,
        )
        sys.exit(message)
    finally:
        _discard_unwritten()


def _interrupt(number: int, frame: Any) -> None:
    """Stop as Ctrl-C does, with the signal's own exit status. A second signal must not cut off the clean-up."""
    for stopping in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stopping, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def _discard_unwritten() -> None:
    """Discard output that a full disk or a closed pipe did not take; Python would complain about it when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
