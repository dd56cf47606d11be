# Runs at the start of each kernel, and of each `python` in a terminal: `lab open` names it in PYTHONSTARTUP.


def _start() -> None:
    from contextlib import suppress

    if shell := globals().get("get_ipython"):
        with suppress(ImportError):  # the kernel of another environment
            from lab_lib.exercises import short_errors

            short_errors.register(shell())


_start()
del _start  # the names here are the learner's
