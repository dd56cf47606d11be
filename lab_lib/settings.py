"""List the settings of a lab, and refuse what cannot be right."""

import functools
import os
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.calls.sessions import keyed_session
from lab_lib.errors import UsageError
from lab_lib.language import _

DEFAULT_ACCOUNT = "000000000000"  # of the embedded AWS
DEFAULT_REGION = "us-east-1"
DEFAULT_THRESHOLD = Decimal(1500)


class Setting(NamedTuple):
    """A setting of a lab, as settings.toml has it."""

    pattern: str
    wanted: str
    help: str
    kind: str = ""


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
SETTINGS = {name: Setting(**fields) for name, fields in _TABLE.items()}
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
    text = value
    if is_amount:
        text = str(DEFAULT_THRESHOLD if value == "" else value)
    is_right = isinstance(text, str) and re.fullmatch(f"({SETTINGS[name].pattern})?", text, re.ASCII)
    if not is_right:
        wanted = _(SETTINGS[name].wanted)
        raise UsageError("{name} is {value!r}; wanted {wanted}.", name=name, value=value, wanted=wanted)
    if name == "region":
        partition(value or DEFAULT_REGION)
    return Decimal(text) if is_amount else value


def fitting(name: str, value: Any, account: str, region: str) -> Any:
    """Return a setting for this account and Region, a role or policy as its ARN. UsageError if it cannot be there."""
    if name == "phone" and value and partition(region) == "aws-cn":
        raise UsageError("phone is {number!r}; SNS sends no SMS in the China Regions. Leave phone empty.", number=value)
    kind = SETTINGS[name].kind
    if not value or not kind:
        return value
    base = f"arn:{partition(region)}:iam::{account}:{kind}/"
    if not value.startswith("arn:"):
        return f"{base}{value}"
    if not value.startswith((base, f"arn:{partition(region)}:iam::aws:{kind}/")):
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
