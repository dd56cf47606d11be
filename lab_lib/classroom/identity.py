"""Replace what identifies a student in a text. Then the texts of several students can be compared."""

import re
from typing import Any

from lab_lib.classroom.students import slug

_END = r"\s,;()'\"<>"  # of a word
# A word that holds a masked value or an account. It begins only at a word's begin, or long words would take long.
_MASKED = rf"(?<![^{_END}])[^{_END}]*(?:\*{{3}}|(?<![0-9])[0-9]{{12}}(?![0-9]))(?:[^{_END}]*[\w*])?"
_NAME_BEGINS = r"(?=[A-Z'\"]|inputs3bucket)"  # after a prefix


def without_identity(text: str, student: dict[str, Any]) -> str:
    """Return the text with "…" for the accounts, addresses, prefix and names of a student's record."""
    resources = [name.split("/")[-1] for name in student["own"]]
    names = {student["name"], slug(student["name"]), student["folder"], student["id"], *resources} - {""}
    prefix = rf"(?<![\w-])(?i:{re.escape(student['prefix'])}){_NAME_BEGINS}|" if student["prefix"] else ""
    listed = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"{prefix}{_MASKED}|(?<![A-Za-z0-9])(?:{listed})(?![A-Za-z0-9])", "…", text)
