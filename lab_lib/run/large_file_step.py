"""Do the step of `lab run` with a large file: let the machine write it, and compare the account with the file."""

import hashlib
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lab_lib.aws import executions, functions, machines, queues, tables
from lab_lib.checks.broken import find_broken
from lab_lib.checks.chain import at_rest, is_silent
from lab_lib.checks.expected import ALERTS, Fault, total_faults
from lab_lib.errors import LabError, none_if_absent
from lab_lib.lab import Lab
from lab_lib.language import N_, _, ngettext
from lab_lib.resources import CHANGES, TOTALS
from lab_lib.run import audit
from lab_lib.run.large_files import LargeFile
from lab_lib.waiting import wait_until
from lab_lib.wording import listing

STEP = "05-large-file"  # its name, among those of the notebooks
_SPARE = 600  # seconds
_DIGEST = "sha256"  # the object's metadata of this name says which file was uploaded
_ANEW = N_("`lab clean`, then the same command, takes it in anew.")


def take_in(lab: Lab, file: LargeFile, progress: Callable[[int, int], None] = lambda done, of: None) -> str:
    """Let the machine write the file, and compare what the account then holds with another count of it.

    Return what was seen. The `progress` is in parts. Done again, this goes on where it has stopped: a file that was
    uploaded is not uploaded again, an execution that runs or has ended is not started again.

    LabError with the reason if the execution fails, if a row, total or alert is not there, or the object was replaced.
    """
    functions.require_threshold(lab)
    machines.ensure_all(lab)
    etag = _upload(lab, file)
    execution, _is_new = executions.start(lab, file.key, file.parts)
    report = _wait_for_parts(lab, execution, file, progress)
    if report["etag"] != etag:
        raise LabError(
            f"{file.key} was replaced, and the machine took in the newer one. The same command takes in your file."
        )
    totals, counts = _compare(lab, file, report)
    _wait_for_totals(lab, file, totals)
    high = sum(total >= lab.threshold for total in totals.values())
    return _(
        "{counts} in {parts}; {totals} exact, {alerts}",
        counts=counts,
        parts=ngettext("{count:,} part", "{count:,} parts", file.parts),
        totals=ngettext("{count:,} total", "{count:,} totals", len(totals)),
        alerts=ngettext("{count:,} alert", "{count:,} alerts", high),
    )


def _compare(lab: Lab, file: LargeFile, report: dict[str, Any]) -> tuple[dict[str, Decimal], str]:
    """Return the totals that the rows in the account lead to, and what the file has.

    LabError if rows or the counts of the machine's report differ.
    """
    with audit.opened() as counted:
        counted.read_file(file.path)
        counted.read_items(tables.scan(lab, "Transactions"))
        totals, faults = counted.compare()
    if faults:
        rows = ngettext("{count:,} row", "{count:,} rows", counted.wrong)
        differ = _("{rows} of {key} differ: {faults}.", rows=rows, key=file.key, faults=listing(map(str, faults)))
        raise LabError(f"{differ} {_(_ANEW)}")
    lines = {"written": counted.good, "rejected": counted.rejected}
    if report["rows"] and not lines.items() <= report.items():  # 0 if an earlier execution has taken in the upload
        told = _("The machine reports {report} of {key}, and it has {lines}.", report=report, key=file.key, lines=lines)
        raise LabError(f"{told} {_(_ANEW)}")
    rows = ngettext("{count:,} row", "{count:,} rows", counted.good)
    rejected = ngettext("{count:,} rejected line", "{count:,} rejected lines", counted.rejected)
    return totals, _(", ").join([rows, rejected])


def _upload(lab: Lab, file: LargeFile) -> str:
    """Upload the file, unless its object is there. Return its ETag."""
    s3, where = lab.client("s3"), {"Bucket": lab.bucket, "Key": file.key}
    with file.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, _DIGEST).hexdigest()
    now = none_if_absent(lambda: s3.head_object(**where))
    if now is None or now["Metadata"].get(_DIGEST) != digest:
        about = {"ContentType": "text/csv; charset=utf-8", "Metadata": {_DIGEST: digest}}
        s3.upload_file(str(file.path), *where.values(), ExtraArgs=about)
    return str(s3.head_object(**where)["ETag"])


def _wait_for_parts(lab: Lab, execution: str, file: LargeFile, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Wait until the execution has ended, and return its report. LabError with the reason if it has failed."""

    def is_over(now: executions.Progress) -> bool:
        progress(now.done, now.parts or file.parts)
        return now.is_over

    longest = _SPARE + 3 * functions.LONGEST_TIMEOUT * file.parts  # one after the other, each tried three times
    now = executions.wait(lab, execution, is_over, longest)
    if now.status != "SUCCEEDED":
        why = executions.why_failed(lab, execution)
        told = N_("The machine has not taken in {key}: {why}. What it wrote stays. The same command tries it again.")
        raise LabError(_(told, key=file.key, why=why))
    return now.report


def _wait_for_totals(lab: Lab, file: LargeFile, totals: dict[str, Decimal]) -> None:
    """Wait until each total is right, and each that has reached the threshold is alerted.

    LabError as soon as nothing more comes.
    """
    faults, changed = list[Fault](), time.monotonic()
    in_all = ngettext("{count:,} total", "{count:,} totals", len(totals))

    def are_right() -> bool:
        nonlocal faults, changed
        rest, before = at_rest(lab), faults  # before the look, so that it sees all there will be
        faults = _faults(lab, totals)
        if faults != before:
            changed = time.monotonic()
        if faults and is_silent(rest, changed):
            wrong = ngettext("{count:,} total or alert", "{count:,} totals or alerts", len(faults))
            told = N_(
                "{wrong} of {key} differ, and nothing more comes: {faults}. {why} Then run the same command again: it "
                "goes on from there."
            )
            listed, why = listing(map(str, faults)), _why_not_counted(lab, file)
            raise LabError(_(told, wrong=wrong, key=file.key, faults=listed, why=why))
        return not faults

    wait_until(
        are_right,
        "TotalNotifier to count all rows",
        timeout=_SPARE + 3 * file.rows / functions.ROWS_PER_SECOND,
        so_far=lambda: _("{count:,} of {all}", count=len(totals) - len(faults), all=in_all),
        longest_pause=5,
    )


def _why_not_counted(lab: Lab, file: LargeFile) -> str:
    """Return the broken link behind the rows, or what Lambda has given up."""
    broken = find_broken(lab, file.key, [CHANGES, TOTALS], is_over=True)
    return broken or _(
        "Dead letters: {letters}.", letters=listing({letter["why"] for letter in queues.dead_letters(lab)})
    )


def _faults(lab: Lab, totals: dict[str, Decimal]) -> list[Fault]:
    """Return how TransactionTotal differs from these totals, and the alerts that are missing."""
    held = {item["CustomerId"]: item for item in tables.scan(lab, "TransactionTotal")}
    return list(total_faults(totals, held)) or [
        Fault(ALERTS, name, "", None, total)
        for name, total in totals.items()
        if total >= lab.threshold and held[name].get("alerted") is not True
    ]
