"""Read of an account what the facts are about, where no place in one of AWS's documents shows it."""

import ast
import re
import warnings
from typing import Any

from lab_lib.aws import buckets, cloudwatch, functions, grants, queues, tables, topics, triggers
from lab_lib.aws.grants import ANOTHER_ACCOUNT, Request, is_allowed, like, short
from lab_lib.aws.json_text import amount, count
from lab_lib.checks.hazards import CREATED, event_settings
from lab_lib.checks.reading import (
    NOTIFIER,
    PROCESSOR,
    TOPIC,
    UPLOAD,
    aliases,
    bucket_triggers,
    filters,
    is_old,
    is_taken,
    mapping,
    notifications,
    policy,
    starts,
    starts_another,
)
from lab_lib.checks.rules import Account, Meant, Unasked, document, or_none
from lab_lib.errors import LabError
from lab_lib.language import _
from lab_lib.pages.wording import listing
from lab_lib.settings import DEFAULT_REGION

RETRIES = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes")
LIMITS = {"DelaySeconds": range(61), "MessageRetentionPeriod": range(3600, 1_209_601)}  # alerts come soon, and stay
_VARIABLE = re.compile(r"""environ\[["'](\w+)["']\]""")  # that a code reads, and cannot do without


# The bucket and the tables


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
    now = account.ask(tables.describe, name)
    if not now:
        return ""
    state = now.get("TableStatus", _("without a state"))
    return account.name(name) if state in ("ACTIVE", "UPDATING") else f"{account.name(name)}, {state}"


@document
def key(account: Account, name: str) -> str:
    described = account.ask(tables.describe, name)
    return tables.key_of(described or {})


@document
def wanted_key(_account: Account, name: str) -> str:
    return tables.wanted_key(name)


# The functions


@document
def state(account: Account, name: str) -> bool | str:
    """Return True if the function can be called, else why not, or the state that ends by itself."""
    described = account.ask(functions.describe, name) or {}
    now = account.settings(name)
    if described.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        return _("its reserved concurrency is 0, so it cannot run")
    if reason := functions.failure(now):
        return _("failed: {reason}", reason=reason)
    return functions.is_ready(now) or "Pending"


@document
def code(account: Account, name: str) -> str:
    """Return why Lambda cannot import the handler of the function's settings from its files with Python 3, or ""."""
    settings = account.settings(name)
    files = account.ask(functions.code, name)
    handler, runtime = settings.get("Handler", ""), settings.get("Runtime", "")
    module, _dot, entry = handler.rpartition(".")
    path = module.replace(".", "/")
    file = f"{path}/__init__.py" if f"{path}/__init__.py" in files else f"{path}.py"
    if not runtime.startswith("python3."):
        return _("the runtime is {runtime}", runtime=runtime)
    if file not in files:
        return _("the handler is {handler}, and there is no {file}", handler=handler, file=file)
    try:
        parsed(files[file])
    except SyntaxError as error:
        return _("{file}, line {line}: {error}", file=file, line=error.lineno or 1, error=error.msg)
    if re.search(rf"^(async def |def |from .*\b|import .*\b)?{re.escape(entry)}\b", files[file], re.MULTILINE):
        return ""
    return _("the handler is {handler}, and {file} has no function {entry}", handler=handler, file=file, entry=entry)


def parsed(code: str | bytes) -> ast.Module:
    """Return the tree of the code; nothing is run. SyntaxError also if Python cannot read it for another reason."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or _("it is nested too deep")) from None


@document
def wrong_variables(account: Account, name: str) -> list[str]:
    """Return the variables of the workbook's code that are missing, or have other values. Others are not judged."""
    return [*_wrong_variables(account, name).values()]


@document
def these_variables(account: Account, name: str) -> str:
    """Return the right values of the wrong ones."""
    right = account.ask(functions.variables, name)
    wrong = _wrong_variables(account, name)
    return listing(f"{key}={right[key]}" for key in wrong) if wrong else _("all variables")


def _wrong_variables(account: Account, name: str) -> dict[str, str]:
    """Return what is wrong with each variable."""
    now = functions.environment(account.settings(name))
    texts = or_none(lambda: account.ask(functions.code, name)) or {}  # without it, none is known to be missing
    read = _VARIABLE.findall(" ".join(texts.values()))
    wrong = dict[str, str]()
    for key, right in account.ask(functions.variables, name).items():
        value = now.get(key)
        if value is None:
            if key in read:
                wrong[key] = _("{setting} is not set", setting=key)
        # The URL of a queue that is not there is empty. As thresholds, 1500 and 1500.0 are the same.
        elif right and (amount(value) or value) != (amount(right) or right):
            wrong[key] = _("{setting} is {value}, not {right}", setting=key, value=value, right=right)
    return wrong


@document
def log_group(account: Account, name: str) -> str:
    return cloudwatch.log_group(account.lab, name, account.settings(name))


