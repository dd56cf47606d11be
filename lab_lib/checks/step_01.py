"""Check step 01: the two functions and their settings."""

import re
from decimal import Decimal

from lab_lib.aws import functions, roles
from lab_lib.aws.json_text import having
from lab_lib.checks import function_code, permissions
from lab_lib.checks.rules import Account, Finding, State, check, exists, judged, listing, none_of
from lab_lib.checks.step_00 import function_cell, role_of
from lab_lib.errors import LabError
from lab_lib.resources import SETTINGS, cell

OLDEST_PYTHON = 10  # the oldest Python 3 runtime that AWS supports
_MISLEADING = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE")


@check("01", "function-{}", "function {}", each=functions.SOURCES, of="function")
def function(account: Account, name: str) -> Finding:
    hint = f"Create the function {account.lab.name(name)} in {account.lab.region}"
    hint += account.mend("create_function", cell("function", name))
    return exists(account, name, account.ask(functions.describe, name), hint, functions.names)


@check("01", "state-{}", "state of {}", after="function-{}", each=functions.SOURCES, of="function", shown=True)
def state(account: Account, name: str) -> Finding:
    now, wanted = account.settings(name), account.lab.name(name)
    limit = (account.ask(functions.describe, name) or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions")
    if limit == 0:
        hint = f"Remove the reserved concurrency of 0 from {wanted}"
        hint += account.mend("delete_function_concurrency", console="Configuration, Concurrency")
        return judged(False, "throttled: it may not run at all", "ready", hint)
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        reason = now.get("StateReason") or now.get("LastUpdateStatusReason")
        hint = f"Deploy {wanted} again{account.mend('update_function_code', function_cell(account, name), 'Code')}"
        return judged(False, f"failed: {reason}", "ready", hint)
    ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    state = State.OK if ready else State.WAITS
    return Finding(state, "ready" if ready else "being set up", "ready", f"Wait a moment until {wanted} is set up.")


@check("01", "runtime-{}", "runtime of {}", after="function-{}", each=functions.SOURCES, of="function", shown=True)
def runtime(account: Account, name: str) -> Finding:
    now = account.settings(name)
    found = now.get("Runtime", "a container image")
    version = re.fullmatch(r"python3\.([0-9]{1,3})", found)
    right = now.get("PackageType") == "Image" or bool(version and int(version[1]) >= OLDEST_PYTHON)
    kind = "newer" if version else "Python"
    hint = f"Choose a {kind} runtime for {account.lab.name(name)}, such as {functions.RUNTIME}{_reset(account, name)}"
    return judged(right, found, f"python3.{OLDEST_PYTHON} or newer", hint)


@check("01", "code-{}", "code of {}", after="function-{}", each=functions.SOURCES, of="function", weight=3, shown=True)
def code(account: Account, name: str) -> Finding:
    """The code is Python 3, has the handler and calls AWS. A paste, or an old example, breaks that."""
    now = account.settings(name)
    if now.get("PackageType") == "Image":
        return judged(True, "a container image", "code with a handler", "")
    layers = [":".join(each["Arn"].split(":")[-2:]) for each in having(now.get("Layers", []), "Arn")]
    handler = now.get("Handler", "")
    found = handler + (f", with the layers {', '.join(layers)}" if layers else "")
    fault = function_code.fault(handler, account.ask(functions.code, name), layers)
    mend = account.mend("update_function_code", function_cell(account, name), "Code; then press Deploy")
    if not fault:
        return judged(True, found, "code with a handler", f"Correct the code of {account.lab.name(name)}{mend}")
    hint = fault.do.format(account.lab.name(name)) + (mend if fault.in_code else _reset(account, name))
    return judged(False, fault.found, fault.wanted, hint)


@check("01", "network-{}", "network of {}", after="function-{}", each=functions.SOURCES, of="function", shown=True)
def network(account: Account, name: str) -> Finding:
    """A function in a VPC reaches AWS only by a NAT gateway or by endpoints of the VPC, which are not read here."""
    if vpc := functions.vpc(account.settings(name)):
        raise LabError(
            f"{account.lab.name(name)} is in {vpc}, and the ways from there to AWS are not read. The lab needs no VPC: "
            'take it out with update_function_configuration and VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}'
        )
    return judged(True, "no VPC", "no VPC", "")


@check("01", "timeout-{}", "timeout of {}", after="function-{}", each=functions.SOURCES, of="function")
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
    each=functions.SOURCES,
    of="function",
    shown=True,
)
def role(account: Account, name: str) -> Finding:
    """The role was given, or has the handout's name, and step 00 judges it, or it is another that does as well."""
    wanted, arn = roles.name_of(account.lab, functions.ROLES[name]), account.settings(name)["Role"]
    found, other = arn.split("/")[-1], role_of(account, name)
    give = f"Give {account.lab.name(name)} the role {wanted}{_reset(account, name, 'Permissions')}"
    if found == wanted and other:
        return judged(True, found, wanted, give)
    if not other:
        return judged(False, f"{found}, which is not there", wanted, give)
    if not permissions.trusts_lambda(other):
        hint = f"{give} Or let lambda.amazonaws.com assume {found}"
        hint += account.mend("update_assume_role_policy", console="Trust relationships of the role")
        return judged(False, f"{found}, which Lambda cannot assume", wanted, hint)
    lacking = (f"{found}, which lacks {need}" for need in permissions.lacking(account, name, other["Arn"]))
    hint = f"{give} Or let {found} do this{account.mend('put_role_policy', console='Permissions of the role')}"
    return none_of(lacking, hint, right=found)._replace(wanted=wanted)


