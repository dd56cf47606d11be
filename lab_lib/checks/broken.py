"""Find the broken link of the chain: by the checks of steps 00 to 04, or by what Lambda has given up."""

from datetime import datetime
from typing import Any

from lab_lib import checks
from lab_lib.aws import cloudwatch, functions, queues
from lab_lib.aws.json_text import moment
from lab_lib.checks.rules import RULES, Account, State
from lab_lib.checks.step_02 import filter_takes
from lab_lib.errors import LabError
from lab_lib.lab import Lab
from lab_lib.resources import ROWS

_STEPS = ("00", "01", "02", "03", "04")


def find_broken(lab: Lab, key: str, links: list[str]) -> str | None:
    """Return which of these links is broken for an upload, and how to mend it; None if all checks of them hold.

    The links are those of resources.py. A check that waits, for instance for AWS, breaks nothing.
    """
    made = {check.id: check for check in checks.run(lab, *_STEPS).checks}
    for link in links:
        if link == ROWS and made["bucket-trigger"].ok:
            finding = filter_takes(Account(lab), [key])
            if not finding.ok:
                return f"filter of the bucket trigger: {finding.found}; wanted: {finding.wanted}. {finding.hint}"
        for check in (made[rule.id] for rule in RULES.values() if rule.link == link and rule.id in made):
            if check.state is State.NOT_YET:
                return f"{check.name}: {check.words}"
    return None


def raise_if_given_up(lab: Lab, key: str, since: datetime) -> None:
    """Raise LabError if Lambda has sent the upload's event, or changes from the stream, to the dead-letter queue."""
    for message in queues.messages(lab, queues.DEAD_LETTERS):
        letter, sent = queues.dead_letter(message), _sent(message)
        if sent is None or sent < since:
            continue
        function = "TotalNotifier" if "DDBStreamBatchInfo" in message else "TransactionProcessor"
        if function == "TotalNotifier" or key in letter["what"].split(", "):
            lines = cloudwatch.log_lines(lab, function, since, functions.log_group(lab, function))
            errors = cloudwatch.failures(lines) or [letter["why"]]
            raise LabError(
                f"{lab.name(function)} has failed for good, and Lambda has put {letter['what']} into "
                f"{lab.name(queues.DEAD_LETTERS)}: {errors[-1]}. Mend the cause, then run this cell again."
            )


def _sent(message: dict[str, Any]) -> datetime | None:
    """Return when Lambda sent the dead letter, or S3 the event in it: letters of the embedded AWS have no time."""
    try:
        events = message.get("requestPayload", {}).get("Records", [])
        return moment(message.get("timestamp") or next((event.get("eventTime") for event in events), None))
    except (AttributeError, TypeError):
        return None  # it is no letter of Lambda