@document
def log_days(account: Account, name: str) -> int | None:
    return account.ask(cloudwatch.log_days, log_group(account, name))


@document
def is_archive(account: Account) -> bool:
    """Return True if the function's code is what the exercise packs."""
    digest = functions.digest(functions.package(functions.source_files(NOTIFIER)))
    return account.settings(NOTIFIER).get("CodeSha256") == digest


# The bucket starts TransactionProcessor


@document
def starts_processor(account: Account) -> bool | list[str]:
    """Return True if the bucket starts the function, else what it starts. LabError if nothing says whether it does."""
    if bucket_triggers(account):
        return True
    if ways := _other_ways(account):
        raise LabError(
            "the bucket sends its events to {ways}, and this check cannot follow them", ways=_(" and ").join(ways)
        )
    return _started(account, _functions(account))


def _other_ways(account: Account) -> list[str]:
    """Return where the bucket sends the events of uploads, other than to functions: EventBridge, SNS, SQS."""
    settings = account.ask(triggers.bucket_notifications)
    targets = {"SNS": settings.get("TopicConfigurations"), "SQS": settings.get("QueueConfigurations")}
    ways = ["EventBridge"] if "EventBridgeConfiguration" in settings else []
    return ways + [way for way, target in targets.items() if "s3:ObjectCreated:" in str(target)]


@document
def other_bucket_triggers(account: Account) -> list[str]:
    """Return the triggers whose function is gone, or is TotalNotifier."""
    others = [arn for arn in _functions(account) if not starts(account, arn, account.name(PROCESSOR))]
    return _started(account, [arn for arn in others if not starts_another(account, arn)])


def _functions(account: Account) -> list[str]:
    return [trigger["LambdaFunctionArn"] for trigger in notifications(account)]


def _started(account: Account, arns: list[str]) -> list[str]:
    return [_("the bucket starts {function}", function=short(account.lab, arn)) for arn in arns]


@document
def trigger_events(account: Account) -> bool | list[str]:
    """Return True if a small and a large upload are among the events of the bucket's triggers, else these events."""
    events = [event for trigger in bucket_triggers(account) for event in trigger.get("Events", [])]
    uploads = [f"{CREATED}Put", f"{CREATED}CompleteMultipartUpload"]
    return all(any(like(event, upload) for event in events) for upload in uploads) or events


@document
def trigger_takes_uploads(account: Account) -> bool | list[str]:
    """Return True if a trigger takes the handout's file, or one that was in fact uploaded; else the filters."""
    keys = [UPLOAD, *(upload["Key"] for upload in account.ask(buckets.uploads))]
    return any(is_taken(account, key) for key in keys) or filters(account)


@document
def bucket_may_invoke(account: Account) -> bool | str:
    """Return True if the bucket may start the function, and no other bucket; or if another service starts it."""
    if not bucket_triggers(account) and _other_ways(account):
        return True
    if _may_invoke(account, "any-bucket", ANOTHER_ACCOUNT):
        return _("any bucket of any account may start it")
    return _may_invoke(account, account.lab.bucket, account.lab.account)


@document
def another_may_invoke(account: Account) -> bool:
    """Return whether a bucket with this name may start the function if it is in another account."""
    return _may_invoke(account, account.lab.bucket, ANOTHER_ACCOUNT)


@document
def any_bucket_may_invoke(account: Account) -> bool:
    """Return whether another bucket of this account may start the function."""
    return _may_invoke(account, "any-bucket", account.lab.account)


def _may_invoke(account: Account, bucket: str, owner: str) -> bool:
    """Return True if this bucket of this account may start all that its triggers name."""
    context = {"aws:sourcearn": account.lab.arn("s3", bucket), "aws:sourceaccount": owner}
    for alias in aliases(account):
        statements, arn = policy(account, "function", PROCESSOR, *alias)
        if not is_allowed(statements, Request("s3.amazonaws.com", "lambda:InvokeFunction", arn, context)):
            return False
    return True


@document
def failed_files(account: Account) -> str:
    """Return where failed events go: to a destination of Lambda, or the older dead-letter target of the function."""
    older = account.settings(PROCESSOR).get("DeadLetterConfig", {}).get("TargetArn")
    return _kept(account, functions.destination(event_settings(account)) or older)


# The stream starts TotalNotifier


@document
def starts_notifier(account: Account) -> bool | list[str]:
    """Return True if the stream starts the function, else what it starts."""
    return bool(mapping(account)) or [_mapped(account, other) for other in account.ask(triggers.mappings)]


@document
def other_stream_triggers(account: Account) -> list[str]:
    return [_mapped(account, other) for other in _wrong_mappings(account)]


@document
def other_uuid(account: Account) -> str:
    return next((str(other["UUID"]) for other in _wrong_mappings(account)), "")


