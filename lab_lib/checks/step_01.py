"""Check step 01: the two functions and their settings."""

import ast
import re
from decimal import Decimal
from typing import Any

from lab_lib.aws import functions, roles
from lab_lib.checks import cells, permissions
from lab_lib.checks.rules import Account, Finding, check, equal, listing, none_of
from lab_lib.checks.step_00 import role_of

OLDEST_PYTHON = 10  # the oldest Python 3 runtime that AWS supports


@check("01", "function {}", each=functions.SOURCES)
def function(account: Account, name: str) -> Finding:
    wanted = account.lab.name(name)
    if account.ask(functions.describe, name):
        return Finding(True, wanted, wanted, "")
    hint = f"Create the function {wanted} in {account.lab.region}"
    hint += account.mend("create_function", cells.FUNCTIONS[name])
    return Finding(False, "not there", wanted, hint + account.similar(functions.names, name))


@check("01", "state of {}", after=("function {}",), each=functions.SOURCES)
def state(account: Account, name: str) -> Finding:
    now, wanted = _settings(account, name), account.lab.name(name)
    limit = (account.ask(functions.describe, name) or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions")
    if limit == 0:
        hint = f"Remove the reserved concurrency of 0 from {wanted}"
        hint += account.mend("delete_function_concurrency", console="Configuration, Concurrency")
        return Finding(False, "throttled: it may not run at all", "ready", hint)
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        reason = now.get("StateReason") or now.get("LastUpdateStatusReason")
        hint = f"Deploy {wanted} again{account.mend('update_function_code', cells.FUNCTIONS[name])}"
        return Finding(False, f"failed: {reason}", "ready", hint)
    ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    return equal("ready" if ready else "being set up", "ready", f"Wait a moment until {wanted} is set up.")


@check("01", "runtime of {}", after=("function {}",), each=functions.SOURCES)
def runtime(account: Account, name: str) -> Finding:
    now = _settings(account, name)
    found = now.get("Runtime", "a container image")
    version = re.fullmatch(r"python3\.(\d+)", found)
    right = now.get("PackageType") == "Image" or bool(version and int(version[1]) >= OLDEST_PYTHON)
    hint = f"Choose a newer runtime for {account.lab.name(name)}, such as {functions.RUNTIME}{_reset(account, name)}"
    return Finding(right, found, f"python3.{OLDEST_PYTHON} or newer", hint)


@check("01", "code of {}", after=("function {}",), each=functions.SOURCES)
def code(account: Account, name: str) -> Finding:
    """The code is Python 3 and has the handler. A paste, or an old example, breaks that."""
    now, wanted = _settings(account, name), account.lab.name(name)
    if now.get("PackageType") == "Image":
        return Finding(True, "a container image", "", "")
    handler = now["Handler"]
    module, _, entry = handler.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
    text = account.ask(functions.code, name).get(file)
    again = account.mend("update_function_code", cells.FUNCTIONS[name], "Code; then press Deploy")
    if text is None:
        hint = f"Name a file and a function in it as the handler of {wanted}{_reset(account, name)}"
        return Finding(False, f"the handler is {handler}, and there is no {file}", f"a file {file}", hint)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        hint = f"Most often, pasting has broken an indent. Correct the code of {wanted} there{again}"
        return Finding(False, f"{file}, line {error.lineno}: {error.msg}", "code that is Python 3", hint)
    if entry not in _names(tree):
        hint = f"Name the function that Lambda should call in the handler of {wanted}{_reset(account, name)}"
        return Finding(False, f"no function {entry} in {file}", handler, hint)
    if not any("boto" in file for file in account.ask(functions.code, name).values()):
        hint = f"Replace the code of {wanted}, which may be an example, by the lab's{again}"
        return Finding(False, "code that calls no AWS service", "the lab's code", hint)
    if "urllib.unquote" in text:
        hint = f"In the code of {wanted}, call unquote_plus of urllib.parse, without decode{again}"
        return Finding(False, f"urllib.unquote in {file}, which only Python 2 has", "code that is Python 3", hint)
    return Finding(True, handler, handler, "")


@check("01", "timeout of {}", after=("function {}",), each=functions.SOURCES)
def timeout(account: Account, name: str) -> Finding:
    now = _settings(account, name)["Timeout"]
    hint = f"Set the timeout of {account.lab.name(name)} to {functions.TIMEOUT} s"
    hint += _reset(account, name, "General configuration")
    return Finding(now >= functions.TIMEOUT, f"{now} s", f"{functions.TIMEOUT} s or more", hint)


@check("01", "role of {}", after=("function {}", "role for {}"), each=functions.SOURCES)
def role(account: Account, name: str) -> Finding:
    """The role was given, or has the handout's name, and step 00 judges it, or it is another that does as well."""
    wanted, arn = roles.name_of(account.lab, functions.ROLES[name]), _settings(account, name)["Role"]
    found, other = arn.split("/")[-1], role_of(account, name)
    hint = f"Give {account.lab.name(name)} the role {wanted}{_reset(account, name, 'Permissions')}"
    if found == wanted and other:
        return Finding(True, found, wanted, hint)
    if not other:
        return Finding(False, f"{found}, which is not there", wanted, hint)
    if not permissions.trusts_lambda(other):
        return Finding(False, f"{found}, which Lambda cannot assume", wanted, hint)
    lacking = (f"{found}, which lacks {need}" for need in permissions.lacking(account, name, other["Arn"]))
    return none_of(lacking, hint, right=found)._replace(wanted=wanted)


@check("01", "variables of {}", after=("function {}", "code of {}"), each=functions.SOURCES)
def variables(account: Account, name: str) -> Finding:
    """Every variable that the code reads is set. The variables of this workbook have the lab's values."""
    now = _settings(account, name).get("Environment", {}).get("Variables", {})
    wanted = account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = set(re.findall(r"""environ\[["'](\w+)["']\](?!\s*=[^=])""", texts)) - now.keys()
    missing = [f"{key} is not set" for key in read if not key.startswith("AWS_")]
    known = [key for key in now if wanted.get(key)]  # the URL of a queue that is not there has no value
    other = [f"{key} is {now[key]}, not {wanted[key]}" for key in known if not _same(now, wanted, key)]
    hint = f"Set this in the environment variables of {account.lab.name(name)}"
    hint += _reset(account, name, "Environment variables")
    return none_of([*missing, *other], hint, right=listing(sorted(now)))._replace(wanted="all set, to the lab's values")


def _reset(account: Account, name: str, console: str = "Runtime settings") -> str:
    return account.mend("update_function_configuration", cells.FUNCTIONS[name], console)


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a file defines, imports or assigns at its top level."""
    names = {getattr(node, "name", "") for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _settings(account: Account, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = (account.ask(functions.describe, name) or {})["Configuration"]
    return settings


def _same(now: dict[str, str], wanted: dict[str, str], key: str) -> bool:
    """Return True if the texts are the same or, for the threshold, the amounts."""
    if key != "THRESHOLD":
        return now[key] == wanted[key]
    try:
        return Decimal(now[key]) == Decimal(wanted[key])
    except ArithmeticError:
        return False
