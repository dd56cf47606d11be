"""Judge what a learner makes by a call of their own, and let a fixed call make it anew.

An exercise asks for all that its text demands. Its checks read the account, right after the learner's cell. A helper
then completes what the text does not ask for, and the notebook prints each change with its reason.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from IPython import get_ipython
from IPython.display import display

from lab_lib import checks
from lab_lib.aws import functions, queues, tables, topics, triggers
from lab_lib.checks.facts import look_up
from lab_lib.checks.reading import Account
from lab_lib.checks.reports import Check, Report
from lab_lib.checks.rules import State
from lab_lib.errors import UsageError
from lab_lib.exercises import cells, questions, workbook
from lab_lib.lab import Lab
from lab_lib.language import N_, _, sentences

TABLE, PROCESSOR, NOTIFIER, QUEUE = "TransactionTotal", "TransactionProcessor", "TotalNotifier", "CreditCollection"


class Exercise(NamedTuple):
    """A resource that the learner makes. The first of its `checks`, ids with spaces between, says whether it is there.

    `make` makes all that the exercise asks for, and what a helper adds. `delete` deletes it whoever made it; `by_hand`
    is the code for that. `content` is what that would lose, if it `holds` any. `calls` has the learner's code for each
    call that creates it. `added` has what a helper completes, each with the reason; `settings` is the place of these
    settings in the account, as facts.toml writes it.
    """

    kind: str
    name: str
    calls: dict[str, str]
    checks: str
    find: Callable[[Lab], object]
    make: Callable[[Lab], object]
    delete: Callable[[Lab], object]
    by_hand: str
    content: str = ""
    holds: Callable[[Lab], object] = lambda lab: None
    settings: str = ""
    added: dict[str, str] = {}  # noqa: RUF012  # nobody changes it

    def __str__(self) -> str:
        return f"{_(self.kind)} {self.name}".strip()


def is_missing(lab: Lab, exercise: str) -> bool:
    """Return True if the learner's call can be made: nothing is there, or it was not as asked and is deleted now.

    Until the cell ends, no helper creates the resource.
    """
    resource = questions.find(exercise, EXERCISES)
    if resource.find(lab) and not _delete_wrong(lab, exercise, resource):
        return False
    _watch(lab, resource)
    return True


def _delete_wrong(lab: Lab, exercise: str, resource: Exercise) -> bool:
    """Delete the resource if it is not as asked. Print what was done, or why nothing was; return True if it is deleted.

    It is deleted only if that loses nothing and, on AWS, only with the lab's tag.
    """
    report = run_checks(lab, exercise)
    if not report.wrong:
        print(_("The {resource} is there, and as it should be. The call is not made again.", resource=resource))
        return False
    wrong = _(", ").join(check.name for check in report.wrong)
    problem = _("The {resource} is not as it should be: {checks}.", resource=resource, checks=wrong)
    why = ""
    if resource.holds(lab):
        why = _("that would lose its {content}", content=_(resource.content))
    elif lab.is_real and any(check.id.startswith("tag-") for check in report.wrong):
        why = _("somebody else may have made it")
    if why:
        what_to_do = _(
            "It is not deleted, since {why}. Make the call that its check names. Or delete it with {code}, and run the "
            "cell again.",
            why=why,
            code=resource.by_hand,
        )
        print(sentences(problem, what_to_do))
        return False
    resource.delete(lab)
    print(sentences(problem, _("It is deleted, to be made anew.")))
    return True


def _watch(lab: Lab, resource: Exercise) -> None:
    """Refuse the calls of helpers that create such resources, until the cell ends."""

    def refuse(model: Any, **_event: Any) -> None:
        call = resource.calls.get(model.name)
        if not call:
            return
        is_by_helper = any("/lab_lib/aws/" in caller.filename for caller in inspect.stack(0))
        if is_by_helper:
            raise UsageError("The {resource} is yours to make: write the call {call}(…).", resource=resource, call=call)

    if get_ipython():
        cells.at_end.enter_context(lab.listening({"provide-client-params": refuse}))


def solve(lab: Lab, exercise: str) -> None:
    """Make what the exercise asks for, as its solution does. `is_missing` says what is kept, or deleted first.

    In a run of the grader, which makes what is missing after the exercise's cell, nothing is made.
    """
    is_graded = workbook.is_graded()
    is_due = is_graded and bool(run_checks(lab, exercise).wrong)  # also what `is_missing` would keep
    if not is_due and not is_missing(lab, exercise):
        return
    cells.at_end.close()
    resource = EXERCISES[exercise]
    if not is_graded:
        resource.make(lab)
    print(_("The lab makes the {resource}, so this exercise is worth 0 points.", resource=resource))


def judge(lab: Lab, exercise: str) -> bool:
    """Show what the exercise asks for and what is there. Return True if nothing is wrong, also if it cannot be seen."""
    report = run_checks(lab, exercise)
    display(report)  # type: ignore[no-untyped-call]
    if report.wrong:
        print(_("Not yet."))
        code = f'notebook.solve(lab, "{exercise}")'
        print(_("If you are stuck, run {code}: the lab makes it, for 0 points.", code=code))
    elif report.failed:
        print(_("It cannot be seen."))
    else:
        print(_("Right."))
    if not report.failed:
        questions.show_hints(exercise)
    return not report.wrong


def complete(lab: Lab, exercise: str) -> None:
    """Let the helper add what the exercise does not ask for, and print what it changes, and why.

    If the exercise is not right yet, print what to do first.
    """
    report = run_checks(lab, exercise)
    if report.wrong:
        wrong = _(", ").join(check.name for check in report.wrong)
        print(_("The helper changes nothing yet. Fix your cell above, and run it again: {checks}.", checks=wrong))
        return
    resource = EXERCISES[exercise]
    before = look_up(Account(lab), resource.settings)
    resource.make(lab)
    after = look_up(Account(lab), resource.settings)
    for name, why in resource.added.items():
        old = before[name]
        new = after[name]
        if old != new:
            print(
                _(
                    "Your {kind}: {name} was {old}, and is {new} now. {why}",
                    kind=_(resource.kind),
                    name=name,
                    old=_shown(old),
                    new=_shown(new),
                    why=_(why),
                )
            )
    if before == after:
        print(_("The helper changed nothing: your {kind} has all that it adds.", kind=_(resource.kind)))


def _shown(value: Any) -> str:
    """Return a setting for people. Lambda says -1 where there is no limit."""
    if value in (None, "", []):
        return _("empty")
    if value == -1:
        return _("without limit")
    return str(value)


def arguments(lab: Lab, name: str) -> dict[str, Any]:
    """Print and return what create_function must know of the lab: the function's name, role, variables and code."""
    wanted = functions.settings(lab, name)
    files = functions.source_files(name)
    given = {key: wanted[key] for key in ("FunctionName", "Role", "Environment")}
    printed = given | {"Code": [file.name for file in files]}
    for key, value in printed.items():
        print(f"{key:13}{value}")
    return given | {"Code": {"ZipFile": functions.package(files)}}


