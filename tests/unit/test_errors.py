import pytest
from botocore.exceptions import ClientError

from lab_lib import errors


def test_a_wrong_request_ends_with_status_2_and_everything_else_with_1():
    assert errors.LabError.exit_status == 1
    assert errors.UsageError.exit_status == 2
    assert errors.NotATransactionsFile.exit_status == 2
    assert errors.RosterError.exit_status == 2


@pytest.mark.parametrize(
    "kind",
    ["UsageError", "WrongAccount", "WrongResource", "StepMissing", "CheckFailed", "TimedOut", "EmulatorError"],
)
def test_every_error_is_a_lab_error(kind):
    assert issubclass(getattr(errors, kind), errors.LabError)


def test_a_notebook_shows_the_message_without_the_stack():
    assert errors.StepMissing("Run 00 first.")._render_traceback_() == ["StepMissing: Run 00 first."]


def test_error_code_is_the_code_of_aws():
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetRole")

    assert errors.error_code(error) == "AccessDenied"


def test_error_code_of_an_answer_without_one_is_empty():
    assert errors.error_code(ClientError({}, "GetRole")) == ""


@pytest.mark.parametrize(
    ("code", "who"),
    [
        ("AccessDenied", "S3, IAM, SQS and CloudWatch"),
        ("AccessDeniedException", "Lambda, DynamoDB and CloudWatch Logs"),
        ("AuthorizationError", "SNS"),
        ("UnauthorizedOperation", "EC2"),
        ("403", "S3, of a HEAD request"),
    ],
)
def test_a_refusal_is_known_by_the_word_of_each_service(code, who):
    assert errors.is_refusal(ClientError({"Error": {"Code": code}}, "X")), who


@pytest.mark.parametrize(
    "code",
    [
        "404",
        "NoSuchBucket",
        "ResourceNotFoundException",
        "ThrottlingException",
        "ExpiredToken",
        "InvalidClientTokenId",
        "accessdenied",
        "",
    ],
)
def test_any_other_error_is_no_refusal(code):
    assert not errors.is_refusal(ClientError({"Error": {"Code": code}}, "X"))


def test_an_answer_without_a_code_is_no_refusal():
    assert not errors.is_refusal(ClientError({}, "X"))