@check(
    "01",
    "variables-{}",
    "variables of {}",
    after="function-{} code-{}",
    each=functions.SOURCES,
    of="function",
    shown=True,
)
def variables(account: Account, name: str) -> Finding:
    """Every variable that the code reads is set. The workbook's have the lab's values. No other misleads the calls."""
    now = account.settings(name).get("Environment", {}).get("Variables", {})
    wanted = account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = set(re.findall(r"""environ\[["'](\w+)["']\](?!\s*=[^=])""", texts)) - now.keys()
    missing = sorted(key for key in read if not key.startswith("AWS_"))
    known = [key for key in now if wanted.get(key)]  # the URL of a queue that is not there has no value
    other = [key for key in known if not _same(now, wanted, key)]
    misleading = [key for key in now if _misleads(account, key, now[key])]
    right = [f"{key} to {wanted.get(key) or 'what the code reads there'}" for key in missing + other]
    do = f"Set {listing(right) if right else 'what the code reads'}"
    if misleading and not right:
        do = f"Remove {listing(misleading)}"
    hint = f"{do} in the environment variables of {account.lab.name(name)}"
    hint += _reset(account, name, "Environment variables", " with all variables")
    if "THRESHOLD" in other:
        hint += f" If you want {now['THRESHOLD']}, set threshold under {SETTINGS}, or with --threshold."
    faults = [f"{key} is not set" for key in missing] + [f"{key} is {now[key]}, not {wanted[key]}" for key in other]
    faults = faults or [f"{key} misleads its calls" for key in misleading]
    return none_of(faults, hint, right=listing(sorted(now)))._replace(wanted="all set, to the lab's values")


def _reset(account: Account, name: str, console: str = "Runtime settings", how: str = "") -> str:
    return account.mend(f"update_function_configuration{how}", function_cell(account, name), console)


def _misleads(account: Account, key: str, value: str) -> bool:
    """Return True if, by this variable, boto3 calls another address or looks for other credentials."""
    if key == "AWS_USE_FIPS_ENDPOINT":  # there are none elsewhere
        return value.lower() == "true" and not account.lab.region.startswith(("us-", "ca-"))
    return bool(value) and key.startswith(_MISLEADING)


def _same(now: dict[str, str], wanted: dict[str, str], key: str) -> bool:
    """Return True if the texts are the same or, for the threshold, the amounts."""
    if key != "THRESHOLD":
        return now[key] == wanted[key]
    try:
        return Decimal(now[key]) == Decimal(wanted[key])
    except ArithmeticError:
        return False
