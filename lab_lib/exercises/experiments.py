"""Put something beside the lab, and try it: a finished chain in notebook 00, the learner's functions in 01 and 06.

The lab's tables stay empty: what the stream of Transactions once held would be counted later. The chain of 00 is a
small lab of its own. Two parts have the handout's names behind a beginning of their own; bucket and roles are the
lab's. In the part BreakIt_ is the learner's first function of 01 or, in 06, the lab's functions with the tables that
files go to. In the part BreakItMy_ is the learner's function of 06, which reads the same stream.
"""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from IPython.display import display
from pandas import DataFrame

from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, streams, tables, topics, triggers
from lab_lib.checks import chain
from lab_lib.checks.evidence import snapshot
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, matches
from lab_lib.checks.upload import Snapshot
from lab_lib.errors import WrongResource
from lab_lib.exercises import runner, workbook
from lab_lib.lab import BREAK_IT, BREAK_IT_MY, Lab, is_embedded
from lab_lib.language import _
from lab_lib.pages import frames, live
from lab_lib.workspace.places import DATA

_QUEUE = queues.ALERT_QUEUES[0]  # one of them is enough to count alerts
_DELIVERY_LOG = Path(__file__).parents[1] / "handlers" / "delivery_log" / "delivery_log.py"


def show_first_look(lab: Lab, text: str) -> None:
    """Build a chain beside the lab, follow a file with this text through it, and delete it all.

    Elsewhere than on the embedded AWS it would take minutes, so it is off there.
    """
    if workbook.is_graded():  # nobody looks
        return
    if lab.is_real or not is_embedded():
        print(_("On AWS the first look would take up to ten minutes, so it is off. Go on with the next cell."))
        return
    cleanup.delete_first_look(lab)  # what an interrupted look has left
    look = lab.first_look
    try:
        create_functions(look)
        create_queues(look)
        triggers.ensure_stream_trigger(look)
        triggers.ensure_bucket_trigger(look)
        _follow(look, text)
    finally:
        cleanup.delete_first_look(lab)


