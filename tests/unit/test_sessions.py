"""Calls that AWS refuses only because something is not ready yet are repeated; mistakes are not."""

from types import SimpleNamespace

import pytest

from lab_lib import sessions

EXISTS = 'An event source mapping with event source arn (" x ") and function (" y ") already exists.'
REFUSALS = [
    (
        "CreateFunction",
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    ("CreateFunction", "InvalidParameterValueException", "… because the KMS key is invalid for CreateGrant"),
    ("CreateFunction", "InvalidParameterValueException", "Your request has been throttled by EC2, please make sure …"),
    ("PutRolePolicy", "NoSuchEntity", "The role with name TotalNotifierRole cannot be found."),
    ("PutBucketNotificationConfiguration", "InvalidArgument", "Unable to validate the following destinations"),
    ("CreateEventSourceMapping", "ResourceConflictException", EXISTS),
    ("DeleteEventSourceMapping", "ResourceInUseException", "Cannot delete the event source mapping: it is in use."),
    ("UpdateFunctionCode", "ResourceConflictException", "An update is in progress for resource: arn:…"),
    ("CreateTable", "ResourceInUseException", "Table is being deleted: TransactionTotal"),
    ("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds."),
]
MISTAKES = [
    ("CreateFunction", "InvalidParameterValueException", "Unsupported runtime."),
    ("CreateFunction", "ResourceConflictException", "Function already exist: TotalNotifier"),
    ("CreateTable", "ResourceInUseException", "Table already exists: TransactionTotal"),
    ("GetRole", "NoSuchEntity", "The role with name TotalNotifierRole cannot be found."),
    ("Subscribe", "AuthorizationError", "not authorized"),
]


def answer(operation, code, message, attempts=1):
    response = SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": message}}
    return sessions.Retry()(operation=SimpleNamespace(name=operation), response=response, attempts=attempts)


@pytest.mark.parametrize(("operation", "code", "message"), REFUSALS)
def test_a_call_is_repeated_while_aws_is_not_ready_but_not_for_ever(operation, code, message):
    assert answer(operation, code, message) == 2
    assert answer(operation, code, message, attempts=91) is None


@pytest.mark.parametrize(("operation", "code", "message"), MISTAKES)
def test_a_mistake_is_not_repeated(operation, code, message):
    assert answer(operation, code, message) is None
