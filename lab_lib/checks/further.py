"""Check what this workbook adds to the handout so that nothing is lost and nothing counts twice."""

from lab_lib.aws import cloudwatch, functions, queues, tables, topics
from lab_lib.aws.json_text import having
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, judged, none_of, number
from lab_lib.checks.step_02 import NOTIFIER, PROCESSOR, bucket_triggers, takes
from lab_lib.checks.step_02_stream import lets_through, map_stream, mapping
from lab_lib.checks.step_03 import TOPIC
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.resources import cell

BATCHES = range(10, 1001)  # a file in smaller batches takes for ever; a larger batch takes longer than the timeout
MARKERS, STREAMED = "ProcessedRecords", cell("table", "Transactions")
RETRIES = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes")


@check(FURTHER, "rejected-rows", "rejected rows start nothing", after="bucket-trigger-filter")
def rejected_rows(account: Account) -> Finding:
    key = rejected_key("transactions.txt")
    started = any(takes(each, key) for each in bucket_triggers(account))
    hint = f"Give the trigger of {account.lab.name(PROCESSOR)} the suffix .txt, so that it does not start itself"
    hint += account.mend("put_bucket_notification_configuration", cell("bucket trigger"))
    return equal(f"{key} starts it" if started else "they start nothing", "they start nothing", hint)


@check(FURTHER, f"table-{MARKERS}", f"table {MARKERS}")
def markers(account: Account) -> Finding:
    name = account.lab.name(MARKERS)
    now = account.ask(tables.describe, MARKERS) or {}
    found = " + ".join(each["AttributeName"] for each in having(now.get("KeySchema", []), "AttributeName"))
    wanted = f"{name} with the key {tables.KEYS[MARKERS][0]}"
    hint = f"Make the table {name}, in which {account.lab.name(NOTIFIER)} marks each change that it has added up"
    hint += account.mend("create_table", cell("table", MARKERS))
    return equal(f"{name} with the key {found}" if found else "not there", wanted, hint)


@check(FURTHER, f"expiry-{MARKERS}", f"expiry of {MARKERS}", after=f"table-{MARKERS}")
def expiry(account: Account) -> Finding:
    found = account.ask(tables.expiry, MARKERS) or "never"
    hint = f"Let items of {account.lab.name(MARKERS)} expire by ExpiresAt"
    return equal(found, tables.EXPIRING[MARKERS], hint + account.mend("update_time_to_live", cell("table", MARKERS)))


@check(FURTHER, "old-amounts", "old amounts in the stream", after="stream-view")
def old_amounts(account: Account) -> Finding:
    found = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"]["StreamViewType"]
    hint = "A correction is the new amount minus the old one. Let the stream of "
    hint += f"{account.lab.name('Transactions')} carry both images{account.mend('update_table', STREAMED)}"
    return equal(found, "NEW_AND_OLD_IMAGES", hint)


@check(FURTHER, "log-retention-{}", "retention of the log of {}", after="log-{}", each=functions.SOURCES)
def retention(account: Account, name: str) -> Finding:
    group = cloudwatch.group_of(account.lab, name, account.settings(name))
    own = [group] if group != cloudwatch.log_group(account.lab, name) else []
    days = account.ask(cloudwatch.log_days, name, *own)
    hint = f"Set the retention of {group}, or you keep the logs, and pay for them, for ever"
    hint += account.mend("put_retention_policy", cell("function", name))
    return judged(days is not None, number(days, "day") if days else "for ever", "some days, such as 14", hint)


@check(FURTHER, f"queue-{queues.DEAD_LETTERS}", f"queue {queues.DEAD_LETTERS}")
def dead_letters(account: Account) -> Finding:
    wanted = account.lab.name(queues.DEAD_LETTERS)
    found = wanted if account.ask(queues.find_queue, queues.DEAD_LETTERS) else "not there"
    hint = f"Make the queue {wanted} for what a function cannot process"
    return equal(found, wanted, hint + account.mend("create_queue", cell("queue", queues.DEAD_LETTERS)))


@check(
    FURTHER,
    f"messages-{queues.DEAD_LETTERS}",
    f"messages in {queues.DEAD_LETTERS}",
    after=f"queue-{queues.DEAD_LETTERS}",
)
def unprocessed(account: Account) -> Finding:
    found = account.ask(queues.attributes, queues.DEAD_LETTERS).get("ApproximateNumberOfMessages", "an unknown number")
    name = account.lab.name(queues.DEAD_LETTERS)
    hint = f"Each message in {name} says what could not be processed, and why: call queues.dead_letters(lab). Mend "
    hint += f"that, upload a file that has it, and delete the messages{account.mend('purge_queue', console='Purge')}"
    return equal(found, "0", hint)


@check(FURTHER, "oldest-position", "starting position that misses nothing", after="stream-trigger-position")
def oldest(account: Account) -> Finding:
    found, name = mapping(account).get("StartingPosition", "unknown"), account.lab.name(NOTIFIER)
    hint = f"LATEST can miss changes. Delete the trigger of {name} with delete_event_source_mapping, and add it again "
    hint += "at TRIM_HORIZON"
    hint += account.mend("create_event_source_mapping", cell("stream trigger"))
    return equal(found, "TRIM_HORIZON", hint)


@check(FURTHER, "stream-trigger-batch-size", "batch size of the stream trigger", after="stream-trigger")
def batch_size(account: Account) -> Finding:
    found = mapping(account)["BatchSize"]
    hint = f"Set the batch size of the trigger of {account.lab.name(NOTIFIER)} to {BATCHES[-1]}"
    wanted = f"{BATCHES[0]} to {BATCHES[-1]}"
    return judged(found in BATCHES, str(found), wanted, hint + map_stream(account))


@check(FURTHER, "corrections-pass", "corrections pass the filter", after="stream-trigger-filter")
def corrections(account: Account) -> Finding:
    hint = f"The filter of the trigger of {account.lab.name(NOTIFIER)} drops changes of a row. Remove the filter"
    found = "they pass" if lets_through(account, "MODIFY") else "they are dropped"
    return equal(found, "they pass", hint + map_stream(account))


@check(FURTHER, "stream-trigger-retries", "retries of the stream trigger", after="stream-trigger")
def retries(account: Account) -> Finding:
    now, name = mapping(account), account.lab.name(NOTIFIER)
    unset = [each for each in RETRIES if str(now.get(each)) in ("None", "-1", "False", "[]")]  # 0 is set
    hint = f"Set these for the trigger of {name}, or one bad change blocks the stream for a day"
    hint += account.mend("update_event_source_mapping", cell("stream trigger"))
    return none_of((f"{each} is not set" for each in unset), hint, right="bounded")


@check(FURTHER, "topic-display-name", "display name of the topic", after="topic")
def display_name(account: Account) -> Finding:
    found = (account.ask(topics.attributes) or {}).get("DisplayName") or "none"
    hint = f"Set the display name of the topic {account.lab.name(TOPIC)} to {topics.DISPLAY_NAME}"
    mend = account.mend("set_topic_attributes with DisplayName", cell("topic"), "Edit", if_made=True)
    return equal(found, topics.DISPLAY_NAME, hint + mend)
