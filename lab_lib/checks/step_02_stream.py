"""Check step 02, its second half: the stream starts TotalNotifier."""

from lab_lib.aws import triggers
from lab_lib.aws.grants import short
from lab_lib.checks.reading import NOTIFIER, is_old, mapping, starts_another
from lab_lib.checks.rules import Account, Finding, State, check, equal, judged, none_of
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing

STARTING = ("Creating", "Enabling", "Updating")  # states of a mapping that end by themselves
LONGEST_WINDOW = 60  # seconds; a longer one looks like a trigger that does not work
UPDATE, TRIGGERS = "update_event_source_mapping", N_("Configuration, Triggers")  # in Lambda's console


@check(
    "02",
    "stream-trigger",
    "stream trigger",
    after=f"stream function-{NOTIFIER}",
    of="stream trigger",
    weight=3,
    call="create_event_source_mapping",
    console=TRIGGERS,
)
def stream_trigger(account: Account) -> Finding:
    name = account.name(NOTIFIER)
    wanted = _("the stream starts {function}", function=name)
    hint = _("Let the stream of {table} start {function}", table=account.name("Transactions"), function=name)
    if mapping(account):
        return judged(True, wanted, wanted, hint)
    others = [_mapped(account, trigger) for trigger in account.ask(triggers.mappings)]
    return judged(False, _(", ").join(others) or _("not there"), wanted, hint)


@check(
    "02",
    "stream-trigger-state",
    "state of the stream trigger",
    after="stream-trigger",
    of="stream trigger",
    call=UPDATE,
    console=TRIGGERS,
)
def state(account: Account) -> Finding:
    state, name = mapping(account)["State"], account.name(NOTIFIER)
    if state in STARTING:
        hint = _("Wait a moment: the trigger of {function} starts.", function=name)
        return Finding(State.WAITS, state, "Enabled", hint)
    return equal(state, "Enabled", _("Enable the trigger of {function}", function=name))


@check(
    "02",
    "stream-trigger-batching-window",
    "batching window of the stream trigger",
    after="stream-trigger",
    call=UPDATE,
    console=TRIGGERS,
)
def batching_window(account: Account) -> Finding:
    window = mapping(account).get("MaximumBatchingWindowInSeconds", 0)
    hint = _(
        "Alerts wait for the batch window of the trigger of {name}. Set it to 0 or 1 s", name=account.name(NOTIFIER)
    )
    wanted = _("at most {seconds} s", seconds=LONGEST_WINDOW)
    return judged(window <= LONGEST_WINDOW, _("{seconds} s", seconds=window), wanted, hint)


@check("02", "other-stream-triggers", "other stream triggers", after="stream-trigger")
def other_stream_triggers(account: Account) -> Finding:
    """No trigger is there twice or reads an earlier stream. No trigger's function is gone, or the wrong one."""
    first = mapping(account)
    others = [trigger for trigger in account.ask(triggers.mappings) if trigger["UUID"] != first.get("UUID")]
    wrong = [other for other in others if is_old(account, other) or not starts_another(account, other["FunctionArn"])]
    call, uuids = "delete_event_source_mapping", listing(trigger["UUID"] for trigger in wrong)
    if wrong:
        call = _("delete_event_source_mapping with the UUID {uuids}", uuids=uuids)
    hint = _("Delete this trigger of the stream of {table}", table=account.name("Transactions"))
    hint = account.how_to_fix(hint, call, TRIGGERS)
    return none_of((_mapped(account, trigger) for trigger in wrong), hint)


def _mapped(account: Account, mapping: triggers.Trigger) -> str:
    """Return what a mapping does."""
    name = short(account.lab, mapping["FunctionArn"])
    if is_old(account, mapping):
        return _("an earlier stream starts {function}", function=name)
    return _("the stream starts {function}", function=name)
