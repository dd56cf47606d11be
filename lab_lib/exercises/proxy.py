"""Carry the calls of a learner's function to its AWS, count them, and cut one off.

The function finds the proxy in HTTP_PROXY. So nothing is changed inside its process, and a call that is cut off has had
its effect, whatever the function does. What arrives here may be anything.
"""

import socket
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import urllib3

_LONGEST = 4_000_000  # bytes of a call; a right function's have fewer than 200,000
_OF_CONNECTION = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
_SILENCE = 60  # seconds without a byte, after which a connection ends; meanwhile no other call is carried
_LOOK_EVERY = 0.005  # seconds, for the end


class Proxy(HTTPServer):
    """Carries the calls of one start of the function, one after the other, until it is closed.

    `calls` counts the calls. When the call of the number `kill_at` has had its effect, `kill` is called, and no later
    call has any. `cut` is the operation of that call.
    """

    def __init__(self, listener: socket.socket, endpoint: str, kill_at: int, kill: Callable[[], object]) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)  # the address is that of `listener`
        self.socket.close()
        self.socket = listener
        self.socket.setblocking(False)
        self._endpoint = endpoint
        self._kill_at = kill_at
        self._kill = kill
        self.calls = 0
        self.cut = ""
        threading.Thread(target=self.serve_forever, args=(_LOOK_EVERY,), daemon=True).start()

    def close(self) -> None:
        """End, when the function has: then a call that is under way has had its effect."""
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """Let the connection end: what has arrived may be anything."""

    def carry(self, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse | None:
        """Return the answer to a call; None to the one that is cut off, and to later ones."""
        if self.cut:
            return None
        self.calls += 1
        if self.calls == self._kill_at:
            self.cut = _operation(headers, body)
        answer = _ask(self._endpoint, headers, body)
        if self.cut:
            self._kill()
            return None
        return answer


class _Handler(BaseHTTPRequestHandler):
    """Reads a call. It has the method POST and the path / in all services of the function."""

    timeout = _SILENCE
    wbufsize = -1  # an answer is sent as a whole
    server: Proxy

    def do_POST(self) -> None:
        """Answer a call, if it is to have an answer. http.server calls this method."""
        length = int(self.headers["Content-Length"])
        if not 0 <= length <= _LONGEST:
            return
        body = self.rfile.read(length)
        if len(body) < length:
            return
        answer = self.server.carry(_of_message(self.headers.items()), body)
        if answer:
            self.send_response_only(answer.status)
            for name, value in _of_message(answer.headers.items()).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data)

    def log_message(self, *_: Any) -> None:
        pass


def _ask(endpoint: str, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        "POST",
        endpoint,
        body=body,
        headers=headers,
        decode_content=False,
        redirect=False,
        retries=False,
        timeout=_SILENCE,
    )


def _of_message(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that go on, without those of one connection."""
    return {name: value for name, value in headers if name.lower() not in _OF_CONNECTION}


def _operation(headers: dict[str, str], body: bytes) -> str:
    """Return the name of a call, such as UpdateItem."""
    _service, _dot, name = headers.get("X-Amz-Target", "").rpartition(".")  # as boto3 spells it
    if name:
        return name
    fields = parse_qs(body.decode(errors="replace"))
    return fields.get("Action", ["?"])[0]
