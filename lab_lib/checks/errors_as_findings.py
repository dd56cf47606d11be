"""Say why a check could not be made."""

from botocore.exceptions import ClientError

from lab_lib.checks.rules import Finding, cannot_see
from lab_lib.errors import LabError, error_code
from lab_lib.refusals import why as why_refused

_PROBE = "`lab check --probe` sends files through the chain, and shows whether it works."


def unseen(error: Exception) -> Finding:
    """Return the finding of a check that met an error: neither right nor wrong, with the reason."""
    why, hint = f"{type(error).__name__} {error}", f"The check does not understand what is there. {_PROBE}"
    if isinstance(error, LabError):
        why, hint = str(error), f"{_PROBE} To have it judged, make it as the notebooks do."
    elif reason := why_refused(error):
        why, hint = reason
    elif isinstance(error, ClientError):
        why = f"{error.operation_name} answers {error_code(error)}"
        hint = f"Run the check again in a minute. If the answer stays, {_PROBE}"
    return cannot_see(" ".join(why.split()), f"It may be right or wrong. {hint}")


def beyond(place: str, plural: str, most: int, hint: str) -> Finding:
    """Return the finding of a check that depends on what is not read, since the place has more than `most`."""
    return cannot_see(f"{place} has more {plural} than the {most:,} that are read", hint)
