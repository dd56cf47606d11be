"""Follow an upload through the chain: what is due at each link, what is there, and why it comes no further.

On AWS it takes minutes until the chain can take an upload, and until the logs and CloudWatch tell of it: wait for both.
"""

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, log_runs, tables
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.calls.waiting import LOGS_TAKE
from lab_lib.checks import upload as judge
from lab_lib.checks.causes import correct_code, find_broken, why_not
from lab_lib.checks.evidence import Evidence, alert_inboxes, at_rest, count_markers, is_over, snapshot, wait_for_rest
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, Account, fitting_key
from lab_lib.checks.upload import Difference, Item, Snapshot, expect
from lab_lib.errors import CheckFailed
from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS
from lab_lib.lab import Lab
from lab_lib.language import _, ngettext, sentences
from lab_lib.pages.live import Link, Progress
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, REJECTED, ROWS, TOTALS, messages
from lab_lib.transactions import Recount

_LONGEST = 3600  # seconds; a chain comes to rest long before, unless something starts it again and again
_ASK_AFTER = 3  # seconds without progress
_LOOKS_A_TRIAL = 8  # about five seconds, later 16: a cold function takes its time


@contextmanager
def following(
    lab: Lab,
    path: str | Path,
    show: Callable[[Progress], None] = lambda progress: None,
    only: Collection[str] = (),
) -> Iterator[None]:
    """Follow the file that the block uploads under its name, until all that is due is there: in these links `only`.

    `show` is called whenever a link has changed. StepMissing before the block if TotalNotifier has another threshold.
    After it, CheckFailed with the reason as soon as nothing more can come, or if a link is broken for which nothing was
    due; TimedOut if the chain does not come to rest.
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
        wait_for_rest(lab, 30)  # an earlier upload should be through
        self.lab = lab
        self.key = key
        self.file = file
        self.only = only
        self.expected = expect(before or snapshot(lab), [file], lab.threshold)
        self._totals = self.expected.own_totals
        self.inboxes = alert_inboxes(lab)
        self.links = list[Link]()
        self._began = datetime.now(UTC)
        self._marked = count_markers(lab, key)  # by earlier uploads of the key
        self.evidence = Evidence(lab, self._began)
        self._all_in = False  # whether all rows are there
        self._faults = list[Difference]()  # of the rows, then of the totals
        self._done = -1  # what has come through all links; less than nothing before the first look
        self._since = time.monotonic()  # when that changed last
        self._has_asked = False  # the checks, since then
        self._broken = ""  # the part of the chain at which it stops

    def wait(self, show: Callable[[Progress], None]) -> None:
        """Wait until all that is due is there, and show it. It raises what `following` raises after its block."""

        def has_arrived() -> bool:
            is_at_rest = at_rest(self.lab)  # before the look, so that it sees all there will be
            if self.look():
                show(Progress(self.links))
            if not self.has_arrived:
                self._raise_if_stopped(is_at_rest)
            return self.has_arrived

        try:
            what = _("{key} to go all the way", key=self.key)
            self.lab.wait_until(has_arrived, what, timeout=_LONGEST, so_far=lambda: self.place)
            self._try_others()
        finally:
            show(Progress(self.links, True, self.evidence.first, self._broken))

    @property
    def waiting(self) -> list[Link]:
        """Return the links through which something has still to come. A function need not keep what it rejects.

        The first link waits too until a run has taken in a file of which no row is due.
        """
        waiting = [link for link in self.links if link.have < link.want and link.name != REJECTED]
        if not waiting and not self._all_in:
            return self.links[:1]
        return waiting

    @property
    def place(self) -> str:
        """Return the first of these links, as text."""
        return str((self.waiting or self.links)[0])

    @property
    def has_arrived(self) -> bool:
        return not self.waiting

    def look(self) -> bool:
        """Look at each link once, and return whether one has changed."""
        self.evidence = Evidence(self.lab, self._began)
        links = [self._written(), *self._rejected(), *self._behind()]
        if self.only:
            links = [link for link in links if link.name in self.only]
        done = sum(link.have for link in links)
        if done != self._done:
            self._done = done
            self._since = time.monotonic()
            self._has_asked = False
        has_changed = links != self.links
        self.links = links
        return has_changed

    def _written(self) -> Link:
        """Return the link of the rows. If none changes, only the end of a run tells that they were written again."""
        due = have = len(self.file.amounts)
        if not self._all_in:
            held = Snapshot.of(tables.items(self.lab, "Transactions"), (), ()).rows
            self._faults = list(judge.compare_rows(self.expected, held))
            wrong_rows = {fault.key for fault in self._faults}
            have -= len(wrong_rows)
            if not self.expected.changed and self.evidence.has_taken_in(self.key, self._marked) is False:
                have = 0
            elif not self._faults:
                self._all_in = True
        note = self.evidence.note(PROCESSOR)
        return Link(ROWS, have, due, note=note, when=self.evidence.last(PROCESSOR))

    def _rejected(self) -> list[Link]:
        """Return the link of the lines that must be rejected, if there are any. Of very many, some are kept."""
        due = self.file.rejected
        if not due:
            return []
        kept = buckets.rejected_rows(self.lab, self.key) if self._all_in else []
        missing = list(judge.compare_rejected(due, kept))
        return [Link(REJECTED, len(due) - len(missing), len(due))]

    def _behind(self) -> list[Link]:
        """Return the links behind the rows. The totals are read when all rows are there, since they may be many."""
        items = tables.items(self.lab, "TransactionTotal") if self._all_in else []
        held = Snapshot.of((), (), items).totals
        faults = list(judge.compare_totals(self._totals, held))
        if self._all_in:
            self._faults = faults
        changed = counted = len(self.expected.changed)
        if faults:  # a function of somebody else reports nothing: it has counted all if the totals are right
            reported = sum(run.records for run in self.evidence.runs(NOTIFIER))
            counted = min(reported, changed)
        why = ngettext("the row was there already", "all {count:,} rows were there already", len(self.file.amounts))
        last = self.evidence.last(NOTIFIER)
        return [
            Link(CHANGES, counted, changed, why, self.evidence.note(NOTIFIER), last),
            Link(TOTALS, len(self._totals) - len(faults), len(self._totals), when=last),
            *self._alerts(held, not faults),
        ]

    def _alerts(self, totals: Mapping[str, Item], settled: bool) -> list[Link]:
        """Return the links of the alerts, but for queues that cannot be read.

        Messages are read only when the totals are settled, since it takes long.
        """
        due = self.expected.crossing
        why = self._why_no_alert()
        links = []
        for name, inbox in self.inboxes.items():
            alerted = inbox.alerted(due) if settled else 0
            if alerted is not None:
                links.append(Link(messages(name), alerted, len(due), why, when=inbox.last))
        flags = 0  # only this workbook's function sets them
        for customer in due:
            item = totals.get(customer, {})
            if item.get("alerted") is True:
                flags += 1
        published = max([flags, *(link.have for link in links)])
        first = min((link.when for link in links if link.when), default=None)
        return [Link(ALERTS, published, len(due), why, when=first), *links]

    def _why_no_alert(self) -> str:
        limit = self.lab.threshold
        high = sorted(name for name, total in self._totals.items() if total >= limit)
        if high:
            return _("{customers} had reached {limit:f} before", customers=listing(high), limit=limit)
        return _("no total reaches {limit:f}", limit=limit)

    def _raise_if_stopped(self, is_at_rest: bool | None) -> None:
        """Raise if nothing more comes through the chain, or a check names the broken link. Else return."""
        quiet = time.monotonic() - self._since
        is_last = is_over(self.lab, is_at_rest, quiet)
        if not is_last and (quiet < _ASK_AFTER or self._has_asked):  # the checks are asked once a standstill
            return
        self._has_asked = True
        again = _("run this cell again")
        links = [link.name for link in self.waiting]
        of_queues = [messages(queue) for queue in self.inboxes]
        if all(link in of_queues for link in links):
            again = _("run notebook.alert_again(lab), since SNS keeps no message")
        suspects = links if is_last else links[:1]
        broken = find_broken(self.lab, self.key, suspects, is_last)
        if broken:
            self._broken = broken.part
            fix = broken.in_one_line
        elif is_last:
            self._broken = PROCESSOR if ROWS in links else NOTIFIER
            fix = self._reason()
        else:
            return
        why = _("{fix} Then {again}.", fix=fix, again=again)
        raise CheckFailed('The chain stops at "{place}". {why}', place=self.place, why=why)

    def _try_others(self) -> None:
        """Raise CheckFailed if nothing could come through a link through which nothing had to."""
        others = [link.name for link in self.links if not link.want]
        if broken := find_broken(self.lab, self.key, others):
            self._broken = broken.part
            raise CheckFailed("All that was due has come, but nothing more could: {fix}", fix=broken.in_one_line)

    def _reason(self) -> str:
        """Return what a function fails with or what differs, where no check knows the reason, and how to fix it."""
        account = Account(self.lab)
        first = self.waiting[0].name
        for name in functions.SOURCES:
            cause, hint = why_not(account, name, [], self.evidence.errors(name))
            if cause:
                return sentences(cause, hint)
        faults = [*self._faults]
        for inbox in self.inboxes.values():
            faults += inbox.faults
        found = ""
        if faults:
            texts = dict.fromkeys(map(str, faults))  # each once
            found = _("{found}.", found=listing(texts))
        function = PROCESSOR if first == ROWS else NOTIFIER
        fix = correct_code(account, function)
        if first == TOTALS:
            fix = _("`lab check --step 05` says how the totals are put right.")
        return sentences(found, _("Nothing more comes, and the checks of steps 00 to 04 find no reason."), fix)


def wait_until_uploads_start(lab: Lab) -> None:
    """Wait until an upload starts TransactionProcessor.

    Uploads a file without rows, and again every few seconds, until the function has taken one in: S3 brings a new
    notification into force within minutes, and never sends what it missed until then. CheckFailed if a check finds
    what is broken.
    """
    key = fitting_key(Account(lab), buckets.TRIAL)
    looks = itertools.count(1)
    began = datetime.now(UTC)
    marked = count_markers(lab, key)

    def has_started() -> bool:
        look = next(looks)
        if look % _LOOKS_A_TRIAL == 1:
            buckets.put(lab, key, f"{'|'.join(COLUMNS)}\n".encode())
        broken = find_broken(lab, key, [ROWS]) if look == _LOOKS_A_TRIAL else None
        if broken:
            raise CheckFailed(
                "An upload does not start {function}. {broken} Then run this cell again.",
                function=lab.name(PROCESSOR),
                broken=broken.in_one_line,
            )
        evidence = Evidence(lab, began)
        return bool(evidence.has_taken_in(key, marked) or evidence.errors(PROCESSOR))

    what = _("an upload to start {function}", function=lab.name(PROCESSOR))
    on_aws = _("about five minutes after the trigger was created")
    try:
        lab.wait_until(has_started, what, timeout=lab.longest(600), on_aws=on_aws)
    finally:
        buckets.delete_object(lab, key)


def wait_until_logged(lab: Lab) -> None:
    """Wait until the logs tell of the last upload. Without any row, TotalNotifier need not have run."""
    since = {PROCESSOR: buckets.uploads(lab)[-1]["LastModified"]}  # the same file again changes nothing in the stream
    names = functions.SOURCES if tables.items(lab, "Transactions", most=1) else [PROCESSOR]
    groups = {name: functions.log_group(lab, name) for name in names}

    def has_run(name: str) -> bool:
        return any(run.end for run in log_runs.read(lab, groups[name], since.get(name)))

    def logged() -> bool:
        return all(map(has_run, names))

    hint = _("A function has not run. The checkpoint of this notebook says which link is broken.")
    how = {"timeout": lab.longest(600), "on_aws": LOGS_TAKE, "hint": hint}
    none_if_unseen(lambda: lab.wait_until(logged, "the functions' logs", **how))


def wait_until_counted(lab: Lab) -> None:
    """Wait until CloudWatch has counted calls of both functions. Each question costs a little on AWS."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)

    def counted() -> bool:
        return all(cloudwatch.metrics(lab, name, hour_ago)["Invocations"] for name in functions.SOURCES)

    lab.wait_until(
        counted, "CloudWatch to count", timeout=600, on_aws=_("a few minutes"), first_pause=15, longest_pause=15
    )
