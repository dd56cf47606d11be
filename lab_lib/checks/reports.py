"""Show checks that were made, as text and as HTML."""

from dataclasses import asdict, dataclass, fields
from html import escape
from typing import Any

from lab_lib.chain_parts import ARROWS, FLOW, PARTS
from lab_lib.chain_picture import MISSING, RIGHT, UNSEEN, WRONG, Look, Picture
from lab_lib.checks.rules import FURTHER, RULES, State, part
from lab_lib.html_tables import BROWN, GREEN, GREY, RED, badge, table

LOOKS = {  # of a state: its sign, and the colour of its badge
    State.NOT_YET: ("✘", RED),
    State.COULD_BE: ("○", GREY),
    State.CANNOT_SEE: ("?", BROWN),
    State.WAITS: ("…", GREY),
    State.OK: ("✔", GREEN),
}


@dataclass(frozen=True)
class Check:
    """A check that was made; `hint` says what to do if it does not hold.

    `cause` is the id of the check that must hold first, if that is why this one waits or cannot be seen.
    """

    id: str
    step: str
    name: str
    state: State
    found: str
    wanted: str
    hint: str
    counts: bool = True
    cause: str = ""

    @property
    def ok(self) -> bool:
        return self.state is State.OK

    @property
    def is_behind(self) -> bool:
        """Return True if it waits for another check, which says what to do."""
        return self.state is State.WAITS and self.cause != ""

    @property
    def is_spared(self) -> bool:
        """Return True if it cannot be seen, and does not count."""
        return self.state is State.CANNOT_SEE and not self.counts

    @property
    def mark(self) -> str:
        """Return a sign and the state, for readers who do not see its colour."""
        return f"{LOOKS[self.state][0]} {self.state}"

    @property
    def words(self) -> str:
        """Return the finding and, if the check does not hold, what it wanted and what to do."""
        return self.found if self.ok else f"{self.said} {self.hint}"

    @property
    def said(self) -> str:
        """Return the finding of a check that does not hold, and what it wanted."""
        wanted = "" if self.state in (State.WAITS, State.CANNOT_SEE) else f"; wanted: {self.wanted}"
        return f"{self.found.removesuffix('.')}{wanted}."


_ENTRIES = [each.name for each in fields(Check)]


def read(record: dict[str, Any]) -> Check:
    """Return the check of a dict that `Report.as_dicts` has written. ValueError if it is of another form."""
    if missing := [name for name in _ENTRIES if name not in record]:
        raise ValueError(f"a check in it has no {missing[0]}, so an earlier version of the lab wrote it")
    return Check(**{name: record[name] for name in _ENTRIES} | {"state": State(record["state"])})


@dataclass(frozen=True)
class Report:
    """Checks, shown as a table: first what does not hold and what to do, then what holds, in HTML folded."""

    checks: list[Check]

    @property
    def failed(self) -> list[Check]:
        """Return the checks that do not hold, causes first.

        Those of the step "further" are not among them, nor what cannot be seen and does not count.
        """
        return [check for check in self._in_order() if not check.ok and check.step != FURTHER and not check.is_spared]

    @property
    def wrong(self) -> list[Check]:
        """Return the checks of `failed` without those that AWS does not let us see."""
        return [check for check in self.failed if check.state is not State.CANNOT_SEE]

    def picture(self, step: str = "") -> Picture:
        """Draw the chain as the checks find it. A part that is made after this step comes later: it is not missing.

        An arrow that no check is about is there if its ends are.
        """
        looks = {name: self._look(name, step) for name in PARTS}
        for arrow in ARROWS:
            ends = {looks[arrow.start].style, looks[arrow.end].style}
            if arrow.name not in FLOW and (MISSING in ends or ends == {RIGHT}):
                looks[arrow.name] = Look(MISSING if MISSING in ends else RIGHT)
        return Picture(looks)

    def _look(self, name: str, step: str) -> Look:
        about = [check for check in self._in_order() if check.step != FURTHER and part(check.id) == name]
        found = next((check for check in about if RULES[check.id].finds), None)
        if found and found.state in (State.NOT_YET, State.WAITS):
            cell = PARTS[name].cell
            return Look(MISSING, "– later" if cell and cell.notebook > step > "" else "– not there")
        for check in about:
            if check.state is State.NOT_YET:
                return Look(WRONG, "✘ wrong", check.name)
            if check.state is State.CANNOT_SEE and not check.is_spared:
                return Look(UNSEEN, "? cannot see", check.name)
        return Look(RIGHT, "✔ there") if found else Look()

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return each check as a dict, for JSON: id, step, name, state, found, wanted, hint, counts, cause."""
        return [asdict(check) for check in self.checks]

    def __repr__(self) -> str:
        marks = max((len(check.mark) for check in self.checks), default=0)
        names = max((len(check.name) for check in self.checks), default=0)
        return "\n".join(f"{check.mark:{marks}}  {check.name:{names}}  {check.words}" for check in self._in_order())

    def _repr_html_(self) -> str:
        wrong, right = ([check for check in self._in_order() if check.ok == ok] for ok in (False, True))
        held = f"{badge('✔', GREEN)} {len(right)} of {len(self.checks)} checks hold"
        folded = f"<details><summary>{held}</summary>{_table(right)}</details>" if right else ""
        return f"{_table(wrong) if wrong else ''}{folded}"

    def _in_order(self) -> list[Check]:
        return sorted(self.checks, key=lambda check: [*State].index(check.state))


def _table(checks: list[Check]) -> str:
    return table((badge(check.mark, LOOKS[check.state][1]), escape(check.name), _words(check)) for check in checks)


def _words(check: Check) -> str:
    if check.state in (State.OK, State.WAITS):
        return escape(check.found)
    return f"{escape(check.said)}<br>→ {escape(check.hint)}"
