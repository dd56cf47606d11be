"""Check what becomes of a file that the checks themselves upload. These checks are made only if they are asked for."""

from lab_lib import resources
from lab_lib.aws import functions, queues
from lab_lib.checks import probe
from lab_lib.checks.probe import CENTS, CORRECTION, REJECTED, ROWS, TOTALS, Outcome
from lab_lib.checks.rules import FURTHER, PROBE, Account, Finding, check, judged, listing

PROCESSOR, NOTIFIER = functions.SOURCES
_PLACES = "bucket key-Customer key-Transactions"  # where the probe puts something


@check(PROBE, "probe-rows", "rows of the probe", after=_PLACES, probes=True, link=resources.ROWS, weight=3)
def rows(account: Account) -> Finding:
    """Each row of the probe's file is there, with all its attributes."""
    outcome = account.ask(probe.send)
    found = "3 rows of 2 customers arrived" + (f"; {outcome.stays}" if outcome.stays else "")
    return _arrived(account, outcome, ROWS, found, PROCESSOR)


@check(
    PROBE,
    "probe-totals",
    "totals of the probe",
    after="probe-rows key-TransactionTotal",
    probes=True,
    link=resources.CHANGES,
    weight=3,
)
def totals(account: Account) -> Finding:
    """Each customer of the probe has the right total."""
    return _arrived(account, account.ask(probe.send), TOTALS, "rows and totals arrived", NOTIFIER)


@check(
    PROBE,
    "probe-alert-{}",
    "alert of the probe in {}",
    after="probe-totals queue-{}",
    each=queues.ALERT_QUEUES,
    probes=True,
    of="queue",
    weight=3,
)
def alert(account: Account, name: str) -> Finding:
    """The queue got one alert in SNS's own envelope, about the customer who reached the threshold."""
    outcome = account.ask(probe.send)
    right = [other for other in queues.ALERT_QUEUES if not outcome.faults[other]]
    where = f"the topic sent it to {listing(right)} only" if right else "but no alert left the topic"
    finding = _arrived(account, outcome, name, "one alert arrived", NOTIFIER)
    return finding if finding.ok else finding._replace(found=f"rows and totals arrived, {where}: {finding.found}")


@check(FURTHER, "probe-cents", "cents of the probe", after="probe-totals", probes=True)
def cents(account: Account) -> Finding:
    """An amount such as 100.10 counts."""
    return _arrived(account, account.ask(probe.send), CENTS, "100.10 counts", PROCESSOR)


@check(FURTHER, "probe-correction", "correction of the probe", after="probe-totals", probes=True)
def correction(account: Account) -> Finding:
    """A row that comes again with another amount changes the total by the difference."""
    return _arrived(account, account.ask(probe.send), CORRECTION, "7 that became 8 counts as 8", NOTIFIER)


@check(FURTHER, "probe-rejected", "rejected row of the probe", after="probe-totals", probes=True)
def rejected(account: Account) -> Finding:
    """A line that cannot be a row is kept, and the lines around it count."""
    outcome = account.ask(probe.send)
    finding = _arrived(account, outcome, REJECTED, "kept under rejected/", PROCESSOR)
    error = outcome.errors.get(PROCESSOR)
    lost = f"{PROCESSOR} fails: {error}" if error else "it was lost in silence"
    return finding if finding.ok else finding._replace(found=lost, wanted="kept, with its number and the reason")


def _arrived(account: Account, outcome: Outcome, link: str, right: str, function: str) -> Finding:
    """Return whether a link of the chain holds; if not, with the last error of the function before it."""
    faults, name = outcome.faults[link], account.lab.name(function)
    hint = f"Read the log of {name}, then run the probe again: `lab check --probe`."
    if not faults:
        return judged(True, right, right, hint)
    error = f"; the last error of {name}: {outcome.errors[function]}" if function in outcome.errors else ""
    return judged(False, f"{listing(faults)}{error}", right, hint)
