"""Hold a student of a class, as a line of the roster describes them, and open the lab in the student's account."""

import re
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from lab_lib.lab import Lab, is_embedded, open_lab
from lab_lib.settings import VARIABLES, setting

_MAX_SLUG = 40  # characters: at most 160 bytes, and a file name may have 255


@dataclass(frozen=True)
class Student:
    """One line of the roster. `id` is the school's own id or login, for its grade book.

    A student whose files are graded needs no account.
    """

    name: str
    account: str = ""
    id: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)  # of the notebooks, such as region, prefix, data_file
    handed_in: str = ""  # when, for a submission whose file has another time

    @property
    def folder(self) -> str:
        """Return the name of the student's folder: the name as a slug, and the account's last four digits.

        Without an account, the digits are those of a digest of the id, else of the name.
        """
        name = slug(self.name)
        digest = sha256((self.id or name).casefold().encode("utf-8", "backslashreplace"))
        return f"{name[:_MAX_SLUG].strip('-')}-{self.account[-4:] or f'{int(digest.hexdigest(), 16) % 10**4:04}'}"

    @property
    def is_embedded(self) -> bool:
        """Return True if the lab needs this computer's embedded AWS."""
        return is_embedded(self.profile, self.role_arn)

    @property
    def settings_in_sandbox(self) -> dict[str, Any]:
        """Return the settings that an account in a sandbox can have."""
        return {name: setting(name, self.parameters.get(name, "")) for name in ("prefix", "threshold")}

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment that opens the lab. It holds no credentials: each process assumes the role itself."""
        return {f"LAB_{name.upper()}": value for name, value in self._settings.items()}

    def open_lab(self) -> Lab:
        """Open the lab in the student's account."""
        return open_lab(**self._settings)

    @property
    def _settings(self) -> dict[str, str]:
        """Return all settings of the lab. One that the roster lacks is empty."""
        values = self.parameters | vars(self)
        return {name: values.get(name, "") for name in VARIABLES}


def slug(name: str) -> str:
    """Return letters and digits of any script, joined by "-", without Latin accents; "student" if there are none."""
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFKD", name.casefold()))
    letters = unicodedata.normalize("NFC", plain)
    kept = "".join(letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " " for letter in letters)
    return "-".join(kept.split()) or "student"
