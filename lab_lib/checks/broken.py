"""Find the broken link of the chain: by the checks of steps 00 to 04, or by what Lambda has given up."""

from lab_lib.aws import cloudwatch, functions, queues
from lab_lib.checks.causes import fix_error
from lab_lib.checks.making import first_broken, made, settled
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, filters, is_taken
from lab_lib.checks.reports import Check
from lab_lib.checks.rules import RULES, Account, State
from lab_lib.errors import LabError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import listing
from lab_lib.resources import ROWS


def find_broken(lab: Lab, key: str, links: list[str], is_over: bool = False) -> str | None:
    """Return which of these links is broken for an upload, and how to fix it; None if all checks of them hold.

    The links are those of resources.py. With `is_over`, the checks of the step "further" count too.
    """

    def look(account: Account) -> list[Check]:
        check = first_broken(account, *links, is_over=is_over)
        return [check] if check else []

    account, broken = settled(lab, look)
    if ROWS in links and made(account, RULES["bucket-trigger"]).ok and not is_taken(account, key):
        check = made(account, RULES["bucket-trigger-filter"])
        wanted = _("a filter that takes {key}", key=key)
        broken = [check._replace(state=State.NOT_YET, found=listing(filters(account)), wanted=wanted)]
    return broken[0].in_one_line if broken else None


def raise_if_given_up(lab: Lab, key: str, letters: list[queues.Message]) -> None:
    """Raise LabError if one of these dead letters of Lambda has the upload's event, or changes from the stream."""
    for message in letters:
        letter, function = queues.dead_letter(message), _sender(message)
        if function != NOTIFIER and not (function and key in letter["what"].split(", ")):
            continue
        lines = cloudwatch.log_lines(lab, function, group=functions.log_group(lab, function))
        errors = cloudwatch.failures(lines) or [letter["why"]]
        raise LabError(
            _(
                "{function} has failed for good, and Lambda has put {what} into {queue}: {error}. {fix} Then run this "
                "cell again.",
                function=lab.name(function),
                what=letter["what"],
                queue=lab.name(queues.DEAD_LETTERS),
                error=errors[-1],
                fix=fix_error(Account(lab), function, errors[-1]),
            )
        )


def _sender(message: queues.Message) -> str:
    """Return the function that Lambda has sent this dead letter about, "" if it is none of Lambda's."""
    if "DDBStreamBatchInfo" in message:
        return NOTIFIER
    return PROCESSOR if "requestPayload" in message else ""
