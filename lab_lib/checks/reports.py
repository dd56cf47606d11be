"""Show checks that were made, as text and as HTML."""

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from lab_lib.checks.rules import CANNOT_SEE, FURTHER, WAITS
from lab_lib.html_tables import BROWN, GREEN, GREY, RED, badge, table

_COLOURS = {"ok": GREEN, "not yet": RED, "cannot see": BROWN, "waits": GREY, "could be": GREY}
_MARKS = {"not yet": "✘", "could be": "○", "cannot see": "?", "waits": "…", "ok": "✔"}  # in the order of a report


@dataclass(frozen=True)
class Check:
    """A check that was made; `hint` says what to do if it does not hold."""

    step: str
    name: str
    ok: bool
    found: str
    wanted: str
    hint: str

    @property
    def state(self) -> str:
        """Return ok, not yet, waits (for another check), cannot see (not readable) or could be (going further)."""
        if self.ok:
            return "ok"
        if self.found.startswith((WAITS, CANNOT_SEE)):
            return "waits" if self.found.startswith(WAITS) else "cannot see"
        return "could be" if self.step == FURTHER else "not yet"

    @property
    def mark(self) -> str:
        """Return a sign and the state, for readers who do not see its colour."""
        return f"{_MARKS[self.state]} {self.state}"

    @property
    def words(self) -> str:
        """Return the finding and, if the check does not hold, what it wanted and what to do."""
        return self.found if self.ok else f"{self.said} {self.hint}"

    @property
    def said(self) -> str:
        """Return the finding of a check that does not hold, and what it wanted."""
        wanted = "" if self.state in ("waits", "cannot see") else f"; wanted: {self.wanted}"
        return f"{self.found.removesuffix('.')}{wanted}."


@dataclass(frozen=True)
class Report:
    """Checks, shown as a table: first what does not hold and what to do, then what holds, in HTML folded."""

    checks: list[Check]

    @property
    def failed(self) -> list[Check]:
        """Return the checks that do not hold, causes first, without those of the step "further"."""
        return [check for check in self._in_order() if not check.ok and check.step != FURTHER]

    @property
    def wrong(self) -> list[Check]:
        """Return the checks of `failed` without those that AWS does not let us see."""
        return [check for check in self.failed if check.state != "cannot see"]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return each check as a dict, for JSON: step, name, ok, found, wanted, hint."""
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
        return sorted(self.checks, key=lambda check: [*_MARKS].index(check.state))


def _table(checks: list[Check]) -> str:
    return table((badge(check.mark, _COLOURS[check.state]), escape(check.name), _words(check)) for check in checks)


def _words(check: Check) -> str:
    if check.state in ("ok", "waits"):
        return escape(check.found)
    return f"{escape(check.said)}<br>→ {escape(check.hint)}"
