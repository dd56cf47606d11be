"""Check the outcome of files that the checks upload, part by part. These checks are made only if they are asked for."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from lab_lib.checks import probe
from lab_lib.checks.causes import fix_chain, fix_error
from lab_lib.checks.making import waits_for_link
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import FURTHER, Account, Finding, Rule, cannot_see, judged
from lab_lib.language import _
from lab_lib.pages.wording import listing
from lab_lib.resources import messages

FILE = Path(__file__).with_name("probe.toml")


@dataclass(frozen=True, eq=False)
class Part(Rule):
    """A part of the outcome is a check with the fields that probe.toml describes."""

    about: str = ""
    right: str = ""
    function: str = NOTIFIER
    so_that: str = ""
    links: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Return what is translated, but for the title."""
        return [text for text in (self.right, self.so_that) if text]

    def find(self, account: Account, queue: str = "") -> Finding:
        """Find what is right, or all that is wrong and the function's last error."""
        part, wanted = queue or self.id.removeprefix("probe-"), _(self.right)
        is_further = self.step == FURTHER and part != probe.REPEATS
        outcome = account.ask(probe.send_further if is_further else probe.send)
        faults = outcome.faults.get(part)
        if faults is None:
            why = _("tried on a copy of the account only")
            return cannot_see(why, _("Probe an account on the embedded AWS."), wanted, counts=False)
        if not faults:
            return judged(True, outcome.arrived if part == "rows" else wanted, wanted, "")
        own = [messages(queue)] if queue else []
        found, error = listing(map(str, faults)), outcome.errors.get(self.function, "")
        if error:
            function = account.name(self.function)
            found = _("{found}; the last error of {function}: {error}", found=found, function=function, error=error)
        if first := waits_for_link(account, found, *own, *self.links):
            return first
        hint = fix_chain(account, *own, *self.links) or fix_error(account, self.function, error, self.so_that)
        return judged(False, found, wanted, _("{hint} Then run `lab check --probe` again.", hint=hint))


PARTS = [Part(**part) for part in tomllib.loads(FILE.read_text("utf-8"))["part"]]
for _part in PARTS:
    _part.enter(_part.find)
