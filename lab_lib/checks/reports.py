"""Show checks that were made, as text and as HTML."""

from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from lab_lib.checks.rules import FURTHER, RULES, State
from lab_lib.language import _, ngettext, sentences
from lab_lib.pages.chain_picture import ARROWS, FLOW, PARTS, Look, Picture
from lab_lib.pages.colours import LOOKS, marked
from lab_lib.pages.html import badge, table
from lab_lib.pages.wording import aligned


class Check(NamedTuple):
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
    def part(self) -> str:
        """Return the part of the chain that it is about, "" if there is none."""
        rule = RULES.get(self.id)  # a report may be older than the rules
        return rule.part if rule else ""

    @property
    def is_behind(self) -> bool:
        """Return True if it waits for another check, which says what to do."""
        return self.state is State.WAITS and self.cause != ""

    @property
    def is_spared(self) -> bool:
        """Return True if it is neither right nor wrong, and does not count."""
        return self.state in (State.CANNOT_SEE, State.COULD_BE) and not self.counts

    @property
    def finds_own(self) -> bool:
        """Return True if it says whether something is there that the learner makes."""
        rule = RULES[self.id]
        return rule.finds and rule.cell is not None and rule.cell.is_yours

    @property
    def lines(self) -> list[str]:
        """Return what it found and, if it does not hold, what it wanted, and what to do in a line of its own."""
        if self.ok or self.is_behind:
            return [self.found]
        found = self.found.removesuffix(".").removesuffix(_("."))
        if self.state in (State.WAITS, State.CANNOT_SEE):
            return [_("{found}.", found=found), self.hint]
        return [_("{found}; wanted: {wanted}.", found=found, wanted=self.wanted), self.hint]

    @property
    def words(self) -> str:
        return sentences(*self.lines)

    @property
    def in_one_line(self) -> str:
        """Return the name and the words."""
        return _("{check.name}: {check.words}", check=self)


@dataclass(frozen=True)
class Report:
    """Checks, shown as a table: first what does not hold and what to do, then what holds, in HTML folded.

    A `checkpoint` puts above the fold what the learner made, and counts the rest in text too.
    """

    checks: list[Check]
    checkpoint: bool = False

    @property
    def failed(self) -> list[Check]:
        """Return the checks that do not hold, causes first.

        Those of the step "further" are not among them, nor what is neither right nor wrong and does not count.
        """
        failed = []
        for check in self._in_order():
            if not (check.ok or check.is_spared or check.step == FURTHER):
                failed.append(check)
        return failed

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
            ends = {looks[arrow.start].state, looks[arrow.end].state}
            if arrow.name not in FLOW and ("missing" in ends or ends == {"right"}):
                looks[arrow.name] = Look("missing" if "missing" in ends else "right")
        return Picture(looks)

    def _look(self, name: str, step: str) -> Look:
        about = [check for check in self._in_order() if check.step != FURTHER and check.part == name]
        existence = next((check for check in about if RULES[check.id].finds), None)
        if not existence:
            return Look()
        if existence.state in (State.NOT_YET, State.WAITS):
            cell = RULES[existence.id].cell
            is_later = cell and step and cell.notebook > step
            return _drawn("later" if is_later else "not there")
        for check in about:
            if check.state is State.NOT_YET:
                return _drawn("wrong")
            if check.state is State.CANNOT_SEE and not check.is_spared:
                return _drawn("cannot see")
        return _drawn("there")

    def __repr__(self) -> str:
        above, folded = self._split()
        shown = above if self.checkpoint else [*above, *folded]
        lines = aligned((marked(check.state), check.name, check.words) for check in shown)
        if self.checkpoint and folded:
            lines.append(self._held(folded))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        above, folded = self._split()
        html = _table(above) if above else ""
        if folded:
            good = LOOKS["ok"]
            summary = f"<summary>{badge(good.sign, good.colour)} {self._held(folded)}</summary>"
            html += f"<details>{summary}{_table(folded)}</details>"
        return html

    def _split(self) -> tuple[list[Check], list[Check]]:
        """Return the checks above the fold and those below it."""
        checks = self._in_order()
        folded = [check for check in checks if check.ok and not (self.checkpoint and check.finds_own)]
        return [check for check in checks if check not in folded], folded

    def _held(self, folded: list[Check]) -> str:
        """Return how many checks hold, beside those that are shown above them."""
        if sum(check.ok for check in self.checks) > len(folded):
            return ngettext("and {count:,} other check holds", "and {count:,} other checks hold", len(folded))
        return _("{held} of {all} checks hold", held=len(folded), all=len(self.checks))

    def _in_order(self) -> list[Check]:
        return sorted(self.checks, key=lambda check: [*State].index(check.state))


def _drawn(state: str) -> Look:
    """Return how a part of the chain is drawn that is in this state."""
    return Look(LOOKS[state].drawn, marked(state))


def _table(checks: list[Check]) -> str:
    rows = []
    for check in checks:
        mark = badge(marked(check.state), LOOKS[check.state].colour)
        words = "<br>→ ".join(map(escape, check.lines))
        rows.append((mark, escape(check.name), words))
    return table(rows)
