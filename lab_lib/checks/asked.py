"""Say what the text of an exercise asks for, and an account does not need. Only the exercises make these checks."""

from lab_lib.aws import functions, queues, tables, topics, triggers
from lab_lib.checks.facts import Want, equal, fact, none
from lab_lib.checks.rules import ASKED, Account
from lab_lib.lab import TAG_KEY, TAG_VALUE
from lab_lib.language import N_, _

TABLE, NOTIFIER, QUEUE = "TransactionTotal", "TotalNotifier", "CreditCollection"
OF_CALL = f"function-{NOTIFIER}"
GIVE = N_("Give {argument} to your call")
# The tags: the check that must hold first, how the tag is read, and the argument of the call that sets it.
_TAGGED = {
    TABLE: (f"table-{TABLE}", tables.is_ours, "Tags=[TAG]"),
    NOTIFIER: (OF_CALL, functions.is_ours, "Tags=TAGS"),
    "mapping": ("stream-trigger", lambda lab, _: triggers.is_ours(lab), "Tags=TAGS"),
    topics.ALERT_TOPIC: ("topic", topics.is_ours, "Tags=[TAG]"),
    QUEUE: (f"queue-{QUEUE}", queues.is_ours, "tags=TAGS"),
}


def tag(account: Account, name: str) -> bool:
    return account.ask(_TAGGED[name][1], name)


for _name, (_before, _is_ours, _argument) in _TAGGED.items():
    fact(
        ASKED,
        "tag-{}",
        "tag of the mapping" if _name == "mapping" else "tag of {}",
        tag,
        Want(bool, f"{TAG_KEY}={TAG_VALUE}"),
        N_("Give {argument} to your call. The clean-up deletes only what has this tag"),
        more=lambda _account, name: {"argument": _TAGGED[name][2]},
        after=_before,
        subjects=[_name],
    )


def units(account: Account, name: str) -> list[str]:
    read, write = account.ask(tables.units, name)
    text = _("PROVISIONED: {read} units to read, {write} to write", read=read, write=write)
    return [text] if read or write else []


fact(
    ASKED,
    "billing-{}",
    "billing of {}",
    units,
    none("PAY_PER_REQUEST"),
    N_('Give BillingMode="PAY_PER_REQUEST" to your call. Units are paid by the hour, used or not'),
    after="table-{}",
    subjects=[TABLE],
)


def asked_for(account: Account, name: str) -> object:
    return account.ask(functions.settings, NOTIFIER)[name]


def argument(account: Account, name: str) -> dict[str, str]:
    value = asked_for(account, name)
    return {"argument": f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}"}


fact(
    ASKED,
    "asked-{}",
    "argument {} of TotalNotifier",
    lambda account, name: account.settings(NOTIFIER).get(name),
    asked_for,
    GIVE,
    more=argument,
    after=OF_CALL,
    subjects=("Runtime", "Handler", "Timeout"),
)


def is_archive(account: Account) -> bool:
    digest = functions.digest(functions.package(functions.source_files(NOTIFIER)))
    return account.settings(NOTIFIER).get("CodeSha256") == digest


fact(
    ASKED,
    "asked-Code",
    "archive of TotalNotifier",
    is_archive,
    Want(bool, N_("the one of this cell"), otherwise=N_("another one")),
    GIVE,
    more=lambda _account: {"argument": 'Code={"ZipFile": archive}'},
    after=OF_CALL,
)


def environment(account: Account) -> list[str]:
    now, wanted = functions.environment(account.settings(NOTIFIER)), account.ask(functions.variables, NOTIFIER)
    others = [name for name in wanted if now.get(name) != wanted[name]]
    return [_("{name} is {value}", name=name, value=now.get(name, _("none"))) for name in others]


fact(
    ASKED,
    "asked-Environment",
    "environment of TotalNotifier",
    environment,
    lambda account: none(", ".join(sorted(account.ask(functions.variables, NOTIFIER)))),
    N_("Give **arguments to your call: they hold the environment variables"),
    after=OF_CALL,
)
fact(
    ASKED,
    "asked-batch-size",
    "batch size",
    "mapping.BatchSize",
    equal(triggers.MAPPING["BatchSize"]),
    GIVE,
    more=lambda _account: {"argument": f"BatchSize={triggers.MAPPING['BatchSize']}"},
    after="stream-trigger",
)
