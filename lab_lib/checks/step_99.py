"""Check step 99: nothing of the lab is left."""

from lab_lib.aws import cleanup
from lab_lib.checks.rules import Account, Finding, check, equal
from lab_lib.language import _
from lab_lib.resources import CLEAN_UP


@check("99", "nothing-left", "made by this lab and still there")
def nothing_left(account: Account) -> Finding:
    names = _(", ").join(account.ask(cleanup.remaining)) or _("nothing")
    return equal(names, _("nothing"), _("Run `lab clean`, or {cell} once more.", cell=CLEAN_UP))
