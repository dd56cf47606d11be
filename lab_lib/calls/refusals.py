"""Say in one line why AWS refuses a call, and what to do.

AWS's words for a denial are in its IAM User Guide, "Troubleshoot access denied error messages". A service may have
other words, so AWS's own message is kept in the line.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from lab_lib.errors import (
    LACKING,
    error_code,
    is_access_denied,
    is_not_implemented,
    is_unreachable,
    none_if_absent,
    warn,
)
from lab_lib.language import N_, _, sentences

T = TypeVar("T")
PROFILE = "Profile"  # the entry of an answer's ResponseMetadata in which sessions.py notes whose credentials were used
_EXPIRED = "ExpiredToken(Exception)?|TokenRefreshRequired|RequestExpired"
_ROLES = N_(
    "Or name roles that exist with the settings processor_role and notifier_role. If a new role needs a permissions "
    "boundary here, name that with the setting boundary."
)
_CAUSES = {  # from a pattern of AWS's message
    r"with an explicit deny in (?:an? |the )?([^.:]+)": N_("the {} forbids it"),
    r"because no ([^.:]+?) allows ": N_("no {} allows it"),
}
_ASK = N_(
    "Ask the administrator of the account to allow {action}: `lab policy learner` prints what the lab needs, and "
    "`lab policy` what its checks need."
)
_WHAT_TO_DO = {  # from what denies, in AWS's words
    N_("service control policy"): N_(
        "Ask the administrator of your organisation to allow {action}, or use another account or Region."
    ),
    N_("permissions boundary"): N_(
        "Ask the administrator of the account to extend the permissions boundary of your user or role: `lab policy "
        "learner` prints what the lab needs."
    ),
    N_("session policy"): N_("Sign in without this session policy, or ask its author to allow {action}."),
    N_("resource-based policy"): N_("Change the policy of the resource, or ask its owner to allow {action}."),
    N_("identity-based policy"): _ASK,
}
_OTHER_WAYS = {  # from a pattern of the operation
    r"(Create|Delete|Tag|Update)Role|\w+Role(Policy|PermissionsBoundary)|UpdateAssumeRolePolicy": _ROLES,
    "CreateBucket|PutPublicAccessBlock|PutBucket(Encryption|Policy|Tagging)": N_(
        "Or name a bucket that exists with the setting bucket."
    ),
    "AssumeRole": N_("The role's trust policy must name you, and its external id must be the given one."),
}


class Reason(NamedTuple):
    """Why a call failed, without a full stop, and what to do."""

    cause: str
    what_to_do: str


def in_one_line(error: BaseException, profile: str = "") -> str:
    """Return why AWS refused, what to do, and AWS's own message; of any other error its text without long values."""
    reason = why(error, profile)
    if reason is None:
        return re.sub(r"value: .{60,}(?=, type: )", "value: …", str(error))  # such as an archive
    message = re.sub(r"Encoded authorization failure message: \S+", "", _message(error))
    said = " ".join(message.split())
    text = _("{cause}. {what_to_do}", **reason._asdict())
    speaker = "AWS" if isinstance(error, ClientError) else "boto3"
    if not said:
        return text
    return _("{text} {speaker} says: {said}", text=text, speaker=speaker, said=said)


def why(error: BaseException, profile: str = "") -> Reason | None:
    """Return why AWS refuses the call, if that is a matter of permissions, credentials, clock or Region.

    The embedded AWS says itself what to do when it does not take a key.
    """
    if isinstance(error, ClientError) and "embedded AWS" not in _message(error):
        if is_access_denied(error) or "not authorized to perform" in _message(error):
            return _denied(error)
        if is_not_implemented(error):
            return Reason(_(LACKING, call=error.operation_name), _("Use an endpoint that has it, such as AWS."))
        if not is_unreachable(error):
            return None
        profile = profile or error.response.get("ResponseMetadata", {}).get(PROFILE, "")
        return _not_accepted(error, profile)
    if isinstance(error, ConnectionError | HTTPClientError):
        return Reason(_("AWS does not answer"), _("Check the network, and do the same again."))
    if isinstance(error, BotoCoreError) and is_unreachable(error):
        return _of_credentials(N_("There are no valid credentials{of_profile}"), profile)
    return None


def go_on_without(cause: str) -> None:
    """Tell the user, once, that the lab goes on without a call, and why."""
    warn(_("{cause}. The lab goes on without it.", cause=cause))


def none_if_unseen(read: Callable[[], T], tell: Callable[[str], None] = go_on_without) -> T | None:
    """Return what `read` gets from AWS; None if it is not there or, after telling why, if the call is refused."""
    try:
        return none_if_absent(read)
    except ClientError as error:
        reason = why(error)
        if reason is None or is_unreachable(error):
            raise
        tell(reason.cause)
        return None


def _denied(error: ClientError) -> Reason:
    """Return what denies the call, in AWS's words: a policy that forbids it, the lack of one, or another setting."""
    message = _message(error)
    operation = error.operation_name
    denied = _("{call} is denied", call=operation)
    advice = _ASK
    for pattern, words in _CAUSES.items():
        policy = re.search(pattern, message)
        if policy:
            denied = _("{denied}: {cause}", denied=denied, cause=_(words).format(_(policy[1])))
            advice = _WHAT_TO_DO.get(policy[1], _ASK)
    authorized = re.search(r"not authorized to perform:? ([\w:-]+)", message)
    action = authorized[1] if authorized else operation  # such as iam:PassRole, for CreateFunction
    ways = [_(way) for pattern, way in _OTHER_WAYS.items() if re.fullmatch(pattern, operation)]
    return Reason(denied, sentences(_(advice, action=action), *ways))


def _not_accepted(error: ClientError, profile: str) -> Reason:
    """Return why AWS does not accept the signature or the credentials of a call."""
    is_late = re.search("Signature expired|Signature not yet current", _message(error))
    if is_late or error_code(error) == "RequestTimeTooSkewed":
        return Reason(_("This computer's clock is wrong"), _("Set this computer's clock, and do the same again."))
    cause = N_("AWS does not accept the credentials{of_profile}")
    # sessions.py has told a Region that knows no credentials of the account.
    if re.fullmatch(_EXPIRED, error_code(error)):
        cause = N_("The credentials{of_profile} have expired")
    return _of_credentials(cause, profile)


def _message(error: BaseException) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", ""))
    return str(error)


def _of_credentials(cause: str, profile: str) -> Reason:
    """Return the reason, with the profile whose credentials it is about, and how to sign in."""
    of_profile = _(" of profile {profile}", profile=profile) if profile else ""
    option = f" --profile {profile}" if profile else ""
    what_to_do = _(
        "Sign in again, for instance with `aws sso login{profile}` or `aws login{profile}`, or name another profile.",
        profile=option,
    )
    return Reason(_(cause, of_profile=of_profile), what_to_do)
