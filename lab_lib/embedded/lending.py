"""Lend copies of accounts: a request for a copy stays open as long as the copy is needed.

The copy ends with the connection, and so with whoever has asked, however that process ends. Requests with its number in
a header are passed on to it. So a client needs no other address, also through the door of a sandbox.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

from lab_lib.embedded import copying
from lab_lib.embedded.server import HOST, proof

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_OF_A_CONNECTION = ("connection", "content-length", "expect", "transfer-encoding")
_ports = dict[str, int]()  # of the copies, by their numbers


async def lend(account: str, receive: Receive, send: Send) -> None:
    """Copy an account, answer with the number of the copy, and end it when the client ends the connection."""
    loop, stack, number = asyncio.get_running_loop(), ExitStack(), ""
    try:
        copy = await asyncio.to_thread(stack.enter_context, copying.copied(account))
        number = proof(copy.secret, str(copy.port))  # which no function can compute
        _ports[number] = copy.port
        answer = json.dumps({"copy": number}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer + b"\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        _ports.pop(number, None)
        loop.run_in_executor(None, stack.close)  # it takes a moment to forget the processes


async def pass_on(scope: Scope, body: bytes, send: Send, number: str) -> None:
    """Pass a request on to a copy, and its answer back."""
    status, headers, answer = await asyncio.to_thread(_ask, scope, body, _ports.get(number, 0))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _ask(scope: Scope, body: bytes, port: int) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    connection = HTTPConnection(HOST, port)
    try:
        path = b"?".join(filter(None, (scope["raw_path"], scope["query_string"]))).decode("latin-1")
        connection.putrequest(scope["method"], path, skip_host=True, skip_accept_encoding=True)
        for name, value in scope["headers"]:
            if name.decode("latin-1") not in _OF_A_CONNECTION:
                connection.putheader(name.decode("latin-1"), value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()]
    return answer.status, [header for header in headers if header[0] != b"transfer-encoding"], content
