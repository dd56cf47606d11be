"""Hold how the states look: the sign of each, its colours, and how the picture of the chain draws it."""

from typing import NamedTuple

from lab_lib.language import N_, _

GREEN, RED, BROWN, GREY = "#1a7f37", "#b42318", "#8a5a00", "#57606a"  # legible below white text


class StateLook(NamedTuple):
    """The look of a state: its sign, its colour in HTML, its style on a terminal, and its name in chain_picture.css."""

    sign: str
    colour: str
    style: str
    drawn: str


_GOOD = StateLook("✔", GREEN, "green", "right")
_BAD = StateLook("✘", RED, "red", "wrong")
_UNKNOWN = StateLook("?", BROWN, "yellow", "unseen")
_PENDING = StateLook("…", GREY, "bright_black", "missing")
_ABSENT = StateLook("–", GREY, "bright_black", "missing")

LOOKS = {  # by the word of a state
    # a check
    N_("ok"): _GOOD,
    N_("not yet"): _BAD,
    N_("could be"): StateLook("○", GREY, "bright_black", "unseen"),
    N_("cannot see"): _UNKNOWN,
    N_("waits"): _PENDING,
    # a part of the chain
    N_("there"): _GOOD,
    N_("wrong"): _BAD,
    N_("not there"): _ABSENT,
    N_("later"): _ABSENT,
    # a link of the chain at work
    N_("arrived"): _GOOD,
    N_("arriving"): _PENDING._replace(drawn="moving"),
    N_("nothing yet"): StateLook("·", GREY, "bright_black", ""),
    # a case of `lab try`; "not yet" is above
    N_("passed"): _GOOD,
    N_("not tried"): _ABSENT,
    # a notebook of `lab run`, a student of `lab class run`
    N_("done"): _GOOD,
    N_("failed"): _BAD,
    N_("not run"): _ABSENT,
    # the points of a step
    N_("full"): _GOOD,
    N_("part"): StateLook("◐", BROWN, "yellow", ""),
    N_("none"): _BAD,
    N_("unseen"): _ABSENT,
}


def marked(state: str) -> str:
    """Return a sign and the state, for readers who do not see its colour."""
    return f"{LOOKS[state].sign} {_(state)}"
