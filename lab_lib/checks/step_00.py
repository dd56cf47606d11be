"""Check step 00: the bucket, the tables, and a role for each function."""

from typing import Any

from lab_lib.aws import buckets, functions, roles, tables
from lab_lib.aws.json_text import having
from lab_lib.checks import permissions
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, none_of
from lab_lib.resources import CHANGES, SETTINGS, cell

PROCESSOR, NOTIFIER = functions.SOURCES
VIEWS = ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]  # the views of a stream that have the new amount
OF_TABLE = "Exports and streams"  # in DynamoDB's console


@check("00", "bucket", "bucket", of="bucket", call="create_bucket")
def bucket(account: Account) -> Finding:
    wanted = account.lab.bucket_name or "a bucket with inputs3bucketfortransact in its name"
    hint = f"Make the bucket {account.lab.bucket}"
    if account.lab.bucket_name:
        hint = f"Name a bucket that exists in the setting bucket, under {SETTINGS}, or with --bucket."
    if account.ask(buckets.find_bucket):
        return judged(True, account.lab.bucket, wanted, hint)
    if not account.lab.bucket_name:
        account.ask(buckets.candidates)  # raises if listing is denied: the bucket may have another name
    return judged(False, "not there", wanted, hint)


@check(
    "00",
    "bucket-region",
    "Region of the bucket",
    after="bucket",
    of="bucket",
    shown=True,
    call="create_bucket",
    console="Create bucket",
)
def region(account: Account) -> Finding:
    wanted, actual = account.lab.region, account.ask(buckets.region)
    hint = (
        f"A bucket starts only functions of its own Region. If your functions are in {actual}, set region to {actual}, "
    )
    hint += f"under {SETTINGS}, or with --region. Otherwise make a bucket in {wanted}"
    return equal(actual, wanted, hint)


@check(
    "00",
    "bucket-public-access",
    "public access to the bucket",
    after="bucket",
    call="put_public_access_block",
    console="Permissions",
)
def public_access(account: Account) -> Finding:
    hint = f"Block all public access of the bucket {account.lab.bucket}"
    return equal("blocked" if account.ask(buckets.is_private) else "possible", "blocked", hint)


@check("00", "table-{}", "table {}", of="table", call="create_table")
def table(account: Account, name: str) -> Finding:
    wanted, now = account.name(name), account.ask(tables.describe, name)
    if now is None:
        return judged(False, "not there", wanted, f"{account.similar(tables.names, name)}Make the table {wanted}")
    state = now.get("TableStatus", "without a state")
    name_and_state = wanted if state == "ACTIVE" else f"{wanted}, {state}"
    if state == "CREATING":
        return Finding(State.WAITS, name_and_state, wanted, f"Wait until the table {wanted} is active.")
    hint = f"Restore the table {wanted}, or delete it with delete_table and make it anew"  # it may be archived
    return judged(state in ("ACTIVE", "UPDATING"), name_and_state, wanted, hint)


@check("00", "key-{}", "key of {}", after="table-{}", of="table", call="create_table")
def key(account: Account, name: str) -> Finding:
    now = account.ask(tables.describe, name) or {}
    attributes = having(now.get("AttributeDefinitions", []), "AttributeName", "AttributeType")
    types = {part["AttributeName"]: part["AttributeType"] for part in attributes}
    names = [part["AttributeName"] for part in having(now.get("KeySchema", []), "AttributeName")]
    schema = " + ".join(part if types.get(part) == "S" else f"{part} (type {types.get(part)})" for part in names)
    hint = f"A key cannot be changed. Delete {account.name(name)} with delete_table, and make it anew with this key, "
    return equal(schema or "none", " + ".join(tables.KEYS[name]), f"{hint}of type String")


@check(
    "00",
    "stream",
    "stream of Transactions",
    after="table-Transactions",
    link=CHANGES,
    call="update_table",
    console=OF_TABLE,
)
def stream(account: Account) -> Finding:
    hint = f"Turn on the stream of table {account.name('Transactions')}"
    return equal("on" if account.ask(tables.find_stream) else "off", "on", hint)


@check(
    "00",
    "stream-view",
    "view of the stream",
    after="stream",
    link=CHANGES,
    shown=True,
    call="update_table",
    console=OF_TABLE,
)
def view(account: Account) -> Finding:
    now = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"].get("StreamViewType", "none")
    name = account.name("Transactions")
    hint = f"The stream of {name} lacks the amount. Turn it off, and on again with new and old images"
    return judged(now in VIEWS, now, " or ".join(VIEWS), hint)


@check("00", "role-{}", "role for {}", of="function", shown=True, call="create_role", made_by=cell("role"))
def role(account: Account, name: str) -> Finding:
    wanted, role = roles.name_of(account.lab, functions.ROLES[name]), role_for(account, name)
    hint = f"Make the role {wanted} for the service Lambda"
    if roles.given(account.lab, functions.ROLES[name]):
        setting = "processor_role" if name == PROCESSOR else "notifier_role"
        hint = f"Name a role that exists in the setting {setting}, under {SETTINGS}."
    return judged(bool(role), role.get("RoleName", "not there"), wanted, hint)


@check(
    "00",
    "role-trust-{}",
    "trust of the role for {}",
    after="role-{}",
    of="function",
    shown=True,
    call="update_assume_role_policy",
    console="Trust relationships",
    made_by=cell("role"),
)
def trust(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    can = "can" if permissions.trusts_lambda(role) else "cannot"
    hint = f"Let lambda.amazonaws.com assume the role {role['RoleName']}"
    return equal(f"Lambda {can} assume it", "Lambda can assume it", hint)


@check(
    "00",
    "role-permissions-{}",
    "permissions of the role for {}",
    after="role-{}",
    of="function",
    weight=3,
    shown=True,
    call="put_role_policy",
    console="Permissions",
    made_by=cell("role"),
)
def allowed(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    lacking = (f"lacks {need}" for need in permissions.lacking(account, name, role["Arn"]))
    hint = f"Let the role {role['RoleName']} do this, and remove what denies it"
    return none_of(lacking, hint, right="all that it needs")


def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    return account.ask(roles.describe, roles.name_of(account.lab, functions.ROLES[name])) or role_of(account, name)


def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    role = account.ask(roles.describe, arn.split("/")[-1]) if arn else None
    return role if role and role.get("Arn") == arn else {}
