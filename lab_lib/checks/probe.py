"""Upload files as a bank would, and compare everything with what they must lead to.

On the embedded AWS that happens in a copy of the account. So what harms can be tried too: an event comes again, a
mapping is paused, a function is killed. On AWS, a probe only uploads and reads, and what it has brought stays.
Each part of the outcome is a check of probe.toml. These are made only if they are asked for.
"""

import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

from lab_lib import transactions
from lab_lib.aws import buckets, functions, topics, triggers
from lab_lib.checks.bank import Bank, File
from lab_lib.checks.causes import fix_chain, fix_error
from lab_lib.checks.copies import Copy, copied
from lab_lib.checks.evidence import Evidence, alert_inboxes, at_rest, is_over, snapshot, wait_for_rest
from lab_lib.checks.making import waits_for_link
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, Account, fitting_key
from lab_lib.checks.rules import FURTHER, Finding, Rule, cannot_see, judged
from lab_lib.checks.upload import (
    Difference,
    Expected,
    Snapshot,
    Totals,
    compare_addresses,
    compare_messages,
    compare_others,
    compare_rejected,
    compare_rows,
    compare_totals,
    expect,
    missing_alerts,
    read_alerts,
)
from lab_lib.errors import TimedOut
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import listing

FILE = Path(__file__).with_name("probe.toml")
REPEATS = "repeats"
Faults = dict[str, list[Difference | str]]  # by the part, as the ids in probe.toml name it, or the name of a queue
_LONGEST = 600  # seconds for a file on AWS; on the embedded AWS the chain comes to rest long before


@dataclass
class ProbeResult:
    """The result of a probe.

    `faults` has an entry for each part of the chain that was tried. `errors` has the last error in the log of each
    function that failed with an ordinary file.
    """

    faults: Faults = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, str] = field(default_factory=dict)


class _Upload(NamedTuple):
    """An upload of one or more files, with the account before it, the outcome that it must have, and its time."""

    before: Snapshot
    expected: Expected
    began: datetime


def send(lab: Lab) -> ProbeResult:
    """Try what the handout's own code does right. On the embedded AWS it takes some seconds, on AWS some minutes."""
    with copied(lab) as copy:
        probe = _Probe(lab, copy)
        probe.do_what_the_handout_asks(copy)
    return probe.outcome


def send_further(lab: Lab) -> ProbeResult:
    """Try what the handout does not ask for, in a copy of its own: a fault there changes nothing else."""
    with copied(lab) as copy:
        probe = _Probe(lab, copy)
        if copy:
            probe.go_further(copy)
    return probe.outcome


