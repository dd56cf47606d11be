"""Compare what an account has with what the lab wants: the facts of facts.toml.

A fact is a document of the account, as AWS describes it, a place in it, and the value that is wanted there.
"""

import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import jmespath

from lab_lib import aws, resources
from lab_lib.aws import queues, tables, topics
from lab_lib.checks.hints import how_to_fix
from lab_lib.checks.reading import DOCUMENTS, NOTIFIER, PROCESSOR, TOPIC, Account, or_none
from lab_lib.checks.rules import RULES, Finding, Rule, State, Unasked
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing

FILE = Path(__file__).with_name("facts.toml")


class _Names(dict[str, object]):
    """Map the names that a text may have in braces to values. The account is read only if a text has the name."""

    def __init__(self, account: Account, subject: str, values: dict[str, str]) -> None:
        lab = account.lab
        super().__init__(
            name=lab.name(subject),
            url=f'sqs.get_queue_url(QueueName="{lab.name(subject)}")["QueueUrl"]',
            queue_arn=queues.queue_arn(lab, subject),
            account=lab.account,
            region=lab.region,
            bucket=lab.bucket,
            bucket_arn=lab.arn("s3", lab.bucket),
            table=lab.name(tables.STREAMED),
            processor=lab.name(PROCESSOR),
            notifier=lab.name(NOTIFIER),
            topic=lab.name(TOPIC),
            topic_arn=topics.topic_arn(lab),
            queue=lab.name(queues.DEAD_LETTERS),
            letters=queues.queue_arn(lab, queues.DEAD_LETTERS),
            settings=resources.SETTINGS,
            clean_up=resources.CLEAN_UP,
        )
        self.update(values)
        self.account = account
        self.subject = subject

    def __missing__(self, name: str) -> object:
        found = NAMES.get(name, f"{name} {self.subject}")
        return look_up(self.account, found.replace("{}", self.subject))

    def fill(self, text: str) -> str:
        """Return a text in the user's language, with the names in its places."""
        return _(text).format_map(self)


@dataclass(frozen=True, eq=False)
class Fact(Rule):
    """A fact is a check with the fields that facts.toml describes."""

    found: str = ""
    why: str = ""
    call: str = ""
    console: str = ""
    want: str | int | list[str] = ""
    range: list[int] = field(default_factory=list)
    yes: str = ""
    some: str = ""
    none: str = ""
    otherwise: str = N_("not there")
    unit: str = "{}"
    values: dict[str, str] = field(default_factory=dict)
    waits: list[str] = field(default_factory=list)
    similar: str = ""
    is_free: bool = False

    @property
    def texts(self) -> list[str]:
        """Return what is translated, but for the title."""
        texts = [self.why, self.console, self.yes, self.some, self.none, self.otherwise, self.unit]
        return [text for text in texts if text.isalpha() or " " in text]  # others are code

    def compare(self, account: Account, subject: str = "") -> Finding:
        names = _Names(account, subject, self.values)
        found = look_up(account, self.found.replace("{}", subject))
        fits, wanted = self._compared(found, names)
        is_asked = not isinstance(found, Unasked)
        fits = fits or not is_asked
        shown = self._shown(found, fits, wanted, names)
        if shown.endswith(tuple(self.waits)):
            return Finding(State.WAITS, shown, wanted, _("Wait a moment: AWS has not finished."))
        names.update(found=shown, wanted=wanted)
        cell = RULES[self.id.replace("{}", subject)].cell
        hint = how_to_fix(account.lab, names.fill(self.why), names.fill(self.call), self.console, cell)
        if self.similar and not found:
            hint = _with_near(hint, account, wanted, self.similar)
        state = State.COULD_BE if self.is_free else State.NOT_YET
        if fits:
            state = State.OK
        return Finding(state, shown, wanted, hint, counts=is_asked and state is not State.COULD_BE)

    def _compared(self, found: Any, names: _Names) -> tuple[bool, str]:
        """Return whether what was found is right, and the text of what is."""
        if self.range:
            least, most = self.range
            fits = isinstance(found, int | float) and least <= found <= most
            return fits, _(self.unit).format(_("{least} to {most}", least=least, most=most))
        if self.yes:
            return found is True, names.fill(self.yes)
        if self.some:
            return bool(found), names.fill(self.some)
        if self.none:
            return not found, names.fill(self.none)
        wanted = self.want if isinstance(self.want, list) else [str(self.want)]
        texts = [names.fill(text) for text in wanted]
        return str(found) in texts, _(" or ").join(texts)

    def _shown(self, found: Any, fits: bool, wanted: str, names: _Names) -> str:
        """Return the text of what was found: what is right without a text of its own is shown as the wanted."""
        if isinstance(found, int) and not isinstance(found, bool):
            return _(self.unit).format(found)
        if found is True or not found:
            return wanted if fits else names.fill(self.otherwise)
        return listing(sorted(found)) if isinstance(found, list) else str(found)


def look_up(account: Account, found: str) -> Any:
    """Return what the account has at a place of a document, such as "tables.describe Customer : TableStatus"."""
    document, _colon, place = found.partition(" : ")
    name, *about = document.split()
    module, _dot, function = name.rpartition(".")
    if module:
        content = account.ask(getattr(getattr(aws, module), function), *about)
    else:
        content = DOCUMENTS[name](account, *about)
    return jmespath.search(place, content or {}) if place else content


def _with_near(hint: str, account: Account, name: str, similar: str) -> str:
    """Return the hint, after a name like the wanted one, if somebody may list them and there is one."""
    names = or_none(lambda: look_up(account, similar)) or []
    others = [other for other in names if other != name]  # a deleted queue is listed for a minute
    for near in get_close_matches(name, others, n=1, cutoff=0.8):
        hint = _("{other} is there: the name must be the same to the letter. {hint}", other=near, hint=hint)
    return hint


_CONTENT = tomllib.loads(FILE.read_text("utf-8"))
NAMES = _CONTENT["names"]  # of texts: a document and a place
FACTS = []
for _fields in _CONTENT["fact"]:
    try:
        _fact = Fact(**_fields)
    except TypeError as error:  # a field that there is not
        error.add_note(f"The fact {_fields['id']!r} is in {FILE.name}, whose head names the fields.")
        raise
    _fact.enter(_fact.compare)
    FACTS.append(_fact)
