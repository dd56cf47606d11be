"""Calls that AWS refuses only because something is not ready yet are repeated; mistakes are not."""

import time
from types import SimpleNamespace

import pytest

from lab_lib.calls import retries
from lab_lib.calls.recent import Call, Journal

EXISTS = 'An event source mapping with event source arn (" x ") and function (" y ") already exists.'
REFUSALS = [
    (
        "CreateFunction",
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    ("CreateFunction", "InvalidParameterValueException", "… because the KMS key is invalid for CreateGrant"),
    ("CreateFunction", "InvalidParameterValueException", "Your request has been throttled by EC2, please make sure …"),
    ("Invoke", "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda."),
    ("Invoke", "KMSAccessDeniedException", "… unable to decrypt the variables because KMS access was denied."),
    ("PutBucketNotificationConfiguration", "InvalidArgument", "Unable to validate the following destinations"),
    ("CreateEventSourceMapping", "ResourceConflictException", EXISTS),
    ("DeleteEventSourceMapping", "ResourceInUseException", "Cannot delete the event source mapping: it is in use."),
    ("UpdateFunctionCode", "ResourceConflictException", "An update is in progress for resource: arn:…"),
    ("CreateTable", "ResourceInUseException", "Table is being deleted: TransactionTotal"),
    ("CreateTable", "LimitExceededException", "Only 10 tables can be created, updated, or deleted simultaneously"),
    ("AddPermission", "ResourceConflictException", "The function could not be updated due to a concurrent update."),
    ("PutBucketPolicy", "OperationAborted", "A conflicting conditional operation is currently in progress."),
    ("PutRetentionPolicy", "OperationAbortedException", "Multiple requests to update the same resource."),
    ("DescribeTable", "ThrottlingException", "Rate exceeded"),
    ("Invoke", "ServiceException", "An internal error occurred."),
    ("GetItem", "InternalServerError", "The request could not be processed."),
    ("HeadBucket", "500", "Internal Server Error"),
    ("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds."),
]
MISTAKES = [
    ("CreateFunction", "InvalidParameterValueException", "Unsupported runtime."),
    ("CreateFunction", "ResourceConflictException", "Function already exist: TotalNotifier"),
    ("CreateTable", "ResourceInUseException", "Table already exists: TransactionTotal"),
    ("CreateTable", "LimitExceededException", "There is a limit of 256 tables per subscriber"),
    ("GetFunction", "AccessDeniedException", "User: … is not authorized to perform: lambda:GetFunction"),
    ("GetRole", "NoSuchEntity", "The role with name TotalNotifierRole cannot be found."),
    ("Subscribe", "AuthorizationError", "not authorized"),
    ("AddPermission", "ResourceConflictException", "The statement id (x) provided already exists."),
    ("CreateBucket", "OperationAborted", "A conflicting conditional operation is currently in progress."),
]


def answer(operation, code, message, waited=0.0, journal=None):
    """Return the pause before a call is repeated that has waited for so many seconds; None if it is not."""
    model = SimpleNamespace(name=operation, service_model=SimpleNamespace(service_name="lambda"))
    response = SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": message}}
    context = {retries._CALL: ({"FunctionName": "Mine"}, time.monotonic() - waited)}
    return retries.Retry(journal)(operation=model, response=response, request_dict={"context": context})


@pytest.mark.parametrize(("operation", "code", "message"), REFUSALS)
def test_a_call_is_repeated_while_aws_is_not_ready_but_not_for_ever(operation, code, message):
    assert answer(operation, code, message, journal=Journal(60)) == 2
    assert answer(operation, code, message, journal=Journal(60), waited=181) is None


@pytest.mark.parametrize(("operation", "code", "message"), MISTAKES)
def test_a_mistake_is_not_repeated(operation, code, message):
    assert answer(operation, code, message, journal=Journal(60)) is None


def test_the_embedded_aws_is_not_asked_again_when_it_is_busy():
    assert answer("Invoke", "TooManyRequestsException", "Rate Exceeded.") is None


def test_what_was_just_made_is_waited_for_and_for_no_longer_than_a_minute():
    journal, missing = Journal(60), ("GetFunction", "ResourceNotFoundException", "Function not found")
    assert answer(*missing, journal=journal) is None

    journal.read(Call("lambda", "CreateFunction", {"FunctionName": "Mine"}, {}))

    assert answer(*missing, journal=journal) == 2
    journal._events[0].when -= 60
    assert answer(*missing, journal=journal) is None
