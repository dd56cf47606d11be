"""Check step 00: the bucket, the tables, and a role for each function."""

from typing import Any

from lab_lib import resources
from lab_lib.aws import buckets, functions, policies, roles, tables
from lab_lib.aws.json_text import having
from lab_lib.checks import permissions
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, none_of
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
        hint = "Name a bucket that exists."
    if account.ask(buckets.find_bucket):
        return judged(True, account.lab.bucket, wanted, hint)
    if not account.lab.bucket_name:
        account.ask(buckets.candidates)  # raises if listing is denied: the bucket may have another name
    return judged(False, "not there", wanted, hint)


@check("00", "bucket-region", "Region of the bucket", after="bucket", of="bucket", shown=True)
def region(account: Account) -> Finding:
    own = account.lab.region
    hint = f"A bucket starts only functions of its own Region. Name the bucket's Region, or make a bucket in {own}"
    hint += account.mend("create_bucket", cell("bucket"))
    return equal(account.ask(buckets.region), own, hint)


@check("00", "bucket-public-access", "public access to the bucket", after="bucket")
def public_access(account: Account) -> Finding:
    hint = f"Block all public access of the bucket {account.lab.bucket}"
    hint += account.mend("put_public_access_block", cell("bucket"), "Permissions")
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
    hint = f"Restore the table {wanted}, or delete it and make it anew"  # it may be archived, or without its key
    hint += account.mend("create_table", cell("table", name))
    return judged(state in ("ACTIVE", "UPDATING"), found, wanted, hint)


@check("00", "key-{}", "key of {}", after="table-{}", each=TABLES, of="table")
def key(account: Account, name: str) -> Finding:
    now = account.ask(tables.describe, name) or {}
    attributes = having(now.get("AttributeDefinitions", []), "AttributeName", "AttributeType")
    types = {each["AttributeName"]: each["AttributeType"] for each in attributes}
    names = [each["AttributeName"] for each in having(now.get("KeySchema", []), "AttributeName")]
    found = " + ".join(each if types.get(each) == "S" else f"{each} (type {types.get(each)})" for each in names)
    hint = f"A key cannot be changed. Delete {account.lab.name(name)}, and make it anew with this key, of type String"
    hint += account.mend("create_table", cell("table", name))
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
        hint = "Name a role that exists."
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
    hint += account.mend("update_assume_role_policy", cell("role"), "Trust relationships")
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
    hint = f"Let the role {found['RoleName']} do this{account.mend('put_role_policy', cell('role'))}"
    lacking = (f"lacks {need}" for need in permissions.lacking(account, name, found["Arn"]))
    return none_of(lacking, hint, right="all that it needs")


@check("00", "bucket-policy", "policy of the bucket", after=f"bucket role-{PROCESSOR}", of="bucket")
def bucket_policy(account: Account) -> Finding:
    arn, mend = account.lab.arn("s3", account.lab.bucket), account.mend("put_bucket_policy", cell("bucket"))
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
    hint = f"Change the Deny in this policy so that it spares the role {role['RoleName']}{mend}"
    return none_of(denied, hint, right="denies nothing that is needed")


def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    return account.ask(roles.describe, roles.name_of(account.lab, functions.ROLES[name])) or role_of(account, name)


def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    role = account.ask(roles.describe, arn.split("/")[-1]) if arn else None
    return role if role and role.get("Arn") == arn else {}
