"""Admit only requests that are signed with the secret of `server.json`, which only the owner can read.

Without this guard, any page in the browser and any user of this computer could run code as the owner. A page's request
has an `Origin` header, or the page's own host name as `Host`. Both are refused before the signature is verified. An
admitted request counts as sent over TLS, so that policies that require TLS can be tried here.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_evaluator, router, sigv4
from ministack.core.iam_actions import access_denied_response
from ministack.core.responses import _account_from_sts_session

from lab_lib.embedded.server import HOST, WHO, proof

Scope = dict[str, Any]
Query = dict[str, list[str]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_RENEW = 'In a notebook, run the cell with open_lab again; in a terminal, run `eval "$(lab local env)"` again.'
_UNSIGNED = f"The embedded AWS only answers requests that are signed with AWS Signature Version 4. {_RENEW}"
_WRONG = f"This request is not signed with a key of the embedded AWS that runs now. {_RENEW}"
_MANAGEMENT = "Only the account's own key may manage the embedded AWS."
_FORWARDED = "x-forwarded-proto"


class Refused(Exception):
    """The request is not admitted; the message says why, and what to do."""


def guarded(app: App, port: int, secret: str) -> App:
    """Return the ASGI application behind this guard."""
    address = f"{HOST}:{port}"

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        if scope["type"] != "http":  # a websocket, which the lab does not use
            return await send({"type": "websocket.close", "code": 1008})
        headers = _headers(scope)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        try:
            _verify_sender(headers, address)
            body = await _body(receive)
            _verify_signature(scope, query, headers, body)
        except Refused as refused:
            return await _refuse(scope, query, headers, str(refused), send)
        if scope["path"] == WHO:
            answer = {"pid": os.getpid(), "proof": proof(secret, query.get("nonce", [""])[0])}
            return await _answer(send, 200, {"content-type": "application/json"}, json.dumps(answer).encode())
        if _FORWARDED not in headers:
            scope = {**scope, "headers": [*scope["headers"], (_FORWARDED.encode(), b"https")]}
        return await app(scope, _replay(body, receive), send)

    return guard


def _headers(scope: Scope) -> dict[str, str]:
    """Return {name in lower case: value}; the values of a repeated header are joined, as in a signature."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _verify_sender(headers: dict[str, str], address: str) -> None:
    """Refuse a request from a page in the browser, and one to another address."""
    if "origin" in headers:
        raise Refused("The embedded AWS does not answer web pages.")
    if headers.get("host") != address:
        raise Refused(f"The embedded AWS answers at http://{address} only. Use that address.")


def _verify_signature(scope: Scope, query: Query, headers: dict[str, str], body: bytes) -> None:
    """Refuse a request that is not signed with the key of an account, of one of its users, or of an assumed role."""
    in_query = "X-Amz-Signature" in query
    if in_query == ("authorization" in headers):  # neither or both
        raise Refused(_UNSIGNED)
    parsed = sigv4.parse_query_signature(query) if in_query else sigv4.parse_header_signature(headers)
    if isinstance(parsed, tuple) or not parsed.signature.isascii() or parsed.region_set is not None:
        raise Refused(_UNSIGNED)
    if parsed.access_key_id != router.extract_access_key_id(headers, query):
        raise Refused(_UNSIGNED)
    if not _is_timely(parsed, query, in_query) or not _is_whole(headers, body):
        raise Refused(_WRONG)
    token = query.get("X-Amz-Security-Token", [""])[0] if in_query else headers.get("x-amz-security-token", "")
    credential = _credential(parsed.access_key_id, token)
    path = scope["raw_path"].decode("latin-1").partition("?")[0]
    if credential is None or sigv4.header_signature_failure(
        parsed, credential.secret_access_key, scope["method"], path, query, headers, body, presigned=in_query
    ):
        raise Refused(_WRONG)
    if scope["path"].startswith("/_") and credential.principal_type != "Root":
        raise Refused(_MANAGEMENT)


def _credential(key: str, token: str) -> iam_evaluator.ResolvedCredential | None:
    """Return secret and owner of the access key; None if the key is unknown or has another session token."""
    try:
        account = _account_from_sts_session(key) or iam_evaluator.find_iam_access_key_account(key) or key
    except iam_evaluator.AmbiguousAccessKeyError:
        return None
    found = iam_evaluator.resolve_credential(key, account, token)
    return found if isinstance(found, iam_evaluator.ResolvedCredential) else None


def _is_timely(parsed: sigv4.HeaderSignature, query: Query, in_query: bool) -> bool:
    """Return whether the signature has not expired: after minutes, or after the time that a presigned URL names."""
    if not in_query:
        return sigv4.request_time_failure(parsed) is None
    try:
        return not sigv4.presigned_request_is_expired(parsed.amz_date, query.get("X-Amz-Expires", ["300"])[0])
    except ValueError:
        return False


def _is_whole(headers: dict[str, str], body: bytes) -> bool:
    """Return whether the body has the hash in its header; a header that is not a hash makes no statement."""
    wanted = headers.get("x-amz-content-sha256", "")
    return len(wanted) != 64 or wanted == hashlib.sha256(body).hexdigest()


async def _body(receive: Receive) -> bytes:
    """Return the whole body."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("The request is incomplete.")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> dict[str, Any]:
        return waiting.pop() if waiting else await receive()

    return replay


async def _refuse(scope: Scope, query: Query, headers: dict[str, str], why: str, send: Send) -> None:
    """Send the refusal in the protocol of the service, so that boto3 and the aws command show the reason."""
    service = router.detect_service(scope["method"], scope["path"], headers, query)
    answer = access_denied_response(
        service, "", "", str(uuid.uuid4()), error_code="InvalidAccessKeyId", message=why, headers=headers
    )
    await _answer(send, *answer)


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """Send a complete answer."""
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
