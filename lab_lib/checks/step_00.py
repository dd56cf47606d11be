"""Check step 00: the bucket, the tables, and a role for each function."""

from typing import Any

from lab_lib import resources
from lab_lib.aws import buckets, functions, policies, roles, tables
from lab_lib.aws.json_text import having
from lab_lib.checks import permissions
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, none_of, or_none
from lab_lib.lab import TAG
from lab_lib.resources import CHANGES, cell

PROCESSOR, NOTIFIER = functions.SOURCES
TABLES = resources.in_chain("table")
_OF_NOTIFIER = [name for name in TABLES if resources.get("table", name).link == CHANGES]  # which writes them
_OF_PROCESSOR = [name for name in TABLES if name not in _OF_NOTIFIER]
VIEWS = ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]  # the views of a stream that have the new amount


@check("00", "bucket", "bucket", of="bucket")
def bucket(account: Account) -> Finding:
    wanted = account.lab.bucket_name or "a bucket with inputs3bucketfortransact in its name"
    hint = f"Make the bucket {account.lab.bucket}{account.mend('create_bucket', cell('bucket'))}"
    if account.lab.bucket_name:
        hint = f"Name a bucket that exists in the setting bucket, under {resources.SETTINGS}, or with --bucket."
    if account.ask(buckets.find_bucket):
        return judged(True, account.lab.bucket, wanted, hint)
    if not account.lab.bucket_name:
        account.ask(buckets.candidates)  # raises if listing is denied: the bucket may have another name
    return judged(False, "not there", wanted, hint)


@check("00", "bucket-region", "Region of the bucket", after="bucket", of="bucket", shown=True)
def region(account: Account) -> Finding:
    own, found = account.lab.region, account.ask(buckets.region)
    hint = f"A bucket starts only functions of its own Region. Make one in {own}"
    hint += account.mend("create_bucket", cell("bucket"), "Create bucket")
    if found != own:
        hint += (
            f" If your functions are in {found}, set region to {found}, under {resources.SETTINGS}, or with --region."
        )
    return equal(found, own, hint)


@check("00", "bucket-public-access", "public access to the bucket", after="bucket")
def public_access(account: Account) -> Finding:
    hint = f"Block all public access of the bucket {account.lab.bucket}"
    hint += account.mend("put_public_access_block", cell("bucket"), "Permissions", if_made=True)
    return equal("blocked" if account.ask(buckets.is_private) else "possible", "blocked", hint)


@check("00", "table-{}", "table {}", each=TABLES, of="table")
def table(account: Account, name: str) -> Finding:
    wanted, now = account.lab.name(name), account.ask(tables.describe, name)
    if now is None:
        hint = f"Make the table {wanted}{account.mend('create_table', cell('table', name))}"
        return judged(False, "not there", wanted, hint + account.similar(tables.names, name))
    state = now.get("TableStatus", "without a state")
    found = wanted if state == "ACTIVE" else f"{wanted}, {state}"
    if state == "CREATING":
        return Finding(State.WAITS, found, wanted, f"Wait until the table {wanted} is active.")
    hint = f"Restore the table {wanted}, or delete it with delete_table and make it anew"  # it may be archived
    hint += account.mend("create_table", cell("table", name))
    return judged(state in ("ACTIVE", "UPDATING"), found, wanted, hint)


@check("00", "key-{}", "key of {}", after="table-{}", each=TABLES, of="table")
def key(account: Account, name: str) -> Finding:
    now = account.ask(tables.describe, name) or {}
    attributes = having(now.get("AttributeDefinitions", []), "AttributeName", "AttributeType")
    types = {each["AttributeName"]: each["AttributeType"] for each in attributes}
    names = [each["AttributeName"] for each in having(now.get("KeySchema", []), "AttributeName")]
    found = " + ".join(each if types.get(each) == "S" else f"{each} (type {types.get(each)})" for each in names)
    hint = f"A key cannot be changed. Delete {account.lab.name(name)} with delete_table, and make it anew with this "
    hint += f"key, of type String{account.mend('create_table', cell('table', name))}"
    return equal(found or "none", " + ".join(tables.KEYS[name]), hint)


@check("00", "stream", "stream of Transactions", after="table-Transactions", link=CHANGES)
def stream(account: Account) -> Finding:
    hint = f"Turn on the stream of table {account.lab.name('Transactions')}"
    hint += account.mend("update_table", cell("table", "Transactions"), "Exports and streams")
    return equal("on" if account.ask(tables.find_stream) else "off", "on", hint)


