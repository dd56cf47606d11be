"""Check what this workbook adds to the handout so that nothing is lost and nothing counts twice."""

from lab_lib.aws import cloudwatch, functions, grants, queues, tables, topics
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, TOPIC, is_taken, mapping
from lab_lib.checks.rules import FURTHER, Account, Finding, check, either, equal, judged, none_of
from lab_lib.checks.step_02 import NOTIFY
from lab_lib.checks.step_02_stream import TRIGGERS, UPDATE
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.language import N_, _, ngettext
from lab_lib.resources import cell

BATCHES = range(10, 1001)  # a file in smaller batches takes for ever; a larger batch takes longer than the timeout
MARKERS, LETTERS = "ProcessedRecords", queues.DEAD_LETTERS
RETRIES = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes")


@check(FURTHER, "rejected-rows", "rejected rows start nothing", after="bucket-trigger-filter", call=NOTIFY)
def rejected_rows(account: Account) -> Finding:
    key = rejected_key("transactions.txt")
    hint = _(
        "Give the trigger of {name} the suffix .txt, so that it does not start itself", name=account.name(PROCESSOR)
    )
    return either(not is_taken(account, key), _("they start nothing"), _("{key} starts it", key=key), hint)


@check(FURTHER, "table-{}", "table {}", subjects=[MARKERS], call="create_table", made_by=cell("table", MARKERS))
def markers(account: Account, table: str) -> Finding:
    name, function = account.name(table), account.name(NOTIFIER)
    schema = (account.ask(tables.describe, table) or {}).get("KeySchema", [])
    key = " + ".join(key["AttributeName"] for key in schema)
    now, wanted = (_("{table} with the key {key}", table=name, key=part) for part in (key, tables.KEYS[table][0]))
    return equal(
        now if key else _("not there"),
        wanted,
        _(
            "Make the table {table}, in which {function} marks each change that it has added up",
            table=name,
            function=function,
        ),
    )


@check(FURTHER, "expiry-{}", "expiry of {}", after="table-{}", subjects=[MARKERS], call="update_time_to_live")
def expiry(account: Account, table: str) -> Finding:
    attribute = account.ask(tables.expiry, table) or _("never")
    hint = _("Let items of {table} expire by ExpiresAt", table=account.name(table))
    return equal(attribute, tables.EXPIRING[table], hint)


@check(FURTHER, "old-amounts", "old amounts in the stream", after="stream-view", call="update_table")
def old_amounts(account: Account) -> Finding:
    view = (account.ask(tables.describe, "Transactions") or {})["StreamSpecification"]["StreamViewType"]
    hint = _(
        "A correction is the new amount minus the old one. Let the stream of {name} carry both images",
        name=account.name("Transactions"),
    )
    return equal(view, "NEW_AND_OLD_IMAGES", hint)


@check(
    FURTHER,
    "log-retention-{}",
    "retention of the log of {}",
    after="function-{}",
    subjects=functions.SOURCES,
    call="put_retention_policy",
)
def retention(account: Account, name: str) -> Finding:
    group = cloudwatch.group_of(account.lab, name, account.settings(name))
    days = account.ask(cloudwatch.log_days, group)
    hint = _("Set the retention of {group}, or you keep the logs, and pay for them, for ever", group=group)
    found = ngettext("{count:,} day", "{count:,} days", days) if days else _("for ever")
    return judged(days is not None, found, _("some days, such as 14"), hint)


@check(FURTHER, "queue-{}", "queue {}", subjects=[LETTERS], call="create_queue", made_by=cell("queue", LETTERS))
def dead_letters(account: Account, queue: str) -> Finding:
    wanted = account.name(queue)
    hint = _("Make the queue {queue} for what a function cannot process", queue=wanted)
    return either(account.ask(queues.find_queue, queue), wanted, _("not there"), hint)


@check(FURTHER, "messages-{}", "messages in {}", after="queue-{}", subjects=[LETTERS])
def unprocessed(account: Account, queue: str) -> Finding:
    count = account.ask(queues.attributes, queue).get("ApproximateNumberOfMessages", _("an unknown number"))
    hint = _(
        "Each message in {queue} says what could not be processed, and why: call aws.queues.dead_letters(lab). Fix "
        "that, upload a file that has it, and delete the messages",
        queue=account.name(queue),
    )
    return equal(count, "0", account.how_to_fix(hint, "purge_queue", N_("Purge")))


@check(
    FURTHER,
    "failed-files",
    "failed files of TransactionProcessor",
    after=f"function-{PROCESSOR}",
    call="put_function_event_invoke_config",
)
def failed_files(account: Account) -> Finding:
    """They go to a destination of Lambda, or to the older dead-letter target of the function."""
    older = account.settings(PROCESSOR).get("DeadLetterConfig", {}).get("TargetArn")
    return _kept(account, account.ask(functions.on_failure, PROCESSOR) or older, PROCESSOR)


@check(FURTHER, "failed-changes", "failed changes of TotalNotifier", after="stream-trigger", call=UPDATE)
def failed_changes(account: Account) -> Finding:
    return _kept(account, functions.destination(mapping(account)), NOTIFIER)


@check(
    FURTHER,
    "oldest-position",
    "starting position that misses nothing",
    after="stream-trigger",
    call="create_event_source_mapping",
)
def oldest(account: Account) -> Finding:
    position, name = mapping(account).get("StartingPosition", _("unknown")), account.name(NOTIFIER)
    hint = _(
        "LATEST can miss changes. Delete the trigger of {name} with delete_event_source_mapping, and add it again "
        "at TRIM_HORIZON",
        name=name,
    )
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
    hint = _("Set the batch size of the trigger of {name} to {size}", name=account.name(NOTIFIER), size=BATCHES[-1])
    wanted = _("{least} to {most}", least=BATCHES[0], most=BATCHES[-1])
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
    filters = mapping(account).get("FilterCriteria", {}).get("Filters", [])
    hint = _("What the filter of the trigger of {name} drops is never added up. Remove it", name=account.name(NOTIFIER))
    return none_of((row["Pattern"] for row in filters), hint)


@check(FURTHER, "stream-trigger-retries", "retries of the stream trigger", after="stream-trigger", call=UPDATE)
def retries(account: Account) -> Finding:
    now, name = mapping(account), account.name(NOTIFIER)
    unset = [setting for setting in RETRIES if str(now.get(setting)) in ("None", "-1", "False", "[]")]  # 0 is set
    hint = _("Set these for the trigger of {name}, or one bad change blocks its shard for a day", name=name)
    return none_of((_("{setting} is not set", setting=setting) for setting in unset), hint, right=_("bounded"))


@check(
    FURTHER,
    "topic-display-name",
    "display name of the topic",
    after="topic",
    call=N_("set_topic_attributes with DisplayName"),
    console=N_("Edit"),
)
def display_name(account: Account) -> Finding:
    name = (account.ask(topics.attributes) or {}).get("DisplayName") or _("none")
    hint = _("Set the display name of the topic {topic} to {name}", topic=account.name(TOPIC), name=topics.DISPLAY_NAME)
    return equal(name, topics.DISPLAY_NAME, hint)


def _kept(account: Account, destination: str | None, function: str) -> Finding:
    """Return whether what a function cannot process has a destination."""
    lab, queue, name = account.lab, account.name(LETTERS), account.name(function)
    where = _("go to {queue}", queue=grants.short(lab, destination)) if destination else _("are dropped")
    hint = _("Add a destination on failure to {name}, such as the queue {queue}", name=name, queue=queue)
    return judged(destination is not None, where, _("go to {queue}", queue=queue), hint)
