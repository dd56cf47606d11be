"""Carry the calls of a learner's function to its AWS, count them, and cut one off.

The function finds the proxy in HTTP_PROXY. So nothing is changed inside its process, and a call that is cut off has had
its effect, or has not, whatever the function does. What arrives here may be anything.
"""

import json
import os
import socket
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from threading import BoundedSemaphore, Condition, Event, Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from lab_lib.errors import LabError
from lab_lib.language import _

_MOST_CONNECTIONS, _MOST_AT_ONCE = 64, 8  # connections; calls that are held in memory
_LONGEST_CALL, _LONGEST_ANSWER = 17_000_000, 33_000_000  # bytes; DynamoDB takes and gives 16 MB at most
_OF_CONNECTION = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
_SILENCE = 60  # seconds without a byte, after which a connection ends


class Cut(NamedTuple):
    """The number of the call at which a function is killed, and whether the call still has its effect. 0 is none."""

    call: int = 0
    has_effect: bool = True


NO_CUT = Cut()


class Proxy:
    """Carries the calls of one start of the function, until it is closed.

    `calls` and `items` count the calls, and the items that they read or write. `cut` is the operation that was cut off,
    and then `woken` is readable.
    """

    def __init__(self, listener: socket.socket, endpoint: str, cut: Cut) -> None:
        self.listener, self.address, self._cut = listener, urlsplit(endpoint), cut
        self.listener.setblocking(False)
        self.at_once = BoundedSemaphore(_MOST_AT_ONCE)
        self.calls = self.items = self.under_way = 0
        self.cut, self._changed, self._over = "", Condition(), Event()
        self.woken, self._wake = os.pipe()
        self._connections = dict[Thread, socket.socket]()

    def accept(self) -> None:
        """Take a connection that waits at the listener; one too many is refused."""
        try:
            connection = self.listener.accept()[0]
        except OSError:  # it has ended meanwhile
            return
        connection.setblocking(True)
        self._connections = {connection: its for connection, its in self._connections.items() if connection.is_alive()}
        if len(self._connections) < _MOST_CONNECTIONS:
            thread = Thread(target=_handle, args=(connection, self), daemon=True)
            self._connections[thread] = connection
            thread.start()
        else:
            connection.close()

    def close(self) -> None:
        """End. Calls that are under way have their effect first; later ones have none.

        LabError if one does not end, which could have its effect in a later start.
        """
        self._over.set()
        with self._changed:
            self._changed.wait_for(lambda: not self.under_way, _SILENCE)
        for connection in self._connections.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._connections:
            thread.join(_SILENCE)
        self.listener.close()
        if any(thread.is_alive() for thread in self._connections):
            raise LabError(_("The AWS of your function did not answer. Try again."))
        os.close(self.woken)
        os.close(self._wake)

    def carry(self, upstream: HTTPConnection, headers: dict[str, str], body: bytes) -> "_Answer | None":
        """Return the answer to a call. After the call that is cut off, wait for the end, and return None."""
        with self._changed:
            if self._over.is_set() or self.cut:
                return None
            self.calls += 1
            is_last = self.calls == self._cut.call
            self.cut = _operation(headers, body) if is_last else ""
            self.under_way += 1
        try:
            answer = None if is_last and not self._cut.has_effect else _ask(upstream, headers, body)
        finally:
            with self._changed:
                self.under_way -= 1
                self.items += _items(body, answer.body if answer else b"")
                self._changed.notify_all()
        if self.cut:
            if is_last:
                os.write(self._wake, b"x")
            self._over.wait()
            return None
        return answer


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    """Reads the calls of one connection. They have the method POST and the path / in all services of the function."""

    protocol_version, timeout, disable_nagle_algorithm, wbufsize = "HTTP/1.1", _SILENCE, True, -1
    server: Proxy  # type: ignore[assignment]  # takes the connections itself

    def setup(self) -> None:
        super().setup()
        address = self.server.address
        self._upstream = HTTPConnection(str(address.hostname), address.port, timeout=_SILENCE)  # opens itself

    def do_POST(self) -> None:
        """Answer a call, if it is to have an answer. http.server calls this method."""
        length, path = self.headers.get("Content-Length", ""), urlsplit(self.path).path or "/"
        self.close_connection = True
        if not (length.isascii() and length.isdigit() and int(length) <= _LONGEST_CALL) or path != "/":
            self.send_error(400)
            return
        with self.server.at_once:
            self._answer(int(length))

    def _answer(self, length: int) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_CONNECTION}
        body = self.rfile.read(length)
        answer = self.server.carry(self._upstream, headers, body) if len(body) == length else None
        if answer:
            self.close_connection = False
            self.send_response_only(answer.status)
            for name, value in [*answer.headers, ("Content-Length", str(len(answer.body)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _handle(connection: socket.socket, proxy: Proxy) -> None:
    with connection, suppress(OSError, HTTPException, ValueError):
        _Handler(connection, ("", 0), proxy)  # type: ignore[arg-type]


def _ask(upstream: HTTPConnection, headers: dict[str, str], body: bytes) -> _Answer:
    upstream.request("POST", "/", body, headers)
    answer = upstream.getresponse()
    content = answer.read(_LONGEST_ANSWER)
    if answer.read(1):
        raise HTTPException("The answer is too long.")
    kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OF_CONNECTION]
    return _Answer(answer.status, kept, content)


def _operation(headers: dict[str, str], body: bytes) -> str:
    """Return the name of a call, such as UpdateItem."""
    target = headers.get("X-Amz-Target", "").rpartition(".")[2]  # as boto3 spells it
    return (target or parse_qs(body[:10_000].decode(errors="replace")).get("Action", ["a call"])[0])[:40]


def _object(text: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):  # json_object would read it, too, and take five times as long
        if isinstance(value := json.loads(text), dict):
            return value
    return {}


def _items(body: bytes, answer: bytes) -> int:
    """Return how many items a call of DynamoDB writes or reads, as its request and its answer say."""
    asked, answered = _object(body), _object(answer)
    tables = asked.get("RequestItems")
    parts = (
        [table.get("Keys", table) if isinstance(table, dict) else table for table in tables.values()]
        if isinstance(tables, dict)
        else [asked.get("TransactItems"), asked.get("Entries")]
    )
    scanned = answered.get("ScannedCount")
    return max(sum(len(part) for part in parts if isinstance(part, list)), scanned if type(scanned) is int else 1)