@check("00", "stream-view", "view of the stream", after="stream", link=CHANGES, shown=True)
def view(account: Account) -> Finding:
    now = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"].get("StreamViewType", "none")
    name = account.lab.name("Transactions")
    hint = f"The stream of {name} lacks the amount. Turn it off, and on again with new and old images"
    hint += account.mend("update_table", cell("table", "Transactions"), "Exports and streams")
    return judged(now in VIEWS, now, " or ".join(VIEWS), hint)


@check("00", "role-{}", "role for {}", each=functions.SOURCES, of="function", shown=True)
def role(account: Account, name: str) -> Finding:
    wanted, found = roles.name_of(account.lab, functions.ROLES[name]), role_for(account, name)
    hint = f"Make the role {wanted} for the service Lambda{account.mend('create_role', cell('role'))}"
    if roles.given(account.lab, functions.ROLES[name]):
        setting = "processor_role" if name == PROCESSOR else "notifier_role"
        option = setting.replace("_", "-")
        hint = f"Name a role that exists in the setting {setting}, under {resources.SETTINGS}, or with --{option}."
    return judged(bool(found), found.get("RoleName", "not there"), wanted, hint)


@check(
    "00",
    "role-trust-{}",
    "trust of the role for {}",
    after="role-{}",
    each=functions.SOURCES,
    of="function",
    shown=True,
)
def trust(account: Account, name: str) -> Finding:
    found = role_for(account, name)
    hint = f"Let lambda.amazonaws.com assume the role {found['RoleName']}"
    hint += mend_role(account, found, "update_assume_role_policy", "Trust relationships")
    trusted = permissions.trusts_lambda(found)
    return equal("Lambda can assume it" if trusted else "Lambda cannot assume it", "Lambda can assume it", hint)


@check(
    "00",
    "role-permissions-{}",
    "permissions of the role for {}",
    after="role-{}",
    each=functions.SOURCES,
    of="function",
    weight=3,
    shown=True,
)
def allowed(account: Account, name: str) -> Finding:
    found = role_for(account, name)
    hint = f"Let the role {found['RoleName']} do this, and remove what denies it"
    hint += mend_role(account, found, "put_role_policy", "Permissions")
    lacking = (f"lacks {need}" for need in permissions.lacking(account, name, found["Arn"]))
    return none_of(lacking, hint, right="all that it needs")


@check("00", "bucket-policy", "policy of the bucket", after=f"bucket role-{PROCESSOR}", of="bucket")
def bucket_policy(account: Account) -> Finding:
    arn = account.lab.arn("s3", account.lab.bucket)
    mend = account.mend("put_bucket_policy", cell("bucket"), "Permissions", if_made=True)
    return own_policy(account, PROCESSOR, arn, account.ask(buckets.statements), mend)


@check(
    "00", "table-policy-{}", "policy of table {}", after=f"table-{{}} role-{PROCESSOR}", each=_OF_PROCESSOR, of="table"
)
@check(
    "00", "table-policy-{}", "policy of table {}", after=f"table-{{}} role-{NOTIFIER}", each=_OF_NOTIFIER, of="table"
)
def table_policy(account: Account, table: str) -> Finding:
    arn, mend = policies.table(account.lab, table), account.mend("delete_resource_policy", console="Permissions")
    writer = NOTIFIER if table in _OF_NOTIFIER else PROCESSOR
    return own_policy(account, writer, arn, account.ask(tables.statements, table), mend)


def own_policy(account: Account, name: str, arn: str, statements: list[policies.Policy], mend: str) -> Finding:
    """Return whether a resource's policy leaves to the function's role what the function needs of the resource."""
    role = role_of(account, name) or role_for(account, name)
    denied = (f"denies {need}" for need in permissions.forbidden(account, name, role["Arn"], arn, statements))
    hint = f"Remove the Deny that forbids this to the role {role['RoleName']}{mend}"
    return none_of(denied, hint, right="denies nothing that is needed")


def mend_role(account: Account, role: dict[str, Any], call: str, console: str) -> str:
    """Return the end of a hint: how the role is changed. The notebooks repair only the roles that they made."""
    return account.mend(call, cell("role") if TAG in role.get("Tags", []) else None, console)


def function_cell(account: Account, name: str) -> resources.Cell | None:
    """Return the cell that repairs a function; None if the role that it wants is not there, as in a lab by hand."""
    wanted, found = roles.name_of(account.lab, functions.ROLES[name]), or_none(lambda: role_for(account, name))
    return cell("function", name) if found is None or found.get("RoleName") == wanted else None


def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    return account.ask(roles.describe, roles.name_of(account.lab, functions.ROLES[name])) or role_of(account, name)


def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    role = account.ask(roles.describe, arn.split("/")[-1]) if arn else None
    return role if role and role.get("Arn") == arn else {}
