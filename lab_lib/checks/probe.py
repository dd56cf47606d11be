"""Upload files as a bank would, and compare everything with what they must lead to.

On the embedded AWS, the account is kept before and restored afterwards. So a probe may also call the functions again
with what they had, and send a correction and cents. On AWS, and for a grader without the account's own key, it only
uploads and reads, and what it has brought stays.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from lab_lib import transactions
from lab_lib.aws import buckets, functions, queues, streams
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.checks.arrivals import Inbox, alert_inboxes, markers, snapshot
from lab_lib.checks.bank import Bank, File
from lab_lib.checks.chain import Upload
from lab_lib.checks.evidence import at_rest, wait_for_rest
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, fitting_key, is_indirect
from lab_lib.checks.rules import Account
from lab_lib.checks.upload import (
    OTHERS,
    REJECTED,
    ROWS,
    TOTALS,
    Difference,
    compare_addresses,
    compare_messages,
    compare_others,
    compare_rejected,
    compare_rows,
    compare_totals,
)
from lab_lib.errors import LabError, TimedOut
from lab_lib.lab import Lab
from lab_lib.language import N_, _, ngettext

AGAIN, REPEATS, CORRECTION, CENTS = "again", "repeats", "correction", "cents"
Faults = dict[str, list[Difference | str]]  # by ROWS, TOTALS, OTHERS, one of these, or the name of a queue
_LONGEST = 600  # seconds for a file on AWS; on the embedded AWS the chain comes to rest long before


@dataclass
class Outcome:
    """The result of a probe.

    `faults` has an entry for each part of the chain that was tried. `errors` has the last error in the log of each
    function. With `stays`, the account is not as it was before.
    """

    rows: int
    customers: int
    faults: Faults = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, str] = field(default_factory=dict)
    stays: bool = False


def send(lab: Lab) -> Outcome:
    """Probe the account. On the embedded AWS it takes some seconds, on AWS some minutes."""
    with suppress(TimedOut):  # what is under way would be lost
        wait_for_rest(lab, 30)
    is_kept, probe = lab.keep(), _Probe(lab)
    try:
        if probe.goes_through() and is_kept:
            probe.try_more()
    finally:
        probe.outcome.stays = not (is_kept and lab.restore())
    return probe.outcome


class _Probe:
    """A probe on its way."""

    def __init__(self, lab: Lab) -> None:
        chance = Random()  # noqa: S311, no secret is drawn
        self.lab, self.account = lab, Account(lab)
        self.files = Bank(chance, snapshot(lab), lab.threshold).files(fitting_key(self.account, "{}"))
        first = transactions.recount(*self.files.first)
        self.outcome = Outcome(first.good, len(first.addresses))
        self._letters: Inbox | None = None
        with suppress(ClientError):  # a grader may not read the dead letters
            self._letters = Inbox(lab, queues.DEAD_LETTERS)

    def goes_through(self) -> bool:
        """Send one file after the other, up to the first fault. Return whether there is none."""
        files, lab = self.files, self.lab
        if not (self._is_right(files.first) and self._is_right(files.second)):
            return False
        due = transactions.recount(*files.second).rejected
        self.outcome.faults[REJECTED] = [*compare_rejected(due, buckets.rejected_rows(lab, files.second.key))]
        if not self._is_right(files.third):
            return False
        lab.start_cold()  # what a function keeps in its memory is gone
        return self._is_right(files.fourth)

    def try_more(self) -> None:
        """Deliver again what was delivered, and send what the handout does not ask for. Both may leave wrong totals.

        No file of the latter has a customer of the former's records, or of the other file.
        """
        if not is_indirect(self.account):  # what calls it otherwise has events of its own
            self._again(PROCESSOR, self._event())
        records = streams.records(self.lab, *self.files.crossing)
        self._again(NOTIFIER, {"Records": records}, records)
        for part, file in ((CORRECTION, self.files.correction), (CENTS, self.files.cents)):
            wrong = self._sent(file)
            self.outcome.faults[part] = [*wrong[ROWS], *wrong[TOTALS]]

    def _is_right(self, file: File) -> bool:
        """Send a file, enter what is wrong, and return whether nothing is that the handout's code does right."""
        wrong = self._sent(file)
        for part, faults in wrong.items():
            self.outcome.faults[part] += [_("{fault}, after {key}", fault=fault, key=file.key) for fault in faults]
        return not any(faults for part, faults in wrong.items() if part != REPEATS)

    def _sent(self, file: File) -> Faults:
        """Upload a file, and return what is wrong when nothing more comes of it."""
        upload = Upload(self.lab, file.key, transactions.recount(*file))
        buckets.put(self.lab, file.key, file.content)

        def is_over() -> bool:
            if (rest := at_rest(self.lab)) is False:
                return False
            is_last = upload.is_silent(rest)  # before the look, which then sees all there will be
            upload.look() if rest is None else upload.runs.read()  # at rest, there is nothing to follow
            return is_last or not any(self._compared(upload).values())

        with suppress(TimedOut):  # what is there by then is judged
            self.lab.wait_until(is_over, _("{key} to go all the way", key=file.key), timeout=_LONGEST)
        faults = self._compared(upload)
        faults[OTHERS] += self._dead_letters()
        for name in functions.SOURCES:
            if errors := upload.runs.errors(name):
                self.outcome.errors[name] = errors[-1]
        return faults

    def _compared(self, upload: Upload) -> Faults:
        expected, held, lab = upload.expected, snapshot(self.lab), self.lab
        topic = lab.arn("sns", lab.name(ALERT_TOPIC))
        faults: Faults = {
            ROWS: [*compare_rows(expected, held.rows, as_written=True), *compare_addresses(expected, held.customers)],
            TOTALS: [*compare_totals(expected.own_totals, held.totals)],
            OTHERS: [*compare_others(upload.before, held, expected)],
            REPEATS: [],
        }
        for name, inbox in upload.inboxes.items():
            if (messages := inbox.messages()) is None:
                more, wanted = inbox.more(), len(expected.crossing)
                fault = _("{count} messages more, not {wanted}", count=more, wanted=wanted)
                faults[name] = [fault] if more < wanted else []
            else:
                wrong, repeated = compare_messages(expected, messages, topic, lab.threshold)
                faults[name] = [*wrong]
                faults[REPEATS] += [_("{customer} again in {queue}", customer=who, queue=name) for who in repeated]
        return faults

    def _dead_letters(self) -> list[str]:
        """Return that there are dead letters, if they may be read: what the probe sends can be processed."""
        count = len(self._letters.messages() or []) if self._letters else 0
        queue = self.lab.name(queues.DEAD_LETTERS)
        told = ngettext("{count:,} message in {queue}", "{count:,} messages in {queue}", count, queue=queue)
        return [told] if count else []

    def _again(self, name: str, event: dict[str, Any], records: Iterable[streams.Record] = ()) -> None:
        """Call a function with what it had. Nothing may change; by the handout's code, all records count again."""
        before, inboxes, faults = snapshot(self.lab), alert_inboxes(self.lab), list[object]()
        try:
            functions.invoke(self.lab, name, event)
        except LabError as error:
            faults.append(error)
        wait_for_rest(self.lab, _LONGEST)
        after, again = snapshot(self.lab), dict(before.balances)
        for record in records:
            again[streams.customer(record)] += streams.change(record)["new amount"]
        if after.balances == before.balances or after.balances != again:
            faults += compare_others(before, after)
            wrong = [queue for queue, inbox in inboxes.items() if inbox.messages()]
            faults += [_("a message in {queue} again", queue=queue) for queue in wrong]
        faults += self._dead_letters()
        told = N_("{function} was called again with what it had, and {fault}")
        self.outcome.faults[AGAIN] += [_(told, function=self.lab.name(name), fault=fault) for fault in faults]

    def _event(self) -> dict[str, Any]:
        """Return the event of the last file that the handout's code takes. It has S3's sequencer if a marker has."""
        key = self.files.fourth.key
        marked = markers(self.lab, key)
        return buckets.creation(self.lab, key, marked[0]["EventId"].split()[-1] if marked else "")