def run_checks(lab: Lab, exercise: str) -> Report:
    """Make the checks of an exercise."""
    ids = questions.find(exercise, EXERCISES).checks.split()
    return Report([_as_asked(check) for check in checks.some(lab, *ids).checks])


def _as_asked(check: Check) -> Check:
    """Return a check of an exercise: what could be better is not right yet, and what AWS still sets up is right."""
    state = check.state
    if state == State.COULD_BE:
        state = State.NOT_YET
    elif state == State.WAITS and not check.cause:
        state = State.OK
    return check._replace(step="", state=state)


def _delete_bucket_trigger(lab: Lab) -> None:
    """Delete the notification, and let nobody call the function."""
    triggers.delete_bucket_trigger(lab)
    for statement in functions.statements(lab, PROCESSOR):
        lab.client("lambda").remove_permission(FunctionName=lab.name(PROCESSOR), StatementId=statement["Sid"])


def _delete_mappings(lab: Lab) -> None:
    for mapping in triggers.mappings_to(lab, *functions.SOURCES):
        triggers.delete_mapping(lab, mapping)


def _delete_queue(lab: Lab) -> None:
    """Delete the queue and its subscription, whose settings a new call of the learner would not change."""
    if arn := triggers.find_queue_subscription(lab, QUEUE):
        lab.client("sns").unsubscribe(SubscriptionArn=arn)
    if url := queues.find_queue(lab, QUEUE):
        lab.client("sqs").delete_queue(QueueUrl=url)


# Where the account has the settings that a helper completes; Lambda and SQS leave out some that are unset.
_FUNCTION = """functions.describe TotalNotifier : Configuration.{
    MemorySize: MemorySize, Description: Description, THRESHOLD: Environment.Variables.THRESHOLD}"""
_MAPPING = """triggers.find_stream_trigger : {
    MaximumBatchingWindowInSeconds: MaximumBatchingWindowInSeconds || `0`,
    MaximumRetryAttempts: MaximumRetryAttempts || `-1`,
    MaximumRecordAgeInSeconds: MaximumRecordAgeInSeconds || `-1`,
    BisectBatchOnFunctionError: BisectBatchOnFunctionError || `false`,
    FunctionResponseTypes: FunctionResponseTypes,
    OnFailure: DestinationConfig.OnFailure.Destination,
    Enabled: State != 'Disabled'}"""
_QUEUE = """queues.attributes CreditCollection : {
    MessageRetentionPeriod: MessageRetentionPeriod, SqsManagedSseEnabled: SqsManagedSseEnabled || 'false'}"""
