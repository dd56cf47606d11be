"""List the settings of a lab, and refuse what cannot be right."""

import functools
import os
import re
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.calls.sessions import keyed_session
from lab_lib.errors import UsageError
from lab_lib.language import _

DEFAULT_ACCOUNT = "000000000000"  # of the embedded AWS
DEFAULT_REGION = "us-east-1"
DEFAULT_THRESHOLD = Decimal(1500)
_IAM_KINDS = {"processor_role": "role", "notifier_role": "role", "boundary": "policy"}


class Setting(NamedTuple):
    """A setting of a lab: the pattern of its values, what is wanted, in words, and the help of its option."""

    pattern: str
    wanted: str
    help: str


_ROLE, _A_ROLE = r"(arn:[!-~]+/)?[\w+=,.@-]{1,64}", "the name or ARN of a role, such as LabRole"
# The pattern for e-mail addresses is HTML's: none of its characters needs escaping in Python or JSON.
SETTINGS = {
    "account": Setting(
        r"[0-9]{12}",
        'twelve digits as text, such as "000000000000"',
        "The account's twelve digits. Required with --profile.",
    ),
    "profile": Setting(
        r".+",
        "the name of a profile of your AWS configuration",
        "A profile of your AWS configuration; runs on AWS, which costs money.",
    ),
    "region": Setting(r".+", "a Region such as us-east-1", "The AWS Region; us-east-1 by default."),
    "prefix": Setting(
        r"[A-Za-z][A-Za-z0-9-]{0,10}",
        "a letter, then up to ten letters, digits or -",
        "Goes before every name, so that several people can share an account.",
    ),
    "threshold": Setting(
        r"(?=.*[1-9])(?!([0-9]\.?){16})[0-9]+(\.[0-9]+)?",  # it is a float in a notebook, which keeps 15 digits
        "an amount above 0 with at most 15 digits, such as 99.50",
        "Alerts go out when a total reaches this amount; 1500 by default.",
    ),
    "email": Setting(
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+",
        "an address such as ana@example.com",
        "Alerts go to this e-mail address too.",
    ),
    "phone": Setting(r"\+[1-9][0-9]{6,14}", "a number such as +15555550100", "Alerts go to this number too, by SMS."),
    # Of accounts that others manage:
    "processor_role": Setting(_ROLE, _A_ROLE, "A role that exists, for TransactionProcessor; its name or ARN."),
    "notifier_role": Setting(_ROLE, _A_ROLE, "A role that exists, for TotalNotifier; it may be the same."),
    "bucket": Setting(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "the name of a bucket, such as my-class-bucket",
        "A bucket that exists. The lab only adds its trigger, and removes it.",
    ),
    "boundary": Setting(
        r"(arn:[!-~]+/)?[\w+=,.@-]{1,128}",
        "the name or ARN of a managed policy, such as LabBoundary",
        "A managed policy: the permissions boundary of the roles that the lab makes.",
    ),
}
PLACE = ("account", "profile", "region", "prefix", "processor_role", "notifier_role", "bucket")  # where the lab is
ALERTS = ("threshold", "email", "phone")
VARIABLES = (*SETTINGS, "role_arn", "external_id")  # each is read from its variable too, such as LAB_PREFIX


def plain_text(name: str, value: str) -> str:
    """Return a text of any kind, such as an id. UsageError if it holds a control character."""
    if re.search(r"[\x00-\x1f\x7f-\x9f]", value):
        raise UsageError("{name} holds a control character: {value!a}.", name=name, value=value)
    return value


def setting(name: str, value: Any) -> Any:
    """Return a setting of `open_lab` that is right by itself. UsageError if it cannot be right; empty is right."""
    is_amount = name == "threshold"
    text = str(DEFAULT_THRESHOLD if value == "" else value) if is_amount else value
    if not (isinstance(text, str) and re.fullmatch(f"({SETTINGS[name].pattern})?", text, re.ASCII)):
        wanted = _(SETTINGS[name].wanted)
        raise UsageError("{name} is {value!r}; wanted {wanted}.", name=name, value=value, wanted=wanted)
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


def or_variable(name: str, value: Any) -> Any:
    """Return the value of a setting; if that is "", the value of its variable, such as LAB_PREFIX."""
    return os.environ.get(f"LAB_{name.upper()}", "") if value == "" else value
