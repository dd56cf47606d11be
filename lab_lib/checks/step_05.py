"""Check step 05, a check a link: what the uploads have led to, and that the functions have led to it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables, topics
from lab_lib.aws.json_text import count, milliseconds, moment
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.checks import upload
from lab_lib.checks.causes import LINKS, alert_again, by_upload, correct_code, fix_chain, fix_function
from lab_lib.checks.evidence import TABLES, Evidence, at_rest
from lab_lib.checks.hints import how_to_fix
from lab_lib.checks.making import waits_for_link
from lab_lib.checks.reading import (
    NOTIFIER,
    PROCESSOR,
    UPLOAD,
    Account,
    document,
    fitting_key,
    is_taken,
    or_none,
    uploaded,
)
from lab_lib.checks.rules import RULES, Finding, Rule, State, cannot_see, judged, none_of, waits_for
from lab_lib.checks.upload import Difference, Expected, Snapshot, expect
from lab_lib.errors import NotATransactionsFile, is_unreachable
from lab_lib.lab import Lab
from lab_lib.language import N_, _, ngettext, sentences
from lab_lib.pages.wording import listing
from lab_lib.resources import messages

MOST = 100  # uploads that are read: the newest
once = lru_cache(maxsize=8)  # keeps what is worked out about an account for its other checks; a class checks several
_LOGS_KEPT = timedelta(days=cloudwatch.LOG_DAYS)
_LATE = 600  # seconds after which AWS has written a log
_CALLS_AWS = re.compile(r"\b(boto3|botocore)\.|from (boto3|botocore)\b|urllib|http\.client")


@Rule("05", "upload", "upload", after="bucket", of="upload", weight=0).enter
def judge_uploads(account: Account) -> Finding:
    """The trigger takes an upload that is a transactions file with a good row. Others may be there too."""
    read = read_all(account)
    key = fitting_key(account, "transactions")
    hint = by_upload(account, _("Upload {key} to the bucket {bucket}", key=key, bucket=account.lab.bucket))
    wanted = _("a transactions file with a good row")
    if good := files(account):
        rows = ngettext("{count:,} row", "{count:,} rows", sum(file.good for file in good))
        return judged(True, _("{rows} in {files}", rows=rows, files=listing(read)), wanted, hint)
    faults = [file for file in read.values() if isinstance(file, Exception)]
    for fault in faults:
        if not isinstance(fault, NotATransactionsFile):
            raise fault
    found = _("none")
    if faults:
        found = listing(map(str, faults))
    elif read:
        found = _("no good row in {files}", files=listing(read))
    elif keys := uploaded(account):
        found = _("{files}, which the trigger's filter does not take", files=listing(keys))
    return judged(False, found, wanted, hint)


@Rule("05", "rows", "rows in Transactions", after="upload key-Transactions", weight=6).enter
def judge_rows(account: Account) -> Finding:
    """TransactionProcessor has run, and each row of the uploads is there with its amount and day.

    Of two files, the later one counts. Items that no file names are not judged: somebody may add one by hand.
    """
    right = ngettext("the row of the file", "all {count:,} rows", len(due(account).amounts))
    return _done(account, PROCESSOR, _wrong_rows(account), _write_again(account), right)


@Rule("05", "customers", "addresses in Customer", after="upload key-Customer", weight=2).enter
def judge_customers(account: Account) -> Finding:
    """Each customer of the uploads is there with the address of the last row about them."""
    if not _held(account).rows:
        return _waits_for_rows()
    faults = upload.compare_addresses(due(account), _held(account).customers)
    return _done(account, PROCESSOR, faults, _write_again(account), _("each with the address of its last row"))


@Rule("05", "totals", "totals", after="upload key-TransactionTotal", weight=6).enter
def judge_totals(account: Account) -> Finding:
    """TotalNotifier has run, and each total is the sum of the customer's transactions: 0 if all were deleted.

    A wrong row costs once: the total of its customer is not judged.
    """
    if not (sums := _sums(account)):
        return _waits_for_rows()
    faults = upload.compare_totals(sums, _held(account).totals)
    right = listing(f"{customer} {total:f}" for customer, total in sorted(sums.items()))
    again = _(
        "Wait a moment, since changes may be on their way. If a total stays wrong, let it begin anew: delete the rows "
        "of its customer in {rows}, half a minute later its item in {totals}, and upload the file once more",
        rows=account.name("Transactions"),
        totals=account.name("TransactionTotal"),
    )
    again = how_to_fix(account.lab, again, "delete_item", N_("Explore items"))
    hint = _repair(account, NOTIFIER, again, N_(" so that a change counts once, and a correction as the difference"))
    return _done(account, NOTIFIER, faults, hint, right)


@Rule("05", "alerts-{}", "alerts in {}", after="upload topic queue-{}", subjects="queue", weight=4).enter
def judge_alerts(account: Account, name: str) -> Finding:
    """TotalNotifier has published an alert for each customer at the threshold, with Subject and both values as text.

    Alerts from before the last change of the function need not be so.
    """
    lab = account.lab
    queue = account.name(name)
    attributes = account.ask(queues.attributes, name)
    high = {customer: total for customer, total in _sums(account).items() if total >= lab.threshold}
    if not high and any(total >= lab.threshold for total in due(account).totals.values()):
        return _waits_for_rows()
    wanted = listing(sorted(high))
    again = alert_again(account, wanted)
    hint = _repair(account, NOTIFIER, again)
    if "RedrivePolicy" in attributes:  # it would move a message that is received too often
        held = count(attributes.get("ApproximateNumberOfMessages")) or 0
        found = ngettext("{count:,} message, not read", "{count:,} messages, not read", held)
        return judged(held >= len(high), found, _("{count} or more", count=len(high)), hint)
    received = account.ask(queues.messages, name)
    sent = upload.read_alerts(received, topics.topic_arn(lab))
    changed = moment(account.settings(NOTIFIER).get("LastModified"))
    wrong = list[Difference]()
    for alert in sent:
        if changed is None or alert.sent >= changed:
            wrong += alert.differences(lab.threshold)
    missing = upload.missing_alerts(high, sent)
    delete = _("Delete the messages of {queue} that are wrong, or that you need no more", queue=queue)
    delete = how_to_fix(account.lab, delete, "purge_queue", N_("Purge"))
    hidden = count(attributes.get("ApproximateNumberOfMessagesNotVisible"))
    may_have_more = hidden or len(received) >= queues.MOST
    if missing and may_have_more:
        why = _("somebody is reading {queue}, or it has more than {most:,} messages", queue=queue, most=queues.MOST)
        return cannot_see(why, sentences(_("Look again in a minute."), delete), wanted)
    if wrong:
        so_that = N_(" so that a message has the Subject, and customerID and accountBalance, both as text in quotes")
        hint = sentences(correct_code(account, NOTIFIER, so_that), delete, again)
    right = wanted if high else _("none is due: no customer has reached {limit:f}", limit=lab.threshold)
    return _done(account, NOTIFIER, [*wrong, *missing], hint, right, messages(name))


@Rule("05", "errors", "errors since the last upload", after="upload", weight=2).enter
def judge_errors(account: Account) -> Finding:
    """Neither the logs nor CloudWatch tell of an error of a function since then. CloudWatch counts minutes late."""
    found = {}
    for name in functions.SOURCES:
        if errors := _errors(account, name):
            found[name] = errors
    if not found and any(_idle(account, name) for name in functions.SOURCES):
        return _waits_for_rows()  # what does nothing makes no errors
    faults = []
    for name, errors in found.items():
        faults += [f"{account.name(name)}{_(': ')}{error}" for error in errors]
    for name in found:
        if first := waits_for_link(account, listing(faults), *LINKS[name]):
            return first
    fixes = [fix_function(account, name, errors[-1]) for name, errors in found.items()]
    again = by_upload(account, N_("Then upload the file once more"))
    return none_of(faults, sentences(*fixes, again, _("Only errors after the last upload count.")))


@once
def _held(account: Account) -> Snapshot:
    return Snapshot.of(*(account.ask(tables.items, name) for name in TABLES))


@once
def _sums(account: Account) -> dict[str, Decimal]:
    """Return the totals that the rows lead to, of the customers whose rows are as in the files."""
    wrong = {fault.key[0] for fault in _wrong_rows(account)}
    return {customer: total for customer, total in _held(account).sums().items() if customer not in wrong}


@once
def _wrong_rows(account: Account) -> list[Difference]:
    return list(upload.compare_rows(due(account), _held(account).rows))


def _waits_for_rows() -> Finding:
    return waits_for("rows", _("rows in Transactions"))


def _done(account: Account, name: str, faults: Iterable[Difference], hint: str, right: str, *links: str) -> Finding:
    """Return whether there are no faults, and the function can have done it: rows may be entered by hand.

    What a broken link or an error of the function has led to waits for that: one cause is one fault.
    """
    idle = _idle(account, name)
    finding = none_of(map(str, faults), hint, right)
    if finding.state is State.OK and not idle:
        return finding
    if first := waits_for_link(account, idle or finding.found, *links, *LINKS[name]):
        return first
    if or_none(partial(_errors, account, name)):  # the check of errors says that they cannot be seen
        return waits_for("errors", RULES["errors"].name)
    if not idle:
        return finding
    again = by_upload(account, N_("Then upload the file once more"))
    return judged(False, idle, right, sentences(fix_function(account, name), again))


@once
def _idle(account: Account, name: str) -> str:
    """Return why the function cannot have done anything, "" if it can have, or if that cannot be seen."""
    lab = account.lab
    function = account.name(name)
    age = datetime.now(UTC) - newest(account)
    may_be_late = age < timedelta(seconds=lab.longest(_LATE)) and at_rest(lab) is not True
    if may_be_late or age > _LOGS_KEPT:
        return ""
    if not account.ask(Evidence).runs(name):
        counted = none_if_unseen(lambda: account.ask(cloudwatch.metrics, name, datetime.now(UTC) - _LOGS_KEPT))
        if counted is None or counted["Invocations"]:
            return ""
        return _("{function} has not run", function=function)
    code = or_none(partial(account.ask, functions.code, name))
    if not code or account.settings(name).get("Layers"):
        return ""  # not all of the code is known
    if any(map(_CALLS_AWS.search, code.values())):
        return ""
    return _("the code of {function} calls nothing of AWS", function=function)


def _repair(account: Account, name: str, again: str, so_that: str = "") -> str:
    """Return how what a function has not done is done: by fixing what could be broken, and then `again`."""
    if fix := fix_chain(account, *LINKS[name]):
        return sentences(fix, again)
    return _("{again} If that does not help: {code}", again=again, code=correct_code(account, name, so_that))


def _write_again(account: Account) -> str:
    """Return the hint for items that TransactionProcessor must write or correct: an upload writes all anew."""
    again = by_upload(account, N_("Upload the file once more, which writes all its items anew"))
    so_that = N_(" so that it writes each row as the file has it, with the amount as a Number")
    return _repair(account, PROCESSOR, again, so_that)


def _errors(account: Account, name: str) -> list[str]:
    """Return the last errors of a function since the last upload, or how many CloudWatch has counted."""
    since = newest(account)
    runs = [run for run in account.ask(Evidence).runs(name) if run.begin >= milliseconds(since)]
    logged = [run.error for run in runs if run.error]
    if logged:
        return list(dict.fromkeys(logged[-3:]))  # each once
    counts = account.ask(cloudwatch.metrics, name, since)
    texts = {
        "Errors": N_("{count} errors"),
        "Throttles": N_("{count} throttles: its concurrency had reached the limit"),
    }
    return [_(text, count=counts[metric]) for metric, text in texts.items() if counts[metric]]


# The uploads, read again with none of the code of the functions


def read_upload(lab: Lab, key: str) -> transactions.Recount | Exception:
    """Return the recount of the transactions file that an object holds, or why there is none.

    One object that is archived, or has a key of its own, hides no other.
    """
    try:
        return transactions.recount(key, buckets.content(lab, key))
    except Exception as error:
        if is_unreachable(error):
            raise
        return error


@once
def read_all(account: Account) -> dict[str, transactions.Recount | Exception]:
    """Return the newest uploads that match a trigger, as `read_upload` reads them; all, while none can match."""
    keys = uploaded(account)
    fitting = [key for key in keys if is_taken(account, key)]
    if fitting or is_taken(account, UPLOAD):
        keys = fitting
    return {key: account.ask(read_upload, key) for key in keys[-MOST:]}


def files(account: Account) -> list[transactions.Recount]:
    """Return the transactions files with good rows, oldest first. The check of the upload tells of the others."""
    found = []
    for file in read_all(account).values():
        if isinstance(file, transactions.Recount) and file.good:
            found.append(file)
    return found


@once
def due(account: Account) -> Expected:
    """Return what the uploads must have led to, whatever stood there before."""
    return expect(Snapshot(), files(account), account.lab.threshold)


@once
def newest(account: Account) -> datetime:
    """Return the time of the last upload."""
    time: datetime = account.ask(buckets.uploads)[-1]["LastModified"]
    return time.astimezone(UTC)


@document
def newer_functions(account: Account) -> list[str]:
    """Return the functions that have changed since the last upload: nothing shows that they work."""
    since = newest(account)
    newer = []
    for name in functions.SOURCES:
        changed = moment(account.settings(name).get("LastModified"))
        if changed and changed > since:
            newer.append(account.name(name))
    return newer
