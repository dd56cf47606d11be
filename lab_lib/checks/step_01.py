"""Check step 01: the two functions and their settings."""

import re
from decimal import Decimal

from lab_lib.aws import functions, roles
from lab_lib.aws.json_text import amount
from lab_lib.checks import function_code, permissions
from lab_lib.checks.rules import Account, Finding, State, check, exists, judged, none_of
from lab_lib.checks.step_00 import role_of
from lab_lib.resources import SETTINGS, cell
from lab_lib.wording import listing

SET = "update_function_configuration"


@check("01", "function-{}", "function {}", of="function", call="create_function")
def function(account: Account, name: str) -> Finding:
    hint = f"Create the function {account.name(name)} in {account.lab.region}"
    return exists(account, name, account.ask(functions.describe, name), hint, functions.names)


@check(
    "01",
    "state-{}",
    "state of {}",
    after="function-{}",
    of="function",
    shown=True,
    call="update_function_code",
    console="Code",
)
def state(account: Account, name: str) -> Finding:
    now, wanted = account.settings(name), account.name(name)
    limit = (account.ask(functions.describe, name) or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions")
    if limit == 0:
        hint = f"Remove the reserved concurrency of 0 from {wanted}"
        hint += account.how_to_fix("delete_function_concurrency", console="Configuration, Concurrency")
        return judged(False, "throttled: it may not run at all", "ready", hint)
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        reason = now.get("StateReason") or now.get("LastUpdateStatusReason")
        return judged(False, f"failed: {reason}", "ready", f"Deploy {wanted} again")
    ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    hint = f"Wait a moment until {wanted} is set up."
    return judged(True, "ready", "ready", hint) if ready else Finding(State.WAITS, "being set up", "ready", hint)


@check(
    "01",
    "code-{}",
    "code of {}",
    after="function-{}",
    of="function",
    weight=3,
    shown=True,
    call=f"update_function_code or {SET}",
    console="Code; then press Deploy",
)
def code(account: Account, name: str) -> Finding:
    """The code is Python 3 and has the handler. A paste may break its indent."""
    now = account.settings(name)
    handler, wanted = now.get("Handler", ""), "code in Python 3 with the handler"
    fault = function_code.fault(now, account.ask(functions.code, name))
    hint = f"Correct the code of {account.name(name)}, or its settings Handler and Runtime"
    return judged(not fault, fault or handler, wanted, hint)


@check(
    "01",
    "timeout-{}",
    "timeout of {}",
    after="function-{}",
    of="function",
    call=SET,
    console="General configuration",
)
def timeout(account: Account, name: str) -> Finding:
    now = account.settings(name)["Timeout"]
    hint = f"Set the timeout of {account.name(name)} to {functions.TIMEOUT} s"
    return judged(now >= functions.TIMEOUT, f"{now} s", f"{functions.TIMEOUT} s or more", hint)


@check("01", "function-role-{}", "role of {}", after="function-{} role-{}", of="function", shown=True)
def role(account: Account, name: str) -> Finding:
    """The role was given, or has the handout's name, and step 00 judges it, or it is another that does as well."""
    wanted, arn = roles.name_of(account.lab, functions.ROLES[name]), account.settings(name)["Role"]
    role_name, other = arn.split("/")[-1], role_of(account, name)
    faults = []
    if not other:
        faults = ["is not there"]
    elif role_name != wanted:
        faults = [f"lacks {need}" for need in permissions.lacking(account, name, arn)]
        faults += ["Lambda cannot assume"] * (not permissions.trusts_lambda(other))
    hint = (
        f"Give {account.name(name)} the role {wanted}{account.how_to_fix(SET, cell('function', name), 'Permissions')} "
    )
    hint += f"Or let {role_name} do this{account.how_to_fix('update_assume_role_policy or put_role_policy')}"
    return none_of((f"{role_name}, which {fault}" for fault in faults), hint, right=role_name)._replace(wanted=wanted)


@check(
    "01",
    "variables-{}",
    "variables of {}",
    after="function-{} code-{}",
    of="function",
    shown=True,
    call=f"{SET} with all variables",
    console="Environment variables",
)
def variables(account: Account, name: str) -> Finding:
    """The variables of the workbook's code are set, to the lab's values. Others are not judged."""
    now = account.settings(name).get("Environment", {}).get("Variables", {})
    wanted = account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = re.findall(r"""environ\[["'](\w+)["']\]""", texts)
    faults = {key: f"{key} is not set" for key in wanted if key in read and key not in now}
    for key, value in now.items():
        right = wanted.get(key)  # the URL of a queue that is not there has no value
        if right and _value(value) != _value(right):
            faults[key] = f"{key} is {value}, not {right}"
    these = listing(f"{key} to {wanted[key]}" for key in faults) if faults else "them"
    hint = f"Set {these} in the environment variables of {account.name(name)}"
    if "THRESHOLD" in faults.keys() & now.keys():
        hint = f"If you want {now['THRESHOLD']}, set threshold under {SETTINGS}, or with --threshold. If not: {hint}"
    finding = none_of(faults.values(), hint, right=listing(sorted(now)))
    return finding._replace(wanted="all set, to the lab's values")


def _value(text: str) -> Decimal | str:
    """Return the number in a variable, or its text: 1500 and 1500.0 are the same threshold."""
    return amount(text) or text
