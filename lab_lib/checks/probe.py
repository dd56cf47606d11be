"""Upload files as a bank would, and compare everything with what they must lead to.

On the embedded AWS, the account is kept before and restored afterwards. So a probe may also call the functions again
with what they had, and send a correction and cents. On AWS, and for a grader without the account's own key, it only
uploads and reads, and what it has brought stays.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Any

from lab_lib import transactions
from lab_lib.aws import buckets, functions, queues, streams, topics
from lab_lib.checks.arrivals import Inbox, markers, snapshot
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
from lab_lib.language import N_, _
from lab_lib.workspace.one_command import in_turn

AGAIN, REPEATS, CORRECTION, CENTS = "again", "repeats", "correction", "cents"
Faults = dict[str, list[Difference | str]]  # by ROWS, TOTALS, OTHERS, one of these, or the name of a queue
_LONGEST = 600  # seconds for a file on AWS; on the embedded AWS the chain comes to rest long before


@dataclass
class Outcome:
    """The result of a probe.

    `arrived` is said if all rows did. `faults` has an entry for each part of the chain that was tried. `errors` has the
    last error in the log of each function.
    """

    arrived: str
    faults: Faults = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, str] = field(default_factory=dict)


def send(lab: Lab) -> Outcome:
    """Probe the account. On the embedded AWS it takes some seconds, on AWS some minutes."""
    with in_turn(lab):
        with suppress(TimedOut):  # what is under way would be lost
            wait_for_rest(lab, 30)
        is_kept, probe = lab.keep(), _Probe(lab)
        try:
            probe.follow(is_kept)
        finally:
            if not (is_kept and lab.restore()):
                told = {"found": probe.outcome.arrived, "stays": _("its rows, alerts and files stay")}
                probe.outcome.arrived = _("{found}; {stays}", **told)
    return probe.outcome


class _Probe:
    """A probe on its way."""

    def __init__(self, lab: Lab) -> None:
        chance = Random()  # noqa: S311, no secret is drawn
        self.lab, self.account = lab, Account(lab)
        self.files = Bank(chance, snapshot(lab), lab.threshold).files(fitting_key(self.account, "{}"))
        first = transactions.recount(*self.files.first)
        told = N_("{rows} rows of {customers} customers arrived")
        self.outcome = Outcome(_(told, rows=first.good, customers=len(first.addresses)))
        self._letters = Inbox(lab, queues.DEAD_LETTERS)  # the handout has no such queue

    def follow(self, is_kept: bool) -> None:
        """Send one file after the other, up to the first fault.

        Where the account is kept, deliver again what was delivered, and send what the handout does not ask for. All of
        this may leave wrong totals, so each is about other customers.
        """
        lab, files, faults = self.lab, self.files, self.outcome.faults
        if not all(map(self._is_right, (files.first, files.second, files.third))):
            return
        due = transactions.recount(*files.third).rejected
        faults[REJECTED] = [*compare_rejected(due, buckets.rejected_rows(lab, files.third.key))]
        lab.start_cold()  # what a function keeps in its memory is gone
        if not (self._is_right(files.fourth) and is_kept):
            return
        if not is_indirect(self.account):  # what calls it otherwise has events of its own
            marked = markers(lab, files.fourth.key)  # if it marks uploads, by S3's sequencer
            sequencer = marked[0]["EventId"].split()[-1] if marked else ""
            self._again(PROCESSOR, buckets.creation(lab, files.fourth.key, sequencer))
        records = streams.records(lab, *files.crossing)
        self._again(NOTIFIER, {"Records": records}, records)
        for part, file in ((CORRECTION, files.correction), (CENTS, files.cents)):
            wrong = self._sent(file)
            faults[part] = [*wrong[ROWS], *wrong[TOTALS]]

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

        def look() -> Faults | None:
            if (rest := at_rest(self.lab)) is False:
                return None
            is_last = upload.is_silent(rest)  # before the look, which then sees all there will be
            upload.look() if rest is None else upload.runs.read()  # at rest, there is nothing to follow
            faults = self._compared(upload)
            return faults if is_last or not any(faults.values()) else None

        try:
            faults = self.lab.wait_until(look, _("{key} to go all the way", key=file.key), timeout=_LONGEST)
        except TimedOut:  # what is there by then is judged
            faults = self._compared(upload)
        for name in functions.SOURCES:
            if errors := upload.runs.errors(name):
                self.outcome.errors[name] = errors[-1]
        return faults

    def _compared(self, upload: Upload) -> Faults:
        expected, held, lab = upload.expected, snapshot(self.lab), self.lab
        topic = topics.topic_arn(lab)
        faults: Faults = {
            ROWS: [*compare_rows(expected, held.rows, as_written=True), *compare_addresses(expected, held.customers)],
            TOTALS: [*compare_totals(expected.own_totals, held.totals)],
            OTHERS: [*compare_others(upload.before, held, expected)],
            REPEATS: [],
        }
        if self._letters.messages():
            faults[OTHERS].append(_("messages in {}").format(lab.name(queues.DEAD_LETTERS)))
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

    def _again(self, name: str, event: dict[str, Any], records: Sequence[streams.Record] = ()) -> None:
        """Call a function with what it had. Nothing may change; by the handout's code, all records count again."""
        last, faults = self.files.fourth, list[object]()
        upload = Upload(self.lab, last.key, transactions.recount(*last))
        try:
            functions.invoke(self.lab, name, event)
        except LabError as error:
            faults.append(error)
        wait_for_rest(self.lab, _LONGEST)
        again = upload.before.balances
        for record in records:
            again[streams.customer(record)] += streams.change(record)["new amount"]
        if not records or snapshot(self.lab).balances != again:
            faults += chain.from_iterable(self._compared(upload).values())
        told = N_("{function} was called again with what it had, and {fault}")
        self.outcome.faults[AGAIN] += [_(told, function=self.lab.name(name), fault=fault) for fault in faults]
