"""Hold how the states look: the sign of each, its colours, and the box that it has in the picture of the chain."""

from typing import NamedTuple

from lab_lib.language import N_, _

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
_UNKNOWN = StateLook("?", BROWN, "yellow", UNSEEN)
_PENDING = StateLook("…", GREY, "bright_black", MISSING)
_ABSENT = StateLook("–", GREY, "bright_black", MISSING)

LOOKS = {  # by the word of a state
    # a check
    N_("ok"): _GOOD,
    N_("not yet"): _BAD,
    N_("could be"): StateLook("○", GREY, "bright_black", UNSEEN),
    N_("cannot see"): _UNKNOWN,
    N_("waits"): _PENDING,
    # a part of the chain
    N_("there"): _GOOD,
    N_("wrong"): _BAD,
    N_("not there"): _ABSENT,
    N_("later"): _ABSENT,
    # a link of the chain at work
    N_("arrived"): _GOOD,
    N_("arriving"): _PENDING._replace(box=LIT),
    N_("nothing yet"): StateLook("·", GREY, "bright_black", PLAIN),
    # a case of `lab try`; "not yet" is above
    N_("passed"): _GOOD,
    N_("not tried"): _ABSENT,
    # a notebook of `lab run`, a student of `lab class run`
    N_("done"): _GOOD,
    N_("failed"): _BAD,
    N_("not run"): _ABSENT,
    # the points of a step
    N_("full"): _GOOD,
    N_("part"): StateLook("◐", BROWN, "yellow", PLAIN),
    N_("none"): _BAD,
    N_("unseen"): _ABSENT,
}


def marked(state: str) -> str:
    """Return a sign and the state, for readers who do not see its colour."""
    return f"{LOOKS[state].sign} {_(state)}"
