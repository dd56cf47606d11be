"""Find what breaks the chain for an upload, and choose the hint that fixes it."""

from collections.abc import Iterable, Sequence

from lab_lib.checks import permissions
from lab_lib.checks.hints import how_to_fix
from lab_lib.checks.making import first_broken, made, settled
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, Account, filters, is_taken
from lab_lib.checks.reports import Check
from lab_lib.checks.rules import RULES, State
from lab_lib.lab import Lab
from lab_lib.language import N_, _, sentences
from lab_lib.pages.wording import listing
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, cell

OBJECTS = N_("Objects of the bucket")  # in the console of S3
LINKS = {PROCESSOR: (ROWS,), NOTIFIER: (CHANGES, TOTALS, ALERTS)}  # that each function makes
_DENIED = ("AccessDenied", "AuthorizationError", "not authorized")
_TOO_LONG = "Task timed out"


def find_broken(lab: Lab, key: str, links: list[str], is_over: bool = False) -> Check | None:
    """Return the check by which one of these links is broken for an upload; None if all of them hold.

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
    return broken[0] if broken else None


def fix_chain(account: Account, *links: str) -> str:
    """Return what the first check of these links says that does not hold, "" if all hold."""
    broken = first_broken(account, *links)
    return broken.in_one_line if broken else ""


def fix_function(account: Account, name: str, error: str = "") -> str:
    """Return what fixes a function: a check of its links that does not hold, else what its error or its code needs."""
    return fix_chain(account, *LINKS[name]) or fix_error(account, name, error)


def fix_error(account: Account, name: str, error: str, so_that: str = "") -> str:
    """Return a hint about this error in the log of a function: its role, its timeout or its code is wrong."""
    function = account.name(name)
    if any(word in error for word in _DENIED):
        hint = _("Let the role of {function} do this, and remove what denies it", function=function)
        return how_to_fix(account.lab, hint, "put_role_policy", N_("Permissions"), cell("role"))
    if _TOO_LONG in error:
        hint = _("Give {function} a longer timeout", function=function)
        place = N_("General configuration")
        return how_to_fix(account.lab, hint, "update_function_configuration", place, cell("function", name))
    return correct_code(account, name, so_that)


def correct_code(account: Account, name: str, so_that: str = "") -> str:
    """Return a hint to correct the code of a function, or to replace it. `so_that` may be a marked text."""
    hint = _("Correct the code of {function}{so_that}", function=account.name(name), so_that=_(so_that))
    return how_to_fix(account.lab, hint, "update_function_code", N_("Code; then press Deploy"), cell("function", name))


def by_upload(account: Account, do: str) -> str:
    """Return a hint to upload something. It may be a marked text."""
    return how_to_fix(account.lab, _(do), "put_object", OBJECTS, cell("upload"))


def alert_again(account: Account, customers: str) -> str:
    """Return how the alerts of these customers are sent once more. Code of somebody else would be replaced."""
    if permissions.is_workbook_code(account, NOTIFIER):
        return _("To send all alerts once more, call notebook.alert_again(lab) in notebook 05.")
    return how_to_fix(
        account.lab,
        _(
            "To alert once more, upload a file with another transaction of each customer ({customers})",
            customers=customers,
        ),
        "put_object",
        OBJECTS,
    )


def why_not(account: Account, function: str, links: Iterable[str], errors: Sequence[str]) -> tuple[str, str]:
    """Return why nothing came through these links, which end at a function or behind it, and how to fix it.

    That is a check of them which does not hold, else the last of the function's errors. Both are "" if none is known.
    """
    if broken := first_broken(account, *links):
        said, *hint = broken.lines
        return _("{name}: {said}", name=broken.name, said=said), sentences(*hint)
    if errors:
        fails = _("{function} fails: {error}.", function=account.name(function), error=errors[-1])
        return fails, fix_error(account, function, errors[-1])
    return "", ""
