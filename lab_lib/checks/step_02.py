"""Check step 02: the bucket starts one function, and the stream the other."""

from itertools import combinations
from typing import Any

from lab_lib.aws import buckets, functions, tables, triggers
from lab_lib.aws.evaluator import from_service
from lab_lib.checks import cells
from lab_lib.checks.permissions import ANOTHER_ACCOUNT, is_allowed
from lab_lib.checks.rules import Account, Finding, check, equal, none_of

PROCESSOR, NOTIFIER = functions.SOURCES
UPLOAD = "transactions.txt"  # the handout's file
EACH_WAY = {f"s3:ObjectCreated:{way}" for way in ("Put", "Post", "Copy", "CompleteMultipartUpload")}
BATCHES = range(10, 1001)  # a file in smaller batches takes for ever; a larger batch takes longer than the timeout
STARTING = ("Creating", "Enabling", "Updating")  # states of a mapping that end by themselves
LONGEST_WINDOW = 60  # seconds; a longer one looks like a trigger that does not work


@check("02", "bucket trigger", after=("Region of the bucket", f"function {PROCESSOR}"))
def bucket_trigger(account: Account) -> Finding:
    name = account.lab.name(PROCESSOR)
    started = sorted(_function(each) for each in account.ask(triggers.notifications))
    found = f"the bucket starts {', '.join([name] if name in started else started)}" if started else "not there"
    hint = f"Let the bucket {account.lab.bucket} start {name}{_notify(account)}"
    return equal(found, f"the bucket starts {name}", hint)


@check("02", "events of the bucket trigger", after=("bucket trigger",))
def events(account: Account) -> Finding:
    found = sorted({event for each in bucket_triggers(account) for event in each["Events"]})
    hint = f"Let the trigger of {account.lab.name(PROCESSOR)} take all object create events{_notify(account)}"
    return Finding("s3:ObjectCreated:*" in found or {*found} >= EACH_WAY, ", ".join(found), "s3:ObjectCreated:*", hint)


@check("02", "filter of the bucket trigger", after=("bucket trigger",))
def keys(account: Account) -> Finding:
    """The trigger takes the handout's file, or a file that was in fact uploaded."""
    return filter_takes(account, [UPLOAD, *(each["Key"] for each in account.ask(buckets.uploads))])


def filter_takes(account: Account, uploads: list[str]) -> Finding:
    """Return whether the trigger takes one of these keys."""
    taken = [key for key in uploads if any(takes(each, key) for each in bucket_triggers(account))]
    found = "; ".join(sorted(_filter(each) for each in bucket_triggers(account)))
    hint = f"Remove prefix and suffix from the trigger of {account.lab.name(PROCESSOR)}, or make the suffix .txt"
    hint += _notify(account)
    return Finding(bool(taken), found, f"{uploads[0]} among them", hint)


@check("02", "permission of the bucket", after=("Region of the bucket", f"function {PROCESSOR}"))
def permission(account: Account) -> Finding:
    wanted = f"{account.lab.bucket} of this account"
    hint = f"Let the bucket {account.lab.bucket} of account {account.lab.account}, and nothing else, invoke "
    hint += f"{account.lab.name(PROCESSOR)}{account.mend('add_permission', cells.BUCKET_TRIGGER, 'Permissions')}"
    if not _may_invoke(account, account.lab.bucket, account.lab.account):
        return Finding(False, f"{account.lab.bucket} may not start it", wanted, hint)
    others = [each for each in (account.lab.bucket, "any bucket") if _may_invoke(account, each, ANOTHER_ACCOUNT)]
    return Finding(not others, f"{others[-1]} of any account" if others else wanted, wanted, hint)


@check("02", "other bucket triggers", after=("bucket trigger",))
def other_bucket_triggers(account: Account) -> Finding:
    """No trigger starts the function again for the same upload. No trigger's function is gone, or the wrong one."""
    pairs = combinations(bucket_triggers(account), 2)
    twice = [f"{_filter(second)} once more" for first, second in pairs if _overlap(first, second)]
    right = {*account.ask(functions.names), account.lab.name(PROCESSOR)} - {account.lab.name(NOTIFIER)}
    started = map(_function, account.ask(triggers.notifications))
    wrong = [f"the bucket starts {name}" for name in started if name not in right]
    hint = f"Delete this event notification of the bucket {account.lab.bucket}"
    hint += account.mend("put_bucket_notification_configuration without it", console="Properties")
    return none_of([*twice, *wrong], hint)


@check("02", "stream trigger", after=("stream of Transactions", f"function {NOTIFIER}"))
def stream_trigger(account: Account) -> Finding:
    wanted = f"the stream starts {account.lab.name(NOTIFIER)}"
    hint = f"Let the stream of {account.lab.name('Transactions')} start {account.lab.name(NOTIFIER)}"
    hint += _map(account, "create_event_source_mapping")
    if mapping(account):
        return Finding(True, wanted, wanted, hint)
    others = [_mapped(account, each) for each in account.ask(triggers.mappings)]
    return Finding(False, ", ".join(others) or "not there", wanted, hint)


@check("02", "state of the stream trigger", after=("stream trigger",))
def state(account: Account) -> Finding:
    found, name = mapping(account)["State"], account.lab.name(NOTIFIER)
    hint = f"Enable the trigger of {name}{_map(account)}"
    return equal(found, "Enabled", f"Wait a moment: the trigger of {name} starts." if found in STARTING else hint)


