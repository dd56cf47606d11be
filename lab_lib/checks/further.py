"""Check what this workbook adds to the handout so that nothing is lost and nothing counts twice."""

from lab_lib.aws import cloudwatch, functions, grants, queues, tables, topics
from lab_lib.aws.json_text import having
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, judged, none_of
from lab_lib.checks.step_02 import NOTIFIER, NOTIFY, PROCESSOR, bucket_triggers, matches
from lab_lib.checks.step_02_stream import TRIGGERS, UPDATE, mapping
from lab_lib.checks.step_03 import TOPIC
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.resources import cell
from lab_lib.wording import number

BATCHES = range(10, 1001)  # a file in smaller batches takes for ever; a larger batch takes longer than the timeout
MARKERS, LETTERS = "ProcessedRecords", queues.DEAD_LETTERS
MADE, KEPT = cell("table", MARKERS), cell("queue", LETTERS)
RETRIES = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes")


@check(FURTHER, "rejected-rows", "rejected rows start nothing", after="bucket-trigger-filter", call=NOTIFY)
def rejected_rows(account: Account) -> Finding:
    key = rejected_key("transactions.txt")
    started = any(matches(trigger, key) for trigger in bucket_triggers(account))
    hint = f"Give the trigger of {account.name(PROCESSOR)} the suffix .txt, so that it does not start itself"
    return equal(f"{key} starts it" if started else "they start nothing", "they start nothing", hint)


@check(FURTHER, f"table-{MARKERS}", f"table {MARKERS}", call="create_table", made_by=MADE)
def markers(account: Account) -> Finding:
    name = account.name(MARKERS)
    now = account.ask(tables.describe, MARKERS) or {}
    key = " + ".join(key["AttributeName"] for key in having(now.get("KeySchema", []), "AttributeName"))
    wanted = f"{name} with the key {tables.KEYS[MARKERS][0]}"
    hint = f"Make the table {name}, in which {account.name(NOTIFIER)} marks each change that it has added up"
    return equal(f"{name} with the key {key}" if key else "not there", wanted, hint)


@check(FURTHER, f"expiry-{MARKERS}", f"expiry of {MARKERS}", after=f"table-{MARKERS}", call="update_time_to_live")
def expiry(account: Account) -> Finding:
    attribute = account.ask(tables.expiry, MARKERS) or "never"
    hint = f"Let items of {account.name(MARKERS)} expire by ExpiresAt"
    return equal(attribute, tables.EXPIRING[MARKERS], hint)


@check(FURTHER, "old-amounts", "old amounts in the stream", after="stream-view", call="update_table")
def old_amounts(account: Account) -> Finding:
    view = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"]["StreamViewType"]
    name = account.name("Transactions")
    hint = f"A correction is the new amount minus the old one. Let the stream of {name} carry both images"
    return equal(view, "NEW_AND_OLD_IMAGES", hint)


@check(
    FURTHER,
    "log-retention-{}",
    "retention of the log of {}",
    after="log-{}",
    subjects=functions.SOURCES,
    call="put_retention_policy",
)
def retention(account: Account, name: str) -> Finding:
    group = cloudwatch.group_of(account.lab, name, account.settings(name))
    days = account.ask(cloudwatch.log_days, group)
    hint = f"Set the retention of {group}, or you keep the logs, and pay for them, for ever"
    return judged(days is not None, number(days, "day") if days else "for ever", "some days, such as 14", hint)


@check(FURTHER, f"queue-{LETTERS}", f"queue {LETTERS}", call="create_queue", made_by=KEPT)
def dead_letters(account: Account) -> Finding:
    wanted = account.name(LETTERS)
    queue = wanted if account.ask(queues.find_queue, LETTERS) else "not there"
    hint = f"Make the queue {wanted} for what a function cannot process"
    return equal(queue, wanted, hint)


