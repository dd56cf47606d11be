"""Show a learner one sentence instead of a traceback. Runs in JupyterLab's kernels.

When a name is missing in the notebook, it says which cells to run. When AWS refuses a call, it says why, and what to
do. When code has a Chinese punctuation mark, it says what to type instead. A stopped cell says so.
"""

import re
from types import TracebackType
from typing import Any
from unicodedata import normalize

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.calls.refusals import in_one_line
from lab_lib.errors import LabError
from lab_lib.language import _

_TYPED = str.maketrans("“”「」‘’、。−–—", '""""\'\',.---')  # NFKC knows the others


def register(shell: Any) -> None:
    """Replace these tracebacks in this IPython shell."""
    shell.set_custom_exc((NameError, SyntaxError, KeyboardInterrupt, BotoCoreError, ClientError), _show)


def _show(
    shell: Any, kind: type, error: BaseException, trace: TracebackType | None, tb_offset: int | None = None
) -> None:
    if isinstance(error, BotoCoreError | ClientError):
        sentence = in_one_line(error)
    elif isinstance(error, KeyboardInterrupt):
        sentence = _("Stopped.")
    elif isinstance(error, NameError):
        sentence = _missing_name(shell, error, trace)
    else:
        sentence = wrong_mark(error)
    if sentence:
        kind = type(kind.__name__, (LabError,), {})
        error = kind(sentence)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _missing_name(shell: Any, error: NameError, trace: TracebackType | None) -> str:
    """Return which cells to run; "" for a name that is missing in a module and not in the notebook."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    if not trace or trace.tb_frame.f_globals is not shell.user_ns:
        return ""
    return _(
        "`{name}` is not there. Is it spelled as in the cell that defines it? If the kernel has started since, run the "
        "cells above this one, with the menu Run > Run All Above Selected Cell. Then run this cell again.",
        name=error.name,
    )


def wrong_mark(error: BaseException) -> str:
    """Return what to type instead of a character that code cannot have, such as “; "" for another error."""
    if not isinstance(error, SyntaxError):
        return ""
    found = re.match(r"invalid .*character .*U\+(\w+)", error.msg)
    if not found:
        return ""
    character = chr(int(found[1], 16))
    return typed_instead(character, error)


def typed_instead(character: str, error: Any) -> str:
    """Return what to type instead of the character such as “ at which this error arose; "" if that is no other one."""
    typed = normalize("NFKC", character.translate(_TYPED))
    if typed == character:
        return ""
    return _(
        "Line {error.lineno} has `{character}`. Type `{typed}` instead, with the keyboard set to English.",
        error=error,
        character=character,
        typed=typed,
    )
