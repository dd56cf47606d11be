"""Check step 01: the two functions and their settings."""

import re
from decimal import Decimal

from lab_lib.aws import functions, roles
from lab_lib.checks import function_code, permissions
from lab_lib.checks.rules import Account, Finding, State, check, exists, judged, none_of
from lab_lib.checks.step_00 import function_cell, role_of
from lab_lib.resources import SETTINGS, cell
from lab_lib.wording import listing

OLDEST_PYTHON = 10  # the oldest Python 3 runtime that AWS supports


@check("01", "function-{}", "function {}", subjects=functions.SOURCES, of="function")
def function(account: Account, name: str) -> Finding:
    hint = f"Create the function {account.lab.name(name)} in {account.lab.region}"
    hint += account.fix("create_function", cell("function", name))
    return exists(account, name, account.ask(functions.describe, name), hint, functions.names)


@check("01", "state-{}", "state of {}", after="function-{}", subjects=functions.SOURCES, of="function", shown=True)
def state(account: Account, name: str) -> Finding:
    now, wanted = account.settings(name), account.lab.name(name)
    limit = (account.ask(functions.describe, name) or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions")
    if limit == 0:
        hint = f"Remove the reserved concurrency of 0 from {wanted}"
        hint += account.fix("delete_function_concurrency", console="Configuration, Concurrency")
        return judged(False, "throttled: it may not run at all", "ready", hint)
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        reason = now.get("StateReason") or now.get("LastUpdateStatusReason")
        hint = f"Deploy {wanted} again{account.fix('update_function_code', function_cell(account, name), 'Code')}"
        return judged(False, f"failed: {reason}", "ready", hint)
    ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    state = State.OK if ready else State.WAITS
    return Finding(state, "ready" if ready else "being set up", "ready", f"Wait a moment until {wanted} is set up.")


@check("01", "runtime-{}", "runtime of {}", after="function-{}", subjects=functions.SOURCES, of="function", shown=True)
def runtime(account: Account, name: str) -> Finding:
    now = account.settings(name)
    runtime = now.get("Runtime", "a container image")
    version = re.fullmatch(r"python3\.([0-9]{1,3})", runtime)
    right = now.get("PackageType") == "Image" or bool(version and int(version[1]) >= OLDEST_PYTHON)
    kind = "newer" if version else "Python"
    hint = f"Choose a {kind} runtime for {account.lab.name(name)}, such as {functions.RUNTIME}{_reset(account, name)}"
    return judged(right, runtime, f"python3.{OLDEST_PYTHON} or newer", hint)


@check(
    "01", "code-{}", "code of {}", after="function-{}", subjects=functions.SOURCES, of="function", weight=3, shown=True
)
def code(account: Account, name: str) -> Finding:
    """The code is Python 3 and has the handler. A paste may break its indent."""
    now = account.settings(name)
    handler, wanted = now.get("Handler", ""), "code in Python 3 with the handler"
    if now.get("PackageType") == "Image":
        return judged(True, "a container image", wanted, "")
    fault = function_code.fault(handler, account.ask(functions.code, name))
    hint = f"Correct the code of {account.lab.name(name)}, or its setting Handler"
    hint += account.fix("update_function_code", function_cell(account, name), "Code; then press Deploy")
    return judged(not fault, fault or handler, wanted, hint)


@check("01", "timeout-{}", "timeout of {}", after="function-{}", subjects=functions.SOURCES, of="function")
def timeout(account: Account, name: str) -> Finding:
    now = account.settings(name)["Timeout"]
    hint = f"Set the timeout of {account.lab.name(name)} to {functions.TIMEOUT} s"
    hint += _reset(account, name, "General configuration")
    return judged(now >= functions.TIMEOUT, f"{now} s", f"{functions.TIMEOUT} s or more", hint)


@check(
    "01",
    "function-role-{}",
    "role of {}",
    after="function-{} role-{}",
    subjects=functions.SOURCES,
    of="function",
    shown=True,
)
def role(account: Account, name: str) -> Finding:
    """The role was given, or has the handout's name, and step 00 judges it, or it is another that does as well."""
    wanted, arn = roles.name_of(account.lab, functions.ROLES[name]), account.settings(name)["Role"]
    role_name, other = arn.split("/")[-1], role_of(account, name)
    if not other:
        faults = ["is not there"]
    elif role_name == wanted:
        faults = []
    elif not permissions.trusts_lambda(other):
        faults = ["Lambda cannot assume"]
    else:
        faults = [f"lacks {need}" for need in permissions.lacking(account, name, other["Arn"])]
    hint = f"Give {account.lab.name(name)} the role {wanted}{_reset(account, name, 'Permissions')} "
    hint += f"Or let {role_name} do this" + account.fix(
        "update_assume_role_policy or put_role_policy", console="Permissions of the role"
    )
    return none_of((f"{role_name}, which {fault}" for fault in faults), hint, right=role_name)._replace(wanted=wanted)


@check(
    "01",
    "variables-{}",
    "variables of {}",
    after="function-{} code-{}",
    subjects=functions.SOURCES,
    of="function",
    shown=True,
)
def variables(account: Account, name: str) -> Finding:
    """Every variable that the code reads is set. The workbook's have the lab's values."""
    now = account.settings(name).get("Environment", {}).get("Variables", {})
    wanted = account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = set(re.findall(r"""environ\[["'](\w+)["']\](?!\s*=[^=])""", texts)) - now.keys()
    missing = sorted(key for key in read if not key.startswith("AWS_"))
    known = [key for key in now if wanted.get(key)]  # the URL of a queue that is not there has no value
    other = [key for key in known if not _same(now, wanted, key)]
    right = [f"{key} to {wanted.get(key) or 'what the code reads there'}" for key in missing + other]
    do = f"Set {listing(right) if right else 'what the code reads'}"
    hint = f"{do} in the environment variables of {account.lab.name(name)}"
    hint += _reset(account, name, "Environment variables", " with all variables")
    if "THRESHOLD" in other:
        hint += f" If you want {now['THRESHOLD']}, set threshold under {SETTINGS}, or with --threshold."
    faults = [f"{key} is not set" for key in missing] + [f"{key} is {now[key]}, not {wanted[key]}" for key in other]
    return none_of(faults, hint, right=listing(sorted(now)))._replace(wanted="all set, to the lab's values")


def _reset(account: Account, name: str, console: str = "Runtime settings", how: str = "") -> str:
    return account.fix(f"update_function_configuration{how}", function_cell(account, name), console)


def _same(now: dict[str, str], wanted: dict[str, str], key: str) -> bool:
    """Return True if the texts are the same or, for the threshold, the amounts."""
    if key != "THRESHOLD":
        return now[key] == wanted[key]
    try:
        return Decimal(now[key]) == Decimal(wanted[key])
    except ArithmeticError:
        return False
