"""Check step 01: the two functions and their settings."""

import re
from decimal import Decimal

from lab_lib.aws import functions, roles
from lab_lib.aws.json_text import amount
from lab_lib.checks import function_code, permissions
from lab_lib.checks.causes import CODE
from lab_lib.checks.reading import role_of
from lab_lib.checks.rules import Account, Finding, State, check, exists, judged, none_of
from lab_lib.lab import TIMEOUT
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import SETTINGS, cell

SET = "update_function_configuration"


@check("01", "function-{}", "function {}", of="function", call="create_function")
def function(account: Account, name: str) -> Finding:
    hint = _("Create the function {function} in {region}", function=account.name(name), region=account.lab.region)
    return exists(account, name, account.ask(functions.describe, name), hint, functions.names)


@check(
    "01",
    "state-{}",
    "state of {}",
    after="function-{}",
    of="function",
    shown=True,
    call="update_function_code",
    console=N_("Code"),
)
def state(account: Account, name: str) -> Finding:
    now, wanted = account.settings(name), account.name(name)
    limit = (account.ask(functions.describe, name) or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions")
    if limit == 0:
        hint = _("Remove the reserved concurrency of 0 from {name}", name=wanted)
        hint = account.how_to_fix(hint, "delete_function_concurrency", N_("Configuration, Concurrency"))
        return judged(False, _("throttled: it may not run at all"), _("ready"), hint)
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        reason = now.get("StateReason") or now.get("LastUpdateStatusReason")
        return judged(False, _("failed: {reason}", reason=reason), _("ready"), _("Deploy {name} again", name=wanted))
    ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    hint = _("Wait a moment until {function} is set up.", function=wanted)
    found = _("ready") if ready else _("being set up")
    return Finding(State.OK if ready else State.WAITS, found, _("ready"), hint)


@check(
    "01",
    "code-{}",
    "code of {}",
    after="function-{}",
    of="function",
    weight=3,
    shown=True,
    call=N_("update_function_code or update_function_configuration"),
    console=CODE,
)
def code(account: Account, name: str) -> Finding:
    """The code is Python 3 and has the handler. A paste may break its indent."""
    now = account.settings(name)
    handler, wanted = now.get("Handler", ""), _("code in Python 3 with the handler")
    fault = function_code.fault(now, account.ask(functions.code, name))
    hint = _("Correct the code of {function}, or its settings Handler and Runtime", function=account.name(name))
    return judged(not fault, fault or handler, wanted, hint)


@check(
    "01",
    "timeout-{}",
    "timeout of {}",
    after="function-{}",
    of="function",
    call=SET,
    console=N_("General configuration"),
)
def timeout(account: Account, name: str) -> Finding:
    now, wanted = account.settings(name)["Timeout"], TIMEOUT
    hint = _("Set the timeout of {function} to {seconds} s", function=account.name(name), seconds=wanted)
    found = _("{seconds} s", seconds=now)
    return judged(now >= wanted, found, _("{seconds} s or more", seconds=wanted), hint)


@check("01", "function-role-{}", "role of {}", after="function-{} role-{}", of="function", shown=True)
def role(account: Account, name: str) -> Finding:
    """The role was given, or has the handout's name, and step 00 judges it, or it is another that does as well."""
    wanted, arn = roles.name_of(account.lab, functions.ROLES[name]), account.settings(name)["Role"]
    role_name, other = arn.split("/")[-1], role_of(account, name)
    faults = []
    if not other:
        faults = [_("{role}, which is not there", role=role_name)]
    elif role_name != wanted:
        lacking = permissions.lacking(account, name, arn)
        faults = [_("{role}, which lacks {need}", role=role_name, need=need) for need in lacking]
        faults += [_("{role}, which Lambda cannot assume", role=role_name)] * (not permissions.trusts_lambda(other))
    give = _("Give {function} the role {role}", function=account.name(name), role=wanted)
    give = account.how_to_fix(give, SET, N_("Permissions"), cell("function", name))
    let = _("Or let {role} do this", role=role_name)
    let = account.how_to_fix(let, N_("update_assume_role_policy or put_role_policy"))
    return none_of(faults, f"{give} {let}", role_name, wanted)


@check(
    "01",
    "variables-{}",
    "variables of {}",
    after="function-{} code-{}",
    of="function",
    shown=True,
    call=N_("update_function_configuration with all variables"),
    console=N_("Environment variables"),
)
def variables(account: Account, name: str) -> Finding:
    """The variables of the workbook's code are set, to the lab's values. Others are not judged."""
    now = functions.environment(account.settings(name))
    wanted = account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = re.findall(r"""environ\[["'](\w+)["']\]""", texts)
    faults = {key: _("{setting} is not set", setting=key) for key in wanted if key in read and key not in now}
    for key, value in now.items():
        right = wanted.get(key)  # the URL of a queue that is not there has no value
        if right and _value(value) != _value(right):
            faults[key] = _("{setting} is {value}, not {right}", setting=key, value=value, right=right)
    these = listing(_("{setting} to {value}", setting=key, value=wanted[key]) for key in faults)
    these = these if faults else _("them")
    hint = _("Set {these} in the environment variables of {name}", these=these, name=account.name(name))
    if "THRESHOLD" in faults.keys() & now.keys():
        hint = _(
            "If you want {value}, set threshold under {cell}, or with --threshold. If not: {hint}",
            value=now["THRESHOLD"],
            cell=SETTINGS,
            hint=hint,
        )
    return none_of(faults.values(), hint, listing(sorted(now)), wanted=_("all set, to the lab's values"))


def _value(text: str) -> Decimal | str:
    """Return the number in a variable, or its text: 1500 and 1500.0 are the same threshold."""
    return amount(text) or text
