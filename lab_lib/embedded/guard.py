"""Admit only requests that are signed with the secret of `server.json`, which only the owner can read.

Without this guard, any page in the browser and any user of this computer could run code as the owner. A page's request
has an `Origin` header, or the page's own host name as `Host`. Both are refused, whatever the signature. An admitted
request counts as sent over TLS, so that policies that require TLS can be tried here.

ministack's own check verifies neither an account's own key nor presigned URLs of S3; its functions for it do. What a
page sends is refused before its body is kept.

ministack derives a function's keys from two ARNs, which anybody knows, and does not sign the address of its code. Goes
when it keeps a secret of its own, and signs the address.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.app import SERVICE_HANDLERS, _send_response
from ministack.core import iam_evaluator, lambda_runtime, router, sigv4
from ministack.core.iam_actions import _SERVICE_PROTOCOL, access_denied_response
from ministack.core.responses import get_account_id, get_region, set_request_account_id
from ministack.services import lambda_svc

from lab_lib.embedded import copies, replace, work
from lab_lib.embedded.copies import Receive, Scope, Send
from lab_lib.embedded.server import CLIENTS_PORT, COPY, HOST, OF_COPY, WHO, WORK, proof
from lab_lib.processes import box

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_RENEW = 'In a notebook, run the cell with open_lab again; in a terminal, run `eval "$(lab local env)"` again.'
_UNSIGNED = f"The embedded AWS only answers requests that are signed with AWS Signature Version 4. {_RENEW}"
_WRONG = f"This request is not signed with a key of the embedded AWS that runs now. {_RENEW}"
_ABSENT = "The lab's embedded AWS does not have the service {}. docs/embedded-aws.md says which it has."
_LONG = "The body is longer than 100 MB, the most that the embedded AWS takes. Upload a large file in parts."
# Bytes. Lambda takes a request of 70 MB, for a zip file of 50 MB. S3 advises to upload more than 100 MB in parts, and
# boto3 and the aws command do so from 8 MB on.
_LONGEST_BODY = 100 * 2**20
_CBOR = "smithy-protocol"  # the header of requests in CBOR, which boto3 sends to none of ministack's services
_keys = lambda_runtime.execution_credentials


def install() -> None:
    """Give functions keys that nobody can compute, and sign the addresses of their code."""
    replace(lambda_runtime, "execution_credentials", function_keys)
    replace(lambda_svc, "execution_credentials", function_keys)
    replace(lambda_svc, "_presigned_code_url", code_url)


def function_keys(config: dict[str, Any]) -> dict[str, str]:
    """Return a function's keys, which depend on the server's secret. A copy has the same."""
    arn = f"{config.get('FunctionArn', '')}:{os.environ['AWS_SECRET_ACCESS_KEY']}"
    return dict(_keys({**config, "FunctionArn": arn}))


def code_url(function: str) -> str:
    """Return the presigned URL of a function's code, which is valid for ten minutes as on AWS."""
    account = get_account_id()
    url = f"http://{HOST}:{os.environ[CLIENTS_PORT]}/_ministack/lambda-code/{account}/{get_region()}/{function}"
    request = AWSRequest("GET", url)
    own_key = Credentials(account, os.environ["AWS_SECRET_ACCESS_KEY"])
    S3SigV4QueryAuth(own_key, "s3", get_region(), 600).add_auth(request)
    return str(request.url)


