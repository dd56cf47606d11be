"""Follow an upload through the chain: what is due at each link, what is there, and why it comes no further.

expected.py works out what is due, from what the account held before the upload.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import buckets, functions, queues, tables
from lab_lib.checks import upload as judge
from lab_lib.checks.arrivals import Inbox, Runs, alert_inboxes, snapshot
from lab_lib.checks.broken import find_broken, raise_if_given_up
from lab_lib.checks.causes import correct_code, fix_error
from lab_lib.checks.evidence import at_rest, wait_for_rest
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.rules import Account
from lab_lib.checks.upload import Difference, Item, Snapshot, expect
from lab_lib.errors import CheckFailed, LabError, TimedOut
from lab_lib.handlers.transaction_processor.transactions_file import MOST_KEPT
from lab_lib.lab import Lab
from lab_lib.language import _, ngettext
from lab_lib.pages.chain_parts import Link
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, REJECTED, ROWS, TOTALS, messages

_SPARE = 600  # seconds, beside six runs of TransactionProcessor: AWS waits for three minutes between three of them
_DOUBT, _SILENCE = 5, 120  # seconds without a change; without a new log line, for which AWS mostly takes a minute
_MOST_READ = 2_000  # totals that are read at each look before all rows are in


@contextmanager
def following(
    lab: Lab,
    path: str | Path,
    show: Callable[[list[Link], bool], None] = lambda links, last: None,
    only: Collection[str] = (),
) -> Iterator[None]:
    """Follow the file that the block uploads under its name, until all that is due is there: in these links `only`.

    `show` gets the links whenever one has changed, and True with the last ones. StepMissing before the block if
    TotalNotifier has another threshold. After it, CheckFailed or LabError with the reason as soon as nothing more can
    come; TimedOut if the chain does not come to rest.
    """
    functions.require_threshold(lab)
    upload = Upload(lab, Path(path).name, transactions.recount(str(path), Path(path).read_bytes()), only)
    letters = Inbox(lab, queues.DEAD_LETTERS)
    yield
    upload.wait(letters, show)


class Upload:
    """An upload on its way. It is made before the object is, to know what was there already.

    `only` names the links that are followed, where the chain is not built further. One that was uploaded earlier is
    followed from what was there `before`.
    """

    def __init__(
        self,
        lab: Lab,
        key: str,
        file: transactions.Recount,
        only: Collection[str] = (),
        before: Snapshot | None = None,
    ) -> None:
        with suppress(TimedOut):  # an earlier upload should be through
            wait_for_rest(lab, 30)
        self.lab, self.key, self.file, self.only = lab, key, file, only
        self.before = before or snapshot(lab)
        self.expected = expect(self.before, [file], lab.threshold)
        self.runs, self.links = Runs(lab, key), list[Link]()
        self.inboxes = alert_inboxes(lab)
        self.due, self.changes = len(self.expected.amounts), len(self.expected.changed)  # rows; of these, new ones
        self.crossing, self._totals = self.expected.crossing, self.expected.own_totals
        self._places = {row: place for place, row in enumerate(self.expected.amounts)}
        self._all_in = False  # all rows were read, and are as in the file
        self._faults = list[Difference]()  # at the first link that is not whole
        self._since, self._lines, self._doubted = time.monotonic(), 0, False

    def wait(self, letters: Inbox, show: Callable[[list[Link], bool], None]) -> None:
        """Wait until all that is due is there, and show it. It raises what `following` raises after its block."""

        def has_arrived() -> bool:
            rest = at_rest(self.lab)  # before the look, so that it sees all there will be
            if self.look():
                show(self.links, False)
            if not self.has_arrived:
                raise_if_given_up(self.lab, self.key, letters.messages() or [])
                self._raise_if_stopped(rest)
            return self.has_arrived

        try:
            self.lab.wait_until(
                has_arrived,
                _("{key} to go all the way", key=self.key),
                timeout=_SPARE
                + 6 * functions.timeout_of(self.lab, PROCESSOR)
                + 3 * self.due / functions.ROWS_PER_SECOND,
                so_far=lambda: self.place,
            )
        finally:
            show(self.links, True)

    @property
    def waiting(self) -> list[Link]:
        """Return the links through which something has still to come. A function need not keep what it rejects."""
        return [link for link in self.links if link.have < link.want and link.name != REJECTED]

    @property
    def place(self) -> str:
        """Return the first of these links, as text."""
        return str(next(iter(self.waiting), self.links[0]))

    @property
    def has_arrived(self) -> bool:
        return self._all_in and not self.waiting

    def is_silent(self, rest: bool | None) -> bool:
        """Return whether nothing more will come: the chain is at `rest` or, if nobody can say so, nothing changes."""
        return time.monotonic() - self._since > self.lab.longest(_SILENCE) if rest is None else rest

    def look(self) -> bool:
        """Look at each link once, and return whether one has changed."""
        self.runs.read()
        rows = Link(ROWS, self._written(), self.due, note=self.runs.note(PROCESSOR, self.file.good))
        links = [rows, *self._rejected(), *self._behind()]
        links = [link for link in links if not self.only or link.name in self.only]
        changed, lines = links != self.links, sum(map(len, self.runs.lines.values()))
        # A queue's depth changes by being looked at, and is no progress.
        if lines != self._lines or [link.have for link in links] != [link.have for link in self.links]:
            self._since, self._lines, self._doubted = time.monotonic(), lines, False
        self.links = links
        return changed

    def _written(self) -> int:
        """Return how many rows are there, up to the first one that is missing.

        The function writes in the order of the file, so the first missing one of the rows that change is found by
        halves. If none changes, only the end of a run tells that they were written again.
        """
        changed = self.expected.changed
        if self._all_in or not changed:
            self._all_in = self._all_in or self.runs.has_ended() is not False
            return len(self._places) if self._all_in else 0
        missing = bisect_left(changed, True, key=self._is_missing)
        return self._places[changed[missing]] if missing < len(changed) else self._read_all()

    def _read_all(self) -> int:
        """Read the whole table, since the last row is there, and return how many rows are as in the file."""
        held = Snapshot.of(tables.items(self.lab, "Transactions"), (), ())
        self._faults = list(judge.compare_rows(self.expected, held.rows))
        if not self._faults:
            sums = held.sums()  # somebody else may have changed other rows
            self._totals, self._all_in = {name: sums[name] for name in self._totals}, True
        return len(self._places) - len({fault.key for fault in self._faults})

    def _is_missing(self, row: tuple[str, str]) -> bool:
        key = {"CustomerId": row[0], "TransactionId": row[1]}
        item = tables.find_item(self.lab, "Transactions", key)
        return not transactions.is_there(item, self.expected.amounts[row], self.expected.days[row])

    def _rejected(self) -> list[Link]:
        """Return the link of the lines that must be rejected, if there are any."""
        due = dict(islice(self.file.rejected.items(), MOST_KEPT))
        kept = buckets.rejected_rows(self.lab, self.key) if due and self._all_in else []
        return [Link(REJECTED, len(due) - len([*judge.compare_rejected(due, kept)]), len(due))] if due else []

    def _behind(self) -> list[Link]:
        """Return the links behind the rows."""
        changed, is_read = self.changes, self._all_in or len(self._totals) <= _MOST_READ
        held = Snapshot.of((), (), tables.items(self.lab, "TransactionTotal") if is_read else ()).totals
        faults = list(judge.compare_totals(self._totals, held))
        if self._all_in:
            self._faults = faults
        settled = self._all_in and not faults
        # A function of somebody else reports nothing.
        counted = changed if settled else self.runs.counted(changed)
        return [
            Link(CHANGES, counted, changed, self._why_unchanged(), self.runs.note(NOTIFIER, self.file.good, settled)),
            Link(TOTALS, len(self._totals) - len(faults), len(self._totals)),
            *self._alerts(held, settled),
        ]

    def _alerts(self, totals: Mapping[str, Item], settled: bool) -> list[Link]:
        """Return the links of the alerts. Messages are read only when the totals are settled, since it takes long."""
        due, why = self.crossing, self._why_no_alert()
        links = []
        for name, inbox in self.inboxes.items():
            got = inbox.alerted(due) if settled else min(inbox.more(), len(due))
            links.append(Link(messages(name), got, len(due), why, held=inbox.now))
        # Only this workbook's function has flags.
        flags = sum(totals.get(name, {}).get("alerted") is True for name in due)
        out = max(flags, *(link.have for link in links))
        return [Link(ALERTS, out, len(due), why), *links]

    def _why_unchanged(self) -> str:
        if self.changes:
            return ""
        return ngettext("the row was there already", "all {count:,} rows were there already", self.due)

    def _why_no_alert(self) -> str:
        if self.crossing:
            return ""
        limit = self.lab.threshold
        if high := sorted(name for name, total in self._totals.items() if total >= limit):
            return _("{customers} had reached {limit:f} before", customers=listing(high), limit=limit)
        return _("no total reaches {limit:f}", limit=limit)

    def _raise_if_stopped(self, rest: bool | None) -> None:
        """Raise if nothing more comes through the chain, or a check names the broken link. Else return."""
        is_last = self.is_silent(rest)
        if not is_last and (self._doubted or rest is False or time.monotonic() - self._since < _DOUBT):
            return
        self._doubted = True
        again = _("run this cell again")
        links = [link.name for link in self.waiting]
        if {*links} <= {*map(messages, self.inboxes)}:
            again = _("run aws.functions.alert_again(lab), since SNS keeps no message")
        if TOTALS in links:  # a function that fails without a word seems to have counted all
            links.insert(0, CHANGES)
        if broken := find_broken(self.lab, self.key, links, is_last):
            raise CheckFailed(self._stops(_("{fix} Then {again}.", fix=broken, again=again)))
        for name in functions.SOURCES if is_last else ():
            if errors := self.runs.errors(name):
                told = {"function": self.lab.name(name), "error": errors[-1], "again": again}
                fix = fix_error(Account(self.lab), name, errors[-1])
                raise LabError(self._stops(_("{function} fails: {error}. {fix} Then {again}.", fix=fix, **told)))
        if is_last:
            raise LabError(self._stops(self._unexplained()))

    def _stops(self, why: str) -> str:
        return _('The chain stops at "{place}". {why}', place=self.place, why=why)

    def _unexplained(self) -> str:
        """Return what differs, where no check knows the reason."""
        first, said = self.waiting[0].name, list[str]()
        wrong = [fault for inbox in self.inboxes.values() for fault in inbox.faults]
        if faults := self._faults or wrong:
            said.append(_("{found}.", found=listing(dict.fromkeys(map(str, faults)))))
            if not self.changes:
                said.append(_("An earlier upload was not counted, and this one changes nothing."))
        said.append(_("Nothing more comes, and the checks of steps 00 to 04 find no reason."))
        if self._faults and first == TOTALS:
            return " ".join([*said, _("`lab check --step 05` says how the totals are put right.")])
        fix = correct_code(Account(self.lab), PROCESSOR if first == ROWS else NOTIFIER)
        return " ".join([*said, _("{fix} Then run this cell again.", fix=fix)])
