"""Build the hints: why something is wrong, the cell that puts it right, the call, and its place in the AWS console."""

from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.resources import Cell


def how_to_fix(lab: Lab, why: str, call: str, console: str = "", cell: Cell | None = None) -> str:
    """Return a whole hint: `why`, without its full stop, the cell that does it, the call and the console's place.

    The place is named on AWS only. The call and the place may be marked texts. Without a call, `why` says it all.
    """
    if not call:
        return _("{why}.", why=why)
    if cell:
        text = _("{why}. {run}, or call {call}.", why=why, run=cell.run, call=_(call))
    else:
        text = _("{why}. Call {call}.", why=why, call=_(call))
    if console and lab.is_real:
        text = _("{text} In the console it is under {console}.", text=text, console=_(console))
    return text
