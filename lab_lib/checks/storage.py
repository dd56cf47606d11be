"""Read of an account what the facts of its bucket and its tables are about."""

from typing import Any

from lab_lib.aws import buckets, tables
from lab_lib.checks.rules import Account, document
from lab_lib.language import _
from lab_lib.settings import DEFAULT_REGION


@document
def bucket(account: Account) -> str:
    """Return the bucket's name, "" without one. An error if that cannot be known: it may have another name."""
    if account.ask(buckets.find_bucket):
        return account.lab.bucket
    if not account.lab.bucket_name:
        account.ask(buckets.candidates)
    return ""


@document
def wanted_bucket(account: Account) -> str:
    return account.lab.bucket_name or _("a bucket with inputs3bucketfortransact in its name")


@document
def abroad(account: Account) -> str:
    """Return the argument that makes a bucket elsewhere than in the default Region."""
    place = {"LocationConstraint": account.lab.region}
    return "" if account.lab.region == DEFAULT_REGION else f", CreateBucketConfiguration={place}"


@document
def table(account: Account, name: str) -> str:
    """Return the table's name, and its state if that is not one in which it works; "" without a table."""
    now = _described(account, name)
    if not now:
        return ""
    state = now.get("TableStatus", _("without a state"))
    return account.name(name) if state in ("ACTIVE", "UPDATING") else f"{account.name(name)}, {state}"


@document
def key(account: Account, name: str) -> str:
    """Return the names of the table's key, with the type of each that is no text."""
    now, parts = _described(account, name), list[str]()
    types = {part["AttributeName"]: part["AttributeType"] for part in now.get("AttributeDefinitions", [])}
    for part in now.get("KeySchema", []):
        attribute = part["AttributeName"]
        is_text = types.get(attribute) == "S"
        parts.append(attribute if is_text else _("{key} (type {type})", key=attribute, type=types.get(attribute)))
    return " + ".join(parts)


@document
def wanted_key(_account: Account, name: str) -> str:
    return " + ".join(tables.KEYS[name])


@document
def expiry(account: Account, name: str) -> str:
    """Return the attribute by which the table's items expire, or its place in a call."""
    return account.ask(tables.expiry, name) or "..."


def _described(account: Account, name: str) -> dict[str, Any]:
    return account.ask(tables.describe, name) or {}
