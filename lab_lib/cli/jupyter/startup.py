# Runs at the start of each kernel, and of each `python` in a terminal: `lab open` names it in PYTHONSTARTUP.


def _start() -> None:
    from contextlib import suppress

    def replace(line: str, cell: str) -> None:
        from lab_lib.exercises import replacing  # which takes a second to load

        replacing.replace(line, cell)

    if shell := globals().get("get_ipython"):
        with suppress(ImportError):  # the kernel of another environment
            from lab_lib.exercises import short_errors

            short_errors.register(shell())
            shell().register_magic_function(replace, "cell")  # there after a restart too, before any cell has run


_start()
del _start  # the names here are the learner's
