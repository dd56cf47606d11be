"""Validate a row of a roster. pydantic reads it, and collects all faults.

The settings of a lab have their rules in settings.py. The rules that only a roster has are here.
"""

import re
import unicodedata
from typing import Any

from pydantic import BaseModel, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from lab_lib.errors import UsageError
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_REGION, SETTINGS, fitting, setting

OWN = ("account", "name", "id", "profile", "role_arn", "external_id")  # all others are parameters of the notebooks
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)


class Row(BaseModel):
    """A student whose files are graded. The context of a validation has the roster's folder and the known profiles.

    A validator sees the fields above its own, in `info.data`, without those that are wrong.
    """

    account: str = ""
    name: str
    id: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    region: str = ""
    prefix: str = ""
    threshold: str = ""
    email: str = ""
    phone: str = ""
    data_file: str = ""
    processor_role: str = ""
    notifier_role: str = ""
    bucket: str = ""
    boundary: str = ""

    @field_validator("*")
    @classmethod
    def _is_printable(cls, value: str, info: ValidationInfo) -> str:
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise _fault(f"{info.field_name} holds a control character: {value!a}")
        return value

    @field_validator(*(name for name in SETTINGS if name != "profile"))
    @classmethod
    def _fits(cls, value: str, info: ValidationInfo) -> str:
        name, account, region = str(info.field_name), info.data.get("account", ""), info.data.get("region")
        try:
            fitting(name, setting(name, value), account, region or DEFAULT_REGION)
        except UsageError as error:
            raise _fault(str(error).removesuffix(".") + (_account_hint(value) if name == "account" else "")) from None
        return value

    @field_validator("profile")
    @classmethod
    def _is_known(cls, value: str, info: ValidationInfo) -> str:
        if value not in _context(info)["profiles"]:
            what = f"there is no profile {value!r} in your AWS configuration"
            raise _fault(f"{what}. `aws configure list-profiles` shows those that are there")
        return value

    @field_validator("role_arn")
    @classmethod
    def _is_of_the_account(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("profile", "a wrong one"):
            raise _fault("there is a profile and a role_arn. Name one of them: your own credentials assume the role")
        if not (role := _ROLE_ARN.fullmatch(value)):
            raise _fault(f"role_arn is {value!r}; wanted a role of this account, such as arn:…:role/Grader")
        if role[1] != (account := info.data.get("account", role[1])):
            raise _fault(f"role_arn is a role of account {role[1]}, and the account is {account}")
        return value

    @field_validator("external_id")
    @classmethod
    def _has_a_role(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("role_arn") == "":
            raise _fault("there is an external_id without a role_arn")
        return value

    @field_validator("data_file")
    @classmethod
    def _is_a_file_beside_the_roster(cls, value: str, info: ValidationInfo) -> str:
        folder = _context(info)["folder"].resolve()
        path = (folder / value).resolve()
        if not path.is_relative_to(folder):
            raise _fault(f"data_file is {value!r}, outside the roster's folder. Copy the file beside the roster")
        try:
            headless.check_data_file(folder / value)
        except UsageError as error:
            raise _fault(str(error).removesuffix(".")) from None
        return str(path)


class AccountRow(Row):
    """A student with an account."""

    account: str


def _fault(what: str) -> PydanticCustomError:
    """Return the error that pydantic collects."""
    return PydanticCustomError("fault", "{what}", {"what": what})


def _context(info: ValidationInfo) -> dict[str, Any]:
    return dict(info.context or {})


def _account_hint(account: str) -> str:
    """Return how to fix an account that a spreadsheet has changed, or that the AWS console shows with hyphens."""
    if re.fullmatch(r"[0-9]{1,11}", account):
        return f". A spreadsheet drops leading zeros: format the column as text, and write {account.zfill(12)}"
    if re.fullmatch(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+", account):
        return ". A spreadsheet has rounded it: format the column as text, and write all twelve digits"
    digits = re.sub(r"[\s-]", "", account)
    return f". Write {digits}" if re.fullmatch(r"[0-9]{12}", digits) else ""
