"""Spoil calls of a deployed function, which calls `begin`: an item of a table says which call, and how.

The table is in an account of its own on the same embedded AWS, so that functions in boxes reach it too.
"""

import json
import os
import uuid

import boto3
from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from botocore.httpsession import URLLib3Session

ACCOUNT = "199999999999"


class Faults:
    """The faults that wait for calls of a function. They are made in the test, and met in the function."""

    def __init__(self, secret, endpoint=None, name=""):
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": secret, "region_name": "us-east-1"}
        dynamodb = boto3.session.Session(**keys).resource("dynamodb", endpoint_url=endpoint)
        if not name:
            name, keyed = f"Faults-{uuid.uuid4()}", {"AttributeName": "Id"}
            dynamodb.create_table(
                TableName=name,
                KeySchema=[{**keyed, "KeyType": "HASH"}],
                AttributeDefinitions=[{**keyed, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self.table = dynamodb.Table(name)

    def fail(self, call, deed, about, times=1):
        """Let the next calls of this name meet the deed, if their address or body has the text `about`."""
        for _ in range(times):
            self.table.put_item(Item={"Id": str(uuid.uuid4()), "call": call, "about": about, "deed": json.dumps(deed)})

    def left(self):
        """Return the faults that no call has met yet."""
        return self.table.scan(ConsistentRead=True)["Items"]

    def meet(self, request, event_name, **_):
        """Let a call meet a fault that waits for it. botocore calls this."""
        for fault in self.left():
            is_meant = event_name.endswith(f".{fault['call']}") and fault["about"] in f"{request.url} {request.body}"
            if is_meant and "Attributes" in self.table.delete_item(Key={"Id": fault["Id"]}, ReturnValues="ALL_OLD"):
                deed = json.loads(fault["deed"])
                return (refuse if isinstance(deed, list) else DEEDS[deed])(request, deed)
        return None


def begin(secret, name):
    """Let each call of this process meet the faults in the table, but for those of `Faults`, made before."""
    BUILTIN_HANDLERS.append(("before-send", Faults(secret, name=name).meet))


def end_before(request, _):
    """End the function before its call reaches AWS."""
    os._exit(1)


def end_after(request, _):
    """Let AWS carry out the call, and end the function before it gets the answer."""
    URLLib3Session().send(request)
    os._exit(1)


DEEDS = {"killed before": end_before, "killed after": end_after}


def refuse(request, deed):
    """Return AWS's refusal: status and body."""
    answer = AWSResponse(request.url, deed[0], {}, None)
    answer._content = deed[1].encode()
    return answer
