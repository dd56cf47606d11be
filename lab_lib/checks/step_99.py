"""99 · Nothing of the lab is left."""

from lab_lib.aws import cleanup
from lab_lib.checks.rules import Account, Finding, check, equal


@check("99", "made by this lab and still there")
def left(account: Account) -> Finding:
    return equal(
        ", ".join(account.ask(cleanup.remaining)) or "nothing", "nothing", "Run `lab clean`, or notebook 99 once more."
    )
