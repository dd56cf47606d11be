"""Say what steps 00 and 01 must have made: the bucket, the tables, the roles and the functions."""

import re
from decimal import Decimal

from lab_lib.aws import buckets, functions, roles, tables
from lab_lib.aws.evaluator import A_YEAR
from lab_lib.aws.json_text import amount
from lab_lib.checks import function_code, permissions
from lab_lib.checks.causes import CODE
from lab_lib.checks.facts import Want, asked, at_least, fact, none, one_of, own_name, there, yes
from lab_lib.checks.hazards import ends, outsiders
from lab_lib.checks.reading import role_for, role_of
from lab_lib.checks.rules import Account
from lab_lib.lab import TIMEOUT
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import CHANGES, cell

UPDATE_TABLE = (
    'dynamodb.update_table(TableName="{table}", StreamSpecification={{"StreamEnabled": True, "StreamViewType": '
    '"NEW_AND_OLD_IMAGES"}})'
)
OF_TABLE, PERMISSIONS = N_("Exports and streams"), N_("Permissions")  # in the consoles of DynamoDB, and others
SET = "lambda_.update_function_configuration"
PUT_POLICY = 's3.put_bucket_policy(Bucket="{bucket}", Policy=...)'
TRUST = 'iam.update_assume_role_policy(RoleName="{role}", PolicyDocument=...)'
CLOSE = N_("Remove what lets another account in from the policy of {name}")


def role_name(account: Account, name: str) -> dict[str, object]:
    return {"role": role_for(account, name)["RoleName"]}


def its_role(account: Account, name: str) -> dict[str, str]:
    return {"role": roles.name_of(account.lab, functions.ROLES[name])}


# 00: what holds the data


def bucket(account: Account) -> str:
    if account.ask(buckets.find_bucket):
        return account.lab.bucket
    if not account.lab.bucket_name:
        account.ask(buckets.candidates)  # raises if listing is denied: the bucket may have another name
    return ""


def named_bucket(account: Account) -> Want:
    text = account.lab.bucket_name or _("a bucket with inputs3bucketfortransact in its name")
    return Want(bool, "{name}", {"name": text})


fact(
    "00",
    "bucket",
    "bucket",
    bucket,
    named_bucket,
    N_(
        "Make the bucket {bucket} for the files. If the account gives you one, name it in the setting bucket, under "
        "{settings}, or with --bucket"
    ),
    's3.create_bucket(Bucket="{bucket}"{abroad})',
    of="bucket",
)
fact(
    "00",
    "bucket-region",
    "Region of the bucket",
    asked(buckets.region),
    lambda account: account.lab.region,
    N_(
        "A bucket starts only functions of its own Region. If your functions are in {found}, set region to {found}, "
        "under {settings}, or with --region. Otherwise delete the bucket, and make one in {wanted}"
    ),
    's3.create_bucket(Bucket="{bucket}"{abroad})',
    N_("Create bucket"),
    after="bucket",
    of="bucket",
    shown=True,
)
fact(
    "00",
    "bucket-public-access",
    "public access to the bucket",
    asked(buckets.is_private),
    yes(N_("blocked"), N_("possible")),
    N_("Block all public access of the bucket {bucket}"),
    's3.put_public_access_block(Bucket="{bucket}", PublicAccessBlockConfiguration={{"BlockPublicAcls": True, '
    '"IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}})',
    PERMISSIONS,
    is_free=True,  # an organisation may forbid the setting, and guard its buckets otherwise
    after="bucket",
)


def table(account: Account, name: str) -> str:
    """Return the table's name, and its state if that is not one in which it works; "" without a table."""
    now = account.ask(tables.describe, name)
    if now is None:
        return ""
    state = now.get("TableStatus", _("without a state"))
    return account.name(name) if state in ("ACTIVE", "UPDATING") else f"{account.name(name)}, {state}"


def key(account: Account, name: str) -> str:
    now = account.ask(tables.describe, name) or {}
    types = {part["AttributeName"]: part["AttributeType"] for part in now.get("AttributeDefinitions", [])}
    names = [part["AttributeName"] for part in now.get("KeySchema", [])]
    odd = {part: _("{key} (type {type})", key=part, type=types.get(part)) for part in names if types.get(part) != "S"}
    return " + ".join(odd.get(part, part) for part in names)


