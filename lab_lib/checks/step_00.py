"""Check step 00: the bucket, the tables, and a role for each function."""

from typing import Any

from lab_lib import resources
from lab_lib.aws import buckets, functions, roles, tables
from lab_lib.aws.json_text import having
from lab_lib.checks import permissions
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, none_of, or_none
from lab_lib.lab import TAG
from lab_lib.resources import CHANGES, cell

PROCESSOR, NOTIFIER = functions.SOURCES
TABLES = resources.in_chain("table")
VIEWS = ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]  # the views of a stream that have the new amount


@check("00", "bucket", "bucket", of="bucket")
def bucket(account: Account) -> Finding:
    wanted = account.lab.bucket_name or "a bucket with inputs3bucketfortransact in its name"
    hint = f"Make the bucket {account.lab.bucket}{account.fix('create_bucket', cell('bucket'))}"
    if account.lab.bucket_name:
        hint = f"Name a bucket that exists in the setting bucket, under {resources.SETTINGS}, or with --bucket."
    if account.ask(buckets.find_bucket):
        return judged(True, account.lab.bucket, wanted, hint)
    if not account.lab.bucket_name:
        account.ask(buckets.candidates)  # raises if listing is denied: the bucket may have another name
    return judged(False, "not there", wanted, hint)


@check("00", "bucket-region", "Region of the bucket", after="bucket", of="bucket", shown=True)
def region(account: Account) -> Finding:
    wanted, actual = account.lab.region, account.ask(buckets.region)
    hint = f"A bucket starts only functions of its own Region. Make one in {wanted}"
    hint += account.fix("create_bucket", cell("bucket"), "Create bucket")
    if actual != wanted:
        hint += (
            f" If your functions are in {actual}, set region to {actual}, under {resources.SETTINGS}, or with --region."
        )
    return equal(actual, wanted, hint)


@check("00", "bucket-public-access", "public access to the bucket", after="bucket")
def public_access(account: Account) -> Finding:
    hint = f"Block all public access of the bucket {account.lab.bucket}"
    hint += account.fix("put_public_access_block", cell("bucket"), "Permissions", if_made=True)
    return equal("blocked" if account.ask(buckets.is_private) else "possible", "blocked", hint)


@check("00", "table-{}", "table {}", subjects=TABLES, of="table")
def table(account: Account, name: str) -> Finding:
    wanted, now = account.lab.name(name), account.ask(tables.describe, name)
    if now is None:
        hint = f"Make the table {wanted}{account.fix('create_table', cell('table', name))}"
        return judged(False, "not there", wanted, hint + account.similar(tables.names, name))
    state = now.get("TableStatus", "without a state")
    name_and_state = wanted if state == "ACTIVE" else f"{wanted}, {state}"
    if state == "CREATING":
        return Finding(State.WAITS, name_and_state, wanted, f"Wait until the table {wanted} is active.")
    hint = f"Restore the table {wanted}, or delete it with delete_table and make it anew"  # it may be archived
    hint += account.fix("create_table", cell("table", name))
    return judged(state in ("ACTIVE", "UPDATING"), name_and_state, wanted, hint)


@check("00", "key-{}", "key of {}", after="table-{}", subjects=TABLES, of="table")
def key(account: Account, name: str) -> Finding:
    now = account.ask(tables.describe, name) or {}
    attributes = having(now.get("AttributeDefinitions", []), "AttributeName", "AttributeType")
    types = {part["AttributeName"]: part["AttributeType"] for part in attributes}
    names = [part["AttributeName"] for part in having(now.get("KeySchema", []), "AttributeName")]
    schema = " + ".join(part if types.get(part) == "S" else f"{part} (type {types.get(part)})" for part in names)
    hint = f"A key cannot be changed. Delete {account.lab.name(name)} with delete_table, and make it anew with this "
    hint += f"key, of type String{account.fix('create_table', cell('table', name))}"
    return equal(schema or "none", " + ".join(tables.KEYS[name]), hint)


@check("00", "stream", "stream of Transactions", after="table-Transactions", link=CHANGES)
def stream(account: Account) -> Finding:
    hint = f"Turn on the stream of table {account.lab.name('Transactions')}"
    hint += account.fix("update_table", cell("table", "Transactions"), "Exports and streams")
    return equal("on" if account.ask(tables.find_stream) else "off", "on", hint)


@check("00", "stream-view", "view of the stream", after="stream", link=CHANGES, shown=True)
def view(account: Account) -> Finding:
    now = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"].get("StreamViewType", "none")
    name = account.lab.name("Transactions")
    hint = f"The stream of {name} lacks the amount. Turn it off, and on again with new and old images"
    hint += account.fix("update_table", cell("table", "Transactions"), "Exports and streams")
    return judged(now in VIEWS, now, " or ".join(VIEWS), hint)


@check("00", "role-{}", "role for {}", subjects=functions.SOURCES, of="function", shown=True)
def role(account: Account, name: str) -> Finding:
    wanted, role = roles.name_of(account.lab, functions.ROLES[name]), role_for(account, name)
    hint = f"Make the role {wanted} for the service Lambda{account.fix('create_role', cell('role'))}"
    if roles.given(account.lab, functions.ROLES[name]):
        setting = "processor_role" if name == PROCESSOR else "notifier_role"
        option = setting.replace("_", "-")
        hint = f"Name a role that exists in the setting {setting}, under {resources.SETTINGS}, or with --{option}."
    return judged(bool(role), role.get("RoleName", "not there"), wanted, hint)


@check(
    "00",
    "role-trust-{}",
    "trust of the role for {}",
    after="role-{}",
    subjects=functions.SOURCES,
    of="function",
    shown=True,
)
def trust(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    hint = f"Let lambda.amazonaws.com assume the role {role['RoleName']}"
    hint += fix_role(account, role, "update_assume_role_policy", "Trust relationships")
    trusted = permissions.trusts_lambda(role)
    return equal("Lambda can assume it" if trusted else "Lambda cannot assume it", "Lambda can assume it", hint)


@check(
    "00",
    "role-permissions-{}",
    "permissions of the role for {}",
    after="role-{}",
    subjects=functions.SOURCES,
    of="function",
    weight=3,
    shown=True,
)
def allowed(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    hint = f"Let the role {role['RoleName']} do this, and remove what denies it"
    hint += fix_role(account, role, "put_role_policy", "Permissions")
    lacking = (f"lacks {need}" for need in permissions.lacking(account, name, role["Arn"]))
    return none_of(lacking, hint, right="all that it needs")


def fix_role(account: Account, role: dict[str, Any], call: str, console: str) -> str:
    """Return the end of a hint: how the role is changed. The notebooks repair only the roles that they made."""
    return account.fix(call, cell("role") if TAG in role.get("Tags", []) else None, console)


def function_cell(account: Account, name: str) -> resources.Cell | None:
    """Return the cell that repairs a function; None if the role that it wants is not there, as in a lab by hand."""
    wanted, role = roles.name_of(account.lab, functions.ROLES[name]), or_none(lambda: role_for(account, name))
    return cell("function", name) if role is None or role.get("RoleName") == wanted else None


def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    return account.ask(roles.describe, roles.name_of(account.lab, functions.ROLES[name])) or role_of(account, name)


def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    role = account.ask(roles.describe, arn.split("/")[-1]) if arn else None
    return role if role and role.get("Arn") == arn else {}
