"""Hold how the states look: the sign of each, its colours, and the box that it has in the picture of the chain."""

from typing import NamedTuple

GREEN, RED, BROWN, GREY = "#1a7f37", "#b42318", "#8a5a00", "#57606a"  # legible below white text
INK = "#1a1a1a"


class Style(NamedTuple):
    """The outline of a part: its colour, width, dashes, and whether it is double; the colours of a box and a line."""

    fill: str
    outline: str = INK
    line: str = INK
    width: float = 1.2
    dashes: str = ""
    is_double: bool = False


PLAIN = Style("#f1f3f5")
LIT = Style("#ffd166", line="#b45309", width=3)
RIGHT = Style("#d9f2e0", GREEN, GREEN, 2.4)
WRONG = Style("#fde3e0", RED, RED, 5, is_double=True)
MISSING = Style("#ffffff", GREY, GREY, 1.4, "6 4")
UNSEEN = Style("#fdf3d8", BROWN, BROWN, 2.4, "2.4 3")


class StateLook(NamedTuple):
    """The look of a state: its sign, its colour in HTML, its style on a terminal, and its box in the picture."""

    sign: str
    colour: str
    style: str
    box: Style


_GOOD = StateLook("✔", GREEN, "green", RIGHT)
_BAD = StateLook("✘", RED, "red", WRONG)
_PARTLY = StateLook("◐", BROWN, "yellow", PLAIN)
_UNKNOWN = StateLook("?", BROWN, "yellow", UNSEEN)
_OPTIONAL = StateLook("○", GREY, "bright_black", UNSEEN)
_PENDING = StateLook("…", GREY, "bright_black", MISSING)
_ABSENT = StateLook("–", GREY, "bright_black", MISSING)

LOOKS = {  # by the word of a state
    # a check
    "ok": _GOOD,
    "not yet": _BAD,
    "could be": _OPTIONAL,
    "cannot see": _UNKNOWN,
    "waits": _PENDING,
    # a part of the chain
    "there": _GOOD,
    "wrong": _BAD,
    "not there": _ABSENT,
    "later": _ABSENT,
    # a link of the chain at work
    "arrived": _GOOD,
    "arriving": _PENDING._replace(box=LIT),
    "nothing yet": StateLook("·", GREY, "bright_black", PLAIN),
    # a case of `lab try`; "not yet" is above
    "passed": _GOOD,
    "not tried": _ABSENT,
    # a notebook of `lab run`, a student of `lab class run`
    "done": _GOOD,
    "failed": _BAD,
    "not run": _ABSENT,
    # the points of a step
    "full": _GOOD,
    "part": _PARTLY,
    "none": _BAD,
    "unseen": _ABSENT,
}


def marked(state: str) -> str:
    """Return a sign and the state, for readers who do not see its colour."""
    return f"{LOOKS[state].sign} {state}"
