"""What is private, and what stands for it in all that is written down: notebooks that were run, results, reports."""

import re
from functools import cache
from html import escape
from urllib.parse import quote_plus

from lab_lib.embedded.server import ACCOUNT
from lab_lib.lab import Lab

_SHORTEST = 16  # no credential of AWS is shorter; an emulator takes any word, such as "test", which is no secret


def masked(text: str, lab: Lab) -> str:
    """The text without the account, the addresses and the credentials of this lab; nothing else is touched."""
    for value, mask in _masks(lab):
        text = text.replace(value, mask)
    return text


def without_accounts(text: str) -> str:
    """The text with all but the last four digits of every account masked, for want of a lab that knows its own."""
    return re.sub(r"(?<!\d)\d{8}(?=\d{4}(?!\d))", "********", text)


@cache  # asked once, since credentials that have expired cannot be read any more
def _masks(lab: Lab) -> list[tuple[str, str]]:
    """(what is private, what stands for it), in each way of writing it; a longer one may hold a shorter one."""
    private = _people(lab) | _credentials(lab)
    spelled = {spell(value): mask for value, mask in private.items() for spell in (str, escape, quote_plus)}
    return sorted(spelled.items(), key=lambda pair: len(pair[0]), reverse=True)


def _people(lab: Lab) -> dict[str, str]:
    people = {}
    if lab.account != ACCOUNT:  # the embedded AWS has it ready for everybody
        people[lab.account] = f"********{lab.account[-4:]}"
    if lab.email:
        people[lab.email] = f"{lab.email[0]}***@{lab.email.partition('@')[2]}"
    if number := lab.phone.removeprefix("+"):  # which is found with its + and without
        people[number] = f"{'*' * (len(number) - 2)}{number[-2:]}"
    return people


def _credentials(lab: Lab) -> dict[str, str]:
    found = lab.session.get_credentials()
    values = found.get_frozen_credentials() if found else ()
    return {value: "********" for value in values if value and len(value) >= _SHORTEST}
