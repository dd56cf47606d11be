"""Say why a check could not be made."""

from botocore.exceptions import ClientError

from lab_lib.checks.rules import Finding, cannot_see
from lab_lib.errors import LabError, error_code
from lab_lib.language import _
from lab_lib.refusals import why as why_refused


def unseen(error: Exception) -> Finding:
    """Return the finding of a check that met an error: neither right nor wrong, with the reason."""
    probe = _("`lab check --probe` sends files through the chain, and shows whether it works.")
    why = f"{type(error).__name__} {error}"
    hint = _("The check does not understand what is there. {probe}", probe=probe)
    if isinstance(error, LabError):
        why, hint = str(error), _("{probe} To have it judged, make it as the notebooks do.", probe=probe)
    elif reason := why_refused(error):
        why, hint = reason
    elif isinstance(error, ClientError):
        why = _("{call} answers {code}", call=error.operation_name, code=error_code(error))
        hint = _("Run the check again in a minute. If the answer stays, {probe}", probe=probe)
    return cannot_see(" ".join(why.split()), _("It may be right or wrong. {hint}", hint=hint))


def beyond(place: str, plural: str, most: int, hint: str) -> Finding:
    """Return the finding of a check that depends on what is not read, since the place has more than `most`."""
    more = _("{place} has more {plural} than the {most:,} that are read", place=place, plural=_(plural), most=most)
    return cannot_see(more, hint)
