"""Hold how the states look: the sign of each, its colours in tables, and its name in
chain_picture.css, which has the picture's own colours."""

from typing import NamedTuple

from lab_lib.language import _

GREEN, RED, BROWN, GREY = "#1a7f37", "#b42318", "#8a5a00", "#57606a"  # legible below white text


class StateLook(NamedTuple):
    """The look of a state: its sign, its colour in HTML, its style on a terminal, and its name in chain_picture.css."""

    sign: str
    colour: str
    style: str
    drawn: str


_GOOD = StateLook("✔", GREEN, "green", "right")
_BAD = StateLook("✘", RED, "red", "wrong")
_PENDING = StateLook("…", GREY, "bright_black", "missing")
_ABSENT = StateLook("–", GREY, "bright_black", "missing")

LOOKS = {  # by the word of a state
    # a check
    "ok": _GOOD,
    "not yet": _BAD,
    "could be": StateLook("○", GREY, "bright_black", "unseen"),
    "cannot see": StateLook("?", BROWN, "yellow", "unseen"),
    "waits": _PENDING,
    # a part of the chain
    "there": _GOOD,
    "wrong": _BAD,
    "not there": _ABSENT,
    "later": _ABSENT,
    # a link of the chain at work
    "arrived": _GOOD,
    "arriving": _PENDING._replace(drawn="moving"),
    "nothing yet": StateLook("·", GREY, "bright_black", ""),
    # a case of `lab try`; "not yet" is above
    "passed": _GOOD,
    "not tried": _ABSENT,
    # a notebook of `lab run`, a student of `lab class run`
    "done": _GOOD,
    "failed": _BAD,
    "not run": _ABSENT,
    # the points of a step
    "full": _GOOD,
    "part": StateLook("◐", BROWN, "yellow", ""),
    "none": _BAD,
    "unseen": _ABSENT,
}


def marked(state: str) -> str:
    """Return a sign and the state, for readers who do not see its colour."""
    return f"{LOOKS[state].sign} {_(state)}"
