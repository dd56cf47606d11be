"""Take the settings of a lab, and refuse what cannot be right."""

import functools
import os
import re
import unicodedata
from decimal import Decimal
from typing import Any

from lab_lib.calls.sessions import keyed_session
from lab_lib.errors import UsageError
from lab_lib.language import N_, _

DEFAULT_ACCOUNT = "000000000000"  # of the embedded AWS
DEFAULT_REGION = "us-east-1"
DEFAULT_THRESHOLD = Decimal(1500)
_MOST_DIGITS = 15  # of the threshold: it is a float in a notebook, which keeps so many
_IAM_KINDS = {"processor_role": "role", "notifier_role": "role", "boundary": "policy"}
_ROLE = r"(arn:[!-~]+/)?[\w+=,.@-]{1,64}", N_("the name or ARN of a role, such as LabRole")
# Each setting's pattern and description. The pattern for e-mail addresses is HTML's: none of its characters needs
# escaping in Python or JSON. The last four are for accounts that others manage.
_SETTINGS = {
    "account": (r"[0-9]{12}", N_('twelve digits as text, such as "000000000000"')),
    "profile": (r".+", N_("the name of a profile of your AWS configuration")),
    "region": (r".+", N_("a Region such as us-east-1")),
    "prefix": (r"[A-Za-z][A-Za-z0-9-]{0,10}", N_("a letter, then up to ten letters, digits or -")),
    "threshold": (
        r"[0-9]{1,15}(\.[0-9]{1,15})?",
        N_("an amount of 0 or more with at most 15 digits, such as 1500"),
    ),
    "email": (r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", N_("an address such as ana@example.com")),
    "phone": (r"\+[1-9][0-9]{6,14}", N_("a number such as +15555550100")),
    "processor_role": _ROLE,
    "notifier_role": _ROLE,
    "bucket": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", N_("the name of a bucket, such as my-class-bucket")),
    "boundary": (r"(arn:[!-~]+/)?[\w+=,.@-]{1,128}", N_("the name or ARN of a managed policy, such as LabBoundary")),
}
SETTINGS = tuple(_SETTINGS)
VARIABLES = (*SETTINGS, "role_arn", "external_id")  # each is read from its variable too, such as LAB_PREFIX


def plain_text(name: str, value: str) -> str:
    """Return a text of any kind, such as an id. UsageError if it holds a control character."""
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise UsageError("{name} holds a control character: {value!a}.", name=name, value=value)
    return value


def setting(name: str, value: Any) -> Any:
    """Return a setting of `open_lab` that is right by itself. UsageError if it cannot be right; empty is right."""
    pattern, wanted = _SETTINGS[name]
    is_amount = name == "threshold"
    text = str(DEFAULT_THRESHOLD if value == "" else value) if is_amount else value
    is_right = isinstance(text, str) and re.fullmatch(f"({pattern})?", text, re.ASCII)
    if not is_right or (is_amount and len(Decimal(text).normalize().as_tuple().digits) > _MOST_DIGITS):
        raise UsageError("{name} is {value!r}; wanted {wanted}.", name=name, value=value, wanted=_(wanted))
    if name == "region":
        partition(value or DEFAULT_REGION)
    return Decimal(text) if is_amount else value


def fitting(name: str, value: Any, account: str, region: str) -> Any:
    """Return a setting for this account and Region, a role or policy as its ARN. UsageError if it cannot be there."""
    if name == "phone" and value and partition(region) == "aws-cn":
        raise UsageError("phone is {number!r}; SNS sends no SMS in the China Regions. Leave phone empty.", number=value)
    if not value or name not in _IAM_KINDS:
        return value
    kind = _IAM_KINDS[name]
    base = f"arn:{partition(region)}:iam::{account}:{kind}/"
    if not value.startswith("arn:"):
        return f"{base}{value}"
    is_of_aws = kind == "policy" and value.startswith(f"arn:{partition(region)}:iam::aws:policy/")
    if not value.startswith(base) and not is_of_aws:
        such = f"{base}{value.split('/')[-1]}"
        raise UsageError(
            "{name} is {value!r}; wanted one of this account, such as {such}.", name=name, value=value, such=such
        )
    return value


@functools.cache
def partition(region: str) -> str:
    """Return the Region's partition, such as aws or aws-cn. UsageError if there is no such Region."""
    session = keyed_session(DEFAULT_REGION, DEFAULT_ACCOUNT)
    for name in session.get_available_partitions():
        if region in session.get_available_regions("lambda", name):
            return str(name)
    raise UsageError("There is no Region {region!r}. Name one such as us-east-1 or eu-west-1.", region=region)


def or_variable(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings, each that is "" with the value of its variable, such as LAB_PREFIX."""
    variables = {name: os.environ.get(f"LAB_{name.upper()}", "") for name in settings}
    return {name: variables[name] if value == "" else value for name, value in settings.items()}
