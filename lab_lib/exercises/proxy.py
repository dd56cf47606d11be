"""Carry the calls of a learner's function to its AWS, count them, and cut one off.

The function finds the proxy in HTTP_PROXY. So nothing is changed inside its process, and a call that is cut off has had
its effect, whatever the function does. What arrives here may be anything.
"""

import socket
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import urllib3

_LONGEST = 1_000_000  # bytes of a call; a right function's have fewer than 200,000
_OF_CONNECTION = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
_SILENCE = 60  # seconds without a byte, after which a connection ends


class Proxy(ThreadingHTTPServer):
    """Carries the calls of one start of the function, until it is closed.

    `calls` counts the calls. When the call of the number `last` has had its effect, `kill` is called. `cut` is the
    operation of that call.
    """

    daemon_threads = False  # so that `server_close` waits for them

    def __init__(self, listener: socket.socket, endpoint: str, last: int, kill: Callable[[], object]) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.socket.setblocking(False)
        self._endpoint, self._last, self._kill = endpoint, last, kill
        self.calls = 0
        self.cut = ""
        self._lock = threading.Lock()
        self._over = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Let the connection end: what has arrived may be anything."""

    def close(self) -> None:
        """End. Calls that are under way have their effect first; later ones have none."""
        self._over.set()
        self.server_close()

    def carry(self, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse | None:
        """Return the answer to a call. After the call that is cut off, wait for the end, and return None."""
        with self._lock:
            if self._over.is_set() or self.cut:
                return None
            self.calls += 1
            is_last = self.calls == self._last
            if is_last:
                self.cut = _operation(headers, body)
        answer = _ask(self._endpoint, headers, body)
        if is_last:
            self._kill()
        if self.cut:
            self._over.wait()
            return None
        return answer


class _Handler(BaseHTTPRequestHandler):
    """Reads the calls of one connection. They have the method POST and the path / in all services of the function."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENCE
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is sent as a whole
    server: Proxy

    def do_POST(self) -> None:
        """Answer a call, if it is to have an answer. http.server calls this method."""
        headers = _of_message(self.headers.items())
        length = int(self.headers["Content-Length"])
        self.close_connection = True
        if not 0 <= length <= _LONGEST:
            return
        body = self.rfile.read(length)
        answer = self.server.carry(headers, body) if len(body) == length else None
        if answer:
            self.close_connection = False
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
    target = headers.get("X-Amz-Target", "").rpartition(".")[2]  # as boto3 spells it
    return target or parse_qs(body.decode(errors="replace")).get("Action", ["?"])[0]
