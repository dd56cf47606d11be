"""Let ministack behave as AWS does where the lab relies on AWS.

ministack has no settings for these changes, so they replace its functions by name. Its version is pinned.
"""

import json
import os
import queue
import re
import secrets
import time
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from decimal import Context, Decimal, Inexact, Overflow, Subnormal
from functools import lru_cache
from itertools import islice
from typing import Any

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, lambda_svc, s3, sns, sqs

from lab_lib.calls.waiting import load_of_computer
from lab_lib.embedded import batches, call_times, streams, validation, work
from lab_lib.embedded.server import HOST

Item = dict[str, Any]  # of DynamoDB
_SALT = secrets.token_hex(20)
_READY = dict.fromkeys(
    ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"), ""
) | {"State": "Active", "LastUpdateStatus": "Successful"}
# ministack's own functions, which are replaced
_credentials, _invalidate = lambda_runtime.execution_credentials, lambda_svc.invalidate_worker
_invoke, _all_checks = lambda_runtime.Worker.invoke, iam_actions.dynamodb_transaction_checks
_policies_of_role, _envelope = iam_evaluator._gather_role_policies, sns._build_envelope
_fanout, _collect, _scan = sns._fanout, sqs._collect_msgs, dynamodb._scan
_denied, _execute = iam_actions.access_denied_response, lambda_svc._execute_function_warm
# The numbers that DynamoDB can store; Python's arithmetic raises an error for all others.
_RANGE = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact, Overflow, Subnormal])
_SOME = 20_000  # items, more than a page of 1 MB has as a rule
# The partition keys of a table, when the last Scan of it began; and how many of them have so many items, on average.
_ordered: dict[str, tuple[list[str], int]] = {}
# The worker's last line on stderr in a call. ministack only waits for some time, and may miss what a function prints.
_END = f"end-of-{_SALT}-"
_SAY_THE_END = f"""
        sys.stderr.flush()
        os.write(2, ({_END!r} + str(_ms_ctx.get("request_id", "")) + "\\n").encode())
"""
_MARK = "\0"  # stands behind the name of an error, in its message from the function's process
_LONGEST_PRINTED = 2  # seconds, for a function that has closed its stderr
# Where ministack's worker reads its timeout, and the same times the load, which `invoke` sends with the call.
_TOLD = 'float(os.environ.get("_LAMBDA_TIMEOUT", "3"))'
_STRETCHED = f'{_TOLD} * _ms_durable["load"]'


class Number(Decimal):
    """A number of DynamoDB: a sum is exact or refused with DynamoDB's message. Python would round it to 28 digits."""

    def __add__(self, other: Any) -> "Number":
        return _stored(_RANGE.add, self, other)

    def __sub__(self, other: Any) -> "Number":
        return _stored(_RANGE.subtract, self, other)


def _stored(operation: Callable[[Decimal, Any], Decimal], left: Decimal, right: Any) -> Number:
    try:
        # DynamoDB drops the zeros of 1500.00; ministack keeps them in a transaction.
        return Number(f"{_RANGE.normalize(operation(left, right)):f}")
    except ArithmeticError:  # DynamoDB has the same message for too many digits
        message = "Number overflow. Attempting to store a number with magnitude larger than supported range"
        raise ValueError(message) from None


def make() -> None:
    """Make all changes."""
    failed = '"status": "error", "error": str(e), "trace"'
    kept = '"status": "ok", "has_failed": True, "error": f"{type(e).__name__}\\0{e}", "trace"'
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(failed, kept)
    lambda_runtime.Worker.invoke, lambda_svc.invalidate_worker = invoke, invalidate_own
    lambda_svc._create_esm, lambda_svc._update_esm = waking(lambda_svc._create_esm), waking(lambda_svc._update_esm)
    lambda_svc._presigned_code_url = code_url
    lambda_svc._schedule_state_transition = activate
    iam_evaluator._gather_role_policies = policies_of_role
    sns._build_envelope, sns._fanout = envelope, fanout
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = execution_credentials
    lambda_svc._poll_dynamodb_streams = streams.poll
    lambda_svc._execute_function = work.execute
    lambda_svc.threading = s3.threading = sns._threading = work.threads
    lambda_runtime.threading = call_times.threads
    lambda_svc._execute_function_dispatch = validation.answered
    lambda_svc._execute_function_warm = execute
    lambda_runtime.Worker._spawn, cloudwatch_logs._append_log_events = call_times.spawn, call_times.append
    lambda_svc._RIE_TIMEOUT_TEXT_RE = re.compile(r"Task timed out after .*")
    dynamodb.Decimal = Number
    dynamodb._scan = scan
    sqs._collect_msgs = received
    # ministack checks the permission and parses the condition of each of a transaction's 100 actions; most are alike.
    dynamodb._condition_syntax_error = lru_cache(dynamodb._condition_syntax_error)
    iam_actions.dynamodb_transaction_checks = lambda *request: list(dict.fromkeys(_all_checks(*request)))
    script = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(_TOLD, _STRETCHED)
    end = "        _real_stdout.flush()\n\nrun()"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(end, f"{_SAY_THE_END}{end}")
    lambda_runtime.Worker._drain_stderr_bounded = printed
    iam_actions.access_denied_response = denied


def code_url(function: str) -> str:
    """Return the presigned URL of a function's code, which is valid for ten minutes as on AWS."""
    account, region = get_account_id(), get_region()
    url = f"http://{HOST}:{os.environ['GATEWAY_PORT']}/_ministack/lambda-code/{account}/{region}/{function}"
    request, keys = AWSRequest("GET", url), Credentials(account, os.environ["AWS_SECRET_ACCESS_KEY"])
    S3SigV4QueryAuth(keys, "s3", region, 600).add_auth(request)
    return str(request.url)