def _wrong_mappings(account: Account) -> list[triggers.Trigger]:
    """Return those that are there twice, read an earlier stream, or start what is gone, or is the wrong function."""
    others = [other for other in account.ask(triggers.mappings) if other["UUID"] != mapping(account).get("UUID")]
    return [other for other in others if is_old(account, other) or not starts_another(account, other["FunctionArn"])]


def _mapped(account: Account, mapping: triggers.Trigger) -> str:
    name = short(account.lab, mapping["FunctionArn"])
    if is_old(account, mapping):
        return _("an earlier stream starts {function}", function=name)
    return _("the stream starts {function}", function=name)


@document
def unbounded_retries(account: Account) -> list[str]:
    now = mapping(account)
    unset = [setting for setting in RETRIES if str(now.get(setting)) in ("None", "-1", "False", "[]")]  # 0 is set
    return [_("{setting} is not set", setting=setting) for setting in unset]


@document
def failed_changes(account: Account) -> str:
    return _kept(account, functions.destination(mapping(account)))


def _kept(account: Account, destination: str | None) -> str:
    return _("go to {queue}", queue=short(account.lab, destination)) if destination else ""


# People. No address is shown


@document
def subscribed(account: Account, protocol: str) -> bool | str:
    """Return True if the address that was named is subscribed, else what is."""
    wanted = {"email": account.lab.email, "sms": account.lab.phone}[protocol]
    addresses = [row["Endpoint"] for row in account.ask(triggers.subscriptions) if row["Protocol"] == protocol]
    if not wanted:
        return Unasked(_("subscribed") if addresses else _("none was named"))
    return wanted in addresses or (_("another address is subscribed") if addresses else "")


@document
def email_confirmed(account: Account) -> bool | str | list[str]:
    """Return True if a subscription of the e-mail is confirmed. A mistyped address is confirmed by nobody."""
    arns = _email_arns(account)
    if not arns:
        return Unasked(_("none to confirm"))
    if any(map(_is_confirmed, arns)):
        return True if account.lab.email else Unasked(_("confirmed"))
    return _("pending") if account.lab.email else [Meant(_("pending"))]


def _email_arns(account: Account) -> list[str]:
    """Return the e-mail subscriptions: of the lab's address or, if the lab has none, of every address."""
    wanted = account.lab.email  # others, such as a mistyped one, expire by themselves
    emails = [row for row in account.ask(triggers.subscriptions) if row["Protocol"] == "email"]
    return [row["SubscriptionArn"] for row in emails if wanted in ("", row["Endpoint"])]


def _is_confirmed(arn: str) -> bool:
    return arn.startswith("arn:")


@document
def unsubscribed_by_click(account: Account) -> list[str]:
    """Return the way in which anybody can end the e-mail: a mail scanner opens every link of an alert."""
    for arn in filter(_is_confirmed, _email_arns(account)):
        settings = account.ask(triggers.subscription_settings, arn)
        if settings.get("ConfirmationWasAuthenticated") != "true":
            return [_("by the link in each mail")]
    return []


# The queues


@document
def subscription(account: Account, name: str) -> dict[str, Any]:
    arn = queues.queue_arn(account.lab, name)
    return next((row for row in account.ask(triggers.subscriptions) if row["Endpoint"] == arn), {})


@document
def subscription_settings(account: Account, name: str) -> dict[str, str]:
    return account.ask(triggers.subscription_settings, subscription(account, name)["SubscriptionArn"])


@document
def topic_may_send(account: Account, name: str) -> bool:
    return _may_send(account, name, account.lab.account)


@document
def another_may_send(account: Account, name: str) -> bool:
    """Return whether a topic with this ARN may send to the queue on behalf of another account."""
    return _may_send(account, name, ANOTHER_ACCOUNT)


def _may_send(account: Account, name: str, source: str) -> bool:
    """Return True if SNS may send to the queue from the lab's topic, on behalf of the account `source`."""
    statements, arn = policy(account, "queue", name)
    topic = {"aws:sourcearn": topics.topic_arn(account.lab), "aws:sourceaccount": source}
    return is_allowed(statements, Request("sns.amazonaws.com", grants.SEND, arn, topic))


@document
def other_senders(account: Account, name: str) -> list[str]:
    """Return who may send beside the topic and the users of the account."""
    senders = {*grants.senders(account.lab, *policy(account, "queue", name))} - {account.name(TOPIC)}
    return [_("anyone") if sender == grants.ANYONE else sender for sender in senders]


@document
def queue_limits(account: Account, name: str) -> list[str]:
    """Return the settings of the queue by which alerts come late, or are dropped before somebody looks."""
    now = account.ask(queues.attributes, name)
    odd = [limit for limit in LIMITS if limit in now and count(now[limit]) not in LIMITS[limit]]
    return [_("{setting} is {value}", setting=limit, value=now[limit]) for limit in odd]
