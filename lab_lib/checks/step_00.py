"""00 · What is there before the first function: the bucket, the tables, a role for each function."""

from typing import Any

from lab_lib.aws import buckets, functions, roles, tables
from lab_lib.checks import permissions
from lab_lib.checks.rules import Account, Finding, check, equal, none_of

TABLES = ["Customer", "Transactions", "TransactionTotal"]  # the handout's
VIEWS = ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]  # what a stream must carry for a function to see the new amount


@check("00", "bucket")
def bucket(account: Account) -> Finding:
    wanted = "a bucket with inputs3bucketfortransact in its name"
    hint = f"Make the bucket {account.lab.bucket}; notebook 00 does."
    if account.ask(buckets.find_bucket):
        return Finding(True, account.lab.bucket, wanted, hint)
    account.ask(buckets.candidates)  # which raises if we may not look: then it may be there all the same
    return Finding(False, "not there", wanted, hint)


@check("00", "Region of the bucket", after=("bucket",))
def region(account: Account) -> Finding:
    hint = (
        f"A bucket starts only functions of its own Region. Make a bucket in {account.lab.region}, or name its Region."
    )
    return equal(account.ask(buckets.region), account.lab.region, hint)


@check("00", "public access to the bucket", after=("bucket",))
def public_access(account: Account) -> Finding:
    hint = f"Block all public access of the bucket {account.lab.bucket}, under Permissions."
    return equal("blocked" if account.ask(buckets.is_private) else "possible", "blocked", hint)


@check("00", "table {}", each=TABLES)
def table(account: Account, name: str) -> Finding:
    wanted, now = account.lab.name(name), account.ask(tables.describe, name)
    if now is None:
        hint = f"Make the table {wanted}; notebook 00 does.{account.alike(tables.names, name)}"
        return Finding(False, "not there", wanted, hint)
    state = now["TableStatus"]  # UPDATING is a table in use
    return Finding(
        state in ("ACTIVE", "UPDATING"),
        wanted if state == "ACTIVE" else f"{wanted}, {state}",
        wanted,
        f"Wait until the table {wanted} is active.",
    )


@check("00", "key of {}", after=("table {}",), each=TABLES)
def key(account: Account, name: str) -> Finding:
    now = account.ask(tables.describe, name) or {}
    types = {each["AttributeName"]: each["AttributeType"] for each in now["AttributeDefinitions"]}
    names = [each["AttributeName"] for each in now["KeySchema"]]
    found = " + ".join(each if types[each] == "S" else f"{each} (type {types[each]})" for each in names)
    hint = f"A key cannot be changed. Delete {account.lab.name(name)} and make it anew with this key, of type String."
    return equal(found, " + ".join(tables.KEYS[name]), hint)


@check("00", "stream of Transactions", after=("table Transactions",))
def stream(account: Account) -> Finding:
    hint = f"Turn on the stream of table {account.lab.name('Transactions')}, under Exports and streams."
    return equal("on" if account.ask(tables.find_stream) else "off", "on", hint)


@check("00", "view of the stream", after=("stream of Transactions",))
def view(account: Account) -> Finding:
    now = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"]["StreamViewType"]
    name = account.lab.name("Transactions")
    hint = f"Turn the stream of {name} off, and on again as New and old images: the amount must be in it."
    return Finding(now in VIEWS, now, " or ".join(VIEWS), hint)


@check("00", "role for {}", each=functions.SOURCES)
def role(account: Account, name: str) -> Finding:
    wanted = account.lab.name(functions.ROLES[name])
    found = role_for(account, name)
    hint = f"Make the role {wanted} for the service Lambda; notebook 00 does."
    return Finding(bool(found), found.get("RoleName", "not there"), wanted, hint)


@check("00", "trust of the role for {}", after=("role for {}",), each=functions.SOURCES)
def trust(account: Account, name: str) -> Finding:
    found = role_for(account, name)
    hint = f"Let lambda.amazonaws.com take on the role {found['RoleName']}, under Trust relationships."
    trusted = permissions.trusting_lambda(found)
    return equal("Lambda may take it on" if trusted else "Lambda may not take it on", "Lambda may take it on", hint)


@check("00", "permissions of the role for {}", after=("role for {}",), each=functions.SOURCES)
def allowed(account: Account, name: str) -> Finding:
    found = role_for(account, name)
    hint = f"Let the role {found['RoleName']} do this, in a policy of its own or an attached one."
    lacking = (f"lacks {need}" for need in permissions.lacking(account, name, found["Arn"]))
    return none_of(lacking, hint, right="all that it needs")


def role_for(account: Account, name: str) -> dict[str, Any]:
    """The role of the handout's name or else the one that the function has; {} if there is neither."""
    given = account.ask(roles.describe, account.lab.name(functions.ROLES[name]))
    return given or role_of(account, name)


def role_of(account: Account, name: str) -> dict[str, Any]:
    """The role that the function has; {} if there is no function or no such role."""
    now = account.ask(functions.describe, name)
    role_name = now["Configuration"]["Role"].split("/")[-1] if now else ""
    role = account.ask(roles.describe, role_name) if role_name else None
    return role or {}
