"""Admit only requests that are signed with the secret of `server.json`, which only the owner can read.

Without this guard, any page in the browser and any user of this computer could run code as the owner. A page's request
has an `Origin` header, or the page's own host name as `Host`. Both are refused before the signature is verified. An
admitted request counts as sent over TLS, so that policies that require TLS can be tried here.

The headers are verified first, so most requests are refused before their body is kept. A refused body is dropped as it
arrives, and then answered: a client may read the answer only after it has sent all.
"""

import hashlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_evaluator, router, sigv4
from ministack.core.iam_actions import access_denied_response
from ministack.core.responses import _account_from_sts_session

from lab_lib.embedded import work
from lab_lib.embedded.server import COLD, HOST, WHO, WORK, proof
from lab_lib.processes import box

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[str, str]
Query = dict[str, list[str]]

_RENEW = 'In a notebook, run the cell with open_lab again; in a terminal, run `eval "$(lab local env)"` again.'
_UNSIGNED = f"The embedded AWS only answers requests that are signed with AWS Signature Version 4. {_RENEW}"
_WRONG = f"This request is not signed with a key of the embedded AWS that runs now. {_RENEW}"
_MANAGEMENT = "Only the account's own key may manage the embedded AWS."
_LONG = "The body is longer than 100 MB, the most that the embedded AWS takes. Upload a large file in parts."
_FORWARDED, _HASH = "x-forwarded-proto", "x-amz-content-sha256"
# Bytes. Lambda takes a request of 70 MB, for a zip file of 50 MB. S3 advises to upload more than 100 MB in parts, and
# boto3 and the aws command do so from 8 MB on.
_LONGEST_BODY = 100 * 2**20


class Refused(Exception):
    """The request is not admitted; the message says why, and what to do."""

    code = "InvalidAccessKeyId"


class TooLong(Refused):
    """The body is longer than the embedded AWS takes."""

    code = "EntityTooLarge"