EXERCISES = {
    "create-table": Exercise(
        N_("table"),
        TABLE,
        {"CreateTable": "dynamodb.create_table"},
        "table-TransactionTotal key-TransactionTotal billing-TransactionTotal tag-TransactionTotal",
        lambda lab: tables.find_table(lab, TABLE),
        lambda lab: tables.ensure_table(lab, TABLE),
        lambda lab: lab.client("dynamodb").delete_table(TableName=lab.name(TABLE)),
        "dynamodb.delete_table(TableName=name)",
        content=N_("items"),
        holds=lambda lab: tables.items(lab, TABLE, most=1),
    ),
    "create-function": Exercise(
        N_("function"),
        NOTIFIER,
        {"CreateFunction": "lambda_.create_function"},
        "function-TotalNotifier asked-Runtime asked-Handler asked-Timeout asked-Code asked-Environment "
        "function-role-TotalNotifier state-TotalNotifier tag-TotalNotifier",
        lambda lab: functions.find_function(lab, NOTIFIER),
        lambda lab: functions.ensure_function(lab, NOTIFIER),
        lambda lab: lab.client("lambda").delete_function(FunctionName=lab.name(NOTIFIER)),
        "lambda_.delete_function(FunctionName=name)",
        settings=_FUNCTION,
        added={
            "MemorySize": N_("More memory comes with more CPU time, so it is faster."),
            "THRESHOLD": N_("This is the threshold of notebook 00."),
            "Description": N_("The console shows it in its list of functions."),
        },
    ),
    "create-bucket-trigger": Exercise(
        N_("bucket trigger"),
        "",
        {
            "AddPermission": "lambda_.add_permission",
            "PutBucketNotificationConfiguration": "s3.put_bucket_notification_configuration",
        },
        "bucket-trigger bucket-trigger-events asked-suffix other-bucket-triggers bucket-permission asked-source "
        "bucket-permission-account",
        lambda lab: triggers.find_bucket_trigger(lab) or functions.statements(lab, PROCESSOR),
        triggers.ensure_bucket_trigger,
        _delete_bucket_trigger,
        "lambda_.remove_permission(FunctionName=function, StatementId=...)",
    ),
    "create-mapping": Exercise(
        N_("mapping"),
        "",
        {"CreateEventSourceMapping": "lambda_.create_event_source_mapping"},
        "stream-trigger stream-trigger-state other-stream-triggers oldest-position asked-batch-size "
        "stream-trigger-batching-window stream-trigger-filter tag-mapping",
        lambda lab: triggers.mappings_to(lab, *functions.SOURCES),  # be it the right one or not
        triggers.ensure_stream_trigger,
        _delete_mappings,
        "lambda_.delete_event_source_mapping(UUID=...)",
        settings=_MAPPING,
        added={
            "MaximumBatchingWindowInSeconds": N_("Fewer calls do the work."),
            "MaximumRetryAttempts": N_("A batch that fails holds up all behind it."),
            "MaximumRecordAgeInSeconds": N_("An old change is given up."),
            "BisectBatchOnFunctionError": N_("Halving a batch finds the one change that fails."),
            "FunctionResponseTypes": N_("The function may name the changes that failed."),
            "OnFailure": N_("What is given up is kept there."),
            "Enabled": N_("A mapping that is disabled reads nothing."),
        },
    ),
    "create-topic": Exercise(
        N_("topic"),
        topics.ALERT_TOPIC,
        {"CreateTopic": "sns.create_topic"},
        "topic topic-display-name tls-topic outsiders-topic tag-HighBalanceAlert",
        topics.find_topic,
        topics.ensure_topic,
        lambda lab: lab.client("sns").delete_topic(TopicArn=topics.find_topic(lab)),
        "sns.delete_topic(TopicArn=arn)",
        content=N_("subscriptions"),
        holds=triggers.subscriptions,
    ),
    "create-queue": Exercise(
        N_("queue"),
        QUEUE,
        {"CreateQueue": "sqs.create_queue", "Subscribe": "sns.subscribe"},
        "queue-CreditCollection access-policy-CreditCollection other-senders-CreditCollection "
        "policy-account-CreditCollection tls-CreditCollection tag-CreditCollection "
        "subscription-CreditCollection raw-delivery-CreditCollection filter-policy-CreditCollection "
        "limits-CreditCollection encryption-CreditCollection outsiders-CreditCollection",
        lambda lab: queues.find_queue(lab, QUEUE) or triggers.find_queue_subscription(lab, QUEUE),
        lambda lab: (queues.ensure_queue(lab, QUEUE), triggers.ensure_queue_subscription(lab, QUEUE)),
        _delete_queue,
        'sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])',
        content=N_("messages"),
        holds=lambda lab: queues.messages(lab, QUEUE),
        settings=_QUEUE,
        added={
            "MessageRetentionPeriod": N_("In seconds: 14 days to read a message."),
            "SqsManagedSseEnabled": N_("Messages are encrypted on disk."),
        },
    ),
}