def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
    """Return a function's keys. ministack derives them from two ARNs, which anybody knows; this adds a random part."""
    return dict(_credentials({**config, "FunctionArn": f"{config.get('FunctionArn', '')}:{_SALT}"}))


def policies_of_role(role: str, account: str) -> Any:
    """Return the policies of a role. ministack's policy simulator asks with the role's path, such as service-role/."""
    return _policies_of_role(role.rsplit("/", 1)[-1], account)


def denied(service: str, action: str, principal: str, *request: Any, **details: Any) -> Any:
    """Return the answer to a request that is not allowed. Its message names the resource too, as AWS's does."""
    resource, is_explicit = details.get("resource_arn", "*"), details.get("explicit_deny", False)
    if not (details.get("error_code") or details.get("resource_policy_arn")):
        details["message"] = iam_actions.identity_denial_message(action, principal, resource, is_explicit)
    return _denied(service, action, principal, *request, **details)


def envelope(*message: Any) -> str:
    """Return the envelope of a message of SNS, with its time to the millisecond; ministack tells whole seconds.

    An alert would else seem to be older than a change of the function just before it.
    """
    text: str = _envelope(*message)
    is_raw = message[-1]
    now = batches.iso_time(time.time(), "milliseconds")
    return text if is_raw else json.dumps({**json.loads(text), "Timestamp": now})


def fanout(topic: str, *message: Any, **more: Any) -> Any:
    """Send a message to the subscribers of a topic, and let CloudWatch count it."""
    name = topic.split(":")[-1]
    cloudwatch.record_metric("AWS/SNS", "NumberOfMessagesPublished", 1, "Count", {"TopicName": name})
    return _fanout(topic, *message, **more)


def scan(request: Any) -> Any:
    """Answer a Scan. ministack sorts all items of the table for each page; this hands it enough of them for a page.

    700,000 markers are read in 10 seconds instead of 35. A Scan may leave out what comes into the table meanwhile.
    """
    table = dynamodb._tables.get(dynamodb._normalize_table_name(request.get("TableName")))
    if not table or {"IndexName", "Segment"} & request.keys():
        return _scan(request)
    start = (request.get("ExclusiveStartKey") or {}).get(table["pk_name"])
    items, name = table["items"], table["TableArn"]
    if not start or name not in _ordered:
        count = sum(map(len, items.values()))
        _ordered[name] = sorted(items), _SOME * len(items) // max(count, 1) + 1  # the first may be read in part
    keys, number = _ordered[name]
    first = bisect_left(keys, dynamodb._extract_key_val(start)) if start else 0
    while True:
        try:
            table["items"] = {key: items[key] for key in keys[first : first + number] if key in items}
            status, headers, body = _scan(request)
        finally:
            table["items"] = items
        if first + number >= len(keys) or "LastEvaluatedKey" in json.loads(body):
            return status, headers, body
        number *= 4


def received(source: Item, most: int, seconds: int) -> list[Item]:
    """Return messages for ReceiveMessage. ministack completes all messages of the queue at each call; this, the first.

    A queue of 10,000 messages would take a minute to read.
    """
    if source["is_fifo"]:
        return list(_collect(source, most, seconds))
    now = time.time()
    visible = (message for message in source["messages"] if message.get("visible_at", 0) <= now)
    return list(_collect({**source, "messages": [*islice(visible, most)]}, most, seconds))


def activate(function: str, delay: float) -> None:
    """Activate a new or changed function at once; ministack waits half a second."""
    record = lambda_svc._functions[function]
    for version in (record, *record["versions"].values()):
        version["config"] |= _READY


def waking(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let the poller look at once after this change to a mapping; ministack looks once a second."""

    def changed(*args: Any) -> Any:
        answer = change(*args)
        esm_wake.set()
        return answer

    return changed


def invalidate_own(name: str, qualifier: str | None = None, account: str = "", region: str = "") -> None:
    """End a function's processes in the caller's account only; ministack may end those of all accounts."""
    _invalidate(name, qualifier, account or get_account_id(), region or get_region())


def printed(worker: Any) -> str:
    """Return what the function has printed in this call."""
    # A worker that has died prints no end.
    longest = (_LONGEST_PRINTED if worker._proc else 0.05) * load_of_computer()
    lines, until = list[str](), time.monotonic() + longest
    with suppress(queue.Empty):
        while True:
            line = worker._stderr_queue.get(timeout=max(until - time.monotonic(), 0.001))
            text, mark, request = line.partition(_END)
            lines += [text] * bool(text or not mark)
            if mark and request == worker.request:
                break
    return "\n".join(lines)


def invoke(worker: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Keep the worker after an error of the function, as AWS does; ministack would start a new one."""
    worker.request = args[1] if len(args) > 1 else kwargs["request_id"]
    more = {**(kwargs.pop("durable", None) or {}), "load": load_of_computer()}
    answer: dict[str, Any] = call_times.explain(_invoke(worker, *args, durable=more, **kwargs))
    return {**answer, "status": "error"} if answer.get("has_failed") else answer


def execute(*call: Any) -> dict[str, Any]:
    """Call a function. An error in its answer keeps its name, as on AWS; ministack has Runtime.HandlerError for all."""
    answer: dict[str, Any] = _execute(*call)
    message = answer["body"].get("errorMessage", "") if answer.get("error") else ""
    if _MARK in message:
        name, _, text = message.partition(_MARK)
        answer["body"] = {"errorMessage": text, "errorType": name}
    return answer
