"""Check that files, changes and alerts that fail are kept somewhere, and that uploads are."""

from typing import Any

from lab_lib.aws import buckets, functions, grants, queues, topics, triggers
from lab_lib.aws.evaluator import arn_part
from lab_lib.aws.json_text import json_object
from lab_lib.checks.rules import FURTHER, Account, Finding, check, judged, none_of, number
from lab_lib.checks.step_02 import NOTIFIER, PROCESSOR, UPLOAD
from lab_lib.checks.step_02_stream import mapping
from lab_lib.checks.step_03 import TOPIC
from lab_lib.resources import cell

SHORTEST_LIFE = 14  # days of an upload, which step 05 counts again


@check(FURTHER, "failed-files", f"failed files of {PROCESSOR}", after=f"function-{PROCESSOR}")
def failed_files(account: Account) -> Finding:
    """They go to a destination of Lambda, or to the older dead-letter target of the function."""
    mend = account.mend("put_function_event_invoke_config", cell("function", PROCESSOR))
    older = account.settings(PROCESSOR).get("DeadLetterConfig", {}).get("TargetArn")
    targets = [account.ask(functions.on_failure, PROCESSOR), older]
    findings = [_destination(account, each, PROCESSOR, mend) for each in targets if each]
    wrong = (each for each in findings if not each.ok)
    return next(wrong, findings[0] if findings else _destination(account, None, PROCESSOR, mend))


@check(FURTHER, "failed-changes", f"failed changes of {NOTIFIER}", after="stream-trigger")
def failed_changes(account: Account) -> Finding:
    on_failure = mapping(account).get("DestinationConfig", {}).get("OnFailure", {})
    mend = account.mend("update_event_source_mapping", cell("stream trigger"))
    return _destination(account, on_failure.get("Destination"), NOTIFIER, mend)


@check(FURTHER, "upload-life", "life of uploads", after="bucket")
def life(account: Account) -> Finding:
    """No rule of the bucket deletes uploads within days."""
    uploads = [UPLOAD, *(each["Key"] for each in account.ask(buckets.uploads))]
    ends = {_end(rule) for rule in account.ask(buckets.lifecycle) if _deletes(rule, uploads)}
    hint = f"Remove this lifecycle rule of the bucket {account.lab.bucket}, or let it wait for {SHORTEST_LIFE} days"
    hint += account.mend("put_bucket_lifecycle_configuration", console="Management")
    return none_of(ends - {""}, hint, right="unlimited, or long enough")


@check(FURTHER, "redrive-{}", "redrive of {}", after="queue-{}", each=queues.ALERT_QUEUES)
def redrive(account: Account, name: str) -> Finding:
    """The dead-letter queues of the queue and of its subscription, if there are any, are there."""
    arn = queues.queue_arn(account.lab, name)
    own = [each["SubscriptionArn"] for each in account.ask(triggers.subscriptions) if each["Endpoint"] == arn]
    settings = [account.ask(triggers.subscription_settings, each) for each in own if each.startswith("arn:")]
    policies = [json_object(each.get("RedrivePolicy")) for each in (account.ask(queues.attributes, name), *settings)]
    arns = [str(each["deadLetterTargetArn"]) for each in policies if "deadLetterTargetArn" in each]
    faults = (fault for fault in (_fault(account, arn) for arn in arns) if fault)
    hint = f"Make this queue, or remove the redrive policy from {account.lab.name(name)} and its subscription"
    return none_of(faults, hint + account.mend("set_queue_attributes, or set_subscription_attributes"))


def _end(rule: dict[str, Any]) -> str:
    """Return when the rule deletes objects, if that is too early, else ""."""
    expiration = rule.get("Expiration", {})
    if "Date" in expiration:
        return f"until {expiration['Date']:%Y-%m-%d}"
    return number(expiration["Days"], "day") if expiration.get("Days", SHORTEST_LIFE) < SHORTEST_LIFE else ""


def _deletes(rule: dict[str, Any], keys: list[str]) -> bool:
    """Return True if the rule is on and about one of these keys. Uploads have no tags."""
    which = rule.get("Filter", {})
    every = which.get("And", which)
    prefix = every.get("Prefix", rule.get("Prefix", ""))
    return rule["Status"] == "Enabled" and not {"Tag", "Tags"} & {*every} and any(k.startswith(prefix) for k in keys)


def _destination(account: Account, arn: str | None, name: str, mend: str) -> Finding:
    """Return whether a destination is set, is there, and is not a part of the chain itself."""
    lab, queue = account.lab, account.lab.name(queues.DEAD_LETTERS)
    found = f"go to {grants.short(lab, arn)}" if arn else "are dropped"
    fault = _fault(account, arn) if arn else ""
    hint = f"Add a destination on failure to {lab.name(name)}, such as the queue {queue}{mend}"
    if fault:
        found, hint = f"go to {fault}", f"Let them go to another destination, such as the queue {queue}{mend}"
    return judged(arn is not None and not fault, found, f"go to {queue}", hint)


def _fault(account: Account, arn: str) -> str:
    """Return the destination with what is wrong with it, "" if nothing is. Those of other accounts are not read."""
    lab, service, name = account.lab, arn_part(arn, 2), grants.short(account.lab, arn)
    names = {"sqs": queues.names, "sns": topics.names, "lambda": functions.names}
    chain = {lab.arn("sqs", lab.name(each)) for each in queues.ALERT_QUEUES} | {lab.arn("sns", lab.name(TOPIC))}
    if not arn_part(arn, 5):
        return f"{name}, which is no ARN"
    if arn.endswith(".fifo"):
        return f"{name}, which is FIFO"
    if arn in chain:
        return f"{name}, which takes alerts"
    is_gone = name != arn and service in names and name.split(":")[0] not in account.ask(names[service])
    return f"{name}, which is not there" if is_gone else ""
