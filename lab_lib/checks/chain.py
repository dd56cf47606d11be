"""Follow an upload through the chain: what is due at each link, what is there, and why it comes no further."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import buckets, functions, tables
from lab_lib.checks import upload as judge
from lab_lib.checks.arrivals import Runs, alert_inboxes, snapshot
from lab_lib.checks.causes import correct_code, find_broken, fix_error, why_not
from lab_lib.checks.evidence import at_rest, wait_for_rest
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.rules import Account
from lab_lib.checks.upload import Difference, Item, Row, Snapshot, expect
from lab_lib.errors import CheckFailed, LabError, TimedOut
from lab_lib.handlers.transaction_processor.transactions_file import MOST_KEPT
from lab_lib.lab import Lab
from lab_lib.language import _, ngettext, sentences
from lab_lib.pages.chain_parts import Link, Progress
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, REJECTED, ROWS, TOTALS, messages
from lab_lib.transactions import Recount

_LONGEST = 3600  # seconds; a chain comes to rest long before, unless something starts it again and again
_DOUBT, _SILENCE = 3, 120  # seconds without progress; AWS mostly takes a minute for a new line of a log
_BATCH = 100  # rows that are compared at once


@contextmanager
def following(
    lab: Lab,
    path: str | Path,
    show: Callable[[Progress], None] = lambda progress: None,
    only: Collection[str] = (),
) -> Iterator[None]:
    """Follow the file that the block uploads under its name, until all that is due is there: in these links `only`.

    `show` is called whenever a link has changed. StepMissing before the block if TotalNotifier has another threshold.
    After it, CheckFailed or LabError with the reason as soon as nothing more can come, or if a link is broken for which
    nothing was due; TimedOut if the chain does not come to rest.
    """
    functions.require_threshold(lab)
    path = Path(path)
    upload = Upload(lab, path.name, transactions.recount(str(path), path.read_bytes()), only)
    yield
    upload.wait(show)


class Upload:
    """An upload on its way. It is made before the object is, to know what was there already.

    `only` names the links that are followed, where the chain is not built further. One that was uploaded earlier is
    followed from what was there `before`.
    """

    def __init__(
        self, lab: Lab, key: str, file: Recount, only: Collection[str] = (), before: Snapshot | None = None
    ) -> None:
        with suppress(TimedOut):  # an earlier upload should be through
            wait_for_rest(lab, 30)
        self.lab, self.key, self.file, self.only = lab, key, file, only
        self.before, self.due = before or snapshot(lab), len(file.amounts)  # rows
        self.expected = expect(self.before, [file], lab.threshold)
        self.runs, self.links, self.inboxes = Runs(lab, key), list[Link](), alert_inboxes(lab)
        self.crossing, self._totals = self.expected.crossing, self.expected.own_totals
        self._rows, self._compared, self._wrong = iter(file.amounts), 0, dict[Row, list[Difference]]()
        self._all_in = False  # all rows were compared, and are as in the file
        self._faults = list[Difference]()  # of the totals
        self._done, self._since, self._doubted = -1, time.monotonic(), False
        self._broken = ""  # the part of the chain at which it stops

    def wait(self, show: Callable[[Progress], None]) -> None:
        """Wait until all that is due is there, and show it. It raises what `following` raises after its block."""

        def has_arrived() -> bool:
            rest = at_rest(self.lab)  # before the look, so that it sees all there will be
            if self.look():
                show(Progress(self.links))
            if not self.has_arrived:
                self._raise_if_stopped(rest)
            return self.has_arrived

        try:
            what = _("{key} to go all the way", key=self.key)
            self.lab.wait_until(has_arrived, what, timeout=_LONGEST, so_far=lambda: self.place)
            self._try_others()
        finally:
            show(Progress(self.links, True, self.runs.uploaded, self._broken))

    @property
    def changes(self) -> int:
        """Return how many of the rows are new or different."""
        return len(self.expected.changed)

    @property
    def waiting(self) -> list[Link]:
        """Return the links through which something has still to come. A function need not keep what it rejects.

        The first link waits too until a run has taken in a file of which no row is due.
        """
        waiting = [link for link in self.links if link.have < link.want and link.name != REJECTED]
        return waiting if waiting or self._all_in else self.links[:1]

    @property
    def place(self) -> str:
        """Return the first of these links, as text."""
        return str((self.waiting or self.links)[0])

    @property
    def has_arrived(self) -> bool:
        return not self.waiting

    def look(self) -> bool:
        """Look at each link once, and return whether one has changed."""
        self.runs.read()
        rows = Link(ROWS, self._written(), self.due, "", self.runs.note(PROCESSOR), self.runs.last(PROCESSOR))
        links = [rows, *self._rejected(), *self._behind()]
        links = [link for link in links if not self.only or link.name in self.only]
        done, changed = sum(link.have for link in links), links != self.links
        if done != self._done:
            self._done, self._since, self._doubted = done, time.monotonic(), False
        self.links = links
        return changed

    def _written(self) -> int:
        """Return how many rows are there, up to the first batch that has one which is missing or differs.

        The function writes in the order of the file, so no batch behind that one is read. If no row changes, only the
        end of a run tells that they were written again.
        """
        if self._all_in:
            return self.due
        self._wrong = self._differing([*self._wrong])
        while not self._wrong and (batch := [*islice(self._rows, _BATCH)]):
            self._wrong = self._differing(batch)
            self._compared += len(batch)
        if not self.changes and self.runs.has_ended() is False:
            return 0
        if not self._wrong:
            self._add_up()
        return self._compared - len(self._wrong)

    def _differing(self, rows: list[Row]) -> dict[Row, list[Difference]]:
        """Return the rows that the table Transactions does not hold so, each with what differs."""
        keys = [{"CustomerId": customer, "TransactionId": transaction} for customer, transaction in rows]
        held = Snapshot.of(tables.find_items(self.lab, "Transactions", keys), (), ()).rows
        wrong = dict[Row, list[Difference]]()
        for row in rows:
            if faults := [*judge.compare_row(row, held.get(row), self.file.amounts[row], self.file.days[row])]:
                wrong[row] = faults
        return wrong

    def _add_up(self) -> None:
        """Work out the totals that the rows in the account lead to, since somebody else may have changed others."""
        items = tables.items(self.lab, "Transactions")
        own = (item for item in items if item["CustomerId"] in self.file.addresses)
        self._totals = transactions.totals(transactions.read_amounts(own))
        limit, balances = self.lab.threshold, self.before.balances
        before = {name for name, balance in balances.items() if isinstance(balance, Decimal) and balance >= limit}
        self.crossing = {name: total for name, total in self._totals.items() if total >= limit and name not in before}
        self._all_in = True

    def _rejected(self) -> list[Link]:
        """Return the link of the lines that must be rejected, if there are any."""
        due = dict(islice(self.file.rejected.items(), MOST_KEPT))
        kept = buckets.rejected_rows(self.lab, self.key) if due and self._all_in else []
        return [Link(REJECTED, len(due) - len([*judge.compare_rejected(due, kept)]), len(due))] if due else []

    def _behind(self) -> list[Link]:
        """Return the links behind the rows. The totals are read when all rows are there, since they may be many."""
        held = Snapshot.of((), (), tables.items(self.lab, "TransactionTotal") if self._all_in else ()).totals
        faults = list(judge.compare_totals(self._totals, held))
        self._faults = faults if self._all_in else []
        settled, changed = self._all_in and not faults, self.changes
        # A function of somebody else reports nothing.
        counted = changed if settled else self.runs.counted(changed)
        why = ngettext("the row was there already", "all {count:,} rows were there already", self.due)
        return [
            Link(CHANGES, counted, changed, why, self.runs.note(NOTIFIER), self.runs.last(NOTIFIER)),
            Link(TOTALS, len(self._totals) - len(faults), len(self._totals), when=self.runs.last(NOTIFIER)),
            *self._alerts(held, settled),
        ]

    def _alerts(self, totals: Mapping[str, Item], settled: bool) -> list[Link]:
        """Return the links of the alerts. Messages are read only when the totals are settled, since it takes long."""
        due, why = self.crossing, self._why_no_alert()
        links = []
        for name, inbox in self.inboxes.items():
            got = inbox.alerted(due) if settled else min(inbox.more(), len(due))
            links.append(Link(messages(name), got, len(due), why, when=inbox.last))
        # Only this workbook's function has flags.
        flags = sum(totals.get(name, {}).get("alerted") is True for name in due)
        out = max(flags, *(link.have for link in links))
        first = min((link.when for link in links if link.when), default=None)
        return [Link(ALERTS, out, len(due), why, when=first), *links]

    def _why_no_alert(self) -> str:
        limit = self.lab.threshold
        if high := sorted(name for name, total in self._totals.items() if total >= limit):
            return _("{customers} had reached {limit:f} before", customers=listing(high), limit=limit)
        return _("no total reaches {limit:f}", limit=limit)

    def _raise_if_stopped(self, rest: bool | None) -> None:
        """Raise if nothing more comes through the chain, or a check names the broken link. Else return."""
        quiet = time.monotonic() - self._since
        is_last = quiet > self.lab.longest(_SILENCE) if rest is None else rest
        if not is_last and (self._doubted or quiet < _DOUBT):
            return
        self._doubted = True
        again = _("run this cell again")
        links = [link.name for link in self.waiting]
        if {*links} <= {*map(messages, self.inboxes)}:
            again = _("run notebook.alert_again(lab), since SNS keeps no message")
        if TOTALS in links:  # a function that fails without a word seems to have counted all
            links.insert(0, CHANGES)
        broken = find_broken(self.lab, self.key, links, is_last)
        if broken or is_last:
            self._broken = broken.part if broken else PROCESSOR if ROWS in links else NOTIFIER
            why = _("{fix} Then {again}.", fix=broken.in_one_line if broken else self._reason(), again=again)
            stops = _('The chain stops at "{place}". {why}', place=self.place, why=why)
            raise CheckFailed(stops) if broken else LabError(stops)

    def _try_others(self) -> None:
        """Raise CheckFailed if nothing could come through a link through which nothing had to."""
        others = [link.name for link in self.links if not link.want]
        if broken := find_broken(self.lab, self.key, others):
            self._broken = broken.part
            raise CheckFailed("All that was due has come, but nothing more could: {fix}", fix=broken.in_one_line)
        if CHANGES in others:
            try:
                functions.invoke(self.lab, NOTIFIER, {"Records": []})
            except functions.FunctionFailed as error:
                self._broken = NOTIFIER
                raise CheckFailed(sentences(str(error), fix_error(Account(self.lab), NOTIFIER, str(error)))) from None

    def _reason(self) -> str:
        """Return what a function fails with or what differs, where no check knows the reason, and how to fix it."""
        account, first, said = Account(self.lab), self.waiting[0].name, list[str]()
        for name in functions.SOURCES:
            cause, hint = why_not(account, name, [], self.runs.errors(name))
            if cause:
                return sentences(cause, hint)
        if faults := self._differences():
            said.append(_("{found}.", found=listing(faults)))
            if not self.changes:
                said.append(_("An earlier upload was not counted, and this one changes nothing."))
        said.append(_("Nothing more comes, and the checks of steps 00 to 04 find no reason."))
        if first == TOTALS:
            said.append(_("`lab check --step 05` says how the totals are put right."))
        else:
            said.append(correct_code(account, PROCESSOR if first == ROWS else NOTIFIER))
        return sentences(*said)

    def _differences(self) -> list[str]:
        """Return what differs of the rows, the totals and the alerts."""
        inboxes = (inbox.faults for inbox in self.inboxes.values())
        return [*dict.fromkeys(map(str, chain(self._faults, *self._wrong.values(), *inboxes)))]
