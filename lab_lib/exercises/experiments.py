"""Run the learner's own TotalNotifier beside the lab's, and break both, for notebook 06.

Two parts stand beside the lab, each with the handout's names behind its own beginning. In the part BreakIt_ are the
tables that files go to, and the lab's functions. In the part BreakItMy_ is the learner's function, which reads the same
stream. Bucket and roles are the lab's own.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pandas import DataFrame

from lab_lib.aws import buckets, cleanup, cloudwatch, functions, policies, queues, roles, streams, tables
from lab_lib.aws.topics import ensure_topic
from lab_lib.aws.triggers import delete_stream_trigger, ensure_queue_subscription, ensure_stream_trigger, notifications
from lab_lib.checks.evidence import snapshot
from lab_lib.checks.reading import NOTIFIER, matches
from lab_lib.checks.upload import compare_totals
from lab_lib.errors import UsageError, WrongResource
from lab_lib.exercises import runner, trial, workbook
from lab_lib.exercises.results import Results
from lab_lib.lab import BREAK_IT, BREAK_IT_MY, Lab
from lab_lib.language import N_, _
from lab_lib.workspace.places import DATA

QUEUE = queues.ALERT_QUEUES[0]  # one of them is enough to count alerts
_DELIVERY_LOG = Path(__file__).parents[1] / "handlers" / "delivery_log" / "delivery_log.py"
_AWS_DEFAULTS: dict[str, Any] = {"BatchSize": 100}  # an error is retried until the change is a day old


def parts(lab: Lab) -> tuple[Lab, Lab]:
    """Return the two parts beside the lab: the one with the lab's functions, and the one with the learner's."""
    return lab.variant(BREAK_IT), lab.variant(BREAK_IT_MY)


def prepare(lab: Lab) -> tuple[Lab, Lab]:
    """Delete what an earlier try has left, and create the parts. The learner's function comes with `deploy`."""
    require_quiet(lab)
    list(cleanup.delete_experiments(lab))
    for function, permissions in policies.experiments(lab).items():
        roles.ensure_experiments(lab, functions.ROLES[function], permissions)
    ours, mine = parts(lab)
    for name in tables.KEYS:
        tables.ensure_table(ours, name)
    for part in (ours, mine):
        for name in (QUEUE, queues.DEAD_LETTERS):
            queues.ensure_queue(part, name)
        ensure_topic(part)
        ensure_queue_subscription(part, QUEUE)
    for name in functions.SOURCES:
        functions.ensure_function(ours, name)
    ensure_stream_trigger(ours, wait=False)  # `deploy` waits for the other one, which takes as long
    return ours, mine


def deploy(lab: Lab, file: str | Path) -> str:
    """Deploy the file, with the my_*.py beside it, as the learner's function. It reads the stream from its beginning.

    Its tables are empty. Return what is wrong with the file, if it cannot run: Lambda takes it nevertheless, and each
    delivery fails.
    """
    ours, mine = parts(lab)
    path = Path(file)
    delete_stream_trigger(mine)
    functions.delete_function(mine, NOTIFIER)
    cloudwatch.delete_log_group(mine, NOTIFIER)
    for queue in (QUEUE, queues.DEAD_LETTERS):
        queues.delete_messages(mine, queue, lambda body: True)
    for name in ("TransactionTotal", "ProcessedRecords"):
        tables.delete_table(mine, name)
        tables.ensure_table(mine, name)
    functions.ensure_function(mine, NOTIFIER, files=[*runner.function_files(path.parent), _DELIVERY_LOG])
    ensure_stream_trigger(mine, tables.find_stream(ours), _AWS_DEFAULTS)
    wait_for_both(lab)
    try:
        trial.read(path)
    except UsageError as fault:
        return str(fault)
    return _("{file} is deployed.", file=path.name)


def upload(lab: Lab, file: str) -> dict[str, Any]:
    """Upload a file of data/, wait until both functions have its changes, and return TransactionProcessor's report."""
    report: dict[str, Any] = functions.invoke(parts(lab)[0], "TransactionProcessor", _uploaded(lab, file))["files"][0]
    wait_for_both(lab)
    return report


def send(lab: Lab, file: str) -> None:
    """Upload a file of data/, and hand S3's event to Lambda, which retries it until it gives it up."""
    functions.invoke_later(parts(lab)[0], "TransactionProcessor", _uploaded(lab, file))


def send_again(lab: Lab, key: str) -> dict[str, Any]:
    """Send the event of this file's dead letter again, delete the letter, and return TransactionProcessor's report.

    LabError if the function fails once more: then the letter stays. UsageError if there is no such letter.
    """
    ours, _mine = parts(lab)

    def is_about(letter: queues.Message) -> bool:
        return queues.dead_letter(letter)["what"] == key

    letters = list(filter(is_about, queues.messages(ours, queues.DEAD_LETTERS)))
    if not letters and not _keeps_files(ours):
        letters = [{"requestPayload": buckets.creation(ours, key)}]
    if not letters:
        raise UsageError("There is no dead letter about {key}.", key=key)
    report: dict[str, Any] = functions.invoke(ours, "TransactionProcessor", letters[0]["requestPayload"])["files"][0]
    queues.delete_messages(ours, queues.DEAD_LETTERS, is_about)
    wait_for_both(lab)
    return report


def deliver(lab: Lab, records: list[streams.Record]) -> DataFrame:
    """Deliver these records of the stream to both functions by hand, and return how each of them ended."""
    ends = [(part.name(NOTIFIER), _invoke(part, records)) for part in parts(lab)]
    return DataFrame(ends, columns=["function", "ended"])


