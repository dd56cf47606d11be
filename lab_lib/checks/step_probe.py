"""Check the outcome of files that the checks upload. These checks are made only if they are asked for."""

from lab_lib import resources
from lab_lib.aws import buckets, functions, queues, tables
from lab_lib.checks import expected, probe
from lab_lib.checks.arrivals import TABLES
from lab_lib.checks.causes import WRITE, correct_code, fix_chain
from lab_lib.checks.differences import OTHERS, REPEATS
from lab_lib.checks.probe import AGAIN, CENTS, CORRECTION, REJECTED, Outcome
from lab_lib.checks.rules import FURTHER, PROBE, Account, Finding, cannot_see, check, judged
from lab_lib.checks.uploads import once, read_all
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import CHANGES, ROWS, TOTALS
from lab_lib.transactions import Recount

PROCESSOR, NOTIFIER = functions.SOURCES
_ADD_UP = N_(" so that each total is the sum of the amounts, as a Number")
_PUBLISH = N_(" so that it publishes one alert for a customer who reaches the threshold, with both values as text")
_PLACES = "bucket key-Customer key-Transactions"  # where the probe puts something
_ALL = " ".join(["probe-totals", "probe-others", *(f"probe-alert-{name}" for name in queues.ALERT_QUEUES)])


@check(PROBE, "probe-rows", "rows of the probe", after=_PLACES, probes=True, link=ROWS, weight=3)
def rows(account: Account) -> Finding:
    """Each row of the probe's files is there with all its attributes, and each customer with the last address."""
    finding = _arrived(account, expected.ROWS, _("all rows arrived"), PROCESSOR, ROWS, so_that=WRITE)
    outcome = _outcome(account)
    found = _("{probe.rows} rows of {probe.customers} customers arrived", probe=outcome)
    if outcome.stays:
        found = _("{found}; {stays}", found=found, stays=outcome.stays)
    return finding._replace(found=found) if finding.ok else finding


@check(
    PROBE,
    "probe-totals",
    "totals of the probe",
    after="probe-rows key-TransactionTotal",
    probes=True,
    link=CHANGES,
    weight=3,
)
def totals(account: Account) -> Finding:
    """Each customer of the probe has the right total."""
    return _arrived(account, expected.TOTALS, _("rows and totals arrived"), NOTIFIER, CHANGES, TOTALS, so_that=_ADD_UP)


@check(
    PROBE,
    "probe-alert-{}",
    "alerts of the probe in {}",
    after="probe-totals queue-{}",
    subjects=queues.ALERT_QUEUES,
    probes=True,
    of="queue",
    weight=3,
)
def alert(account: Account, name: str) -> Finding:
    """The queue got one alert for each customer who reached the threshold, in SNS's envelope, and nothing else."""
    links = (resources.messages(name), resources.ALERTS, CHANGES, TOTALS)
    wanted = _("one for each customer who reached the threshold")
    finding = _arrived(account, name, wanted, NOTIFIER, *links, so_that=_PUBLISH)
    if finding.ok:
        return finding
    wrong = {"where": _("the alerts are not as they must be"), "found": finding.found}
    return finding._replace(found=_("rows and totals arrived, {where}: {found}", **wrong))


@check(PROBE, "probe-others", "nothing else by the probe", after="probe-rows", probes=True, weight=2)
def others(account: Account) -> Finding:
    """Nothing has come, gone or changed that no file names."""
    so_that = N_(" so that it publishes to the lab's topic only")
    of, so_that = (NOTIFIER, so_that) if _outcome(account).elsewhere else (PROCESSOR, "")
    finding = _arrived(account, OTHERS, _("all else is as it was"), of, so_that=so_that)
    if not finding.ok or not (unknown := _in_no_file(account)):
        return finding
    where = _("{customers}: in no file of the bucket {bucket}", customers=listing(unknown), bucket=account.lab.bucket)
    hint = _(
        "Upload the file that has them, or delete what is about them: {customers}. If you did not enter them by hand: "
        "{fix}",
        customers=_(", ").join(unknown),
        fix=correct_code(account, PROCESSOR),
    )
    return judged(False, where, _("customers of the files only"), hint)


@check(PROBE, "probe-again", "what the probe delivers again", after=_ALL, probes=True, weight=2)
def again(account: Account) -> Finding:
    """The event of a file changes nothing if it comes again. Records of the stream change nothing, or all count again.

    The handout's own code counts them again.
    """
    return _arrived(account, AGAIN, _("nothing was mixed up"), NOTIFIER)


@check(FURTHER, "probe-repeats", "alerts only at the threshold", after=_ALL, probes=True)
def repeats(account: Account) -> Finding:
    """A customer who is above the threshold already gets no alert with each further transaction."""
    so_that = N_(" so that it alerts only when a total crosses the threshold")
    return _arrived(account, REPEATS, _("one alert a crossing"), NOTIFIER, so_that=so_that)


@check(FURTHER, "probe-cents", "cents of the probe", after=_ALL, probes=True)
def cents(account: Account) -> Finding:
    """An amount such as -0.10 counts."""
    return _arrived(account, CENTS, _("they count"), PROCESSOR, so_that=N_(" so that an amount is a Decimal"))


@check(FURTHER, "probe-correction", "correction of the probe", after=_ALL, probes=True)
def correction(account: Account) -> Finding:
    """A row that comes again with another amount changes the total by the difference."""
    so_that = N_(" so that it adds the amount of NewImage minus that of OldImage")
    return _arrived(account, CORRECTION, _("it counts as the difference"), NOTIFIER, CHANGES, so_that=so_that)


@check(FURTHER, "probe-rejected", "rejected row of the probe", after=_ALL, probes=True)
def rejected(account: Account) -> Finding:
    """A line that cannot be a row is kept."""
    so_that = N_(" so that it puts such lines into an object under rejected/")
    return _arrived(account, REJECTED, _("kept under rejected/"), PROCESSOR, so_that=so_that)


def _outcome(account: Account) -> Outcome:
    """Return the result of the probe. The account is read before it."""
    _in_no_file(account)
    return account.ask(probe.send)


@once
def _in_no_file(account: Account) -> list[str]:
    """Return the customers whom no upload names; none while some uploads are not read."""
    files = [file for file in read_all(account).values() if isinstance(file, Recount)]
    if len(files) < len(account.ask(buckets.uploads)):
        return []
    named = {name for file in files for name in (*file.addresses, *file.named)}
    items = [item for name in TABLES for item in account.ask(tables.items, name)]
    return sorted({item["CustomerId"] for item in items} - named)


def _arrived(account: Account, part: str, right: str, function: str, *links: str, so_that: str = "") -> Finding:
    """Return whether a part of the chain is right; if not, with all that is wrong and the function's last error.

    The hint is about the check of these links that does not hold, else about this error or the function's code.
    """
    outcome, name = _outcome(account), account.name(function)
    if part not in outcome.faults:
        why = _("tried on the embedded AWS only, since it may leave wrong totals")
        return cannot_see(why, _("Probe an account on the embedded AWS."), right, counts=False)
    faults, error = outcome.faults[part], outcome.errors.get(function, "")
    found = listing(faults) if faults else right
    if faults and error:
        found = _("{found}; the last error of {function}: {error}", found=found, function=name, error=error)
    fix = fix_chain(account, function, *links, error=error) if faults else ""
    hint = fix or correct_code(account, function, so_that)
    return judged(not faults, found, right, _("{hint} Then run `lab check --probe` again.", hint=hint))
