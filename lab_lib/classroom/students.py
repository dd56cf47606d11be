"""A student of a class, as a line of the roster describes them."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

_MAX_SLUG = 40  # characters: at most 160 bytes, and a file name may have 255


@dataclass(frozen=True)
class Student:
    """One line of the roster. `id` is the school's own id or login, for its grade book."""

    line: int
    account: str
    name: str
    profile: str
    role_arn: str
    external_id: str
    parameters: dict[str, Any]  # of the notebooks, such as region, prefix, threshold, email, data_file
    id: str = ""

    @property
    def folder(self) -> str:
        """Return the name of the student's folder: the name as a slug, and the account's last four digits."""
        return f"{slug(self.name)}-{self.account[-4:]}"


def slug(name: str, longest: int | None = _MAX_SLUG) -> str:
    """Return letters and digits of any script, joined by "-", without Latin accents; "student" if there are none."""
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFKD", name.casefold()))
    letters = unicodedata.normalize("NFC", plain)
    kept = "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in letters)
    return "-".join(kept.split())[:longest].strip("-") or "student"
