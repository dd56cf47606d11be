"""Check step 00: the bucket, the tables, and a role for each function."""

from lab_lib.aws import buckets, functions, roles, tables
from lab_lib.checks import permissions
from lab_lib.checks.reading import PROCESSOR, role_for
from lab_lib.checks.rules import Account, Finding, State, check, either, equal, exists, judged, none_of
from lab_lib.language import N_, _
from lab_lib.resources import CHANGES, SETTINGS, cell

VIEWS = ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]  # the views of a stream that have the new amount
OF_TABLE = N_("Exports and streams")  # in DynamoDB's console


@check("00", "bucket", "bucket", of="bucket", call="create_bucket")
def bucket(account: Account) -> Finding:
    lab, is_there = account.lab, account.ask(buckets.find_bucket)
    wanted = lab.bucket_name or _("a bucket with inputs3bucketfortransact in its name")
    hint = _("Make the bucket {bucket}", bucket=lab.bucket)
    if lab.bucket_name:
        hint = _("Name a bucket that exists in the setting bucket, under {cell}, or with --bucket.", cell=SETTINGS)
    elif not is_there:
        account.ask(buckets.candidates)  # raises if listing is denied: the bucket may have another name
    return judged(is_there, lab.bucket if is_there else _("not there"), wanted, hint)


@check(
    "00",
    "bucket-region",
    "Region of the bucket",
    after="bucket",
    of="bucket",
    shown=True,
    call="create_bucket",
    console=N_("Create bucket"),
)
def region(account: Account) -> Finding:
    wanted, actual = account.lab.region, account.ask(buckets.region)
    hint = _(
        "A bucket starts only functions of its own Region. If your functions are in {actual}, set region to {actual}, "
        "under {cell}, or with --region. Otherwise make a bucket in {wanted}",
        actual=actual,
        wanted=wanted,
        cell=SETTINGS,
    )
    return equal(actual, wanted, hint)


@check(
    "00",
    "bucket-public-access",
    "public access to the bucket",
    after="bucket",
    call="put_public_access_block",
    console=N_("Permissions"),
)
def public_access(account: Account) -> Finding:
    hint = _("Block all public access of the bucket {bucket}", bucket=account.lab.bucket)
    finding = either(account.ask(buckets.is_private), _("blocked"), _("possible"), hint)
    # An organisation may forbid the setting, and guard its buckets otherwise.
    return finding if finding.ok else finding._replace(state=State.COULD_BE, counts=False)


@check("00", "table-{}", "table {}", of="table", call="create_table")
def table(account: Account, name: str) -> Finding:
    wanted, now = account.name(name), account.ask(tables.describe, name)
    if now is None:
        return exists(account, name, now, _("Make the table {table}", table=wanted), tables.names)
    state = now.get("TableStatus", _("without a state"))
    name_and_state = wanted if state == "ACTIVE" else _("{table}, {state}", table=wanted, state=state)
    if state == "CREATING":
        hint = _("Wait until the table {table} is active.", table=wanted)
        return Finding(State.WAITS, name_and_state, wanted, hint)
    hint = _("Restore the table {table}, or delete it with delete_table and make it anew", table=wanted)  # archived
    return judged(state in ("ACTIVE", "UPDATING"), name_and_state, wanted, hint)


@check("00", "key-{}", "key of {}", after="table-{}", of="table", call="create_table")
def key(account: Account, name: str) -> Finding:
    now = account.ask(tables.describe, name) or {}
    types = {part["AttributeName"]: part["AttributeType"] for part in now.get("AttributeDefinitions", [])}
    names = [part["AttributeName"] for part in now.get("KeySchema", [])]
    odd = {part: _("{key} (type {type})", key=part, type=types.get(part)) for part in names if types.get(part) != "S"}
    schema, wanted = " + ".join(odd.get(part, part) for part in names), " + ".join(tables.KEYS[name])
    return equal(
        schema or _("none"),
        wanted,
        _(
            "A key cannot be changed. Delete {table} with delete_table, and make it anew with this key, of type String",
            table=account.name(name),
        ),
    )


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
    hint = _("Turn on the stream of table {table}", table=account.name("Transactions"))
    return either(account.ask(tables.find_stream), _("on"), _("off"), hint)


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
    now = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"].get("StreamViewType", _("none"))
    hint = _(
        "The stream of {name} lacks the amount. Turn it off, and on again with new and old images",
        name=account.name("Transactions"),
    )
    return judged(now in VIEWS, now, _(" or ").join(VIEWS), hint)


@check("00", "role-{}", "role for {}", of="function", shown=True, call="create_role", made_by=cell("role"))
def role(account: Account, name: str) -> Finding:
    wanted, role = roles.name_of(account.lab, functions.ROLES[name]), role_for(account, name)
    hint = _("Make the role {role} for the service Lambda", role=wanted)
    if roles.given(account.lab, functions.ROLES[name]):
        setting = "processor_role" if name == PROCESSOR else "notifier_role"
        hint = _("Name a role that exists in the setting {setting}, under {cell}.", setting=setting, cell=SETTINGS)
    return judged(role, role.get("RoleName", _("not there")), wanted, hint)


@check(
    "00",
    "role-trust-{}",
    "trust of the role for {}",
    after="role-{}",
    of="function",
    shown=True,
    call="update_assume_role_policy",
    console=N_("Trust relationships"),
    made_by=cell("role"),
)
def trust(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    hint = _("Let lambda.amazonaws.com assume the role {role}", role=role["RoleName"])
    return either(permissions.trusts_lambda(role), _("Lambda can assume it"), _("Lambda cannot assume it"), hint)


@check(
    "00",
    "role-permissions-{}",
    "permissions of the role for {}",
    after="role-{}",
    of="function",
    weight=3,
    shown=True,
    call="put_role_policy",
    console=N_("Permissions"),
    made_by=cell("role"),
)
def allowed(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    lacking = (_("lacks {need}", need=need) for need in permissions.lacking(account, name, role["Arn"]))
    hint = _("Let the role {role} do this, and remove what denies it", role=role["RoleName"])
    return none_of(lacking, hint, right=_("all that it needs"))
