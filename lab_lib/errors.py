"""Define all errors of the lab, which say what was found, what was wanted and what to do.

LabError                 something failed: exit status 1, or 3 where an account is graded
├── UsageError           the request itself is wrong, and nothing was created: exit status 2
│   ├── NotATransactionsFile
│   └── RosterError
├── LabInUse             another command is at work on this lab, and this one did nothing
├── WrongAccount         the credentials belong to another account than the named one
├── WrongResource        a resource of that name exists and cannot be changed into what the lab needs
├── StepMissing          an earlier notebook has to run first
├── CheckFailed          a check at a checkpoint failed
├── TimedOut             an event did not happen in time
└── EmulatorError        the embedded AWS did not start, does not answer, or has stopped
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from itertools import pairwise
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lab_lib.language import N_, _, line_breaks

T = TypeVar("T")
LACKING = N_("{call} is missing on this endpoint")
BUILD_AGAIN = N_(  # what to do after a stop of the embedded AWS, wherever the user meets it
    "Save your notebooks, then run `lab run --mine --until 04` in a terminal, with the number of the last notebook "
    "that you have finished: it builds the lab again from your notebooks."
)


class LabError(Exception):
    """Something failed. The message is one line, in the learner's language, with the values in its places."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(_(message, **values))

    def _render_traceback_(self) -> list[str]:
        """Show a learner the message without the stack. IPython calls this method if an exception has it.

        A notebook breaks lines, of at least 84 characters, in the middle of words, so they are broken here.
        """
        text = f"{type(self).__name__}: {self}"
        begins = [0, *line_breaks(text, 84), len(text)]
        return [text[begin:end].rstrip() for begin, end in pairwise(begins)]


class UsageError(LabError):
    """The request is wrong, and nothing was created."""


class NotATransactionsFile(UsageError):
    """The file cannot be read as a transactions file."""


class RosterError(UsageError):
    """The roster of a class has errors. The message lists each with its line."""


class LabInUse(LabError):
    """Another command is at work on this lab, and this one did nothing."""


class WrongAccount(LabError):
    """The credentials are for another account than the named one."""


class WrongResource(LabError):
    """A resource of that name exists and cannot be changed into what the lab needs."""


class StepMissing(LabError):
    """An earlier notebook has to run first."""


class CheckFailed(LabError):
    """A check at a checkpoint failed."""


class TimedOut(LabError):
    """An event did not happen in time."""


class EmulatorError(LabError):
    """The embedded AWS did not start, does not answer, or has stopped."""


def error_code(error: ClientError) -> str:
    """Return AWS's code for the error, such as `ResourceNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_access_denied(error: ClientError) -> bool:
    """Return True if AWS denies the caller this action. The resource may exist all the same."""
    denied = "AccessDenied(Exception)?|AuthorizationError|UnauthorizedOperation|403"
    return re.fullmatch(denied, error_code(error)) is not None


def is_not_implemented(error: ClientError) -> bool:
    """Return True if the endpoint does not have this call, such as an emulator that has only some of AWS's."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    lacking = "501|(NotImplemented|UnknownOperation)(Exception)?|InvalidAction"
    return status == HTTPStatus.NOT_IMPLEMENTED or re.fullmatch(lacking, error_code(error)) is not None


def is_unreachable(error: Exception) -> bool:
    """Return True if every call to the account fails like this: no network, no valid credentials, no embedded AWS."""
    if isinstance(error, ClientError):
        return re.fullmatch(_INVALID_CREDENTIALS, error_code(error)) is not None
    return isinstance(error, EmulatorError | BotoCoreError) and not isinstance(error, ParamValidationError)


def is_absent(code: str) -> bool:
    """Return True if AWS answers with this code about what is not there."""
    return re.fullmatch(_ABSENT, code) is not None


def none_if_absent(read: Callable[[], T]) -> T | None:
    """Return what `read` gets from AWS, or None if AWS answers that it is not there."""
    try:
        return read()
    except ClientError as error:
        if is_absent(error_code(error)):
            return None
        raise


def none_if_lacking(read: Callable[[], T]) -> T | None:
    """Return what `read` gets from AWS; None if it is not there, or an emulator has no such call."""
    try:
        return none_if_absent(read)
    except ClientError as error:
        if is_not_implemented(error):
            return None
        raise


@cache
def warn(text: str) -> None:
    """Print this to stderr, once in a process."""
    print(text, file=sys.stderr, flush=True)


# Patterns of codes: each service has its own. HEAD requests have only the HTTP status.
_INVALID_CREDENTIALS = (
    "ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired|Invalid(Token|ClientTokenId|AccessKeyId)"
    "|UnrecognizedClientException|AuthFailure|SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature"
    "|RequestTimeTooSkewed|MissingAuthenticationToken(Exception)?"
)
_ABSENT = (
    "404|NoSuch(Bucket(Policy)?|Key|TagSet|PublicAccessBlockConfiguration|Entity|LifecycleConfiguration)"
    "|PolicyNotFoundException|ReplicationConfigurationNotFoundError|(Resource)?NotFound(Exception)?"
    r"|AWS\.SimpleQueueService\.NonExistentQueue|QueueDoesNotExist"
)