class _Probe:
    """A probe on its way, in the account of the lab, which may be a copy."""

    def __init__(self, original: Lab, copy: Copy | None) -> None:
        lab = copy.lab if copy else original
        self.lab = lab
        self.outcome = ProbeResult()
        account = Account(lab)
        chance = Random()  # noqa: S311, no secret is drawn
        wait_for_rest(lab, 30)  # what was under way should be through
        self.held = snapshot(lab)  # what the account held when somebody looked last
        self._inboxes = alert_inboxes(lab)
        fits = [fitting_key(account, "{}", end) for end in (".txt", ".csv", ".TXT", "")]
        self.bank = Bank(chance, self.held.customers, lab.threshold, fits)

    def do_what_the_handout_asks(self, copy: Copy | None) -> None:
        """Send ordinary files, and one that has every kind of value, up to the first fault. In a copy, do more."""
        bank = self.bank
        lines = bank.plain()
        wide = bank.wide()
        crossing = lines[-2].customer
        nearly = lines[-1].customer
        high = wide[-4].customer  # who will have reached the threshold
        first = bank.file(lines)
        again = bank.file(bank.again(lines, crossing), first.key)
        poor = bank.new_customer()
        risen = bank.file([bank.below(high), bank.to(crossing, bank.limit), bank.to(poor, -9_000)])
        for file in (first, bank.odd_file(wide), again, risen):
            if not self._is_right(file):
                return
        if copy:
            copy.start_cold()  # what a function keeps in its memory is gone
        late_lines = [bank.below(lines[0].customer), bank.to(nearly, bank.limit)]
        later = bank.file(late_lines, bank.odd_key())
        at_once = []
        for content in (bank.plain(poor), [], bank.plain(poor)):
            at_once.append(bank.file(content, bank.odd_key()))
        if self._is_right(later) and self._is_right(*at_once) and copy:
            crowd = bank.file(bank.crowd())  # whose records come in one batch
            self.outcome.faults["worker"] += self._works_alone(copy, crowd)
            self.outcome.faults["again"] += self._comes_again(copy, crowd)

    def go_further(self, copy: Copy) -> None:
        """Try what the handout does not ask for, each with customers of its own. A fault may stop the stream."""
        bank = self.bank
        faults = self.outcome.faults
        faults["cents"] += self._faults(bank.file(bank.cents()))
        lines = bank.plain()
        faults["correction"] += self._faults(bank.file(lines))
        faults["correction"] += self._faults(bank.file(bank.corrections(lines)))
        faults["forms"] += self._faults(bank.forms())
        faults["rejected"] += self._rejects()
        faults["killed"] += self._is_killed(copy)
        faults["by-hand"] += self._is_changed_by_hand(copy)

    def _is_right(self, *files: File) -> bool:
        """Send files at once and enter what is wrong. Return True if nothing is, but for repeated alerts."""
        wrong = self._outcome(self._put(*files))
        keys = listing(file.key for file in files)
        for part, faults in wrong.items():
            self.outcome.faults[part] += [_("{fault}, after {key}", fault=fault, key=keys) for fault in faults]
        return not _all_but_repeats(wrong)

    def _faults(self, file: File) -> list[Difference | str]:
        """Send a file, and return all that is wrong, but for repeated alerts, and the errors of the functions."""
        faults = _all_but_repeats(self._outcome(self._put(file)))
        if faults:
            for name, error in self.outcome.errors.items():
                faults.append(_("{function} fails: {error}", function=self.lab.name(name), error=error))
        self.outcome.errors = {}
        return faults

    def _put(self, *files: File) -> _Upload:
        """Upload files at once. The result expects what they must lead to, in whatever order."""
        upload = self._begun([transactions.recount(*file) for file in files])
        for file in files:
            buckets.put(self.lab, *file)
        return upload

    def _begun(self, files: list[transactions.Recount]) -> _Upload:
        """Note what there is before files are uploaded."""
        expected = expect(self.held, files, self.lab.threshold)
        for inbox in self._inboxes.values():
            inbox.begin_anew()
        return _Upload(self.held, expected, datetime.now(UTC))

    def _outcome(self, upload: _Upload) -> Faults:
        """Return what is wrong when nothing more comes of an upload."""
        lab = self.lab
        seen = Faults()
        since = time.monotonic()  # when they changed last

        def look() -> Faults | None:
            nonlocal seen, since
            is_at_rest = at_rest(lab)
            if is_at_rest is False:
                return None
            faults = self._compared(upload)
            if faults != seen:
                seen = faults
                since = time.monotonic()
            is_last = is_over(lab, is_at_rest, time.monotonic() - since)
            if is_last or not any(faults.values()):
                return faults
            return None

        try:
            faults = lab.wait_until(look, _("{key} to go all the way", key=_("a file")), timeout=_LONGEST)
        except TimedOut:  # what is there by then is judged
            faults = self._compared(upload)
        evidence = Evidence(lab, upload.began)
        for name in functions.SOURCES:
            if errors := evidence.errors(name):
                self.outcome.errors[name] = errors[-1]
        return faults

    def _compared(self, upload: _Upload) -> Faults:
        expected = upload.expected
        lab = self.lab
        held = self.held = snapshot(lab)
        topic = topics.topic_arn(lab)
        wrong_rows = compare_rows(expected, held.rows, as_written=True)
        wrong_addresses = compare_addresses(expected, held.customers)
        faults: Faults = {
            "rows": [*wrong_rows, *wrong_addresses],
            "totals": list(compare_totals(expected.own_totals, held.totals)),
            "others": list(compare_others(upload.before, held, expected)),
            REPEATS: [],
        }
        for name, inbox in self._inboxes.items():
            messages = inbox.messages()
            if messages is None:
                continue  # a copy could be judged
            wrong, repeated = compare_messages(expected, messages, topic, lab.threshold)
            faults[name] = [*wrong]
            faults[REPEATS] += [_("{customer} again in {queue}", customer=who, queue=name) for who in repeated]
        return faults

    def _works_alone(self, copy: Copy, file: File) -> Iterator[str]:
        """Yield what TotalNotifier does not do itself: pause all else that the stream starts, then what starts it."""
        lab = self.lab
        own = self.lab.name(NOTIFIER)
        started = {mapping["FunctionArn"].split(":")[6] for mapping in triggers.mappings(lab)}  # by name
        others = sorted(started - {own})
        copy.start_only([own])
        customer = self.bank.new_customer()
        copy.change_row(customer, "T1", N="7")
        for lack in self._lacks({customer: Decimal(7)}):
            yield _("a row was put into the table, and {fault}", fault=lack)
        copy.start_only(others)
        upload = self._put(file)
        self._outcome(upload)  # reads the account again
        before = upload.before.balances
        after = self.held.balances
        early = [name for name in upload.expected.crossing if before.get(name) != after.get(name)]
        if early:
            yield _(
                "while no trigger starts {function}, the total of {customer} changes: {others} does its work",
                function=own,
                customer=early[0],
                others=listing(others or [lab.name(PROCESSOR)]),
            )
        copy.start_only([own])
        for fault in _all_but_repeats(self._outcome(upload)):
            yield _("when a trigger starts only {function} again, {fault}", function=own, fault=fault)
        copy.start_only([own, *others])

    def _comes_again(self, copy: Copy, file: File) -> Iterator[Difference | str]:
        """Yield what is wrong when the event of S3 comes again for this file, the last one, and then its records.

        The event changes nothing more than the same upload would. By the handout's code, all records count again.
        """
        rows = transactions.recount(*file)
        upload = self._begun([rows])
        copy.deliver_events_again()
        for fault in _all_but_repeats(self._outcome(upload)):
            yield _("an event of S3 came again, and {fault}", fault=fault)
        upload = self._begun([rows])
        counted_twice = dict(self.held.balances)
        for (customer, _transaction), amount in rows.amounts.items():
            counted_twice[customer] = counted_twice.get(customer, Decimal(0)) + amount
        copy.deliver_records_again(len(rows.amounts))
        faults = _all_but_repeats(self._outcome(upload))  # which has read the account again
        if self.held.balances != counted_twice:
            yield from (_("records of the stream came again, and {fault}", fault=fault) for fault in faults)

    def _rejects(self) -> Iterator[Difference | str]:
        """Yield what is wrong with rejected lines, and after a file that is no transactions file."""
        file = self.bank.rejected()
        yield from self._faults(file)
        yield from compare_rejected(transactions.recount(*file).rejected, buckets.rejected_rows(self.lab, file.key))
        before = self.held
        buckets.put(self.lab, self.bank.odd_key(), b"some|other|file\nC1|T1|5\n")
        self._rest()
        yield from compare_others(before, self.held)

    def _is_killed(self, copy: Copy) -> Iterator[Difference]:
        """Kill both functions at each of their calls, one after the other, and yield the faults of the first bad one.

        Without one, older events and records come once more, those before a correction among them.
        """
        bank = self.bank
        lab = self.lab
        files = []
        for call in range(1, 40):  # more calls than a function makes for one file
            low = bank.new_customer()
            high = bank.new_customer()
            lines = [bank.below(high), bank.below(low), bank.to(high, bank.limit)]
            file = bank.file(lines)
            files.append(transactions.recount(*file))  # a kill must not harm the earlier ones
            for name in functions.SOURCES:
                copy.kill(lab.name(name), call)
            buckets.put(lab, *file)
            expected = expect(self.held, files, lab.threshold)
            faults = [*self._lacks(expected.own_totals), *compare_rows(expected, self.held.rows)]
            killed = [copy.spare(lab.name(name)) for name in functions.SOURCES]
            if faults:
                yield from faults
                return
            if not any(killed):
                break
        before = self.held
        copy.deliver_events_again(30)
        copy.deliver_records_again(50)
        yield from self._lacks(expected.own_totals)
        yield from compare_others(before, self.held)

    def _is_changed_by_hand(self, copy: Copy) -> Iterator[Difference | str]:
        """Yield what is wrong after rows were changed in the table: deleted, and written with a text as the amount.

        One total falls by that, and another one reaches the threshold. A text holds nothing else up.
        """
        bank = self.bank
        limit = self.bank.limit
        falling = bank.new_customer()
        rising = bank.new_customer()
        lines = [bank.to(falling, limit), bank.to(rising, -50), bank.to(rising, limit - 10)]
        yield from self._faults(bank.file(lines))
        for line in lines[:2]:  # one falls to 0, the other rises by 50
            copy.change_row(line.customer, line.transaction)
        transaction = bank.new_id("T{}")
        for amount in ({"N": "5"}, {"S": "many"}, {"N": "7"}):
            copy.change_row(falling, transaction, **amount)
        yield from self._lacks({falling: Decimal(7), rising: Decimal(limit + 40)})

    def _rest(self) -> None:
        """Look at the tables when nothing more comes."""
        wait_for_rest(self.lab, _LONGEST)
        self.held = snapshot(self.lab)

    def _lacks(self, totals: Totals) -> Iterator[Difference]:
        """Yield which totals of new customers are wrong, and which alerts are missing, when nothing more comes."""
        self._rest()
        yield from compare_totals(totals, self.held.totals)
        due = {customer: total for customer, total in totals.items() if total >= self.lab.threshold}
        for inbox in self._inboxes.values():
            messages = inbox.messages()
            if messages is not None:
                yield from missing_alerts(due, read_alerts(messages, topics.topic_arn(self.lab)))