def _follow(look: Lab, text: str) -> None:
    """Follow a file with this text through the chain, and show what came of it."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "first-look.txt")
        file.write_text(text, "utf-8")
        with chain.following(look, file, live.chain):
            buckets.upload(look, file)
    rows = frames.table(look, "Transactions")
    totals = frames.table(look, "TransactionTotal")
    display(rows, totals, frames.alerts(look, "CustomerNotify"))  # type: ignore[no-untyped-call]


def create_functions(lab: Lab) -> None:
    """Do the steps of notebooks 00 and 01."""
    buckets.ensure_bucket(lab)  # first: where it is, the clean-up looks for the rest
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    for role in functions.ROLES.values():
        roles.ensure_role(lab, role)
    for name in functions.SOURCES:
        functions.ensure_function(lab, name)


def create_queues(lab: Lab) -> None:
    """Do the steps of notebooks 03 and 04."""
    topics.ensure_topic(lab)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, name)
        triggers.ensure_queue_subscription(lab, name)


def deploy_first(lab: Lab, file: str | Path) -> Lab:
    """Deploy the file as a function with empty tables. Return the part of the lab that they are in.

    What an earlier try has left is deleted first.
    """
    part, _mine = _begin(lab)
    for table in ("Customer", "Transactions", "ProcessedRecords"):
        tables.ensure_table(part, table)
    queues.ensure_queue(part, queues.DEAD_LETTERS)
    functions.ensure_function(part, PROCESSOR, files=[Path(file)])
    return part


def parts(lab: Lab) -> tuple[Lab, Lab]:
    """Return the two parts beside the lab: the one with the lab's functions, and the one with the learner's."""
    return lab.variant(BREAK_IT), lab.variant(BREAK_IT_MY)


def prepare_experiments(lab: Lab) -> tuple[Lab, Lab]:
    """Delete what an earlier try has left, and create the parts. Print the names of the tables.

    The learner's function comes with `deploy_notifier`.
    """
    ours, mine = _begin(lab)
    for name in tables.KEYS:
        tables.ensure_table(ours, name)
        print(ours.name(name))
    for part in (ours, mine):
        for name in (_QUEUE, queues.DEAD_LETTERS):
            queues.ensure_queue(part, name)
        topics.ensure_topic(part)
        triggers.ensure_queue_subscription(part, _QUEUE)
    for name in functions.SOURCES:
        functions.ensure_function(ours, name)
    triggers.ensure_stream_trigger(ours, wait=False)  # `deploy_notifier` waits for the other one, which takes as long
    return ours, mine


def _begin(lab: Lab) -> tuple[Lab, Lab]:
    """Delete what an earlier try has left, and let the roles work on the parts. Return both parts.

    WrongResource if the experiments' uploads would start the lab's own function.
    """
    key = _key("any.txt")
    if any(matches(notification, key) for notification in triggers.notifications(lab)):
        raise WrongResource(
            "The trigger of the bucket {bucket} takes keys such as {key}; the experiments would go into your "
            "tables. Give it the suffix .txt, as notebook 02 does.",
            bucket=lab.bucket,
            key=key,
        )
    list(cleanup.delete_experiments(lab))
    for function, permissions in policies.experiments(lab).items():
        roles.ensure_experiments(lab, functions.ROLES[function], permissions)
    return parts(lab)


def deploy_notifier(lab: Lab, file: str | Path) -> None:
    """Deploy the file, with the my_*.py beside it, as the learner's function. It reads the stream from its beginning.

    Its tables are empty. Print the states of both mappings.
    """
    ours, mine = parts(lab)
    path = Path(file)
    triggers.delete_stream_trigger(mine)
    functions.delete_function(mine, NOTIFIER)  # and with it the call that may still run
    queues.delete_messages(mine, _QUEUE, lambda body: True)
    for name in ("TransactionTotal", "ProcessedRecords"):
        tables.delete_table(mine, name)
        tables.ensure_table(mine, name)
    functions.ensure_function(mine, NOTIFIER, files=[*runner.function_files(path.parent), _DELIVERY_LOG])
    # With AWS's defaults: an error is retried until the change is a day old.
    triggers.ensure_stream_trigger(mine, tables.find_stream(ours), {"BatchSize": 100})
    print(_("{file} is deployed.", file=path.name))
    for part in (ours, mine):
        print(part.name(NOTIFIER), _mapping_state(part))


def show_file(file: str) -> None:
    """Print a file of data/."""
    print((DATA / file).read_text("utf-8"), end="")


def upload_experiment(lab: Lab, file: str) -> dict[str, Any]:
    """Upload a file of data/, and return TransactionProcessor's report about it.

    If the function fails, print its error, and hand the event to Lambda, which tries it twice more. The report is empty
    then.
    """
    ours, _mine = parts(lab)
    key = buckets.upload(lab, DATA / file, _key(file))
    event = buckets.creation(lab, key)  # which S3 does not send: the bucket has no trigger for this key
    try:
        return _report(ours, event)
    except functions.FunctionFailed as error:
        print(error)
        functions.invoke_later(ours, PROCESSOR, event)
        return {}


def dead_letters(part: Lab, *wanted: str) -> DataFrame:
    """Wait until there is a dead letter about each of these files and transactions.

    Return all dead letters, sorted: what could not be processed, and why. The messages stay in the queue.
    """

    def have_come() -> bool:
        subjects = {letter["what"] for letter in queues.dead_letters(part)}
        return subjects.issuperset(wanted)

    part.wait_until(
        have_come,
        "the dead letters",
        timeout=600,
        on_aws=_("three minutes after the upload"),
        hint=_("Read the logs of both functions."),
    )
    letters = sorted(queues.dead_letters(part), key=lambda letter: letter["what"])
    return DataFrame(letters, columns=["what", "why"])


def resend_dead_letter(lab: Lab, key: str) -> dict[str, Any]:
    """Send the event of this file's dead letter again, delete the letter, and return TransactionProcessor's report.

    FunctionFailed if the function fails once more: then the letter stays.
    """
    ours, _mine = parts(lab)

    def is_about(letter: queues.Message) -> bool:
        return queues.dead_letter(letter)["what"] == key

    event = buckets.creation(ours, key)  # of a file without a letter
    for letter in queues.messages(ours, queues.DEAD_LETTERS):
        if is_about(letter):
            event = letter["requestPayload"]
    report = _report(ours, event)
    queues.delete_messages(ours, queues.DEAD_LETTERS, is_about)
    return report


def deliver_again(lab: Lab, *customers: str) -> DataFrame:
    """Deliver the stream's records of these customers to both functions by hand, and return how each of them ended."""
    _wait_for_both(lab)
    ours, mine = parts(lab)
    records = streams.records(ours, *customers)
    ends = []
    for part in (ours, mine):
        ended = _("without an error")
        try:
            functions.invoke(part, NOTIFIER, {"Records": records, "by": "hand"})
        except functions.FunctionFailed as error:
            ended = error.why
        ends.append((part.name(NOTIFIER), ended))
    return DataFrame(ends, columns=["function", "ended"])