fact(
    "00",
    "table-{}",
    "table {}",
    table,
    own_name,
    N_("Make the table {name}. If there is one that is archived, restore it, or delete it first"),
    'dynamodb.create_table(TableName="{name}", ...)',
    waits=("CREATING",),
    similar=tables.names,
    of="table",
)
fact(
    "00",
    "key-{}",
    "key of {}",
    key,
    lambda _account, name: " + ".join(tables.KEYS[name]),
    N_("A key cannot be changed. Delete {name} with delete_table, and make it anew with {wanted}, of type String"),
    'dynamodb.create_table(TableName="{name}", ...)',
    after="table-{}",
    of="table",
)
fact(
    "00",
    "stream",
    "stream of Transactions",
    "table.StreamSpecification.StreamEnabled",
    yes(N_("on"), N_("off")),
    N_("Turn on the stream of the table {table}"),
    UPDATE_TABLE,
    OF_TABLE,
    after="table-Transactions",
    link=CHANGES,
)
fact(
    "00",
    "stream-view",
    "view of the stream",
    "table.StreamSpecification.StreamViewType",
    one_of("NEW_IMAGE", "NEW_AND_OLD_IMAGES"),
    N_("The stream of {table} lacks the amount. Turn it off, with StreamEnabled False, then on again with both images"),
    UPDATE_TABLE,
    OF_TABLE,
    after="stream",
    link=CHANGES,
    shown=True,
)
fact(
    "00",
    "role-{}",
    "role for {}",
    lambda account, name: role_for(account, name).get("RoleName", ""),
    lambda account, name: Want(bool, "{role}", its_role(account, name)),
    N_(
        "Make the role {wanted} for the service Lambda. If the account gives you roles, name them in processor_role "
        "and notifier_role, under {settings}"
    ),
    'iam.create_role(RoleName="{wanted}", ...)',
    of="function",
    shown=True,
    made_by=cell("role"),
)
fact(
    "00",
    "role-trust-{}",
    "trust of the role for {}",
    lambda account, name: permissions.trusts_lambda(role_for(account, name)),
    yes(N_("Lambda can assume it"), N_("Lambda cannot assume it")),
    N_("Let the service lambda.amazonaws.com do sts:AssumeRole in the trust policy of {role}"),
    TRUST,
    N_("Trust relationships"),
    more=role_name,
    after="role-{}",
    of="function",
    shown=True,
    made_by=cell("role"),
)
fact(
    "00",
    "role-permissions-{}",
    "permissions of the role for {}",
    lambda account, name: permissions.lacking(account, name, role_for(account, name)["Arn"]),
    none(N_("all that it needs")),
    N_("Let the role {role} do this, and remove what denies it"),
    'iam.put_role_policy(RoleName="{role}", PolicyName=..., PolicyDocument=...)',
    PERMISSIONS,
    more=role_name,
    after="role-{}",
    of="function",
    weight=3,
    shown=True,
    made_by=cell("role"),
)


def role_ends(account: Account, name: str) -> list[str]:
    role = role_for(account, name)
    ends = [] if permissions.trusts_lambda(role, A_YEAR) else [_("Lambda can assume it for less than a year")]
    return ends + permissions.ending(account, name, role["Arn"])


fact(
    "00",
    "ends-role-{}",
    "end of the role for {}",
    role_ends,
    none(),
    N_("Remove the date from the policies of the role {role}"),
    'iam.put_role_policy(RoleName="{role}", PolicyName=..., PolicyDocument=...)',
    PERMISSIONS,
    more=role_name,
    after="role-trust-{} role-permissions-{}",
    subjects=functions.SOURCES,
    made_by=cell("role"),
)
fact(
    "00",
    "outsiders-bucket",
    "other accounts at the bucket",
    outsiders("bucket"),
    none(),
    N_("Remove what lets another account in from the policy, or the access control list, of {bucket}"),
    PUT_POLICY,
    PERMISSIONS,
    after="bucket",
)
fact(
    "00",
    "outsiders-{}",
    "other accounts at {}",
    outsiders("table"),
    none(),
    CLOSE,
    'dynamodb.delete_resource_policy(ResourceArn=dynamodb.describe_table(TableName="{name}")["Table"]["TableArn"])',
    PERMISSIONS,
    by_cell=False,
    after="table-{}",
    of="table",
)
fact(
    "00",
    "ends-bucket",
    "expiry of the bucket's files",
    ends("bucket"),
    none(),
    N_("Remove from {bucket} the rule of its lifecycle that deletes files, and a date from its policy"),
    's3.delete_bucket_lifecycle(Bucket="{bucket}")',
    N_("Management"),
    by_cell=False,
    after="bucket",
)
fact(
    "00",
    "ends-{}",
    "expiry of {}",
    ends("table"),
    none(),
    N_("The items of {name} must stay: turn off their time to live (TTL), and remove a date from its policy"),
    'dynamodb.update_time_to_live(TableName="{name}", TimeToLiveSpecification={{"Enabled": False, "AttributeName": '
    '"{attribute}"}})',
    N_("Additional settings"),
    by_cell=False,
    more=lambda account, name: {"attribute": account.ask(tables.expiry, name) or "..."},
    after="table-{}",
    of="table",
)

# 01: the functions

fact(
    "01",
    "outsiders-{}",
    "other accounts at {}",
    lambda account, name: outsiders("function", *(["s3.amazonaws.com"] if name == "TransactionProcessor" else []))(
        account, name
    ),
    none(),
    N_("Let no other account, and no URL without sign-in, call {name}. A URL is deleted by delete_function_url_config"),
    'lambda_.remove_permission(FunctionName="{name}", StatementId=...)',
    PERMISSIONS,
    by_cell=False,
    after="function-{}",
    subjects=functions.SOURCES,
)
fact(
    "01",
    "function-{}",
    "function {}",
    there(functions.describe),
    own_name,
    N_("Create the function {name} in {region}"),
    'lambda_.create_function(FunctionName="{name}", ...)',
    of="function",
    similar=functions.names,
)


