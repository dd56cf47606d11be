"""Check the logs and metrics of the functions in step 05, and whether anything has changed since."""

from datetime import UTC, datetime, timedelta

from lab_lib.aws import cloudwatch, functions, queues, tables
from lab_lib.aws.json_text import count, moment
from lab_lib.checks import probe_list
from lab_lib.checks.causes import by_upload, correct_code, fix_chain
from lab_lib.checks.reading import mapping
from lab_lib.checks.rules import FURTHER, Account, Finding, beyond, check, judged, none_of
from lab_lib.checks.uploads import newest, once
from lab_lib.language import N_, _
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, Resource, get

_RETRIES = timedelta(minutes=10)  # Lambda tries what failed again and again, after up to two minutes
_LINKS = {"TransactionProcessor": (ROWS,), "TotalNotifier": (CHANGES, TOTALS, ALERTS)}  # that each one makes


@check("05", "log-{}", "log of {}", after="upload function-{}", subjects=functions.SOURCES)
def log(account: Account, name: str) -> Finding:
    """The function has run: its log has the report of a run."""
    if cloudwatch.runs(_lines(account, name, newest(account))) or cloudwatch.runs(_lines(account, name)):
        return judged(True, _("there"), _("there"), by_upload(account))
    if unread := _unread(account, name, _lines(account, name)):
        return unread
    fix, hint = fix_chain(account, name, ROWS, *_LINKS[name]), by_upload(account, N_("Upload new transactions"))
    return judged(False, _("no run in {group}", group=group_of(account, name)), _("there"), f"{fix} {hint}".strip())


@check("05", "log-errors-{}", "errors in the log of {}", after="log-{}", subjects=functions.SOURCES)
def logged_errors(account: Account, name: str) -> Finding:
    """The log has no errors since the last upload: earlier errors may be corrected."""
    spans = [_lines(account, name, *span) for span in _times(account)]
    errors = [error for lines in spans for error in cloudwatch.failures(lines)]
    fix = _fix(account, name, errors[-1]) if errors else correct_code(account, name)
    again = by_upload(account, N_("Then upload the file once more"))
    hint = _("{fix} {again} Only errors after the last upload count.", fix=fix, again=again)
    unread = _unread(account, name, max(spans, key=len)) if not errors else None
    return unread or none_of(dict.fromkeys(errors[-3:]), hint)


@check("05", "metric-errors-{}", "errors in the metrics of {}", after="upload function-{}", subjects=functions.SOURCES)
def counted_errors(account: Account, name: str) -> Finding:
    """CloudWatch counts no errors since the minute of the last upload. It counts a few minutes late."""
    counted = [account.ask(cloudwatch.metrics, name, *span) for span in _times(account)]
    names = {"Errors": N_("{count} errors"), "Throttles": N_("{count} throttles")}
    counts = {metric: sum(part[metric] for part in counted) for metric in names}
    faults = [_(text, count=counts[metric]) for metric, text in names.items() if counts[metric]]
    fix = _(
        "{function} was called too often at once. If it has a reserved concurrency, remove it",
        function=account.name(name),
    )
    fix = account.how_to_fix(fix, "delete_function_concurrency", N_("Configuration, Concurrency"))
    if counts["Errors"]:
        fix = _fix(account, name)
    again = by_upload(account, N_("Wait a minute, then upload the file again"))
    return none_of(faults, f"{fix} {again}")


@check(FURTHER, "newer-than-upload", "newer than the last upload", after="upload")
def changed_since(account: Account) -> Finding:
    """The last upload has gone through all that is there now. A bucket's notification tells no time."""
    later = newest(account) + timedelta(seconds=1)  # S3 tells whole seconds
    newer = [part.title for part, changed in _changes(account).items() if changed and changed >= later]
    hint = by_upload(account, N_("Upload a file with new transactions, so that they go through this too"))
    return none_of(newer, _("{hint} Or run `lab check --probe`.", hint=hint), right=_("nothing"))


def group_of(account: Account, name: str) -> str:
    """Return the log group of the function, which may be one of its own."""
    return cloudwatch.group_of(account.lab, name, account.settings(name))


@once
def _times(account: Account) -> list[tuple[datetime, datetime | None]]:
    """Return the times in which errors count: since the last upload, but not those of what a probe has sent."""
    last = since = newest(account)
    spans = list[tuple[datetime, datetime | None]]()
    for probe in probe_list.entries(account.lab):
        if probe.end > last:
            if probe.start > since:
                spans.append((since, probe.start))
            since = probe.end + _RETRIES
    return [*spans, (since, None)]


def _fix(account: Account, name: str, error: str = "") -> str:
    """Return what fixes the function: by a check that does not hold, or by this error in its log."""
    return fix_chain(account, name, *_LINKS[name], error=error) or correct_code(account, name)


def _unread(account: Account, name: str, lines: list[str]) -> Finding | None:
    """Return the finding of a check that the lines beyond `cloudwatch.MOST` decide; None if all were read."""
    if len(lines) < cloudwatch.MOST:
        return None
    hint = by_upload(account, N_("Upload a small file, since what comes after it is read first"))
    return beyond(group_of(account, name), N_("lines"), cloudwatch.MOST, hint)


def _lines(account: Account, name: str, since: datetime | None = None, until: datetime | None = None) -> list[str]:
    return account.ask(cloudwatch.log_lines, name, since, group_of(account, name), until)


def _changes(account: Account) -> dict[Resource, datetime | None]:
    """Return when each part of the chain was changed; None where AWS does not tell."""
    times = {get("function", name): moment(account.settings(name).get("LastModified")) for name in functions.SOURCES}
    for name in tables.KEYS:
        times[get("table", name)] = (account.ask(tables.describe, name) or {}).get("CreationDateTime")
    times[get("stream trigger")] = mapping(account).get("LastModified")
    for name in queues.ALERT_QUEUES:
        seconds = count(account.ask(queues.attributes, name).get("LastModifiedTimestamp"))
        times[get("queue", name)] = datetime.fromtimestamp(seconds or 0, UTC)
    return times
