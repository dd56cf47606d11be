"""Check the outcome of files that the checks upload. These checks are made only if they are asked for."""

from lab_lib.aws import queues
from lab_lib.checks import probe
from lab_lib.checks.causes import fix_chain, fix_error
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.rules import FURTHER, PROBE, Account, Finding, Rule, cannot_see, judged
from lab_lib.checks.upload import OTHERS, REJECTED
from lab_lib.checks.upload import ROWS as OF_ROWS
from lab_lib.checks.upload import TOTALS as OF_TOTALS
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, messages

_ALL = " ".join(["probe-totals", "probe-others", *(f"probe-alert-{name}" for name in queues.ALERT_QUEUES)])


@Rule(
    PROBE,
    "probe-rows",
    "rows of the probe",
    after="bucket key-Customer key-Transactions",  # where the probe puts something
    link=ROWS,
    weight=3,
).enter
def rows(account: Account) -> Finding:
    """Each row of the probe's files is there with all its attributes, and each customer with the last address."""
    so_that = N_(" so that it writes each row as the file has it, with the amount as a Number")
    finding = _arrived(account, OF_ROWS, _("all rows arrived"), PROCESSOR, so_that, ROWS)
    if not finding.ok:
        return finding
    outcome = account.ask(probe.send)
    found = _("{probe.rows} rows of {probe.customers} customers arrived", probe=outcome)
    return finding._replace(found=_("{found}; {stays}", found=found, stays=outcome.stays) if outcome.stays else found)


@Rule(
    PROBE,
    "probe-totals",
    "totals of the probe",
    after="probe-rows key-TransactionTotal",
    link=CHANGES,
    weight=3,
).enter
def totals(account: Account) -> Finding:
    """Each customer of the probe has the right total."""
    so_that = N_(" so that each total is the sum of the amounts, as a Number")
    return _arrived(account, OF_TOTALS, _("rows and totals arrived"), NOTIFIER, so_that, CHANGES, TOTALS)


@Rule(
    PROBE,
    "probe-alert-{}",
    "alerts of the probe in {}",
    after="probe-totals queue-{}",
    subjects="queue",
    of="queue",
    weight=3,
).enter
def alert(account: Account, name: str) -> Finding:
    """The queue got one alert for each customer who reached the threshold, in SNS's envelope, and nothing else."""
    links, right = (messages(name), ALERTS, CHANGES, TOTALS), _("one for each customer who reached the threshold")
    so_that = N_(" so that it publishes one alert for a customer who reaches the threshold, with both values as text")
    return _arrived(account, name, right, NOTIFIER, so_that, *links)


@Rule(PROBE, "probe-others", "nothing else by the probe", after="probe-rows", weight=2).enter
def others(account: Account) -> Finding:
    """Nothing has come, gone or changed that no file names."""
    return _arrived(account, OTHERS, _("all else is as it was"), PROCESSOR)


@Rule(PROBE, "probe-again", "what the probe delivers again", after=_ALL, weight=2).enter
def again(account: Account) -> Finding:
    """The event of a file changes nothing if it comes again. Records of the stream change nothing, or all count again.

    The handout's own code counts them again.
    """
    return _arrived(account, probe.AGAIN, _("nothing was mixed up"), NOTIFIER)


@Rule(FURTHER, "probe-repeats", "alerts only at the threshold", after=_ALL).enter
def repeats(account: Account) -> Finding:
    """A customer who is above the threshold already gets no alert with each further transaction."""
    so_that = N_(" so that it alerts only when a total crosses the threshold")
    return _arrived(account, probe.REPEATS, _("one alert a crossing"), NOTIFIER, so_that)


@Rule(FURTHER, "probe-cents", "cents of the probe", after=_ALL).enter
def cents(account: Account) -> Finding:
    """An amount such as -0.10 counts."""
    return _arrived(account, probe.CENTS, _("they count"), PROCESSOR, N_(" so that an amount is a Decimal"))


@Rule(FURTHER, "probe-correction", "correction of the probe", after=_ALL).enter
def correction(account: Account) -> Finding:
    """A row that comes again with another amount changes the total by the difference."""
    so_that = N_(" so that it adds the amount of NewImage minus that of OldImage")
    return _arrived(account, probe.CORRECTION, _("it counts as the difference"), NOTIFIER, so_that, CHANGES)


@Rule(FURTHER, "probe-rejected", "rejected row of the probe", after=_ALL).enter
def rejected(account: Account) -> Finding:
    """A line that cannot be a row is kept."""
    so_that = N_(" so that it puts such lines into an object under rejected/")
    return _arrived(account, REJECTED, _("kept under rejected/"), PROCESSOR, so_that)


def _arrived(account: Account, part: str, right: str, function: str, so_that: str = "", *links: str) -> Finding:
    """Return whether a part of the chain is right; if not, with all that is wrong and the function's last error.

    The hint is about the check of these links that does not hold, else about this error or the function's code.
    """
    outcome = account.ask(probe.send)
    if part not in outcome.faults:
        why = _("tried on the embedded AWS only, since it may leave wrong totals")
        return cannot_see(why, _("Probe an account on the embedded AWS."), right, counts=False)
    faults, error = outcome.faults[part], outcome.errors.get(function, "")
    if not faults:
        return judged(True, right, right, "")
    found = listing(map(str, faults))
    if error:
        told = N_("{found}; the last error of {function}: {error}")
        found = _(told, found=found, function=account.name(function), error=error)
    hint = fix_chain(account, *links) or fix_error(account, function, error, so_that)
    return judged(False, found, right, _("{hint} Then run `lab check --probe` again.", hint=hint))
