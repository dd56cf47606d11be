"""Find the broken link of the chain by the checks of steps 00 to 04."""

from lab_lib.checks.making import first_broken, made, settled
from lab_lib.checks.reading import filters, is_taken
from lab_lib.checks.reports import Check
from lab_lib.checks.rules import RULES, Account, State
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
