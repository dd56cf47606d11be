"""Every error of the lab. Each says what was found, what was wanted and what to do.

LabError                 something did not work: exit status 1
├── UsageError           the request itself is wrong, nothing was made: exit status 2
│   ├── NotATransactionsFile
│   └── RosterError
├── WrongAccount         the credentials belong to another account than the one that was named
├── WrongResource        a resource of that name exists and cannot be made what the lab needs
├── StepMissing          an earlier notebook has to run first
├── CheckFailed          a checkpoint found something that does not hold
├── TimedOut             what was waited for did not happen in time
└── EmulatorError        the embedded AWS did not start, does not answer, or has stopped
"""

from typing import Any

from botocore.exceptions import ClientError


class LabError(Exception):
    """Something did not work; the message is one line for the learner."""

    exit_status = 1

    def _render_traceback_(self) -> list[str]:
        """Show a learner the message, not the stack: IPython calls this where it exists."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(LabError):
    """The request is wrong as it stands; nothing was made."""

    exit_status = 2


class NotATransactionsFile(UsageError):
    """The file cannot be read as a transactions file at all."""


class RosterError(UsageError):
    """The roster of a class cannot be used; the message lists every fault with its line."""


class WrongAccount(LabError):
    """The credentials are for another account than the one that was named."""


class WrongResource(LabError):
    """A resource of that name exists, and cannot be changed into what the lab needs."""


class StepMissing(LabError):
    """An earlier notebook has to run first."""


class CheckFailed(LabError):
    """A checkpoint found something that does not hold."""


class TimedOut(LabError):
    """What was waited for did not happen in time."""


class EmulatorError(LabError):
    """The embedded AWS did not start, does not answer, or has stopped."""


def error_code(error: ClientError) -> str:
    """AWS's code for the error, such as `ResourceNotFoundException`."""
    details: dict[str, Any] = error.response.get("Error", {})
    return str(details.get("Code", ""))


def is_refusal(error: ClientError) -> bool:
    """True if AWS says that the caller may not do this; a thing that is hidden like this may well be there."""
    return error_code(error) in _REFUSALS


# Each service has its own word for it; HEAD requests have only the number.
_REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
