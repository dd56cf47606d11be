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
    return tables.key_of(_described(account, name))


@document
def wanted_key(_account: Account, name: str) -> str:
    return tables.wanted_key(name)


@document
def expiry(account: Account, name: str) -> str:
    """Return the attribute by which the table's items expire, or its place in a call."""
    return account.ask(tables.expiry, name) or "..."


def _described(account: Account, name: str) -> dict[str, Any]:
    return account.ask(tables.describe, name) or {}
