"""Read of an account what the facts of its triggers are about: of the bucket's, and of the stream's."""

from lab_lib.aws import buckets, functions, grants, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, like
from lab_lib.aws.grants import short
from lab_lib.checks import reading
from lab_lib.checks.hazards import CREATED, event_settings, lasts
from lab_lib.checks.reading import (
    PROCESSOR,
    UPLOAD,
    bucket_triggers,
    filters,
    is_old,
    is_taken,
    mapping,
    may_invoke,
    starts,
    starts_another,
)
from lab_lib.checks.rules import Account, document
from lab_lib.errors import LabError
from lab_lib.language import _

RETRIES = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes")


# The bucket starts TransactionProcessor


@document
def starts_processor(account: Account) -> bool | list[str]:
    """Return True if the bucket starts the function, else what it starts. LabError if nothing says whether it does."""
    if bucket_triggers(account):
        return True
    if ways := reading.other_ways(account):
        raise LabError(
            "the bucket sends its events to {ways}, and this check cannot follow them", ways=_(" and ").join(ways)
        )
    return _started(account, _functions(account))


@document
def other_bucket_triggers(account: Account) -> list[str]:
    """Return the triggers whose function is gone, or is TotalNotifier."""
    others = [arn for arn in _functions(account) if not starts(account, arn, account.name(PROCESSOR))]
    return _started(account, [arn for arn in others if not starts_another(account, arn)])


def _functions(account: Account) -> list[str]:
    return [trigger["LambdaFunctionArn"] for trigger in reading.notifications(account)]


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
    """Return True if the bucket may start the function, and no other bucket."""
    if reading.is_indirect(account):
        return True
    if may_invoke(account, "any-bucket", ANOTHER_ACCOUNT):
        return _("any bucket of any account may start it")
    return lasts(lambda after: may_invoke(account, account.lab.bucket, account.lab.account, after))


@document
def another_may_invoke(account: Account) -> bool:
    """Return whether a bucket with this name may start the function if it is in another account."""
    return may_invoke(account, account.lab.bucket, ANOTHER_ACCOUNT)


@document
def any_bucket_may_invoke(account: Account) -> bool:
    """Return whether another bucket of this account may start the function."""
    return may_invoke(account, "any-bucket", account.lab.account)


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
def uuid(account: Account) -> str:
    return str(mapping(account)["UUID"])


@document
def unbounded_retries(account: Account) -> list[str]:
    now = mapping(account)
    unset = [setting for setting in RETRIES if str(now.get(setting)) in ("None", "-1", "False", "[]")]  # 0 is set
    return [_("{setting} is not set", setting=setting) for setting in unset]


@document
def failed_changes(account: Account) -> str:
    return _kept(account, functions.destination(mapping(account)))


def _kept(account: Account, destination: str | None) -> str:
    return _("go to {queue}", queue=grants.short(account.lab, destination)) if destination else ""