def judge(file: str | Path, only: Iterable[str] = (), seed: str = "") -> Results | None:
    """Return how the learner's function does in these cases, by default in all; None where nobody looks at it."""
    return None if workbook.is_headless() else trial.watch(file, only, seed)


def wait_for_both(lab: Lab) -> None:
    """Wait until the lab's function has all changes in its totals, and the learner's has too, or fails."""
    ours, mine = parts(lab)
    _wait(ours, lambda: _is_right(ours), N_("{name} to count all changes"))
    ids = {record["eventID"] for record in streams.records(ours)}
    _wait(mine, lambda: not _left(mine, ids) or error(lab), N_("{name} to process all changes, or to fail"))


def wait_for_dead_letters(lab: Lab, *wanted: str) -> None:
    """Wait until there is a dead letter of the lab's functions about each of these files and transactions."""
    ours, _mine = parts(lab)
    if not _keeps_files(ours):
        wanted = tuple(name for name in wanted if not name.startswith(buckets.EXPERIMENTS))
    lab.wait_until(
        lambda: {*wanted} <= {letter["what"] for letter in queues.dead_letters(ours)},
        "the dead letters",
        timeout=600,
        on_aws=_("three minutes after the upload"),
        hint=_("Read the logs of both functions."),
    )


def error(lab: Lab) -> str:
    """Return the error of the last delivery of the stream to the learner's function; "" without one."""
    by_stream = [delivery for delivery in _deliveries(parts(lab)[1]) if delivery["By"] == "stream"]
    if by_stream and "Error" not in by_stream[-1]:  # it may go on
        by_stream.pop()
    return str(by_stream[-1].get("Error", _("the function did not end"))) if by_stream else ""


def compare(lab: Lab, *customers: str) -> DataFrame:
    """Return what the account holds of these customers, by both functions.

    CustomerId; total and alerts of the lab's function; other total and other alerts, of the learner's; stuck: whether
    the learner's function has yet to process changes without an error.
    """
    ours, mine = parts(lab)
    records = streams.records(ours, *customers)
    left = _left(mine, {record["eventID"] for record in records})
    stuck = {streams.customer(record) for record in records if record["eventID"] in left}
    columns: dict[str, Any] = {"CustomerId": customers}
    for prefix, part in (("", ours), ("other ", mine)):
        totals = {item["CustomerId"]: _balance(item) for item in tables.items(part, "TransactionTotal")}
        alerts = Counter(alert["customerID"] for alert in queues.alerts(part, QUEUE))
        columns[f"{prefix}total"] = [totals.get(name, Decimal(0)) for name in customers]
        columns[f"{prefix}alerts"] = [alerts[name] for name in customers]
    return DataFrame({**columns, "stuck": [name in stuck for name in customers]}, dtype=object)


def require_quiet(lab: Lab) -> None:
    """Raise WrongResource if the experiments' uploads would start the lab's own function."""
    if any(matches(notification, _key("any.txt")) for notification in notifications(lab)):
        raise WrongResource(
            "The trigger of the bucket {bucket} takes keys such as {key}; the experiments would go into your "
            "tables. Give it the suffix .txt, as notebook 02 does.",
            bucket=lab.bucket,
            key=_key("any.txt"),
        )


def _key(file: str) -> str:
    """Return the key of an upload. The bucket's trigger takes keys that end in .txt, so this one does not."""
    return f"{buckets.EXPERIMENTS}{Path(file).stem}.csv"


def _uploaded(lab: Lab, file: str) -> dict[str, Any]:
    """Upload the file, and return the event that S3 would send: the bucket has no trigger for this key."""
    key = buckets.upload(lab, DATA / file, _key(file))
    return buckets.creation(lab, key)


def _invoke(part: Lab, records: list[streams.Record]) -> str:
    """Invoke the function with these records. Return its error, or "without an error"."""
    try:
        functions.invoke(part, NOTIFIER, {"Records": records, "by": "hand"})
    except functions.FunctionFailed as error:
        return error.why
    return _("without an error")


def _deliveries(mine: Lab) -> list[tables.Item]:
    """Return the deliveries that delivery_log has noted, oldest first: Records, By and, when it has ended, Error."""
    return tables.items(mine, "ProcessedRecords", beginning="delivery ")


def _keeps_files(ours: Lab) -> bool:
    """Return True if a file that fails becomes a dead letter; an organisation may forbid that setting."""
    return functions.destination(functions.event_settings(ours, "TransactionProcessor")) is not None


def _is_right(ours: Lab) -> bool:
    """Return True if each total is the sum of the customer's transactions, and no alert is owed."""
    held = snapshot(ours)
    if [*compare_totals(held.sums(), held.totals)]:
        return False
    return all(
        (item["accountBalance"] >= ours.threshold) == item.get("alerted", False) for item in held.totals.values()
    )


def _balance(item: tables.Item) -> Decimal:
    """Return the customer's total, NaN if the learner's function has written something else there."""
    balance = item.get("accountBalance")
    return balance if isinstance(balance, Decimal) else Decimal("NaN")


def _left(mine: Lab, ids: set[str]) -> set[str]:
    """Return the changes that the learner's function has not yet processed without an error."""
    return ids - {
        record for delivery in _deliveries(mine) if delivery.get("Error") == "" for record in delivery["Records"]
    }


def _wait(part: Lab, probe: Callable[[], object], what: str) -> None:
    """Wait for the function of a part."""
    name = part.name(NOTIFIER)
    hint = _("Read the log of {name}.", name=name)
    part.wait_until(probe, _(what, name=name), timeout=180, on_aws=_("up to two minutes"), hint=hint)