def guarded(app: App, port: int, secret: str) -> App:
    """Return the ASGI application behind this guard."""
    addresses = [f"{HOST}:{os.environ[CLIENTS_PORT]}", f"{HOST}:{port}"]  # the same, but for a copy
    this_server = {"pid": os.getpid(), "why_no_boxes": box.fault_of_functions()}
    questions = {
        WHO: lambda query: this_server | {"proof": proof(secret, query.get("nonce", ""))},
        WORK: lambda _query: work.count(get_account_id()),
    }
    own_number = proof(secret, str(port))  # if this server is a copy

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":  # a websocket, which the lab does not use
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        body = b""
        reason = _refusal_of_page(headers, addresses)
        if not reason:
            body, reason = await _read(receive)
        if not reason:
            reason = _refusal(scope, query, headers, body)
        path = scope["path"]
        acts = (questions | copies.ACTS) if OF_COPY in headers else questions
        service = router.detect_service(scope["method"], path, headers, query)
        if reason:
            code = "EntityTooLarge" if reason == _LONG else "InvalidAccessKeyId"
            await _send_response(send, *_error(service, headers, code, reason))
        elif service not in SERVICE_HANDLERS or _CBOR in headers:
            await _send_response(send, *_error(service, headers, "NotImplemented", _ABSENT.format(service)))
        elif headers.get(OF_COPY, own_number) != own_number:  # it is for a copy of this server
            await copies.pass_on(scope, body, send, headers[OF_COPY])
        elif path == COPY:
            await copies.lend(get_account_id(), receive, send)
        elif path in acts:
            values = {name: texts[0] for name, texts in query.items()}
            answer = await asyncio.to_thread(acts[path], values)
            await _send_response(send, 200, {"content-type": "application/json"}, json.dumps(answer))
        else:
            if "x-forwarded-proto" not in headers:
                scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
            killed = copies.function_to_kill(router.extract_access_key_id(headers, query))
            reply = _unheard if killed else send
            await app(scope, _replayed(body, receive), reply)
            if killed:
                await asyncio.to_thread(copies.kill, killed)

    return guard


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body that was read, and then what else arrives."""
    messages = [{"type": "http.request", "body": body}]

    async def replay() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    return replay


async def _unheard(_message: dict[str, Any]) -> None:
    """Send nothing: the function that has asked is killed."""


def _headers(scope: Scope) -> dict[str, str]:
    """Return {name in lower case: value}; the values of a repeated header are joined, as in a signature."""
    headers = dict[str, str]()
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _error(service: str, headers: dict[str, str], code: str, message: str) -> Any:
    """Return an error in the protocol of the service, so that boto3 and the aws command show the message."""
    if _CBOR in headers:  # a map of these texts; see RFC 8949
        items = [b"\x79" + len(text).to_bytes(2) + text.encode() for text in ("__type", code, "message", message)]
        return 403, {"content-type": "application/cbor", _CBOR: headers[_CBOR]}, b"\xa2" + b"".join(items)
    if service not in _SERVICE_PROTOCOL and "x-www-form-urlencoded" in headers.get("content-type", ""):
        service = "sns"  # which takes forms too
    return access_denied_response(service, "", "", "", error_code=code, message=message, headers=headers)


def _refusal_of_page(headers: dict[str, str], addresses: list[str]) -> str:
    """Return why a request is refused that a page in the browser has sent, or that is to another address; else ""."""
    if "origin" in headers:
        return "The embedded AWS does not answer web pages."
    if headers.get("host") not in addresses:
        return f"The embedded AWS answers at http://{addresses[0]} only. Use that address."
    return ""


async def _read(receive: Receive) -> tuple[bytes, str]:
    """Return the body of a request, and why it is refused, or "".

    One that is too long is dropped as it arrives: a client may read the answer only after it has sent all.
    """
    body = bytearray()
    reason = ""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _LONGEST_BODY:
            reason = _LONG
            body.clear()
        if message["type"] == "http.disconnect":
            reason = "The request is incomplete."
    return bytes(body), reason


def _refusal(scope: Scope, query: dict[str, list[str]], headers: dict[str, str], body: bytes) -> str:
    """Return why a request is refused, or "".

    Refused is what is not signed as it arrives, by the key of an account, of one of its users, or of an assumed role.
    The request counts as that account's.
    """
    in_query = "X-Amz-Signature" in query
    if in_query == ("authorization" in headers):  # neither or both
        return _UNSIGNED
    parsed = sigv4.parse_query_signature(query) if in_query else sigv4.parse_header_signature(headers)
    if isinstance(parsed, tuple) or parsed.access_key_id != router.extract_access_key_id(headers, query):
        return _UNSIGNED
    key = parsed.access_key_id
    # ministack takes any script's twelve digits for an account.
    if not f"{key}{parsed.signature}".isascii():
        return _UNSIGNED
    token = headers.get("x-amz-security-token", "")
    if in_query:
        token = query.get("X-Amz-Security-Token", [""])[0]
    try:
        set_request_account_id(iam_evaluator.find_iam_access_key_account(key) or key)
        credential = iam_evaluator.resolve_credential(key, session_token=token)
        is_late = sigv4.request_time_failure(parsed) is not None
        if in_query:
            is_late = sigv4.presigned_request_is_expired(parsed.amz_date, query.get("X-Amz-Expires", ["300"])[0])
    except (ValueError, OverflowError):  # two accounts have the key, or the time is none
        return _WRONG
    if is_late or not isinstance(credential, iam_evaluator.ResolvedCredential):
        return _WRONG
    request = credential.secret_access_key, scope["method"], scope["raw_path"].decode("latin-1"), query, headers
    if sigv4.header_signature_failure(parsed, *request, body, presigned=in_query):
        return _WRONG
    stated = headers.get("x-amz-content-sha256", "")
    if stated.isalnum() and stated != hashlib.sha256(body).hexdigest():  # no UNSIGNED-PAYLOAD
        return _WRONG
    path = scope["path"]
    is_free = path in (WORK, COPY, *copies.ACTS)  # the last ones change copies only
    is_reserved = path.startswith("/_") and not is_free
    if is_reserved and credential.principal_type != "Root":
        return "Only the account's own key may manage the embedded AWS."
    return ""
