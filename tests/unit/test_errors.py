import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    UnauthorizedSSOTokenError,
)

from lab_lib import errors


def test_a_notebook_shows_the_message_without_the_stack_and_breaks_it_between_words_only():
    assert errors.StepMissing("Run 00 first.")._render_traceback_() == ["StepMissing: Run 00 first."]

    lines = errors.LabError("a bucket-name " * 20)._render_traceback_()
    assert all(line.startswith(("LabError: a", "a", "bucket-name")) for line in lines)
    assert 80 < max(map(len, lines)) <= 84


@pytest.mark.parametrize(
    ("error", "is_unreachable"),
    [
        (errors.EmulatorError("It has stopped."), True),
        (EndpointConnectionError(endpoint_url="https://sqs"), True),
        (NoCredentialsError(), True),
        (UnauthorizedSSOTokenError(), True),
        (ClientError({"Error": {"Code": "ExpiredTokenException"}}, "X"), True),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "X"), False),
        (ParamValidationError(report="a name"), False),
        (errors.LabError("one thing"), False),
        (ConnectionError("Python's own"), False),
    ],
    ids=repr,
)
def test_an_account_is_unreachable_only_if_every_call_fails(error, is_unreachable):
    assert errors.is_unreachable(error) == is_unreachable
