"""Hold the results of a trial, and put cases that fail for one cause together. Nothing here runs a function."""

from collections import defaultdict
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from lab_lib.language import _, sentences
from lab_lib.pages.colours import LOOKS, marked
from lab_lib.pages.html import badge, table

Row = tuple[str, str, str]  # state, title and text


class Result(NamedTuple):
    """The result of a case. Its state is passed, not yet or not tried.

    `cause` says why it is not passed, without what was drawn. What was sent and found is of the last try.
    """

    case: str  # its id
    sentence: str
    state: str
    cause: str = ""
    sent: str = ""
    found: str = ""
    is_slow: bool = False


def rows(results: Iterable[Result]) -> list[Row]:
    """Return the rows that tell these results.

    Cases with one cause share a row. It tells how the first of them went, in lines. Passed cases are the last rows.
    """
    groups = defaultdict[str, list[Result]](list)
    for result in results:
        groups[result.cause or result.case].append(result)
    rows = []
    for group in groups.values():
        first = group[0]
        if not first.cause:
            rows.append((first.state, first.case, first.sentence))
            continue
        lines = [_(", ").join(result.case for result in group)]
        if first.found:
            lines.append(f"{first.case}{_(': ')}{first.sentence}")
            lines.append(first.sent)
            lines.append(_("found: {found}", found=first.found))
        rows.append((first.state, first.cause, "\n".join(lines)))
    return sorted(rows, key=lambda row: row[0] == "passed")  # False comes before True


class Results(NamedTuple):
    """The results of all cases, shown as a table. The same seed draws the same cases again."""

    results: list[Result]
    seed: str

    @property
    def passed(self) -> bool:
        """Return True if the function has passed all cases."""
        return all(result.state == "passed" for result in self.results)

    @property
    def rows(self) -> list[Row]:
        """Return the rows. Only the first one tells how a case went: a next try may change the others."""
        first, *others = rows(self.results)
        shown = [first]
        for state, title, text in others:
            first_line = text.partition("\n")[0]
            shown.append((state, title, first_line))
        return shown

    @property
    def summary(self) -> str:
        """Return the number of cases passed, and how to send the same transactions again if some are not."""
        states = [result.state for result in self.results]
        passed = _("Passed: {count} of {all}.", count=states.count("passed"), all=len(states))
        if self.passed:
            return passed
        return sentences(passed, _("The same transactions again: seed {seed}.", seed=self.seed))

    def _repr_html_(self) -> str:
        rows = []
        for state, title, text in self.rows:
            words = f"<b>{escape(title)}</b> {escape(text)}".replace("\n", "<br>")
            rows.append((badge(marked(state), LOOKS[state].colour), words))
        return table(rows, (_("state"), _("case"))) + f"<p>{escape(self.summary)}</p>"
