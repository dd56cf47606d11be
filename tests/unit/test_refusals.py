"""Why AWS refuses a call, and what to do, in one line."""

from unittest.mock import Mock

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    LoginRefreshRequired,
    ParamValidationError,
)

from lab_lib.calls.refusals import PROFILE, in_one_line, why
from lab_lib.checks.making import unseen
from lab_lib.classroom import class_run
from lab_lib.classroom.roster import Student

JOHN = "User: arn:aws:iam::111122223333:user/John is not authorized to perform: "


def refusal(code, message="", operation="CreateTopic", **metadata):
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)


DENIALS = [  # what AWS says after whom it denies what, as its IAM User Guide has it; the cause; what to do
    ("because no service control policy allows the x action", "no service control policy allows it", "organisation"),
    ("with an explicit deny in a session policy", "the session policy forbids it", "without this session policy"),
    ("because no identity-based policy allows the x action", "no identity-based policy allows it", "`lab policy lear"),
]


@pytest.mark.parametrize(("message", "cause", "remedy"), DENIALS)
def test_a_denial_names_what_denies_it_and_what_to_do_and_keeps_awss_message(message, cause, remedy):
    line = in_one_line(refusal("AuthorizationError", f"{JOHN}SNS:CreateTopic {message}"))

    assert line.startswith(f"CreateTopic is denied: {cause}. ")
    assert remedy in line
    assert line.endswith(f" AWS says: {JOHN}SNS:CreateTopic {message}")


def test_the_permission_to_ask_for_may_be_another_one_than_the_call():
    line = in_one_line(refusal("AccessDeniedException", f"{JOHN}iam:PassRole on resource: x", "CreateFunction"))

    assert line.startswith("CreateFunction is denied. Ask the administrator of the account to allow iam:PassRole: ")


@pytest.mark.parametrize(
    ("code", "message"),
    [("403", "Forbidden"), ("NewCode", f"{JOHN}sns:CreateTopic")],
)
def test_a_denial_without_a_reason_says_whom_to_ask(code, message):
    line = in_one_line(refusal(code, message))

    assert line.startswith("CreateTopic is denied. Ask the administrator of the account")
    assert line.endswith(f"AWS says: {message}")


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("PutRolePolicy", "the setting boundary"),
        ("CreateBucket", "the setting bucket"),
        ("AssumeRole", "external id"),
    ],
)
def test_a_denial_names_the_settings_that_do_without_the_call(operation, named):
    assert named in in_one_line(refusal("AccessDenied", "Access Denied", operation))
    assert named not in in_one_line(refusal("AccessDenied", "Access Denied", "PutBucketNotificationConfiguration"))


def test_the_secret_part_of_a_denial_is_left_out():
    line = in_one_line(refusal("AccessDenied", f"{JOHN}x. Encoded authorization failure message: {'A-b_' * 200}"))

    assert line.endswith(f"AWS says: {JOHN}x.")


@pytest.mark.parametrize(
    ("code", "message"),
    [("RequestTimeTooSkewed", ""), ("SignatureDoesNotMatch", "Signature expired: 20261130T1 is now earlier than …")],
)
def test_a_wrong_clock_is_told_by_the_code_or_awss_message(code, message):
    line = in_one_line(refusal(code, message))

    assert line.startswith("This computer's clock is wrong. Set this computer's clock, and do the same again.")
    assert line.endswith(message)


def test_expired_credentials_say_so_and_how_to_sign_in_with_the_profile():
    cause, what_to_do = why(refusal("ExpiredToken", **{PROFILE: "class"}))

    assert cause == "The credentials of profile class have expired"
    assert "`aws sso login --profile class`" in what_to_do


def test_missing_credentials_say_how_to_sign_in():
    line = in_one_line(LoginRefreshRequired(), "class")
    assert line.startswith("There are no valid credentials of profile class. Sign in again")


def test_a_network_that_is_away_says_what_is_wrong():
    assert in_one_line(EndpointConnectionError(endpoint_url="x")).startswith("AWS does not answer. Check the network")


def test_a_check_and_a_line_of_a_class_say_it_too(monkeypatch):
    error = refusal("AccessDenied", f"{JOHN}x with an explicit deny in a service control policy")
    monkeypatch.setattr(Student, "open_lab", Mock(side_effect=error))

    finding, (cleaned,) = unseen(error), class_run.clean([Student("Ana", "111122223333")])

    assert finding.found == "cannot see: CreateTopic is denied: the service control policy forbids it"
    assert finding.hint.startswith("It may be right or wrong. Ask the administrator of your organisation to allow x")
    assert cleaned.left.startswith("ClientError: CreateTopic is denied: the service control policy forbids it. Ask the")
    assert "********3333:user/*** is not" in cleaned.left


def test_an_archive_in_the_place_of_a_mapping_is_not_printed(lab):
    with pytest.raises(ParamValidationError) as refused:
        lab.client("lambda").create_function(FunctionName="f", Role=f"arn:aws:iam::{1:012}:role/r", Code=b"PK" * 1000)

    assert in_one_line(refused.value).splitlines()[1:] == [
        "Invalid type for parameter Code, value: …, type: <class 'bytes'>, valid types: <class 'dict'>",
    ]
