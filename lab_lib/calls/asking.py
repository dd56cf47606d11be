"""Ask before something is made or deleted on AWS."""

import sys
from contextlib import redirect_stdout

from lab_lib.errors import LabError, UsageError


def ask(question: str) -> None:
    """Ask in the terminal or the notebook. UsageError if nobody is there to answer, LabError if the answer is no."""
    with redirect_stdout(sys.stderr):  # programs read what a command prints
        try:
            answer = input(f"{question} [y/N] ").strip().lower()
        except (EOFError, RuntimeError):  # no terminal, a closed stdin, a notebook that is run headlessly
            print()  # end the question's line
            raise UsageError(
                "Nothing was made or deleted: on AWS the lab asks first, and there is no terminal to ask in. "
                "Give --yes, or set yes to True in notebook 99."
            ) from None
    if answer not in ("y", "yes"):
        raise LabError("Nothing was made or deleted.")