def state(account: Account, name: str) -> bool | str:
    """Return True if the function can be called, else why not, or the state that ends by itself."""
    now, described = account.settings(name), account.ask(functions.describe, name) or {}
    if described.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        return _("throttled: it may not run at all")
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        return _("failed: {reason}", reason=now.get("StateReason") or now.get("LastUpdateStatusReason"))
    is_ready = now.get("State") in ("Active", "Inactive") and now.get("LastUpdateStatus") == "Successful"
    return is_ready or "Pending"


fact(
    "01",
    "state-{}",
    "state of {}",
    state,
    yes(N_("ready")),
    N_("Remove the reserved concurrency of 0 from {name}, or deploy it again if that has failed"),
    'lambda_.delete_function_concurrency(FunctionName="{name}") or lambda_.update_function_code',
    N_("Configuration, Concurrency"),
    by_cell=False,
    waits=("Pending",),
    after="function-{}",
    of="function",
    shown=True,
)


def code(account: Account, name: str) -> list[str]:
    fault = function_code.fault(account.settings(name), account.ask(functions.code, name))
    return [fault] if fault else []


fact(
    "01",
    "code-{}",
    "code of {}",
    code,
    none(N_("code in Python 3 with the handler")),
    N_("Correct the code of {name}, whose indent a paste may break, or its settings Handler and Runtime"),
    N_("update_function_code or update_function_configuration"),
    CODE,
    after="function-{}",
    of="function",
    weight=3,
    shown=True,
)
fact(
    "01",
    "timeout-{}",
    "timeout of {}",
    "function.Configuration.Timeout",
    at_least(TIMEOUT, N_("{} s")),
    N_("Set the timeout of {name} to {least} s"),
    SET + '(FunctionName="{name}", Timeout={least})',
    N_("General configuration"),
    more=lambda *_: {"least": TIMEOUT},
    after="function-{}",
    of="function",
)


def role_faults(account: Account, name: str) -> str | list[str]:
    """Return the name of the function's role or, if it is another than that of step 00, what is wrong with it."""
    wanted, arn = roles.name_of(account.lab, functions.ROLES[name]), str(account.settings(name)["Role"])
    own, other = arn.split("/")[-1], role_of(account, name)
    if not other:
        return [_("{role}, which is not there", role=own)]
    if own == wanted:
        return own
    trusts = permissions.trusts_lambda(other)
    faults = [_("{role}, which {fault}", role=own, fault=fault) for fault in permissions.lacking(account, name, arn)]
    faults += [] if trusts else [_("{role}, which Lambda cannot assume", role=own)]
    return faults or own


fact(
    "01",
    "function-role-{}",
    "role of {}",
    role_faults,
    lambda account, name: Want(_is_named, N_("{role}, or one that does as well"), its_role(account, name)),
    N_("Give {name} the role {role}, or let its own do all this"),
    SET + '(FunctionName="{name}", Role=iam.get_role(RoleName="{role}")["Role"]["Arn"])',
    PERMISSIONS,
    more=its_role,
    after="function-{} role-{}",
    of="function",
    shown=True,
)


def _is_named(found: object) -> bool:
    return isinstance(found, str)


def wrong_variables(account: Account, name: str) -> dict[str, str]:
    """Return the variables of the workbook's code that are missing, or have other values. Others are not judged."""
    now, wanted = functions.environment(account.settings(name)), account.ask(functions.variables, name)
    texts = " ".join(account.ask(functions.code, name).values())
    read = re.findall(r"""environ\[["'](\w+)["']\]""", texts)
    wrong = {key: _("{setting} is not set", setting=key) for key in wanted if key in read and key not in now}
    for key, value in now.items():
        right = wanted.get(key)  # the URL of a queue that is not there has no value
        if right and _value(value) != _value(right):
            wrong[key] = _("{setting} is {value}, not {right}", setting=key, value=value, right=right)
    return wrong


def right_variables(account: Account, name: str) -> dict[str, str]:
    wanted = account.ask(functions.variables, name)
    wrong = wrong_variables(account, name)
    return {"these": listing(f"{key}={wanted[key]}" for key in wrong) if wrong else _("all")}


fact(
    "01",
    "variables-{}",
    "variables of {}",
    lambda account, name: [*wrong_variables(account, name).values()],
    none(N_("all set, to the lab's values")),
    N_("Set {these} in the environment of {name}. If you want another threshold, set it under {settings}"),
    N_("update_function_configuration with all variables"),
    N_("Environment variables"),
    more=right_variables,
    after="function-{} code-{}",
    of="function",
    shown=True,
)


def _value(text: str) -> Decimal | str:
    """Return the number in a variable, or its text: 1500 and 1500.0 are the same threshold."""
    return amount(text) or text