def _all_but_repeats(wrong: Faults) -> list[Difference | str]:
    found = []
    for part, faults in wrong.items():
        if part != REPEATS:
            found += faults
    return found


@dataclass(frozen=True, eq=False)
class Part(Rule):
    """A part of the outcome is a check with the fields that probe.toml describes."""

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
        part = queue or self.id.removeprefix("probe-")
        wanted = _(self.right)
        is_further = self.step == FURTHER and part != REPEATS
        probe = send_further if is_further else send
        outcome = account.ask(probe)
        faults = outcome.faults.get(part)
        if faults is None:
            why = _("tried on a copy of the account only")
            return cannot_see(why, _("Probe an account on the embedded AWS."), wanted, counts=False)
        if not faults:
            return judged(True, wanted, wanted, "")
        links = [link.replace("{}", queue) for link in self.links]
        found = listing(map(str, faults))
        error = outcome.errors.get(self.function, "")
        if error:
            function = account.name(self.function)
            found = _("{found}; the last error of {function}: {error}", found=found, function=function, error=error)
        if first := waits_for_link(account, found, *links):
            return first
        hint = fix_chain(account, *links) or fix_error(account, self.function, error, self.so_that)
        return judged(False, found, wanted, _("{hint} Then run `lab check --probe` again.", hint=hint))


PARTS = [Part(**part) for part in tomllib.loads(FILE.read_text("utf-8"))["part"]]
for _part in PARTS:
    _part.enter(_part.find)
