"""Say how a chain that comes no further is fixed: the ends of hints about what an upload leads to."""

from lab_lib.checks import permissions
from lab_lib.checks.making import first_broken
from lab_lib.checks.rules import Account
from lab_lib.language import N_, _
from lab_lib.resources import cell

NOTIFIER = "TotalNotifier"
CODE, OBJECTS = N_("Code; then press Deploy"), N_("Objects of the bucket")  # in the consoles of Lambda and S3
WRITE = N_(" so that it writes each row as the file has it, with the amount as a Number")
_DENIED = ("AccessDenied", "AuthorizationError", "not authorized")
_TOO_LONG = "Task timed out"


def fix_chain(account: Account, name: str, *links: str, error: str = "") -> str:
    """Return what fixes one of these links: what the first check of them says that does not hold.

    If all hold, it is about the `error` of the function of this name, which the reader has seen. Without one it is "".
    """
    if broken := first_broken(account, *links):
        return _(
            'The check "{check.name}" of step {check.step} does not hold: {check.found}. {check.hint}', check=broken
        )
    return fix_error(account, name, error) if error else ""


def correct_code(account: Account, name: str, so_that: str = "", first: str = N_("Correct")) -> str:
    """Return a hint to correct the code of a function, or to replace it by the lab's. `first` begins it.

    The texts may be marked ones.
    """
    hint = _("{first} the code of {function}{so_that}", first=_(first), function=account.name(name), so_that=_(so_that))
    return account.how_to_fix(hint, "update_function_code", CODE, cell("function", name))


def fix_error(account: Account, name: str, error: str) -> str:
    """Return a hint about this error in the log of a function: its role, its timeout or its code is wrong."""
    if any(word in error for word in _DENIED):
        hint = _("Let the role of {function} do this, and remove what denies it", function=account.name(name))
        return account.how_to_fix(hint, "put_role_policy", N_("Permissions"), cell("role"))
    if _TOO_LONG in error:
        hint, place = _("Give {function} a longer timeout", function=account.name(name)), N_("General configuration")
        return account.how_to_fix(hint, "update_function_configuration", place, cell("function", name))
    return correct_code(account, name)


def by_upload(account: Account, do: str = N_("Upload the file")) -> str:
    """Return a hint to upload something."""
    return account.how_to_fix(_(do), "put_object", OBJECTS, cell("upload"))


def alert_again(account: Account, customers: str) -> str:
    """Return how the alerts of these customers are sent once more. Code of somebody else would be replaced."""
    if permissions.is_workbook_code(account, NOTIFIER):
        return _("To send all alerts once more, call aws.functions.alert_again(lab) in notebook 05.")
    again = _(
        "To alert once more, upload a file with another transaction of each customer ({customers})", customers=customers
    )
    return account.how_to_fix(again, "put_object", OBJECTS)
