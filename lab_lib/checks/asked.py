"""Check what the text of an exercise asks for, and an account does not need. Only the exercises make these checks."""

from functools import partial
from typing import Any

from lab_lib.aws import functions, machines, queues, tables, topics, triggers
from lab_lib.checks.rules import ASKED, Account, Finding, check, equal, none_of
from lab_lib.checks.step_02_stream import mapping
from lab_lib.lab import TAG_KEY, TAG_VALUE

TABLE, NOTIFIER, QUEUE = "TransactionTotal", "TotalNotifier", "CreditCollection"
BATCH = triggers.MAPPING["BatchSize"]
of_call = partial(check, ASKED, after=f"function-{NOTIFIER}")


# The tags: the check that must hold first, how the tag is read, and the argument of the call that sets it.
_TAGGED = {
    TABLE: (f"table-{TABLE}", tables.is_ours, "Tags=[TAG]"),
    NOTIFIER: (f"function-{NOTIFIER}", functions.is_ours, "Tags=TAGS"),
    "the mapping": ("stream-trigger", lambda lab, _: triggers.is_ours(lab), "Tags=TAGS"),
    topics.ALERT_TOPIC: ("topic", topics.is_ours, "Tags=[TAG]"),
    QUEUE: (f"queue-{QUEUE}", queues.is_ours, "tags=TAGS"),
    machines.NAME: (f"machine-{machines.NAME}", lambda lab, _: machines.is_ours(lab), "tags=[TAG]"),
}


def _tag(account: Account, name: str) -> Finding:
    _, is_ours, argument = _TAGGED[name]
    wanted = f"{TAG_KEY}={TAG_VALUE}"
    hint = f"Give {argument} to your call. The clean-up deletes only what has this tag."
    return equal(wanted if account.ask(is_ours, name) else "not there", wanted, hint)


for _name, (_first, *_) in _TAGGED.items():
    check(ASKED, f"tag-{_name.split()[-1]}", f"tag of {_name}", after=_first)(
        lambda account, name=_name: _tag(account, name)
    )


@check(ASKED, f"billing-{TABLE}", f"billing of {TABLE}", after=f"table-{TABLE}")
def billing(account: Account) -> Finding:
    read, write = account.ask(tables.units, TABLE)
    mode = f"PROVISIONED: {read} units to read, {write} to write" if read or write else "PAY_PER_REQUEST"
    hint = 'Give BillingMode="PAY_PER_REQUEST" to your call. Units are paid by the hour, used or not.'
    return equal(mode, "PAY_PER_REQUEST", hint)


@of_call("asked-{}", f"argument {{}} of {NOTIFIER}", subjects=("Runtime", "Handler", "Timeout"))
def setting(account: Account, name: str) -> Finding:
    now, wanted = (str(settings.get(name, "none")) for settings in (account.settings(NOTIFIER), _wanted(account)))
    value = wanted if name == "Timeout" else f'"{wanted}"'
    return equal(now, wanted, f"Give {name}={value} to your call.")


@of_call("asked-Code", f"archive of {NOTIFIER}")
def archive(account: Account) -> Finding:
    wanted, digest = "the one of this cell", functions.digest(functions.package(functions.source_files(NOTIFIER)))
    now = wanted if account.settings(NOTIFIER).get("CodeSha256") == digest else "another one"
    return equal(now, wanted, 'Give Code={"ZipFile": archive} to your call.')


@of_call("asked-Environment", f"environment of {NOTIFIER}")
def environment(account: Account) -> Finding:
    """Another threshold is no fault: it may be that of an earlier run, and the helper brings it up to date."""
    now = account.settings(NOTIFIER).get("Environment", {}).get("Variables", {})
    wanted = _wanted(account)["Environment"]["Variables"]
    wrong = [f"no {name}" for name in wanted if name not in now]
    wrong += [f"{name} is {now[name]}" for name in now if name != "THRESHOLD" and wanted.get(name) != now[name]]
    hint = "Give **arguments to your call: they hold the environment variables."
    return none_of(wrong, hint, right=", ".join(sorted(wanted)))


@check(ASKED, "asked-batch-size", "batch size", after="stream-trigger")
def batch_size(account: Account) -> Finding:
    return equal(str(mapping(account).get("BatchSize")), str(BATCH), f"Give BatchSize={BATCH} to your call.")


def _wanted(account: Account) -> dict[str, Any]:
    return account.ask(functions.settings, NOTIFIER)
