"""Check the outcome of files that the checks upload. These checks are made only if they are asked for."""

from typing import Any

from lab_lib.aws import queues
from lab_lib.checks import probe, upload
from lab_lib.checks.causes import fix_chain, fix_error
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.rules import FURTHER, PROBE, Account, Finding, Rule, cannot_see, judged
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, messages

_ALL = " ".join(["probe-totals", "probe-others", *(f"probe-alert-{name}" for name in queues.ALERT_QUEUES)])


def part(
    step: str,
    id: str,
    title: str,
    about: str,
    part: str,
    right: str,
    function: str,
    so_that: str = "",
    links: tuple[str, ...] = (),
    after: str = _ALL,
    **how: Any,
) -> None:
    """Enter the check of a part of the outcome, which is named as in `Outcome.faults`, or is the subject, a queue.

    It finds what is `right`, or all that is wrong and the function's last error. The hint is about the check of these
    links that does not hold, else about this error or the function's code. `about` says what is judged.
    """

    def judge(account: Account, queue: str = "") -> Finding:
        outcome, wanted = account.ask(probe.send), _(right)
        faults = outcome.faults.get(part or queue)
        if faults is None:
            why = _("tried on a copy of the account only")
            return cannot_see(why, _("Probe an account on the embedded AWS."), wanted, counts=False)
        if not faults:
            return judged(True, outcome.arrived if part == upload.ROWS else wanted, wanted, "")
        found, error = listing(map(str, faults)), outcome.errors.get(function, "")
        if error:
            told = N_("{found}; the last error of {function}: {error}")
            found = _(told, found=found, function=account.name(function), error=error)
        own = [messages(queue)] if queue else []
        hint = fix_chain(account, *own, *links) or fix_error(account, function, error, so_that)
        return judged(False, found, wanted, _("{hint} Then run `lab check --probe` again.", hint=hint))

    judge.__doc__ = about
    Rule(step, id, title, after, **how).enter(judge)


part(
    PROBE,
    "probe-rows",
    "rows of the probe",
    "Each row of the probe's files is there with all its attributes, and each customer with the last address.",
    upload.ROWS,
    N_("all rows arrived"),
    PROCESSOR,
    N_(" so that it writes each row as the file has it, with the amount as a Number"),
    (ROWS,),
    after="bucket key-Customer key-Transactions",  # where the probe puts something
    link=ROWS,
    weight=3,
)
part(
    PROBE,
    "probe-totals",
    "totals of the probe",
    "Each customer of the probe has the right total.",
    upload.TOTALS,
    N_("rows and totals arrived"),
    NOTIFIER,
    N_(" so that each total is the sum of the amounts, as a Number"),
    (CHANGES, TOTALS),
    after="probe-rows key-TransactionTotal",
    link=CHANGES,
    weight=3,
)
part(
    PROBE,
    "probe-alert-{}",
    "alerts of the probe in {}",
    "The queue got one alert for each customer who reached the threshold, in SNS's envelope, and nothing else.",
    "",
    N_("one for each customer who reached the threshold"),
    NOTIFIER,
    N_(" so that it publishes one alert for a customer who reaches the threshold, with both values as text"),
    (ALERTS, CHANGES, TOTALS),
    after="probe-totals queue-{}",
    subjects="queue",
    of="queue",
    weight=3,
)
part(
    PROBE,
    "probe-others",
    "nothing else by the probe",
    "Nothing has come, gone or changed that no file names.",
    upload.OTHERS,
    N_("all else is as it was"),
    PROCESSOR,
    after="probe-rows",
    weight=2,
)
part(
    PROBE,
    "probe-again",
    "what the probe delivers again",
    "The event of a file changes nothing if it comes again. Records of the stream change nothing, or all count again.",
    probe.AGAIN,  # the handout's own code counts them again
    N_("nothing was mixed up"),
    NOTIFIER,
    weight=2,
)
part(
    PROBE,
    "probe-worker",
    "work of TotalNotifier",
    "Totals change only through TotalNotifier: not while nothing starts it, and all of them when it alone is started.",
    probe.WORKER,
    N_("TotalNotifier does it, and alone"),
    NOTIFIER,
    N_(" so that it keeps the totals and publishes the alerts itself, and nothing else does"),
    (CHANGES,),
    weight=3,
)
part(
    FURTHER,
    "probe-repeats",
    "alerts only at the threshold",
    "A customer who is above the threshold already gets no alert with each further transaction.",
    probe.REPEATS,
    N_("one alert a crossing"),
    NOTIFIER,
    N_(" so that it alerts only when a total crosses the threshold"),
)
part(
    FURTHER,
    "probe-cents",
    "cents of the probe",
    "An amount such as -0.10 counts.",
    probe.CENTS,
    N_("they count"),
    PROCESSOR,
    N_(" so that an amount is a Decimal"),
)
part(
    FURTHER,
    "probe-correction",
    "correction of the probe",
    "A row that comes again with another amount changes the total by the difference.",
    probe.CORRECTION,
    N_("it counts as the difference"),
    NOTIFIER,
    N_(" so that it adds the amount of NewImage minus that of OldImage"),
    (CHANGES,),
)
part(
    FURTHER,
    "probe-deletion",
    "deletion of the probe",
    "A row that is deleted leaves its total, which may cross the threshold by that.",
    probe.DELETION,
    N_("its amount is subtracted"),
    NOTIFIER,
    N_(" so that it subtracts the amount of OldImage, also if there is no NewImage"),
    (CHANGES,),
)
part(
    FURTHER,
    "probe-forms",
    "forms of the probe",
    "A byte order mark, blanks around fields, days such as 3/6/2017, and quotes in an id are read as a person would.",
    probe.FORMS,
    N_("they are read"),
    PROCESSOR,
    N_(" so that it reads the file as a spreadsheet writes it"),
)
part(
    FURTHER,
    "probe-rejected",
    "rejected rows of the probe",
    "Lines that cannot be rows are kept, and the other lines count.",
    upload.REJECTED,
    N_("kept under rejected/"),
    PROCESSOR,
    N_(" so that it puts such lines into an object under rejected/, and goes on"),
)
part(
    FURTHER,
    "probe-killed",
    "killed calls of the probe",
    "If a function is killed at any of its AWS calls, and started again, all is counted once, and no alert is lost.",
    probe.KILLED,
    N_("all is counted once"),
    NOTIFIER,
    N_(" so that it counts each record once, and TransactionProcessor so that it can begin again"),
)
