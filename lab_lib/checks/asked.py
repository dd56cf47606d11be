"""Check what the text of an exercise asks for, and an account does not need. Only the exercises make these checks."""

from functools import partial

from lab_lib.aws import functions, queues, tables, topics, triggers
from lab_lib.checks.reading import mapping
from lab_lib.checks.rules import ASKED, Account, Finding, check, either, equal, none_of
from lab_lib.lab import TAG_KEY, TAG_VALUE
from lab_lib.language import N_, _

TABLE, NOTIFIER, QUEUE = "TransactionTotal", "TotalNotifier", "CreditCollection"
BATCH = triggers.MAPPING["BatchSize"]
of_call = partial(check, ASKED, after=f"function-{NOTIFIER}")


# The tags: the check that must hold first, how the tag is read, and the argument of the call that sets it.
_TAGGED = {
    TABLE: (f"table-{TABLE}", tables.is_ours, "Tags=[TAG]"),
    NOTIFIER: (f"function-{NOTIFIER}", functions.is_ours, "Tags=TAGS"),
    "mapping": ("stream-trigger", lambda lab, _: triggers.is_ours(lab), "Tags=TAGS"),
    topics.ALERT_TOPIC: ("topic", topics.is_ours, "Tags=[TAG]"),
    QUEUE: (f"queue-{QUEUE}", queues.is_ours, "tags=TAGS"),
}


def _tag(account: Account, name: str) -> Finding:
    _first, is_ours, argument = _TAGGED[name]
    wanted = f"{TAG_KEY}={TAG_VALUE}"
    hint = _("Give {argument} to your call. The clean-up deletes only what has this tag.", argument=argument)
    return either(account.ask(is_ours, name), wanted, _("not there"), hint)


for _name, (_before, *_how) in _TAGGED.items():
    _title = N_("tag of the mapping") if _name == "mapping" else N_("tag of {}")
    check(ASKED, "tag-{}", _title, after=_before, subjects=[_name])(_tag)


@check(ASKED, "billing-{}", "billing of {}", after="table-{}", subjects=[TABLE])
def billing(account: Account, name: str) -> Finding:
    read, write = account.ask(tables.units, name)
    otherwise = _("PROVISIONED: {read} units to read, {write} to write", read=read, write=write)
    hint = _('Give BillingMode="PAY_PER_REQUEST" to your call. Units are paid by the hour, used or not.')
    return either(read == write == 0, "PAY_PER_REQUEST", otherwise, hint)


@of_call("asked-{}", N_("argument {} of TotalNotifier"), subjects=("Runtime", "Handler", "Timeout"))
def setting(account: Account, name: str) -> Finding:
    both = account.settings(NOTIFIER), account.ask(functions.settings, NOTIFIER)
    now, wanted = (str(settings.get(name, _("none"))) for settings in both)
    value = wanted if name == "Timeout" else f'"{wanted}"'
    return equal(now, wanted, _give(f"{name}={value}"))


@of_call("asked-Code", N_("archive of TotalNotifier"))
def archive(account: Account) -> Finding:
    digest = functions.digest(functions.package(functions.source_files(NOTIFIER)))
    is_same = account.settings(NOTIFIER).get("CodeSha256") == digest
    return either(is_same, _("the one of this cell"), _("another one"), _give('Code={"ZipFile": archive}'))


@of_call("asked-Environment", N_("environment of TotalNotifier"))
def environment(account: Account) -> Finding:
    now, wanted = functions.environment(account.settings(NOTIFIER)), account.ask(functions.variables, NOTIFIER)
    others = (name for name in wanted if now.get(name) != wanted[name])
    wrong = (_("{name} is {value}", name=name, value=now.get(name, _("none"))) for name in others)
    hint = _("Give **arguments to your call: they hold the environment variables.")
    return none_of(wrong, hint, right=_(", ").join(sorted(wanted)))


@check(ASKED, "asked-batch-size", "batch size", after="stream-trigger")
def batch_size(account: Account) -> Finding:
    return equal(str(mapping(account).get("BatchSize")), str(BATCH), _give(f"BatchSize={BATCH}"))


def _give(argument: str) -> str:
    return _("Give {argument} to your call.", argument=argument)
