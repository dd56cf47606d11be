"""Check step 02, its second half: the stream starts TotalNotifier."""

from typing import Any

from lab_lib.aws import functions, tables, triggers
from lab_lib.aws.grants import short
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, none_of
from lab_lib.checks.step_02 import NOTIFIER, PROCESSOR, starts
from lab_lib.resources import TOTALS, cell
from lab_lib.wording import listing

STARTING = ("Creating", "Enabling", "Updating")  # states of a mapping that end by themselves
LONGEST_WINDOW = 60  # seconds; a longer one looks like a trigger that does not work
_TRIGGERS = "Configuration, Triggers"  # in Lambda's console


@check("02", "stream-trigger", "stream trigger", after=f"stream function-{NOTIFIER}", of="stream trigger", weight=3)
def stream_trigger(account: Account) -> Finding:
    wanted = f"the stream starts {account.lab.name(NOTIFIER)}"
    hint = f"Let the stream of {account.lab.name('Transactions')} start {account.lab.name(NOTIFIER)}"
    hint += map_stream(account, "create_event_source_mapping")
    if mapping(account):
        return judged(True, wanted, wanted, hint)
    others = [_mapped(account, trigger) for trigger in account.ask(triggers.mappings)]
    return judged(False, ", ".join(others) or "not there", wanted, hint)


@check("02", "stream-trigger-state", "state of the stream trigger", after="stream-trigger", of="stream trigger")
def state(account: Account) -> Finding:
    state, name = mapping(account)["State"], account.lab.name(NOTIFIER)
    hint = f"Enable the trigger of {name}{map_stream(account)}"
    if state in STARTING:
        return Finding(State.WAITS, state, "Enabled", f"Wait a moment: the trigger of {name} starts.")
    return equal(state, "Enabled", hint)


@check("02", "stream-trigger-position", "starting position of the stream trigger", after="stream-trigger", link=TOTALS)
def start(account: Account) -> Finding:
    position = mapping(account).get("StartingPosition", "unknown")
    hint = f"A position cannot be changed. Delete the trigger of {account.lab.name(NOTIFIER)} with "
    hint += "delete_event_source_mapping, and add it again at LATEST or TRIM_HORIZON"
    hint += map_stream(account, "create_event_source_mapping")
    return judged(position in ("LATEST", "TRIM_HORIZON"), position, "LATEST or TRIM_HORIZON", hint)


@check("02", "stream-trigger-batching-window", "batching window of the stream trigger", after="stream-trigger")
def batching_window(account: Account) -> Finding:
    window = mapping(account).get("MaximumBatchingWindowInSeconds", 0)
    hint = f"Alerts wait for the batch window of the trigger of {account.lab.name(NOTIFIER)}. Set it to 0 or 1 s"
    hint += map_stream(account)
    return judged(window <= LONGEST_WINDOW, f"{window} s", f"at most {LONGEST_WINDOW} s", hint)


@check("02", "other-stream-triggers", "other stream triggers", after="stream-trigger")
def other_stream_triggers(account: Account) -> Finding:
    """No trigger is there twice or reads an earlier stream. No trigger's function is gone, or the wrong one."""
    names = {*account.ask(functions.names)} - {account.lab.name(PROCESSOR), account.lab.name(NOTIFIER)}
    first = mapping(account)
    others = [trigger for trigger in account.ask(triggers.mappings) if trigger["UUID"] != first.get("UUID")]
    wrong = [other for other in others if _is_old(account, other) or not starts(account, other["FunctionArn"], *names)]
    hint = f"Delete this trigger of the stream of {account.lab.name('Transactions')}"
    call = "delete_event_source_mapping"
    if wrong:
        call += f" with the UUID {listing(trigger['UUID'] for trigger in wrong)}"
    faults = (_mapped(account, trigger, first.get("FunctionArn", "")) for trigger in wrong)
    return none_of(faults, hint + account.fix(call, console=_TRIGGERS))


def mapping(account: Account) -> dict[str, Any]:
    """Return the first mapping from the present stream to TotalNotifier; {} if there is none."""
    name = account.lab.name(NOTIFIER)
    present = [trigger for trigger in account.ask(triggers.mappings) if not _is_old(account, trigger)]
    return next((trigger for trigger in present if starts(account, trigger["FunctionArn"], name)), {})


def map_stream(account: Account, call: str = "update_event_source_mapping") -> str:
    """Return the end of a hint: how the trigger is changed."""
    return account.fix(call, cell("stream trigger"), _TRIGGERS)


def _is_old(account: Account, mapping: dict[str, Any]) -> bool:
    """Return True if the mapping reads a stream that the table had before."""
    return bool(mapping["EventSourceArn"] != account.ask(tables.find_stream))


def _mapped(account: Account, mapping: dict[str, Any], function: str = "") -> str:
    """Return what a mapping does; that it does so once more, if another one starts this function already."""
    is_old, arn = _is_old(account, mapping), mapping["FunctionArn"]
    again = " once more" if arn == function and not is_old else ""
    return f"{'an earlier stream' if is_old else 'the stream'} starts {short(account.lab, arn)}{again}"