def guarded(app: App, port: int, secret: str) -> App:
    """Return the ASGI application behind this guard."""
    address, about = f"{HOST}:{port}", {"pid": os.getpid(), "has_no_boxes": box.fault_of_functions()}

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        if scope["type"] != "http":  # a websocket, which the lab does not use
            return await send({"type": "websocket.close", "code": 1008})
        headers, parts = _headers(scope), _parts(receive)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        try:
            _verify_sender(headers, address)
            body = await _verified_body(scope, query, headers, parts)
        except Refused as refused:
            return await _refuse(scope, query, headers, refused, parts, send)
        if scope["path"] == WHO:
            nonce = query.get("nonce", [""])[0]
            return await _answer_json(send, about | {"proof": proof(secret, nonce)})
        if scope["path"] in (WORK, COLD):
            answer = work.count if scope["path"] == WORK else work.cool
            return await _answer_json(send, answer(_account(router.extract_access_key_id(headers, query))))
        if _FORWARDED not in headers:
            scope = {**scope, "headers": [*scope["headers"], (_FORWARDED.encode(), b"https")]}
        return await app(scope, _replay(body, receive), send)

    return guard


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives this body."""
    messages = iter([{"type": "http.request", "body": body}])

    async def replayed() -> Message:
        return next(messages, None) or await receive()

    return replayed


def _headers(scope: Scope) -> Headers:
    """Return {name in lower case: value}; the values of a repeated header are joined, as in a signature."""
    headers: Headers = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _verify_sender(headers: Headers, address: str) -> None:
    """Refuse a request from a page in the browser, and one to another address."""
    if "origin" in headers:
        raise Refused("The embedded AWS does not answer web pages.")
    if headers.get("host") != address:
        raise Refused(f"The embedded AWS answers at http://{address} only. Use that address.")


async def _verified_body(scope: Scope, query: Query, headers: Headers, parts: AsyncIterator[bytes]) -> bytes:
    """Return the body of a request. Refused if it is not signed as it arrives."""
    verify = _verifier(scope, query, headers)
    if stated := headers.get(_HASH):
        verify(stated)
    body = bytearray()
    async for part in parts:
        body += part
        if max(len(body), int(headers.get("content-length", 0))) > _LONGEST_BODY:
            raise TooLong(_LONG)
    digest = hashlib.sha256(body).hexdigest()
    if not stated:
        verify(digest)
    elif len(stated) == len(digest) and stated != digest:  # UNSIGNED-PAYLOAD is no hash
        raise Refused(_WRONG)
    return bytes(body)


def _verifier(scope: Scope, query: Query, headers: Headers) -> Callable[[str], None]:
    """Return a function that refuses the request if its signature is not right for a hash of the body.

    Refused if the key is not that of an account, of one of its users, or of an assumed role.
    """
    in_query = "X-Amz-Signature" in query
    if in_query == ("authorization" in headers):  # neither or both
        raise Refused(_UNSIGNED)
    parsed = sigv4.parse_query_signature(query) if in_query else sigv4.parse_header_signature(headers)
    if isinstance(parsed, tuple) or not parsed.signature.isascii() or parsed.region_set is not None:
        raise Refused(_UNSIGNED)
    if parsed.access_key_id != router.extract_access_key_id(headers, query):
        raise Refused(_UNSIGNED)
    token = query.get("X-Amz-Security-Token", [""])[0] if in_query else headers.get("x-amz-security-token", "")
    credential = _credential(parsed.access_key_id, token)
    if credential is None or not _is_timely(parsed, query, in_query) or parsed.date_stamp != parsed.amz_date[:8]:
        raise Refused(_WRONG)
    keys = credential.secret_access_key, parsed.date_stamp, parsed.region, parsed.service
    path = scope["raw_path"].decode("latin-1").partition("?")[0]

    def verify(digest: str) -> None:
        request = scope["method"], path, query, {**headers, _HASH: digest}, b""
        _, text = sigv4.header_signing_documents(parsed, *request, presigned=in_query)
        if not sigv4.signatures_match(sigv4.calculate_signature(*keys, text), parsed.signature):
            raise Refused(_WRONG)
        if scope["path"].startswith("/_") and scope["path"] != WORK and credential.principal_type != "Root":
            raise Refused(_MANAGEMENT)

    return verify


def _credential(key: str, token: str) -> iam_evaluator.ResolvedCredential | None:
    """Return secret and owner of the access key; None if the key is unknown or has another session token."""
    if not key.isascii():  # ministack takes any script's twelve digits for an account
        return None
    try:
        credential = iam_evaluator.resolve_credential(key, _account(key), token)
    except iam_evaluator.AmbiguousAccessKeyError:
        return None
    return credential if isinstance(credential, iam_evaluator.ResolvedCredential) else None


def _account(key: str) -> str:
    return str(_account_from_sts_session(key) or iam_evaluator.find_iam_access_key_account(key) or key)


def _is_timely(parsed: sigv4.HeaderSignature, query: Query, in_query: bool) -> bool:
    """Return whether the signature has not expired: after minutes, or after the time that a presigned URL names."""
    if not in_query:
        return sigv4.request_time_failure(parsed) is None
    try:
        return not sigv4.presigned_request_is_expired(parsed.amz_date, query.get("X-Amz-Expires", ["300"])[0])
    except ValueError:
        return False


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the parts of the body. Refused if the client ends the connection before its end."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("The request is incomplete.")
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _refuse(
    scope: Scope, query: Query, headers: Headers, refused: Refused, parts: AsyncIterator[bytes], send: Send
) -> None:
    """Send the refusal in the protocol of the service, so that boto3 and the aws command show the reason."""
    with suppress(Refused):
        async for _ in parts:
            pass
    service = router.detect_service(scope["method"], scope["path"], headers, query)
    answer = access_denied_response(
        service, "", "", str(uuid.uuid4()), error_code=refused.code, message=str(refused), headers=headers
    )
    await _answer(send, *answer)


async def _answer_json(send: Send, answer: dict[str, Any]) -> None:
    await _answer(send, 200, {"content-type": "application/json"}, json.dumps(answer).encode())


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
