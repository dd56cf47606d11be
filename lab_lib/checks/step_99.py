"""Check step 99: nothing of the lab is left."""

from lab_lib.aws import cleanup
from lab_lib.checks import cells
from lab_lib.checks.rules import Account, Finding, check, equal


@check("99", "made by this lab and still there")
def left(account: Account) -> Finding:
    found = ", ".join(account.ask(cleanup.remaining)) or "nothing"
    return equal(found, "nothing", f"Run `lab clean`, or {cells.CLEAN_UP} once more.")
