"""Say how a chain that comes no further is fixed: the ends of hints about what an upload leads to."""

from functools import partial

from lab_lib.checks import permissions
from lab_lib.checks.making import first_broken
from lab_lib.checks.rules import Account, or_none
from lab_lib.checks.step_00 import role_for
from lab_lib.resources import cell

NOTIFIER = "TotalNotifier"
WRITE = " so that it writes each row as the file has it, with the amount as a Number"
_DENIED = ("AccessDenied", "AuthorizationError", "not authorized")
_TOO_LONG = "Task timed out"


def fix_chain(account: Account, name: str, *links: str, error: str = "") -> str:
    """Return what fixes one of these links: what the first check of them says that does not hold.

    If all hold, it is about the `error` of the function of this name, which the reader has seen. Without one it is "".
    """
    if broken := first_broken(account, *links):
        return f'The check "{broken.name}" of step {broken.step} does not hold: {broken.found}. {broken.hint}'
    return fix_error(account, name, error) if error else ""


def correct_code(account: Account, name: str, so_that: str = "", first: str = "Correct") -> str:
    """Return a hint to correct the code of a function, or to replace it by the lab's. `first` begins it."""
    hint = f"{first} the code of {account.name(name)}{so_that}"
    return hint + account.how_to_fix("update_function_code", cell("function", name), "Code; then press Deploy")


def fix_error(account: Account, name: str, error: str) -> str:
    """Return a hint about this error in the log of a function: its role, its timeout or its code is wrong."""
    if any(word in error for word in _DENIED):
        role = or_none(partial(role_for, account, name)) or {}
        hint = f"Let the role {role.get('RoleName', 'of ' + account.name(name))} do this, and remove what denies it"
        return hint + account.how_to_fix("put_role_policy", cell("role"), "Permissions")
    if _TOO_LONG in error:
        call, place = "update_function_configuration", "General configuration"
        hint = f"Give {account.name(name)} a longer timeout"
        return hint + account.how_to_fix(call, cell("function", name), place)
    return correct_code(account, name)


def by_upload(account: Account, do: str = "Upload the file") -> str:
    """Return a hint to upload something."""
    return do + account.how_to_fix("put_object", cell("upload"), "Objects of the bucket")


def alert_again(account: Account, customers: str) -> str:
    """Return how the alerts of these customers are sent once more. Code of somebody else would be replaced."""
    if permissions.is_workbook_code(account, NOTIFIER):
        return "To send all alerts once more, call aws.functions.alert_again(lab) in notebook 05."
    again = f"To alert once more, upload a file with another transaction of each customer ({customers})"
    return again + account.how_to_fix("put_object", console="Objects of the bucket")
