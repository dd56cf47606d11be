"""Compare what an account has with what the lab wants.

A fact is a document of the account, as AWS describes it, a place in it, and the value that is wanted there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import jmespath

from lab_lib.aws import functions, queues, tables, topics
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, TOPIC, mapping, subscription_settings
from lab_lib.checks.rules import RULES, Account, Finding, State, check, made_by, or_none
from lab_lib.lab import Lab
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.resources import SETTINGS
from lab_lib.settings import DEFAULT_REGION

Read = Callable[..., Any]  # of the account and the subject, if there is one
DOCUMENTS: dict[str, Read] = {
    "table": lambda account, name=tables.STREAMED: account.ask(tables.describe, name),
    "function": lambda account, name: account.ask(functions.describe, name),
    "mapping": lambda account: mapping(account),
    "topic": lambda account: account.ask(topics.attributes),
    "subscription": subscription_settings,
    "queue": lambda account, name: account.ask(queues.attributes, name),
}


class Meant(str):
    """A fault that an organisation may want: it "could be", and costs nothing."""


@dataclass(frozen=True)
class Want:
    """The values that are right, and how they are said: `words` with `values` in its places.

    `otherwise` is said of what is nothing, and of what is true and should not be. `unit` is said with a number.
    """

    fits: Callable[[Any], object]
    words: str
    values: Mapping[str, object] = field(default_factory=dict)
    otherwise: str = N_("not there")
    unit: str = "{}"

    def __str__(self) -> str:
        return _(self.words, **{name: self.shown(value) for name, value in self.values.items()})

    def shown(self, found: Any) -> str:
        """Return the text of a value that was found: a right one without text of its own is shown as the wanted one."""
        if isinstance(found, int) and not isinstance(found, bool):
            return _(self.unit).format(found)
        if found is True or not found:
            return str(self) if self.fits(found) else _(self.otherwise, **self.values)
        return listing(sorted(found)) if isinstance(found, list) else str(found)


def equal(value: object, otherwise: str = N_("not there")) -> Want:
    return Want(lambda found: found == value, "{value}", {"value": value}, otherwise)


def yes(words: str, otherwise: str = N_("not there"), **values: object) -> Want:
    """Want what is true. Of anything else that was found, the text says why it is not."""
    return Want(lambda found: found is True, words, values, otherwise)


def none(words: str = N_("none"), otherwise: str = "", **values: object) -> Want:
    """Want nothing: no fault in a list, an empty text, or what is not true."""
    return Want(lambda found: not found, words, values, otherwise)


def at_least(least: int, unit: str = "{}") -> Want:
    return Want(lambda found: found >= least, N_("{least} or more"), {"least": least}, unit=unit)


def at_most(most: int, unit: str = "{}") -> Want:
    return Want(lambda found: found <= most, N_("at most {most}"), {"most": most}, unit=unit)


def within(least: int, most: int) -> Want:
    return Want(lambda found: least <= found <= most, N_("{least} to {most}"), {"least": least, "most": most})


def one_of(*values: str) -> Want:
    return Want(lambda found: found in values, N_("{one} or {other}"), dict(zip(("one", "other"), values, strict=True)))


def fact(
    step: str,
    id: str,
    name: str,
    found: str | Read,
    want: Any,
    why: str,
    call: str = "",
    console: str = "",
    waits: tuple[str, ...] = (),
    is_free: bool = False,
    by_cell: bool = True,
    similar: Callable[[Lab], list[str]] | None = None,
    more: Read = lambda *_: {},
    **how: Any,
) -> None:
    """Enter a check: what is found must be what is wanted, a value or a `Want`.

    `found` is a document of DOCUMENTS and a place in it, as jmespath writes it: "queue.DelaySeconds". Found and wanted
    may also be functions of the account and the subject. `why` and `call` make the hint, as `Account.how_to_fix` says:
    in braces stand `names`, and what `more` returns. `how` is as `check` has it.

    Without `by_cell`, no cell of the notebooks puts it right.

    What was found and ends in one of `waits` changes by itself. What `is_free` "could be", and costs nothing. A hint
    for what is missing tells a similar name of those that `similar` reads, since most are misspelled.
    """
    read = _reader(found) if isinstance(found, str) else found

    def judge(account: Account, *subject: str) -> Finding:
        now, right = read(account, *subject), want(account, *subject) if callable(want) else want
        wanted = right if isinstance(right, Want) else equal(right)
        texts, fits = (wanted.shown(now), str(wanted)), bool(wanted.fits(now))
        if any(str(now).endswith(state) for state in waits):
            return Finding(State.WAITS, *texts, _("Wait a moment: AWS has not finished."))
        told = names(account, *subject, found=texts[0], wanted=texts[1]) | more(account, *subject)
        cell = made_by(RULES[id.replace("{}", "".join(subject))]) if by_cell else None
        hint = account.how_to_fix(_(why, **told), _(call, **told), console, cell)
        if similar and not now:
            hint = _with_near(hint, account, texts[1], similar)
        faults = now if isinstance(now, list) else []
        is_meant = is_free or (bool(faults) and all(isinstance(fault, Meant) for fault in faults))
        state = State.OK if fits else State.COULD_BE if is_meant else State.NOT_YET
        return Finding(state, *texts, hint, counts=fits or not is_meant)

    check(step, id, name, **how)(judge)


def there(read: Callable[..., Any]) -> Read:
    """Return what reads the name of the subject, or of the topic, if it is there."""
    return lambda account, *subject: own_name(account, *subject) if account.ask(read, *subject) else ""


def own_name(account: Account, name: str = TOPIC) -> str:
    return account.name(name)


def asked(read: Callable[..., Any]) -> Read:
    """Return what asks the account this question about the subject."""
    return lambda account, *subject: account.ask(read, *subject)


def names(account: Account, subject: str = "", **more: str) -> dict[str, object]:
    """Return what a hint may name: its subject as it is called here, and each thing that the lab has one of."""
    lab, place = account.lab, {"LocationConstraint": account.lab.region}
    abroad = "" if lab.region == DEFAULT_REGION else f", CreateBucketConfiguration={place}"
    return {
        "name": lab.name(subject),
        "url": f'sqs.get_queue_url(QueueName="{lab.name(subject)}")["QueueUrl"]',
        "account": lab.account,
        "region": lab.region,
        "bucket": lab.bucket,
        "bucket_arn": lab.arn("s3", lab.bucket),
        "abroad": abroad,
        "table": lab.name(tables.STREAMED),
        "processor": lab.name(PROCESSOR),
        "notifier": lab.name(NOTIFIER),
        "topic": lab.name(TOPIC),
        "queue_arn": queues.queue_arn(lab, subject),
        "topic_arn": lab.arn("sns", lab.name(TOPIC)),
        "letters": queues.queue_arn(lab, queues.DEAD_LETTERS),
        "settings": SETTINGS,
        **more,
    }


def _reader(place: str) -> Read:
    kind, path = place.split(".", 1)
    compiled = jmespath.compile(path)
    return lambda account, *subject: compiled.search(DOCUMENTS[kind](account, *subject) or {})


def _with_near(hint: str, account: Account, name: str, similar: Callable[[Lab], list[str]]) -> str:
    """Return the hint, after a name like the wanted one, if somebody may list them and there is one."""
    others = or_none(lambda: account.ask(similar)) or []
    there = {other.lower(): other for other in others if other != name}  # a deleted queue is listed for a minute
    for near in get_close_matches(name.lower(), there, n=1, cutoff=0.8):
        hint = _("{other} is there: the name must be the same to the letter. {hint}", other=there[near], hint=hint)
    return hint