@check("02", "starting position of the stream trigger", after=("stream trigger",))
def start(account: Account) -> Finding:
    found = mapping(account).get("StartingPosition", "unknown")
    hint = f"Delete the trigger of {account.lab.name(NOTIFIER)}, and add it again at LATEST or TRIM_HORIZON"
    hint += _map(account, "create_event_source_mapping")
    return Finding(found in ("LATEST", "TRIM_HORIZON"), found, "LATEST or TRIM_HORIZON", hint)


@check("02", "batch size of the stream trigger", after=("stream trigger",))
def batch_size(account: Account) -> Finding:
    found = mapping(account)["BatchSize"]
    hint = f"Set the batch size of the trigger of {account.lab.name(NOTIFIER)} to 100 or more{_map(account)}"
    return Finding(found in BATCHES, str(found), f"{BATCHES[0]} to {BATCHES[-1]}", hint)


@check("02", "batching window of the stream trigger", after=("stream trigger",))
def batching_window(account: Account) -> Finding:
    found = mapping(account).get("MaximumBatchingWindowInSeconds", 0)
    hint = f"Alerts wait for the batch window of the trigger of {account.lab.name(NOTIFIER)}. Set it to 0 or 1 s"
    hint += _map(account)
    return Finding(found <= LONGEST_WINDOW, f"{found} s", f"at most {LONGEST_WINDOW} s", hint)


@check("02", "filter of the stream trigger", after=("stream trigger",))
def stream_filter(account: Account) -> Finding:
    patterns = [each["Pattern"] for each in mapping(account).get("FilterCriteria", {}).get("Filters", [])]
    hint = f"What the filter of the trigger of {account.lab.name(NOTIFIER)} drops is never added up. Remove the filter"
    hint += _map(account)
    return none_of(patterns, hint)


@check("02", "other stream triggers", after=("stream trigger",))
def other_stream_triggers(account: Account) -> Finding:
    """No trigger is there twice or reads an earlier stream. No trigger's function is gone, or the wrong one."""
    right = {*account.ask(functions.names)} - {account.lab.name(PROCESSOR), account.lab.name(NOTIFIER)}
    others = [each for each in account.ask(triggers.mappings) if each["UUID"] != mapping(account).get("UUID")]
    wrong = [_mapped(account, each) for each in others if _is_old(account, each) or _function(each) not in right]
    hint = f"Delete this trigger of the stream of {account.lab.name('Transactions')}"
    return none_of(wrong, hint + account.mend("delete_event_source_mapping"))


def takes(trigger: dict[str, Any], key: str) -> bool:
    """Return True if the trigger's filter matches the key."""
    return key.startswith(affix(trigger, "prefix")) and key.endswith(affix(trigger, "suffix"))


def bucket_triggers(account: Account) -> list[dict[str, Any]]:
    """Return the notifications that start TransactionProcessor."""
    return [each for each in account.ask(triggers.notifications) if _function(each) == account.lab.name(PROCESSOR)]


def _may_invoke(account: Account, bucket: str, owner: str) -> bool:
    """Return True if a bucket of this account may start TransactionProcessor; no function URL is part of it."""
    lab, source = account.lab, {"aws_sourcearn": account.lab.arn("s3", bucket), "aws_sourceaccount": owner}
    no_url = {"lambda_functionurlauthtype": None, "lambda_invokedviafunctionurl": None}
    function = lab.arn("lambda", f"function:{lab.name(PROCESSOR)}")
    asked = from_service("s3.amazonaws.com", "lambda:InvokeFunction", function, **source, **no_url)
    return is_allowed(account.ask(functions.statements, PROCESSOR), asked)


def _notify(account: Account) -> str:
    return account.mend("put_bucket_notification_configuration", cells.BUCKET_TRIGGER, "Properties")


def _map(account: Account, call: str = "update_event_source_mapping") -> str:
    return account.mend(call, cells.STREAM_TRIGGER, "Configuration, Triggers")


def _overlap(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Return True if a key can match both triggers: the longer prefix and suffix extend the shorter ones."""
    prefixes, suffixes = ([affix(each, kind) for each in (first, second)] for kind in ("prefix", "suffix"))
    longest, end = max(prefixes, key=len), max(suffixes, key=len)
    return all(map(longest.startswith, prefixes)) and all(map(end.endswith, suffixes))


def affix(trigger: dict[str, Any], kind: str) -> str:
    """Return the prefix or the suffix of the trigger's filter, "" without one."""
    rules = trigger.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == kind), "")


def _filter(trigger: dict[str, Any]) -> str:
    affixes = [f"{kind} {affix(trigger, kind)}" for kind in ("prefix", "suffix") if affix(trigger, kind)]
    return ", ".join(affixes) or "every key"


def mapping(account: Account) -> dict[str, Any]:
    """Return the first mapping from the present stream to TotalNotifier; {} if there is none."""
    present = [each for each in account.ask(triggers.mappings) if not _is_old(account, each)]
    return next((each for each in present if _function(each) == account.lab.name(NOTIFIER)), {})


def _is_old(account: Account, mapping: dict[str, Any]) -> bool:
    """Return True if the mapping reads a stream that the table had before."""
    return bool(mapping["EventSourceArn"] != account.ask(tables.find_stream))


def _mapped(account: Account, mapping: dict[str, Any]) -> str:
    old = "an earlier stream" if _is_old(account, mapping) else "the stream"
    return f"{old} starts {_function(mapping)}"


def _function(trigger: dict[str, Any]) -> str:
    """Return the name of the function that a notification or a mapping starts, without its version."""
    arn: str = trigger.get("LambdaFunctionArn") or trigger["FunctionArn"]
    return arn.split(":")[6]
