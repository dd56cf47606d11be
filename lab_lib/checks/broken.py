"""Find the broken link of the chain: by the checks of steps 00 to 04, or by what Lambda has given up."""

from datetime import datetime
from typing import Any

from lab_lib import checks
from lab_lib.aws import cloudwatch, functions, queues, topics
from lab_lib.aws.json_text import moment
from lab_lib.checks.rules import Account
from lab_lib.checks.step_02 import filter_takes
from lab_lib.errors import LabError
from lab_lib.lab import Lab

ROWS, REJECTED, CHANGES = "rows written", "lines rejected", "changes counted"
TOTALS, ALERTS = "totals that agree", "alerts out"
MESSAGES = {f"messages in {name}": name for name in queues.ALERT_QUEUES}
_PASSING = ("CREATING", "being set up", "Creating", "Enabling", "Updating")  # states that end by themselves


def of_function(name: str) -> list[str]:
    """Return the names of the checks of a function and its role."""
    of_role = [f"{what} the role for {name}" for what in ("trust of", "permissions of")]
    named = ("function", "state of", "runtime of", "code of", "timeout of", "role of", "variables of", "network of")
    return [f"role for {name}", *of_role, *(f"{what} {name}" for what in named)]


def of_table(name: str) -> list[str]:
    """Return the names of the checks of a table."""
    return [f"table {name}", f"key of {name}", f"policy of table {name}"]


_PROCESSOR, _NOTIFIER = map(of_function, functions.SOURCES)
_CHECKS = {
    ROWS: [
        *("bucket", "Region of the bucket", *_PROCESSOR, *of_table("Customer"), *of_table("Transactions")),
        *("bucket trigger", "events of the bucket trigger", "permission of the bucket"),
        *("version of the bucket trigger", "policy of the bucket"),
    ],
    CHANGES: [
        *("stream of Transactions", "view of the stream", *_NOTIFIER, *of_table("TransactionTotal")),
        *("stream trigger", "state of the stream trigger", "filter of the stream trigger"),
        *("tumbling window of the stream trigger", "version of the stream trigger"),
    ],
    TOTALS: ["starting position of the stream trigger"],
    ALERTS: [f"topic {topics.ALERT_TOPIC}", "policy of the topic"],
    **{
        link: [f"{what} {name}" for what in ("queue", "subscription of", "filter policy of", "access policy of")]
        + [f"{what} of {name}" for what in ("raw delivery", "encryption", "delay, retention and size")]
        for link, name in MESSAGES.items()
    },
}


def find_broken(lab: Lab, key: str, links: list[str]) -> str | None:
    """Return which of these links is broken for an upload, and how to mend it; None if all checks of them hold."""
    made = {check.name: check for check in checks.run(lab, "00", "01", "02", "03", "04").checks}
    for link in links:
        for check in map(made.__getitem__, _CHECKS.get(link, [])):
            if check.state == "not yet" and not check.found.endswith(_PASSING):
                return f"{check.name}: {check.words}"
        if link == ROWS and made["bucket trigger"].ok:
            finding = filter_takes(Account(lab), [key])
            if not finding.ok:
                return f"filter of the bucket trigger: {finding.found}; wanted: {finding.wanted}. {finding.hint}"
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
