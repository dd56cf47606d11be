"""Upload files as a bank would, and compare everything with what they must lead to.

On AWS, and wherever nobody can say that the chain is at rest, a probe only uploads and reads. On the embedded AWS it
also delivers again what was delivered, sends a correction and cents, and removes what it has brought where that does
no harm.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from lab_lib import transactions
from lab_lib.aws import buckets, functions, queues, streams
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.checks import probe_clean_up, probe_list
from lab_lib.checks.arrivals import Inbox, alert_inboxes, markers, snapshot
from lab_lib.checks.bank import Bank, File, Files
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
    Snapshot,
    compare_addresses,
    compare_messages,
    compare_others,
    compare_rejected,
    compare_rows,
    compare_totals,
)
from lab_lib.errors import LabError, TimedOut, is_access_denied
from lab_lib.lab import Lab
from lab_lib.language import N_, _, ngettext

AGAIN, REPEATS, CORRECTION, CENTS = "again", "repeats", "correction", "cents"
Faults = dict[str, list[Difference | str]]  # by ROWS, TOTALS, OTHERS, one of these, or the name of a queue
_LONGEST = 600  # seconds for a file on AWS; on the embedded AWS the chain comes to rest long before


@dataclass
class Outcome:
    """The result of a probe.

    `faults` has an entry for each part of the chain that was tried. `errors` has the last error in the log of each
    function. `stays` says what was not removed, and why.
    """

    rows: int = 0
    customers: int = 0
    faults: Faults = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, str] = field(default_factory=dict)
    stays: str = ""


def send(lab: Lab) -> Outcome:
    """Probe the account. On the embedded AWS it takes some seconds, on AWS some minutes."""
    before = snapshot(lab)
    chance = Random()  # noqa: S311, no secret is drawn
    files = Bank(chance, before, lab.threshold).files(fitting_key(Account(lab), "{}"))
    with probe_list.noted(lab, [file.key for file in files.all]):
        probe = _Probe(lab, files)
        try:
            probe.follow()
        finally:
            probe.outcome.stays = probe_clean_up.clean_up(lab, before, files, probe.inboxes)
    return probe.outcome


class _Probe:
    """A probe on its way."""

    def __init__(self, lab: Lab, files: Files) -> None:
        self.lab, self.files, self.outcome = lab, files, Outcome()
        self.inboxes = alert_inboxes(lab)
        with suppress(ClientError):  # a grader may not read the dead letters; then they stay
            self.inboxes[queues.DEAD_LETTERS] = Inbox(lab, queues.DEAD_LETTERS)

    def follow(self) -> None:
        """Send one file after the other, up to the first fault."""
        files, faults = self.files, self.outcome.faults
        if not self._goes_through(files.first):
            return
        may_call = at_rest(self.lab) is not None
        if may_call and not is_indirect(Account(self.lab)):  # what calls it otherwise has events of its own
            may_call = self._again(PROCESSOR, self._event(), compare_others)
        if not self._goes_through(files.second):
            return
        due = transactions.recount(files.second.key, files.second.content).rejected
        faults[REJECTED] = [*compare_rejected(due, buckets.rejected_rows(self.lab, files.second.key))]
        if not self._goes_through(files.third) or not may_call:
            return
        records = streams.records(self.lab, *files.customers)
        self._again(NOTIFIER, {"Records": records}, partial(_mixed_up, records))
        self.lab.start_cold()  # what a function keeps in its memory is gone
        if not self._goes_through(files.fourth):
            return
        for part, file in ((CORRECTION, files.correction), (CENTS, files.cents)):
            wrong = self._sent(file)
            faults[part] = [*wrong[ROWS], *wrong[TOTALS]]
            self._put_right(self._upload.inboxes)  # a wrong total may have led to an alert

    def _goes_through(self, file: File) -> bool:
        """Send a file, enter what is wrong, and return whether nothing is that the handout's code does right."""
        wrong = self._sent(file)
        for part, faults in wrong.items():
            self.outcome.faults[part] += [_("{fault}, after {key}", fault=fault, key=file.key) for fault in faults]
        return not any(faults for part, faults in wrong.items() if part != REPEATS)

    def _sent(self, file: File) -> Faults:
        """Upload a file, and return what is wrong when nothing more comes of it."""
        recount, faults = transactions.recount(file.key, file.content), Faults()
        self._upload = upload = Upload(self.lab, file.key, recount)
        if not self.outcome.rows:
            self.outcome.rows, self.outcome.customers = recount.good, len(recount.addresses)
        buckets.put(self.lab, file.key, file.content)

        def is_over() -> bool:
            nonlocal faults
            if (rest := at_rest(self.lab)) is False:
                return False
            is_last = upload.is_silent(rest)  # before the look, which then sees all there will be
            upload.look() if rest is None else upload.runs.read()  # at rest, there is nothing to follow
            faults = self._compared(upload)
            return is_last or not any(faults.values())

        with suppress(TimedOut):  # what is there by then is judged
            self.lab.wait_until(is_over, _("{key} to go all the way", key=file.key), timeout=_LONGEST)
        faults = faults or self._compared(upload)
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
        inbox = self.inboxes.get(queues.DEAD_LETTERS)
        count = len(inbox.messages() or []) if inbox else 0
        queue = self.lab.name(queues.DEAD_LETTERS)
        return [ngettext("{count:,} message in {queue}", "{count:,} messages in {queue}", count, queue=queue)] * (
            count > 0
        )

    def _again(
        self, name: str, event: dict[str, Any], compare: Callable[[Snapshot, Snapshot], Iterable[object]]
    ) -> bool:
        """Call a function with what it got before, and put right what changes. Return False if the call is refused."""
        before, inboxes = snapshot(self.lab), alert_inboxes(self.lab)
        faults = list[object]()
        try:
            functions.invoke(self.lab, name, event)
        except LabError as error:
            faults.append(error)
        except ClientError as error:
            if is_access_denied(error):
                return False
            raise
        wait_for_rest(self.lab, _LONGEST)
        after = snapshot(self.lab)
        faults += [*compare(before, after), *self._dead_letters()]
        if after.totals == before.totals:
            again = [queue for queue, inbox in inboxes.items() if inbox.messages()]
            faults += [_("a message in {queue} again", queue=queue) for queue in again]
        told = N_("{function} was called again with what it had, and {fault}")
        self.outcome.faults[AGAIN] += [_(told, function=self.lab.name(name), fault=fault) for fault in faults]
        self._put_right(inboxes)
        return True

    def _put_right(self, inboxes: dict[str, Inbox]) -> None:
        probe_clean_up.put_totals_right(self.lab, self.files.customers)
        for inbox in inboxes.values():
            inbox.clear()

    def _event(self) -> dict[str, Any]:
        """Return the event of the first file. It has S3's sequencer if a marker has."""
        key = self.files.first.key
        marked = markers(self.lab, key)
        return buckets.creation(self.lab, key, marked[0]["EventId"].split()[-1] if marked else "")


def _mixed_up(records: list[streams.Record], before: Snapshot, after: Snapshot) -> list[Difference]:
    """Return the totals that are wrong. They must be as before or, as by the handout's code, all counted again."""
    again = dict(before.balances)
    for record in records:
        again[streams.customer(record)] += streams.change(record)["new amount"]
    if after.balances == again:
        return []
    return [*compare_totals(before.balances, after.totals)]
