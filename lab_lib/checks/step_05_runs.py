"""Check what the functions said of their work in step 05, and whether anything has changed since."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lab_lib.aws import cloudwatch, functions, queues, tables
from lab_lib.aws.json_text import count, moment
from lab_lib.checks import probe_list
from lab_lib.checks.causes import by_upload, correct_code, mend_chain
from lab_lib.checks.rules import FURTHER, Account, Finding, check, judged, none_of, or_none
from lab_lib.checks.step_02_stream import mapping
from lab_lib.checks.unseen import beyond
from lab_lib.checks.uploads import newest, once
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, cell

_RETRIES = timedelta(minutes=10)  # Lambda tries what failed again and again, after up to two minutes
_WRITTEN_BY = {"TransactionProcessor": "Transactions", "TotalNotifier": "TransactionTotal"}
_LINKS = {"TransactionProcessor": (ROWS,), "TotalNotifier": (CHANGES, TOTALS, ALERTS)}  # that each one makes


@check("05", "log-{}", "log of {}", after="upload function-{}", each=functions.SOURCES)
def log(account: Account, name: str) -> Finding:
    """The function has run: its log has the report of a run."""
    if cloudwatch.runs(_lines(account, name, newest(account))) or cloudwatch.runs(_lines(account, name)):
        return judged(True, "there", "there", by_upload(account, "Upload a file with new transactions"))
    if unread := _unread(account, name, _lines(account, name)):
        return unread
    mended = mend_chain(account, name, ROWS, *_LINKS[name], error="")
    if or_none(lambda: account.ask(tables.items, _WRITTEN_BY[name])):
        mended = f"{account.lab.name(name)} seems to have run, but its role may not write logs. Let it"
        mended += account.mend("put_role_policy", cell("role"), "Permissions of the role")
    hint = f"{mended} {by_upload(account, 'Then upload a file with new transactions')}"
    if not mended:
        hint = by_upload(account, f"{account.lab.name(name)} has not run. Upload a file with new transactions")
    return judged(False, f"no run in {group_of(account, name)}", "there", hint)


@check("05", "log-errors-{}", "errors in the log of {}", after="log-{}", each=functions.SOURCES)
def logged_errors(account: Account, name: str) -> Finding:
    """The log has no errors since the last upload: earlier errors may be corrected."""
    spans = [_lines(account, name, *span) for span in _times(account)]
    found = [error for lines in spans for error in cloudwatch.failures(lines)]
    hint = _mend(account, name, found[-1]) if found else correct_code(account, name)
    hint += f" {by_upload(account, 'Then upload the file once more')} Only errors after the last upload count."
    unread = _unread(account, name, max(spans, key=len)) if not found else None
    return unread or none_of(dict.fromkeys(found[-3:]), hint)


@check("05", "metric-errors-{}", "errors in the metrics of {}", after="upload function-{}", each=functions.SOURCES)
def counted_errors(account: Account, name: str) -> Finding:
    """CloudWatch counts no errors since the minute of the last upload. It counts a minute or two late."""
    counted = [account.ask(cloudwatch.metrics, name, *span) for span in _times(account)]
    counts = {metric: sum(each[metric] for each in counted) for metric in ("Errors", "Throttles")}
    found = [f"{counts[metric]} {metric.lower()}" for metric in counts if counts[metric]]
    hint = f"{account.lab.name(name)} was called too often at once. If it has a reserved concurrency, remove it"
    hint += account.mend("delete_function_concurrency", console="Configuration, Concurrency")
    if counts["Errors"]:
        hint = _mend(account, name)
    return none_of(found, f"{hint} {by_upload(account, 'Wait a minute, then upload the file again')}")


@check(FURTHER, "newer-than-upload", "newer than the last upload", after="upload")
def changed_since(account: Account) -> Finding:
    """The last upload has gone through all that is there now. A bucket's notification tells no time."""
    later = newest(account) + timedelta(seconds=1)  # S3 tells whole seconds
    found = [what for what, changed in _changes(account).items() if changed and changed >= later]
    hint = by_upload(account, "Upload a file with new transactions, so that they go through this too").removesuffix(".")
    return none_of(found, f"{hint}, or run `lab check --probe`.", right="nothing")


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


def _mend(account: Account, name: str, error: str | None = None) -> str:
    """Return what mends the function: by a check that does not hold, or by this error or the last in its log."""
    return mend_chain(account, name, *_LINKS[name], error=error) or correct_code(account, name)


def _unread(account: Account, name: str, lines: list[str]) -> Finding | None:
    """Return the finding of a check that the lines beyond `cloudwatch.MOST` decide; None if all were read."""
    if len(lines) < cloudwatch.MOST:
        return None
    hint = by_upload(account, "Upload a small file, since what comes after it is read first")
    return beyond(group_of(account, name), "lines", cloudwatch.MOST, hint)


def _lines(account: Account, name: str, since: datetime | None = None, until: datetime | None = None) -> list[str]:
    return account.ask(cloudwatch.log_lines, name, since, group_of(account, name), until)


def _changes(account: Account) -> dict[str, datetime | None]:
    """Return when each part of the chain was changed; None where AWS does not tell."""
    asked = {name: account.ask(queues.attributes, name) for name in queues.ALERT_QUEUES}
    seconds = {name: count(found.get("LastModifiedTimestamp")) or 0 for name, found in asked.items()}
    described: dict[str, Any] = {name: account.ask(tables.describe, name) or {} for name in tables.KEYS}
    return {
        **{f"function {each}": moment(account.settings(each).get("LastModified")) for each in functions.SOURCES},
        **{f"table {each}": found.get("CreationDateTime") for each, found in described.items()},
        "stream trigger": mapping(account).get("LastModified"),
        **{f"queue {each}": datetime.fromtimestamp(found, UTC) for each, found in seconds.items()},
    }
