"""Read of an account what the facts of its functions are about."""

import re
from decimal import Decimal

from lab_lib.aws import cloudwatch, functions
from lab_lib.aws.json_text import amount, moment
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import Account, document, or_none
from lab_lib.checks.uploads import newest
from lab_lib.language import _
from lab_lib.pages.wording import listing


@document
def state(account: Account, name: str) -> bool | str:
    """Return True if the function can be called, else why not, or the state that ends by itself."""
    now, described = account.settings(name), account.ask(functions.describe, name) or {}
    if described.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        return _("its reserved concurrency is 0, so it cannot run")
    if reason := functions.failure(now):
        return _("failed: {reason}", reason=reason)
    return functions.is_ready(now) or "Pending"


@document
def wrong_variables(account: Account, name: str) -> list[str]:
    """Return the variables of the workbook's code that are missing, or have other values. Others are not judged."""
    return [*_wrong_variables(account, name).values()]


@document
def these_variables(account: Account, name: str) -> str:
    """Return the right values of the wrong ones."""
    wanted, wrong = account.ask(functions.variables, name), _wrong_variables(account, name)
    return listing(f"{key}={wanted[key]}" for key in wrong) if wrong else _("all variables")


def _wrong_variables(account: Account, name: str) -> dict[str, str]:
    now, wanted = functions.environment(account.settings(name)), account.ask(functions.variables, name)
    code = or_none(lambda: account.ask(functions.code, name)) or {}  # without it, no variable is known to be missing
    texts = " ".join(code.values())
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
def newer_functions(account: Account) -> list[str]:
    """Return the functions that have changed since the last upload: nothing shows that they work."""
    since = newest(account)
    changed = {name: moment(account.settings(name).get("LastModified")) or since for name in functions.SOURCES}
    return [account.name(name) for name, time in changed.items() if time > since]


@document
def log_group(account: Account, name: str) -> str:
    return cloudwatch.group_of(account.lab, name, account.settings(name))


@document
def log_days(account: Account, name: str) -> int | None:
    return account.ask(cloudwatch.log_days, log_group(account, name))


@document
def is_archive(account: Account) -> bool:
    """Return True if the function's code is what the exercise packs."""
    digest = functions.digest(functions.package(functions.source_files(NOTIFIER)))
    return account.settings(NOTIFIER).get("CodeSha256") == digest
