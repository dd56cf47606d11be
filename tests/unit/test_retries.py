"""Calls that AWS refuses only because something is not ready yet are repeated; mistakes are not."""

import time
from types import SimpleNamespace

import pytest
from botocore.exceptions import EndpointConnectionError

from lab_lib import errors
from lab_lib.calls import retries
from lab_lib.calls.recent import Call, Journal

EXISTS = 'An event source mapping with event source arn (" x ") and function (" y ") already exists.'
REFUSALS = [  # the first six are late, or busy
    (
        "CreateFunction",
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    ("PutBucketNotificationConfiguration", "InvalidArgument", "Unable to validate the following destinations"),
    ("CreateEventSourceMapping", "ResourceConflictException", EXISTS),
    ("Invoke", "KMSAccessDeniedException", "… unable to decrypt the variables because KMS access was denied."),
    ("DeleteRole", "DeleteConflict", "Cannot delete entity, must delete policies first."),
    ("GetRole", "ThrottlingException", "Rate exceeded"),
    ("DeleteEventSourceMapping", "ResourceInUseException", "Cannot delete the event source mapping: it is in use."),
    ("UpdateFunctionCode", "ResourceConflictException", "An update is in progress for resource: arn:…"),
    ("PutRetentionPolicy", "OperationAbortedException", ""),
    ("CreateTable", "ResourceInUseException", "Table is being deleted: TransactionTotal"),
    ("CreateTable", "LimitExceededException", "Only 10 tables can be created, updated, or deleted simultaneously"),
    ("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds."),
]
MISTAKES = [
    ("CreateFunction", "InvalidParameterValueException", "Unsupported runtime."),
    ("CreateTable", "ResourceInUseException", "Table already exists: TransactionTotal"),
    ("AddPermission", "ResourceConflictException", "The statement id (x) provided already exists."),
    ("CreateBucket", "OperationAborted", "A conflicting conditional operation is currently in progress."),
]


def made(operation, *attempts, journal=None, waited=0.0, **params):
    """Return the pause after the last attempt, its status and its answer. An attempt is (status, answer), or an error.

    The call has waited for so many seconds.
    """
    retry, context = retries.Retry(journal), {}
    retries._keep(params or {"FunctionName": "Mine", "NotificationConfiguration": {}}, context)
    context[retries._CALL] = context[retries._CALL][0], time.monotonic() - waited
    model = SimpleNamespace(name=operation, service_model=SimpleNamespace(service_name="lambda"))
    for attempt in attempts:
        error, (status, answer) = (attempt, (0, {})) if isinstance(attempt, Exception) else (None, attempt)
        http = SimpleNamespace(status_code=status)
        response, request = None if error else (http, answer), {"context": context}
        pause = retry(operation=model, response=response, request_dict=request, caught_exception=error)
    return pause, http.status_code, answer


def refused(code, message="", status=400):
    return status, {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}


def answer(operation, code, message, **how):
    """Return the pause before a call is repeated; None if it is not."""
    return made(operation, refused(code, message), **how)[0]


@pytest.mark.parametrize(("operation", "code", "message"), REFUSALS)
def test_a_call_is_repeated_while_aws_is_not_ready_but_not_for_ever(operation, code, message):
    assert answer(operation, code, message, journal=Journal(60)) == 2
    assert answer(operation, code, message, journal=Journal(60), waited=301) is None


@pytest.mark.parametrize(("operation", "code", "message"), MISTAKES)
def test_a_mistake_is_not_repeated(operation, code, message):
    assert answer(operation, code, message, journal=Journal(60)) is None


@pytest.mark.parametrize(("operation", "code", "message"), REFUSALS[:6])
def test_where_nothing_is_late_or_busy_for_long_only_a_change_is_waited_for(operation, code, message):
    assert answer(operation, code, message) is None
    assert answer("UpdateFunctionCode", "ResourceConflictException", "An update is in progress.") == 0.2


LOST, AWAY = refused("InternalError", status=500), EndpointConnectionError(endpoint_url="https://aws")
BY_RULE = "with an explicit deny in a service control policy"


@pytest.mark.parametrize(
    ("operation", "refusal", "told"),
    [
        ("PutPublicAccessBlock", ("AccessDenied", BY_RULE, 403), "is denied: the service control policy forbids it"),
        ("UpdateTimeToLive", ("UnknownOperationException",), "is missing on this endpoint"),
        ("CreateRole", ("AccessDenied", BY_RULE, 403), ""),
    ],
)
def test_the_lab_goes_on_without_good_manners_and_says_so_once_but_not_without_what_it_needs(
    operation, refusal, told, capsys
):
    errors.warn.cache_clear()
    for _ in range(2):
        _, status, answer = made(operation, refused(*refusal), journal=Journal(60))

    assert (status == 200, "Error" not in answer) == (bool(told), bool(told))
    assert capsys.readouterr().err == (f"{operation} {told}. The lab goes on without it.\n" if told else "")


def test_a_network_that_is_away_is_waited_for_on_aws_for_a_minute_and_a_half():
    ways = [(AWAY, Journal(60), 80), (AWAY, Journal(60), 91), (AWAY, None, 0)]

    pauses = [made("GetRole", LOST, error, journal=journal, waited=waited)[0] for error, journal, waited in ways]

    assert pauses == [2, None, None]


def test_what_was_just_made_is_waited_for_and_for_no_longer_than_a_minute():
    journal, missing = Journal(60), ("GetFunction", "ResourceNotFoundException", "Function not found")
    assert answer(*missing, journal=journal) is None

    journal.read(Call("lambda", "CreateFunction", {"FunctionName": "Mine"}, {}))

    assert answer(*missing, journal=journal) == 2
    journal._events[0].when -= 60
    assert answer(*missing, journal=journal) is None
