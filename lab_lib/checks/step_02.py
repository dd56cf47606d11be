"""Check step 02, its first half: the bucket starts TransactionProcessor."""

from lab_lib.aws import buckets, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, like
from lab_lib.aws.grants import short
from lab_lib.checks.reading import (
    PROCESSOR,
    UPLOAD,
    affix,
    bucket_triggers,
    is_taken,
    may_invoke,
    starts,
    starts_another,
)
from lab_lib.checks.rules import Account, Finding, check, either, judged, none_of
from lab_lib.errors import LabError
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import cell

CREATED = "s3:ObjectCreated:"
WAYS = f"{CREATED}Put", f"{CREATED}CompleteMultipartUpload"  # of a small upload, and of a large one
BEFORE = f"bucket-region function-{PROCESSOR}"
NOTIFY = "put_bucket_notification_configuration"


@check(
    "02",
    "bucket-trigger",
    "bucket trigger",
    after=BEFORE,
    of="bucket trigger",
    weight=3,
    call=NOTIFY,
    console=N_("Properties"),
)
def bucket_trigger(account: Account) -> Finding:
    name = account.name(PROCESSOR)
    wanted = _("the bucket starts {function}", function=name)
    hint = _("Let the bucket {bucket} start {function}", bucket=account.lab.bucket, function=name)
    if bucket_triggers(account):
        return judged(True, wanted, wanted, hint)
    if ways := account.ask(triggers.other_ways):
        raise LabError(
            _("the bucket sends its events to {ways}, and this check cannot follow them", ways=_(" and ").join(ways))
        )
    started = sorted(
        short(account.lab, trigger["LambdaFunctionArn"]) for trigger in account.ask(triggers.notifications)
    )
    if not started:
        return judged(False, _("not there"), wanted, hint)
    first = _("First delete its other event notification, if it is for the same keys: S3 allows one. {hint}", hint=hint)
    return judged(False, _("the bucket starts {function}", function=_(", ").join(started)), wanted, first)


@check(
    "02",
    "bucket-trigger-events",
    "events of the bucket trigger",
    after="bucket-trigger",
    of="bucket trigger",
    call=NOTIFY,
)
def events(account: Account) -> Finding:
    events = sorted({event for trigger in bucket_triggers(account) for event in trigger.get("Events", [])})
    right = all(any(like(event, way) for event in events) for way in WAYS)
    hint = _(
        "Let the trigger of {name} take all object create events, so that small and large files start it",
        name=account.name(PROCESSOR),
    )
    return judged(right, listing(events), f"{CREATED}*", hint)


@check("02", "bucket-trigger-filter", "filter of the bucket trigger", after="bucket-trigger", of="bucket trigger")
def keys(account: Account) -> Finding:
    """The trigger takes the handout's file, or a file that was in fact uploaded."""
    return filter_takes(account, [UPLOAD, *(upload["Key"] for upload in account.ask(buckets.uploads))])


def filter_takes(account: Account, uploads: list[str]) -> Finding:
    """Return whether the trigger takes one of these keys."""
    taken = [key for key in uploads if is_taken(account, key)]
    filters = sorted(f"{affix(trigger, 'prefix')}*{affix(trigger, 'suffix')}" for trigger in bucket_triggers(account))
    name = account.name(PROCESSOR)
    hint = _("Remove prefix and suffix from the trigger of {function}, or make the suffix .txt", function=name)
    hint = account.how_to_fix(hint, NOTIFY, cell=cell("bucket trigger"))
    return judged(taken, "; ".join(filters), _("a filter that takes {key}", key=uploads[0]), hint)


@check(
    "02",
    "bucket-permission",
    "permission of the bucket",
    after=BEFORE,
    of="bucket trigger",
    weight=3,
    call="add_permission",
)
def permission(account: Account) -> Finding:
    bucket, name = account.lab.bucket, account.name(PROCESSOR)
    wanted = _("{bucket} may start it, and no other bucket", bucket=bucket)
    hint = _(
        "Let the bucket {bucket} of account {account} invoke {function}, and remove any other statement from its "
        "policy with remove_permission",
        bucket=bucket,
        account=account.lab.account,
        function=name,
    )
    if may_invoke(account, "any-bucket", ANOTHER_ACCOUNT):
        return judged(False, _("any bucket of any account may start it"), wanted, hint)
    may = may_invoke(account, bucket, account.lab.account)
    return either(may, wanted, _("{bucket} may not start it", bucket=bucket), hint)


@check("02", "other-bucket-triggers", "other bucket triggers", after="bucket-trigger")
def other_bucket_triggers(account: Account) -> Finding:
    """No trigger's function is gone, or the wrong one."""
    started = [trigger["LambdaFunctionArn"] for trigger in account.ask(triggers.notifications)]
    others = [arn for arn in started if not starts(account, arn, account.name(PROCESSOR))]
    wrong = [short(account.lab, arn) for arn in others if not starts_another(account, arn)]
    hint = _("Delete this event notification of the bucket {bucket}", bucket=account.lab.bucket)
    call = N_("put_bucket_notification_configuration without it")
    hint = account.how_to_fix(hint, call, N_("Properties"))
    return none_of((_("the bucket starts {function}", function=name) for name in wrong), hint)
