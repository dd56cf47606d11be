"""Mask what is private in files that the lab writes for others: executed notebooks, results, reports.

A user's name is masked in paths of home folders and in ARNs, and a profile's after the word "profile": elsewhere either
may be an ordinary word, such as "lab".
"""

import os
import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from lab_lib.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from lab_lib.lab import Lab

_BEFORE_NAME = re.compile(r"((?:/home|/Users|:user(?:/[\w+=,.@-]+)*|:assumed-role/[\w+=,.@-]+)/)[\w+=,.@-]*[\w+=@-]")
_SHORTEST_KEY = 16  # AWS's credentials are longer; an emulator takes any word, such as "test", which need not be masked


def masked(text: str, lab: "Lab") -> str:
    """Return the text with the account, addresses, credentials and profile of this lab masked, and its user's name."""
    for value, mask in _masks(lab):
        text = text.replace(value, mask)
    return without_names(text, lab.session.profile_name)


def without_names(text: str, profile: str = "") -> str:
    """Return the text with ~ for the user's home, and without names of users and of this profile."""
    home = os.path.expanduser("~")  # noqa: PTH111, Path.home() fails where the user has none
    if home != "/":
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    if profile not in ("", "default"):
        text = re.sub(rf"((?i:profile)\W{{1,9}}){re.escape(profile)}(?![\w-])", r"\1***", text)
    return _BEFORE_NAME.sub(r"\1***", text)


def without_accounts(text: str) -> str:
    """Return the text with every twelve-digit account masked up to its last four digits."""
    return re.sub(r"(?<![0-9])[0-9]{8}(?=[0-9]{4}(?![0-9]))", "********", text)


@cache  # expired credentials cannot be read again
def _masks(lab: "Lab") -> list[tuple[str, str]]:
    """Return (private value, mask) for plain text, HTML and URLs. Longest first: one value may contain another."""
    credentials = lab.session.get_credentials()
    keys = credentials.get_frozen_credentials() if credentials else ()
    phone = lab.phone.removeprefix("+")  # masked with and without its +
    private = {}
    for key in keys:
        if key and len(key) >= _SHORTEST_KEY:
            private[key] = "********"
    private |= {
        lab.account: without_accounts(lab.account),
        lab.email: f"{lab.email[:1]}***@{lab.email.partition('@')[2]}",
        phone: f"{'*' * (len(phone) - 2)}{phone[-2:]}",
    }
    escaped = {}
    for value, mask in private.items():
        if value not in ("", DEFAULT_ACCOUNT):  # a setting that is not used, and the embedded AWS's default account
            for quote in (str, escape, quote_plus):
                escaped[quote(value)] = mask
    return sorted(escaped.items(), key=lambda pair: len(pair[0]), reverse=True)
