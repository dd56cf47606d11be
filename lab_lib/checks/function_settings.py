"""Read of an account what the facts of its functions, and of their roles, are about."""

import re
from decimal import Decimal
from typing import Any

from lab_lib.aws import cloudwatch, functions, roles
from lab_lib.aws.evaluator import A_YEAR
from lab_lib.aws.json_text import amount
from lab_lib.checks import function_code, permissions
from lab_lib.checks.reading import NOTIFIER, role_for, role_of
from lab_lib.checks.rules import Account, document
from lab_lib.language import _
from lab_lib.pages.wording import listing

# Roles


@document
def role(account: Account, name: str) -> str:
    return str(role_for(account, name)["RoleName"])


@document
def own_role(account: Account, name: str) -> str:
    return str(role_of(account, name)["RoleName"])


@document
def usual_role(account: Account, name: str) -> str:
    return roles.name_of(account.lab, functions.ROLES[name])


@document
def role_trusts_lambda(account: Account, name: str) -> bool:
    return permissions.trusts_lambda(role_for(account, name))


@document
def role_lacks(account: Account, name: str) -> list[str]:
    return permissions.lacking(account, name, role_for(account, name)["Arn"])


@document
def role_ends(account: Account, name: str) -> list[str]:
    """Return what the role can be used for, and not for another year."""
    role = role_for(account, name)
    ends = [] if permissions.trusts_lambda(role, A_YEAR) else [_("Lambda can assume it for less than a year")]
    return ends + permissions.ending(account, name, role["Arn"])


@document
def role_excess(account: Account, name: str) -> list[str]:
    return permissions.excess(account, name, role_of(account, name)["Arn"])


@document
def function_role(account: Account, name: str) -> bool | list[str]:
    """Return True if the function's role is that of step 00, or does as well; else what is wrong with it."""
    arn = str(account.settings(name)["Role"])
    own, role = arn.split("/")[-1], role_of(account, name)
    if not role:
        return [_("{role}, which is not there", role=own)]
    if own == usual_role(account, name):
        return True
    lacking = permissions.lacking(account, name, arn)
    faults = [_("{role}, which {fault}", role=own, fault=fault) for fault in lacking]
    if not permissions.trusts_lambda(role):
        faults.append(_("{role}, which Lambda cannot assume", role=own))
    return faults or True


# The function itself


@document
def state(account: Account, name: str) -> bool | str:
    """Return True if the function can be called, else why not, or the state that ends by itself."""
    now, described = account.settings(name), account.ask(functions.describe, name) or {}
    if described.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        return _("throttled: it may not run at all")
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        return _("failed: {reason}", reason=now.get("StateReason") or now.get("LastUpdateStatusReason"))
    is_ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    return is_ready or "Pending"


@document
def code(account: Account, name: str) -> str:
    """Return why Lambda cannot run the code, "" if it can."""
    return function_code.fault(account.settings(name), account.ask(functions.code, name))


@document
def wrong_variables(account: Account, name: str) -> list[str]:
    """Return the variables of the workbook's code that are missing, or have other values. Others are not judged."""
    return [*_wrong_variables(account, name).values()]


@document
def these_variables(account: Account, name: str) -> str:
    """Return the right values of the wrong ones."""
    wanted, wrong = account.ask(functions.variables, name), _wrong_variables(account, name)
    return listing(f"{key}={wanted[key]}" for key in wrong) if wrong else _("all")


def _wrong_variables(account: Account, name: str) -> dict[str, str]:
    now, wanted = functions.environment(account.settings(name)), account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = re.findall(r"""environ\[["'](\w+)["']\]""", texts)
    wrong = {key: _("{setting} is not set", setting=key) for key in wanted if key in read and key not in now}
    for key, value in now.items():
        right = wanted.get(key)  # the URL of a queue that is not there has no value
        if right and _number(value) != _number(right):
            wrong[key] = _("{setting} is {value}, not {right}", setting=key, value=value, right=right)
    return wrong


def _number(text: str) -> Decimal | str:
    """Return the number in a variable, or its text: 1500 and 1500.0 are the same threshold."""
    return amount(text) or text


@document
def log_group(account: Account, name: str) -> str:
    return cloudwatch.group_of(account.lab, name, account.settings(name))


@document
def log_days(account: Account, name: str) -> int | None:
    return account.ask(cloudwatch.log_days, log_group(account, name))


# What the exercise asks for that makes TotalNotifier


@document
def asked(account: Account, argument: str) -> Any:
    return account.ask(functions.settings, NOTIFIER)[argument]


@document
def given(account: Account, argument: str) -> Any:
    """Return True if the function has the argument's value that is asked for, else its own."""
    now = account.settings(NOTIFIER).get(argument)
    return now == asked(account, argument) or str(now)


@document
def argument(account: Account, name: str) -> str:
    """Return the argument as a call has it."""
    return f"{name}={asked(account, name)!r}".replace("'", '"')


@document
def is_archive(account: Account) -> bool:
    """Return True if the function's code is what the exercise packs."""
    digest = functions.digest(functions.package(functions.source_files(NOTIFIER)))
    return account.settings(NOTIFIER).get("CodeSha256") == digest


@document
def wrong_environment(account: Account) -> list[str]:
    now, wanted = functions.environment(account.settings(NOTIFIER)), account.ask(functions.variables, NOTIFIER)
    wrong = [name for name in wanted if now.get(name) != wanted[name]]
    return [_("{name} is {value}", name=name, value=now.get(name, _("none"))) for name in wrong]


@document
def variables(account: Account) -> str:
    return ", ".join(sorted(account.ask(functions.variables, NOTIFIER)))
