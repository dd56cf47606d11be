"""Read of an account what the facts are about, where no place in one of AWS's documents shows it."""

import ast
import re
import warnings
from typing import Any

from lab_lib.aws import buckets, cloudwatch, functions, grants, queues, tables, topics, triggers
from lab_lib.aws.grants import ANOTHER_ACCOUNT, Request, is_allowed, like, short
from lab_lib.aws.json_text import amount
from lab_lib.checks.hazards import CREATED
from lab_lib.checks.reading import (
    NOTIFIER,
    PROCESSOR,
    UPLOAD,
    Account,
    aliases,
    bucket_triggers,
    document,
    events,
    filters,
    is_old,
    is_taken,
    mapping,
    notifications,
    or_none,
    policy,
    starts,
    uploaded,
)
from lab_lib.checks.rules import Unasked
from lab_lib.errors import LabError
from lab_lib.language import _
from lab_lib.pages.wording import listing
from lab_lib.settings import DEFAULT_REGION

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
    described = account.ask(tables.describe, name)
    if not described:
        return ""
    state = described["TableStatus"]
    if state in ("ACTIVE", "UPDATING"):
        return account.name(name)
    return f"{account.name(name)}, {state}"


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
    settings = account.settings(name)
    concurrency = described.get("Concurrency", {})
    if concurrency.get("ReservedConcurrentExecutions") == 0:
        return _("its reserved concurrency is 0, so it cannot run")
    if reason := functions.failure(settings):
        return _("failed: {reason}", reason=reason)
    return functions.is_ready(settings) or "Pending"


@document
def code(account: Account, name: str) -> str:
    """Return why Lambda cannot import the handler of the function's settings from its files with Python 3, or ""."""
    settings = account.settings(name)
    files = account.ask(functions.code, name)
    handler = settings.get("Handler", "")
    runtime = settings.get("Runtime", "")
    module, _dot, entry = handler.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
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
    wrong = []
    values = functions.environment(account.settings(name))
    texts = or_none(lambda: account.ask(functions.code, name)) or {}  # without it, none is known to be missing
    used = _VARIABLE.findall(" ".join(texts.values()))
    for key, right in account.ask(functions.variables, name).items():
        value = values.get(key)
        if not right:  # the URL of a queue that is not there
            continue
        if value is None:
            if key in used:
                wrong.append(_("{setting} is not set to {right}", setting=key, right=right))
        elif (amount(value) or value) != (amount(right) or right):  # as thresholds, 1500 and 1500.0 are the same
            wrong.append(_("{setting} is {value}, not {right}", setting=key, value=value, right=right))
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
        raise LabError("the bucket sends its events to {ways}, and this check cannot follow them", ways=listing(ways))
    names = [short(account.lab, trigger["LambdaFunctionArn"]) for trigger in notifications(account)]
    return [_("the bucket starts {function}", function=name) for name in names]


def _other_ways(account: Account) -> list[str]:
    """Return the kinds of the bucket's notifications that start no function: EventBridge, topics, queues."""
    return sorted(account.ask(triggers.bucket_notifications).keys() - {"LambdaFunctionConfigurations"})


@document
def trigger_events(account: Account) -> bool | list[str]:
    """Return True if a small and a large upload are among the events of the bucket's triggers, else these events."""
    taken = events(account)
    for upload in ("Put", "CompleteMultipartUpload"):
        if not any(like(event, f"{CREATED}{upload}") for event in taken):
            return taken
    return True


@document
def trigger_takes_uploads(account: Account) -> bool | list[str]:
    """Return True if a trigger takes the handout's file, or one that was in fact uploaded; else the filters."""
    if any(is_taken(account, key) for key in [UPLOAD, *uploaded(account)]):
        return True
    return filters(account)


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


# The stream starts TotalNotifier


@document
def starts_notifier(account: Account) -> bool | list[str]:
    """Return True if the stream starts the function, else what it starts."""
    if mapping(account):
        return True
    return [_mapped(account, other) for other in account.ask(triggers.mappings)]


@document
def other_stream_triggers(account: Account) -> list[str]:
    """Return the mappings that read an earlier stream, start the wrong function, or are there twice."""
    ours = [account.name(name) for name in functions.SOURCES]
    right_id = mapping(account).get("UUID")
    wrong = []
    for other in account.ask(triggers.mappings):
        if other["UUID"] == right_id:
            continue
        if is_old(account, other) or starts(account, other["FunctionArn"], *ours):
            wrong.append(_mapped(account, other))
    return wrong


def _mapped(account: Account, mapping: triggers.Trigger) -> str:
    name = short(account.lab, mapping["FunctionArn"])
    if is_old(account, mapping):
        return _("an earlier stream starts {function}", function=name)
    return _("the stream starts {function}", function=name)


# People. No address is shown


@document
def subscribed(account: Account, protocol: str) -> bool | str:
    """Return True if the address that was named is subscribed, else what is."""
    wanted = {"email": account.lab.email, "sms": account.lab.phone}[protocol]
    addresses = [row["Endpoint"] for row in account.ask(triggers.subscriptions) if row["Protocol"] == protocol]
    if not wanted:
        return Unasked(_("subscribed") if addresses else _("none was named"))
    if wanted in addresses:
        return True
    return _("another address is subscribed") if addresses else ""


@document
def email_confirmed(account: Account) -> bool | str:
    """Return True if a subscription of the e-mail is confirmed. A mistyped address is confirmed by nobody."""
    if not account.lab.email:
        return Unasked(_("none was named"))
    return bool(_confirmed(account)) or _("pending")


def _confirmed(account: Account) -> list[str]:
    """Return the confirmed e-mail subscriptions: of the lab's address or, if the lab has none, of every address."""
    found = []
    for row in account.ask(triggers.subscriptions):
        is_wanted = row["Protocol"] == "email" and account.lab.email in ("", row["Endpoint"])
        if is_wanted and row["SubscriptionArn"].startswith("arn:"):
            found.append(row["SubscriptionArn"])
    return found


@document
def unsubscribed_by_click(account: Account) -> str:
    """Return the way in which anybody can end the e-mail: a mail scanner opens every link of an alert."""
    settings = [account.ask(triggers.subscription_settings, arn) for arn in _confirmed(account)]
    by_token = all(each.get("ConfirmationWasAuthenticated") == "true" for each in settings)
    return "" if by_token else _("by the link in each mail")


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
    """Return who of other accounts may send, and what of another service."""
    found = grants.outsiders(account.lab, *policy(account, "queue", name))
    return [_(who) for who, action in found if like(action.lower(), grants.SEND.lower())]
