"""Check step 02, its second half: the stream starts TotalNotifier."""

from typing import Any

from lab_lib.aws import functions, tables, triggers
from lab_lib.aws.evaluator import any_of
from lab_lib.aws.event_filters import ANY, passes
from lab_lib.aws.grants import short
from lab_lib.aws.json_text import having
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, listing, none_of
from lab_lib.checks.step_02 import NOTIFIER, PROCESSOR, runs_as_latest, starts
from lab_lib.errors import LabError
from lab_lib.resources import TOTALS, cell

STARTING = ("Creating", "Enabling", "Updating")  # states of a mapping that end by themselves
LONGEST_WINDOW = 60  # seconds; a longer one looks like a trigger that does not work
_TRIGGERS = "Configuration, Triggers"  # in Lambda's console
_ROW = {
    **{name: {"S": ANY} for name in ("CustomerId", "TransactionId", "TransactionDate")},
    "TransactionAmount": {"N": ANY},
}


@check("02", "stream-trigger", "stream trigger", after=f"stream function-{NOTIFIER}", of="stream trigger", weight=3)
def stream_trigger(account: Account) -> Finding:
    wanted = f"the stream starts {account.lab.name(NOTIFIER)}"
    hint = f"Let the stream of {account.lab.name('Transactions')} start {account.lab.name(NOTIFIER)}"
    hint += map_stream(account, "create_event_source_mapping")
    if mapping(account):
        return judged(True, wanted, wanted, hint)
    others = [_mapped(account, each) for each in account.ask(triggers.mappings)]
    return judged(False, ", ".join(others) or "not there", wanted, hint)


@check("02", "stream-trigger-state", "state of the stream trigger", after="stream-trigger", of="stream trigger")
def state(account: Account) -> Finding:
    found, name = mapping(account)["State"], account.lab.name(NOTIFIER)
    hint = f"Enable the trigger of {name}{map_stream(account)}"
    if found in STARTING:
        return Finding(State.WAITS, found, "Enabled", f"Wait a moment: the trigger of {name} starts.")
    return equal(found, "Enabled", hint)


@check("02", "stream-trigger-position", "starting position of the stream trigger", after="stream-trigger", link=TOTALS)
def start(account: Account) -> Finding:
    found = mapping(account).get("StartingPosition", "unknown")
    hint = f"A position cannot be changed. Delete the trigger of {account.lab.name(NOTIFIER)} with "
    hint += "delete_event_source_mapping, and add it again at LATEST or TRIM_HORIZON"
    hint += map_stream(account, "create_event_source_mapping")
    return judged(found in ("LATEST", "TRIM_HORIZON"), found, "LATEST or TRIM_HORIZON", hint)


@check("02", "stream-trigger-batching-window", "batching window of the stream trigger", after="stream-trigger")
def batching_window(account: Account) -> Finding:
    found = mapping(account).get("MaximumBatchingWindowInSeconds", 0)
    hint = f"Alerts wait for the batch window of the trigger of {account.lab.name(NOTIFIER)}. Set it to 0 or 1 s"
    hint += map_stream(account)
    return judged(found <= LONGEST_WINDOW, f"{found} s", f"at most {LONGEST_WINDOW} s", hint)


@check(
    "02",
    "stream-trigger-tumbling-window",
    "tumbling window of the stream trigger",
    after="stream-trigger",
    of="stream trigger",
)
def tumbling_window(account: Account) -> Finding:
    """With a tumbling window, Lambda wants a state as the answer of the function, and calls it without records too."""
    found = mapping(account).get("TumblingWindowInSeconds", 0)
    hint = f"Set the tumbling window of the trigger of {account.lab.name(NOTIFIER)} to 0 s"
    hint += account.mend("update_event_source_mapping with TumblingWindowInSeconds=0", console=_TRIGGERS)
    return equal(f"{found} s" if found else "none", "none", hint)


@check("02", "stream-trigger-filter", "filter of the stream trigger", after="stream-trigger", of="stream trigger")
def stream_filter(account: Account) -> Finding:
    """The filter lets new rows through. Changes of a row are judged by the step "further"."""
    hint = f"What the filter of the trigger of {account.lab.name(NOTIFIER)} drops is never added up. Remove the filter"
    found = ", ".join(_patterns(account)) or "none"
    return judged(lets_through(account, "INSERT"), found, "every new row", hint + map_stream(account))


@check("02", "stream-trigger-version", "version of the stream trigger", after="stream-trigger", of="stream trigger")
def version(account: Account) -> Finding:
    start_itself = account.mend("update_event_source_mapping with its FunctionName", console=_TRIGGERS)
    return runs_as_latest(account, NOTIFIER, iter([mapping(account)["FunctionArn"]]), start_itself)


@check("02", "other-stream-triggers", "other stream triggers", after="stream-trigger")
def other_stream_triggers(account: Account) -> Finding:
    """No trigger is there twice or reads an earlier stream. No trigger's function is gone, or the wrong one."""
    names = {*account.ask(functions.names)} - {account.lab.name(PROCESSOR), account.lab.name(NOTIFIER)}
    first = mapping(account)
    others = [each for each in account.ask(triggers.mappings) if each["UUID"] != first.get("UUID")]
    wrong = [each for each in others if _is_old(account, each) or not starts(account, each["FunctionArn"], *names)]
    hint = f"Delete this trigger of the stream of {account.lab.name('Transactions')}"
    call = "delete_event_source_mapping"
    if wrong:
        call += f" with the UUID {listing(each['UUID'] for each in wrong)}"
    faults = (_mapped(account, each, first.get("FunctionArn", "")) for each in wrong)
    return none_of(faults, hint + account.mend(call, console=_TRIGGERS))


def mapping(account: Account) -> dict[str, Any]:
    """Return the first mapping from the present stream to TotalNotifier; {} if there is none."""
    present = [each for each in account.ask(triggers.mappings) if not _is_old(account, each)]
    return next((each for each in present if starts(account, each["FunctionArn"], account.lab.name(NOTIFIER))), {})


def lets_through(account: Account, event: str) -> bool:
    """Return True if the filter of the trigger lets this event of every row through, such as INSERT.

    Raises LabError if that cannot be decided.
    """
    images = {"NewImage": _ROW, "Keys": {name: _ROW[name] for name in tables.KEYS["Transactions"]}}
    record = {"eventName": event, "eventSource": "aws:dynamodb", "awsRegion": account.lab.region, "dynamodb": images}
    patterns = _patterns(account)
    answer = any_of(passes(each, record) for each in patterns) if patterns else True
    if isinstance(answer, str):
        raise LabError(f"this check cannot judge {answer}")
    return answer


def map_stream(account: Account, call: str = "update_event_source_mapping") -> str:
    """Return the end of a hint: how the trigger is changed."""
    return account.mend(call, cell("stream trigger"), _TRIGGERS)


def _patterns(account: Account) -> list[str]:
    filters = having(mapping(account).get("FilterCriteria", {}).get("Filters", []), "Pattern")
    return [each["Pattern"] for each in filters]


def _is_old(account: Account, mapping: dict[str, Any]) -> bool:
    """Return True if the mapping reads a stream that the table had before."""
    return bool(mapping["EventSourceArn"] != account.ask(tables.find_stream))


def _mapped(account: Account, mapping: dict[str, Any], function: str = "") -> str:
    """Return what a mapping does; that it does so once more, if another one starts this function already."""
    is_old, arn = _is_old(account, mapping), mapping["FunctionArn"]
    again = " once more" if arn == function and not is_old else ""
    return f"{'an earlier stream' if is_old else 'the stream'} starts {short(account.lab, arn)}{again}"
