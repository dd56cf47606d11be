"""What can go wrong with a call on the wire.

A fault is given the call that it meets, and returns the answer that the function gets; or None, and then the connection
ends without one.
"""

import json
from dataclasses import replace
from xml.sax.saxutils import escape

from wire import Answer

from lab_lib.waiting import wait_until


def killed_before(call):
    """The function's machine fails before the call reaches AWS."""
    call.caller().kill()


def killed_after(call):
    """AWS has done it; the function's machine fails before it hears of that."""
    call.pass_on()
    call.caller().kill()


def answer_lost(call):
    """AWS has done it; its answer is lost on the way."""
    call.pass_on()


def answer_late(call):
    """AWS has done it; its answer comes when the function's time is up."""
    call.pass_on()
    wait_until(lambda: call.caller() is None, "Lambda to end the function", timeout=30)


def after(deed):
    """The fault that something else happens just before the call."""

    def fault(call):
        deed()
        return call.pass_on()

    return fault


def refused(code, status=400, **more):
    """The fault that AWS refuses the call, in the words of the service's protocol."""

    def fault(call):
        if "X-Amz-Target" in call.headers:
            answer = {"__type": f"com.amazonaws#{code}", "message": "It was the wire.", **more}
            return json_answer(answer, status)
        error = f"<ErrorResponse><Error><Code>{escape(code)}</Code><Message>It was the wire.</Message></Error>"
        return Answer(status, {"Content-Type": "text/xml"}, f"{error}</ErrorResponse>".encode())

    return fault


def cancelled(reason):
    """The fault that DynamoDB cancels a transaction for its last action; the conditions of the others are looked at."""
    return lambda call: _cancel(call, [*_conditions(call)[:-1], reason])


def written_in_part(call):
    """DynamoDB has room for the first half of the batch only."""
    ((table, requests),) = call.request["RequestItems"].items()
    half = len(requests) // 2
    answer = _with_request(call, {"RequestItems": {table: requests[:half]}}).pass_on()
    return json_answer({**json.loads(answer.body), "UnprocessedItems": {table: requests[half:]}})


def read_in_part(call):
    """DynamoDB has read enough after the first key."""
    ((table, wanted),) = call.request["RequestItems"].items()
    first, rest = ({table: {**wanted, "Keys": keys}} for keys in (wanted["Keys"][:1], wanted["Keys"][1:]))
    answer = _with_request(call, {"RequestItems": first}).pass_on()
    return json_answer({**json.loads(answer.body), "UnprocessedKeys": rest})


def json_answer(content, status=200):
    return Answer(status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(content).encode())


def _with_request(call, request):
    return replace(call, body=json.dumps(request).encode())


def _conditions(call):
    """For each action of the transaction whether its condition holds, in DynamoDB's words; each Put has a marker."""
    puts = [action.get("Put") for action in call.request["TransactItems"]]
    keys = [put and {"EventId": put["Item"]["EventId"]} for put in puts]
    there = [put and _item(call, put["TableName"], key) for put, key in zip(puts, keys, strict=True)]
    return ["ConditionalCheckFailed" if item else "None" for item in there]


def _cancel(call, codes):
    reasons = [{"Code": code} for code in codes]
    return refused("TransactionCanceledException", CancellationReasons=reasons)(call)


def _item(call, table, key):
    """The item as it is now; empty if there is none."""
    headers = {**call.headers, "X-Amz-Target": "DynamoDB_20120810.GetItem"}
    request = {"TableName": table, "Key": key, "ConsistentRead": True}
    return json.loads(_with_request(replace(call, headers=headers), request).pass_on().body).get("Item", {})
