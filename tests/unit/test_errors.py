import pytest
from botocore.exceptions import ClientError

from lab_lib import errors


def test_a_wrong_request_exits_with_2_and_every_other_error_with_1():
    assert {errors.UsageError.exit_status, errors.RosterError.exit_status} == {2}
    assert {errors.LabError.exit_status, errors.WrongAccount.exit_status, errors.EmulatorError.exit_status} == {1}


def test_a_notebook_shows_the_message_without_the_stack_and_breaks_it_between_words_only():
    assert errors.StepMissing("Run 00 first.")._render_traceback_() == ["StepMissing: Run 00 first."]

    lines = errors.LabError("a bucket-name " * 20)._render_traceback_()
    assert all(line.startswith(("LabError: a", "a", "bucket-name")) for line in lines)
    assert 80 < max(map(len, lines)) <= 84


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "AuthorizationError", "403", "404", ""])
def test_access_denied_is_known_by_the_code_of_each_service(code):
    error = ClientError({"Error": {"Code": code}} if code else {}, "X")

    assert (errors.error_code(error), errors.is_access_denied(error)) == (code, code not in ("404", ""))
