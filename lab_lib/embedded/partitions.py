"""Give ARNs the partition of their Region, such as aws-cn in cn-north-1. To delete once ministack does that itself.

ministack writes and wants `arn:aws:` in all Regions. So `arn:aws:` and `arn:aws-cn:` change places on the way in and
on the way out: in requests and answers, and in all that a function's process gets and gives. What was stored comes
back as it was, and an ARN of the wrong partition names nothing, as on AWS. Objects of S3 and code stay as they are.
So do messages to HTTP subscribers, and the MD5 of a message of SQS.
"""

import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from typing import Any

from botocore.loaders import Loader
from ministack.core import lambda_runtime, sigv4

from lab_lib.embedded import replace

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SCOPE = re.compile(rb"Credential=\w+(?:/|%2F)\d+(?:/|%2F)([\w-]+)(?:/|%2F)([\w-]+)")  # Region and service
_OF_THE_BODY = re.compile(rb"content-(length|md5)|x-amz-(checksum-.*|crc32)", re.IGNORECASE)  # before it is changed


def install() -> None:
    """Translate what functions get and give. Do not verify the signature of a translated request a second time."""
    failure = sigv4.header_signature_failure

    def unless_translated(signature: Any, *request: Any, **more: Any) -> Any:
        return failure(signature, *request, **more) if _partition(signature.region) == "aws" else None

    replace(sigv4, "header_signature_failure", unless_translated)
    replace(lambda_runtime.Worker, "invoke", _translated_call(lambda_runtime.Worker.invoke))


def translated(app: App) -> App:
    """Return the ASGI application that gets requests, and gives answers, with the ARNs of their Region."""

    async def translate(scope: Scope, receive: Receive, send: Send) -> None:
        authorization = dict(scope.get("headers", [])).get(b"authorization", b"")
        signed = _SCOPE.search(authorization or scope.get("query_string", b""))
        region, service = (part.decode() for part in signed.groups()) if signed else ("", "")
        if _partition(region) == "aws":
            return await app(scope, receive, send)
        is_object = service == "s3" and (scope["method"] == "POST" or "/" in scope["path"].strip("/"))
        if not is_object:
            scope, receive = await _request(scope, receive, region)
        return await app(scope, receive, _answering(send, region, is_object))

    return translate


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives this body."""
    messages = iter([{"type": "http.request", "body": body}])

    async def replayed() -> Message:
        return next(messages, None) or await receive()

    return replayed


def swapped(text: str, region: str) -> str:
    """Return the text with ARNs of the partition aws as ARNs of the Region's partition, and the other way round."""
    return _swapped(text.encode(), region).decode()


@cache
def _partition(region: str) -> str:
    """Return the Region's partition; aws if botocore knows none."""
    known = Loader().load_data("partitions")["partitions"]
    return next((str(each["id"]) for each in known if re.match(each["regionRegex"], region)), "aws")


def _swapped(text: bytes, region: str) -> bytes:
    if (other := _partition(region).encode()) == b"aws":
        return text
    pairs = {b"aws": other, other: b"aws"}
    # A colon is %3A in forms, in paths, and in IAM's answers.
    return re.sub(rb"(arn(?::|%3A))(aws[a-z-]*)(?=:|%3A)", lambda arn: arn[1] + pairs.get(arn[2], arn[2]), text)


async def _request(scope: Scope, receive: Receive, region: str) -> tuple[Scope, Receive]:
    """Return the request with the ARNs swapped of its path, query and body."""
    parts = [message := await receive()]
    while message.get("more_body"):
        parts.append(message := await receive())
    changed = _changed(scope["headers"], parts, region)
    texts = {name: _swapped(scope[name], region) for name in ("raw_path", "query_string")}
    scope = {**scope, **texts, "path": swapped(scope["path"], region), "headers": changed["headers"]}
    return scope, replay(changed["body"], receive)


def _answering(send: Send, region: str, is_object: bool) -> Send:
    """Return a `send` that swaps the ARNs of a whole answer; of an answer about an object, if it is an error."""
    messages: list[Message] = []

    async def answer(message: Message) -> None:
        messages.append(message)
        start, *parts = messages
        if is_object and start["status"] < HTTPStatus.BAD_REQUEST:
            await send(messages.pop() if parts else message)
        elif parts and not message.get("more_body"):
            changed = _changed(start["headers"], parts, region)
            await send({**start, "headers": changed["headers"]})
            await send({**message, "body": changed["body"]})

    return answer


def _changed(headers: Any, parts: list[Message], region: str) -> Message:
    """Return the body in these parts with its ARNs swapped, and the headers for it."""
    body = _swapped(b"".join(part.get("body", b"") for part in parts), region)
    kept = [(name, _swapped(value, region)) for name, value in headers if not _OF_THE_BODY.fullmatch(name)]
    return {"headers": [*kept, (b"content-length", str(len(body)).encode())], "body": body}


def _translated_call(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls a function's process, whose event, environment, answer and log have the ARNs of its Region."""

    def call(worker: Any, event: Any, request_id: str, **more: Any) -> Any:
        config, region = worker.config, worker.config["FunctionArn"].split(":")[3]
        if _partition(region) == "aws":
            return invoke(worker, event, request_id, **more)
        event, more, environment = _swapped_json([event, more, config.get("Environment", {})], region)
        worker.config = {**config, "Environment": environment}
        try:
            return _swapped_json(invoke(worker, event, request_id, **more), region)
        finally:
            worker.config = config

    return call


def _swapped_json(value: Any, region: str) -> Any:
    return json.loads(swapped(json.dumps(value), region))
