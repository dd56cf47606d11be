"""README's "Who may do what": functions, strangers and callers without TLS try to use the lab's resources."""

import json

import pytest
from accounts import EVERYTHING, built, lab_of, user_of
from botocore.exceptions import ClientError
from chains import create_function

from lab_lib.aws import functions, policies, roles
from lab_lib.errors import is_access_denied
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

ACCOUNT, OTHER = "300000000011", "300000000012"
PROCESSOR, NOTIFIER = "TransactionProcessor", "TotalNotifier"
KEYS = """
import os

def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""
BUCKET = {"Bucket": f"inputs3bucketfortransact-{ACCOUNT}-us-east-1"}
TOPIC = {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:HighBalanceAlert"}
ALERTS, DEAD = ({"QueueUrl": f"{ACCOUNT}/{name}"} for name in ("CustomerNotify", "LabDeadLetters"))
ROW = {"PutRequest": {"Item": {"CustomerId": {"S": "tried"}, "TransactionId": {"S": "tried"}}}}
MARKERS, MARKER = {"TableName": "ProcessedRecords"}, {"EventId": {"S": "tried"}}
TOTAL_KEY = {"TableName": "TransactionTotal", "Key": {"CustomerId": {"S": "tried"}}}
FUNCTION, ROLE = {"FunctionName": "TotalNotifier"}, {"RoleName": "TotalNotifierRole"}
OPEN = {"PolicyName": "lab", "PolicyDocument": json.dumps(EVERYTHING)}

# (service, operation, parameters, the functions that may). tests/unit/test_policies.py reads the policies whole.
CALLS = [
    ("s3", "get_object", {**BUCKET, "Key": "transactions.txt"}, [PROCESSOR]),
    ("s3", "put_object", {**BUCKET, "Key": "tried.txt"}, []),
    ("sns", "publish", {**TOPIC, "Message": "tried"}, [NOTIFIER]),
    ("sqs", "send_message", {**DEAD, "MessageBody": "tried"}, [PROCESSOR, NOTIFIER]),
    ("sqs", "send_message", {**ALERTS, "MessageBody": "tried"}, []),
    ("dynamodb", "batch_write_item", {"RequestItems": {"Customer": [ROW], "Transactions": [ROW]}}, [PROCESSOR]),
    ("dynamodb", "update_item", TOTAL_KEY, [NOTIFIER]),
    ("dynamodb", "delete_item", {**MARKERS, "Key": MARKER}, []),
    ("lambda", "invoke", FUNCTION, []),
    ("iam", "put_role_policy", {**ROLE, **OPEN}, []),
    ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{PROCESSOR}Role", "RoleSessionName": "tried"}, []),
]


def is_refused(lab, service, operation, parameters):
    """Make the call, and return whether AWS denies it; every other error goes up."""
    if "QueueUrl" in parameters:
        parameters = {**parameters, "QueueUrl": f"{lab.endpoint}/{parameters['QueueUrl']}"}
    try:
        getattr(lab.client(service), operation)(**parameters)
    except ClientError as error:
        if not is_access_denied(error):
            raise
        return True
    return False


@pytest.fixture(scope="module")
def callers():
    """Return {caller: the lab with the caller's credentials} of an account that has processed the handout's file."""
    root, other = built(ACCOUNT), open_lab(account=OTHER)

    def function(name):
        create_function(root, f"{name}Keys", KEYS, roles.find_role(root, functions.ROLES[name]))
        return lab_of(root, *functions.invoke(root, f"{name}Keys", {}))

    def send_without_tls(request, **_):
        request.headers["X-Forwarded-Proto"] = "http"

    plain = user_of(root, "plain", EVERYTHING)
    plain.session.events.register("before-sign", send_without_tls)
    return {
        PROCESSOR: function(PROCESSOR),
        NOTIFIER: function(NOTIFIER),
        "user without a policy": user_of(root, "stranger"),
        "administrator of another account": user_of(other, "administrator", EVERYTHING),
        "administrator without TLS": plain,
    }


@pytest.mark.parametrize(("service", "operation", "parameters", "may"), CALLS, ids=lambda value: str(value)[:40])
def test_a_call_is_refused_to_everyone_but_the_functions_that_need_it(service, operation, parameters, may, callers):
    tried = dict(callers)
    if service not in ("s3", "sns", "sqs", "sts"):  # these names mean resources of the caller's own account
        del tried["administrator of another account"]
    if service not in ("s3", "sqs", "sts") and operation != "publish":  # no policy of the resource requires TLS
        del tried["administrator without TLS"]

    allowed = [who for who, lab in tried.items() if not is_refused(lab, service, operation, parameters)]

    assert allowed == may


def test_a_role_with_the_boundary_may_do_what_the_functions_do_and_no_more_whatever_its_policy(callers):
    root = open_lab(account=ACCOUNT)
    iam, document = root.client("iam"), json.dumps(policies.boundary(root))
    boundary = iam.create_policy(PolicyName="Max", PolicyDocument=document)["Policy"]["Arn"]
    trust = json.dumps(policies.trust())
    role = iam.create_role(RoleName="Wide", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)["Role"]["Arn"]
    iam.put_role_policy(RoleName="Wide", **OPEN)
    create_function(root, "WideKeys", KEYS, role)
    wide = lab_of(root, *functions.invoke(root, "WideKeys", {}))

    allowed = [call[:2] for call in CALLS if call[0] != "sts" and not is_refused(wide, *call[:3])]

    assert allowed == [call[:2] for call in CALLS if call[3]]
