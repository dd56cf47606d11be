"""Wait until the chain can take an upload, and until CloudWatch tells of it. On AWS both take minutes."""

import itertools
from datetime import UTC, datetime, timedelta

from lab_lib.aws import buckets, cloudwatch, functions, log_runs, tables
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.calls.waiting import LOGS_TAKE
from lab_lib.checks.causes import find_broken
from lab_lib.checks.evidence import Evidence, count_markers
from lab_lib.checks.reading import PROCESSOR, fitting_key
from lab_lib.checks.rules import Account
from lab_lib.errors import CheckFailed
from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.resources import ROWS

_LOOKS_A_TRIAL = 8  # about five seconds, later 16: a cold function takes its time


def wait_until_uploads_start(lab: Lab) -> None:
    """Wait until an upload starts TransactionProcessor.

    Uploads a file without rows, and again every few seconds, until the function has taken one in: S3 brings a new
    notification into force within minutes, and never sends what it missed until then. CheckFailed if a check finds
    what is broken.
    """
    key, looks = fitting_key(Account(lab), buckets.TRIAL), itertools.count(1)
    began, marked = datetime.now(UTC), count_markers(lab, key)

    def has_started() -> bool:
        look = next(looks)
        if look % _LOOKS_A_TRIAL == 1:
            buckets.put(lab, key, f"{'|'.join(COLUMNS)}\n".encode())
        if look == _LOOKS_A_TRIAL and (broken := find_broken(lab, key, [ROWS])):
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
    logs = {name: functions.log_group(lab, name) for name in names}

    def logged() -> bool:
        runs = [log_runs.read(lab, name, group, since.get(name)) for name, group in logs.items()]
        return all(any(run.end for run in of_function) for of_function in runs)

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