def compare_functions(lab: Lab, *customers: str) -> DataFrame:
    """Wait until both functions have all changes, or the learner's fails. Return what they made of these customers.

    CustomerId; lab total and lab alerts, of the lab's function; your total and your alerts, of the learner's; stuck:
    whether the learner's function has yet to process changes without an error. Print the error of its last delivery.
    """
    _wait_for_both(lab)
    ours, mine = parts(lab)
    unprocessed, error = _progress(ours, mine)
    if error:
        print(_("Your function fails: {error}", error=error))
    stuck = {streams.customer(record) for record in unprocessed}
    columns: dict[str, Any] = {"CustomerId": customers}
    for whose, part in (("lab", ours), ("your", mine)):
        totals = Snapshot.of((), (), tables.items(part, "TransactionTotal")).balances
        alerts = Counter(alert["customerID"] for alert in queues.alerts(part, _QUEUE))
        columns[f"{whose} total"] = [totals.get(name, Decimal(0)) for name in customers]
        columns[f"{whose} alerts"] = [alerts[name] for name in customers]
    columns["stuck"] = [name in stuck for name in customers]
    return DataFrame(columns, dtype=object)


def _wait_for_both(lab: Lab) -> None:
    """Wait until the lab's function has all changes in its totals, and the learner's has too, or fails.

    Mappings that are paused deliver nothing.
    """
    ours, mine = parts(lab)
    if _mapping_state(mine) == "Disabled":
        return

    def have_all() -> bool:
        if not _is_right(ours):
            return False
        unprocessed, error = _progress(ours, mine)  # read last, so that it has all that was right
        return not unprocessed or error != ""

    lab.wait_until(
        have_all,
        _("both functions to process all changes"),
        timeout=360,
        on_aws=_("up to two minutes"),
        hint=_("Read the logs of both functions."),
    )


def _mapping_state(part: Lab) -> str:
    mapping = triggers.find_stream_trigger(part) or {}
    return str(mapping.get("State"))


def _is_right(ours: Lab) -> bool:
    """Return True if each total is the sum of the customer's transactions, and no alert is owed."""
    held = snapshot(ours)
    high = {name for name, total in held.balances.items() if total >= ours.threshold}
    alerted = {name for name, item in held.totals.items() if item.get("alerted")}
    return held.balances == held.sums() and high == alerted


def _progress(ours: Lab, mine: Lab) -> tuple[list[streams.Record], str]:
    """Return the changes that the learner's function has not yet processed without an error, and its last error.

    That is the one of the last delivery of the stream that has ended; "" if it had none. delivery_log has noted the
    deliveries, oldest first: Records, By and, when it has ended, Error.
    """
    processed = set[str]()
    error = ""
    for delivery in tables.items(mine, "ProcessedRecords", beginning="delivery "):
        if "Error" not in delivery:  # it has not ended
            continue
        if delivery["Error"] == "":
            processed.update(delivery["Records"])
        if delivery["By"] == "stream":
            error = delivery["Error"]
    unprocessed = [record for record in streams.records(ours) if record["eventID"] not in processed]
    return unprocessed, error


def _report(ours: Lab, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke TransactionProcessor with the event of one file. Return its report about the file."""
    return dict(functions.invoke(ours, PROCESSOR, event)["files"][0])


def _key(file: str) -> str:
    """Return the key of an upload. The bucket's trigger takes keys that end in .txt, so this one does not."""
    return f"{buckets.EXPERIMENTS}{Path(file).stem}.csv"