@check(
    FURTHER,
    f"messages-{LETTERS}",
    f"messages in {LETTERS}",
    after=f"queue-{LETTERS}",
)
def unprocessed(account: Account) -> Finding:
    count = account.ask(queues.attributes, LETTERS).get("ApproximateNumberOfMessages", "an unknown number")
    name = account.name(LETTERS)
    hint = f"Each message in {name} says what could not be processed, and why: call aws.queues.dead_letters(lab). Fix "
    hint += (
        f"that, upload a file that has it, and delete the messages{account.how_to_fix('purge_queue', console='Purge')}"
    )
    return equal(count, "0", hint)


@check(
    FURTHER,
    "failed-files",
    f"failed files of {PROCESSOR}",
    after=f"function-{PROCESSOR}",
    call="put_function_event_invoke_config",
)
def failed_files(account: Account) -> Finding:
    """They go to a destination of Lambda, or to the older dead-letter target of the function."""
    older = account.settings(PROCESSOR).get("DeadLetterConfig", {}).get("TargetArn")
    return _kept(account, account.ask(functions.on_failure, PROCESSOR) or older, PROCESSOR)


@check(FURTHER, "failed-changes", f"failed changes of {NOTIFIER}", after="stream-trigger", call=UPDATE)
def failed_changes(account: Account) -> Finding:
    destination = mapping(account).get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return _kept(account, destination, NOTIFIER)


@check(
    FURTHER,
    "oldest-position",
    "starting position that misses nothing",
    after="stream-trigger",
    call="create_event_source_mapping",
)
def oldest(account: Account) -> Finding:
    position, name = mapping(account).get("StartingPosition", "unknown"), account.name(NOTIFIER)
    hint = f"LATEST can miss changes. Delete the trigger of {name} with delete_event_source_mapping, and add it again "
    hint += "at TRIM_HORIZON"
    return equal(position, "TRIM_HORIZON", hint)


@check(
    FURTHER,
    "stream-trigger-batch-size",
    "batch size of the stream trigger",
    after="stream-trigger",
    call=UPDATE,
    console=TRIGGERS,
)
def batch_size(account: Account) -> Finding:
    size = mapping(account)["BatchSize"]
    hint = f"Set the batch size of the trigger of {account.name(NOTIFIER)} to {BATCHES[-1]}"
    wanted = f"{BATCHES[0]} to {BATCHES[-1]}"
    return judged(size in BATCHES, str(size), wanted, hint)


@check(
    FURTHER,
    "stream-trigger-filter",
    "filter of the stream trigger",
    after="stream-trigger",
    of="stream trigger",
    call=UPDATE,
    console=TRIGGERS,
)
def stream_filter(account: Account) -> Finding:
    filters = having(mapping(account).get("FilterCriteria", {}).get("Filters", []), "Pattern")
    hint = f"What the filter of the trigger of {account.name(NOTIFIER)} drops is never added up. Remove it"
    return none_of((row["Pattern"] for row in filters), hint)


@check(FURTHER, "stream-trigger-retries", "retries of the stream trigger", after="stream-trigger", call=UPDATE)
def retries(account: Account) -> Finding:
    now, name = mapping(account), account.name(NOTIFIER)
    unset = [setting for setting in RETRIES if str(now.get(setting)) in ("None", "-1", "False", "[]")]  # 0 is set
    hint = f"Set these for the trigger of {name}, or one bad change blocks its shard for a day"
    return none_of((f"{setting} is not set" for setting in unset), hint, right="bounded")


@check(
    FURTHER,
    "topic-display-name",
    "display name of the topic",
    after="topic",
    call="set_topic_attributes with DisplayName",
    console="Edit",
)
def display_name(account: Account) -> Finding:
    name = (account.ask(topics.attributes) or {}).get("DisplayName") or "none"
    hint = f"Set the display name of the topic {account.name(TOPIC)} to {topics.DISPLAY_NAME}"
    return equal(name, topics.DISPLAY_NAME, hint)


def _kept(account: Account, destination: str | None, function: str) -> Finding:
    """Return whether what a function cannot process has a destination."""
    lab, queue = account.lab, account.name(LETTERS)
    where = f"go to {grants.short(lab, destination)}" if destination else "are dropped"
    hint = f"Add a destination on failure to {lab.name(function)}, such as the queue {queue}"
    return judged(destination is not None, where, f"go to {queue}", hint)
