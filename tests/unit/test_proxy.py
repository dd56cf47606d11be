"""The way of a function's calls: counted, cut off, and none later than its start, whatever the function sends."""

import json
import socket
import threading
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lab_lib.exercises import proxy as proxies
from lab_lib.exercises.proxy import NO_CUT, Cut, Proxy


class Aws(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.changed:
            self.server.asked.append((self.path, body))
            self.server.changed.notify_all()
        self.server.may_answer.wait(9)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


@pytest.fixture
def aws():
    """Yield a server in the place of AWS, which notes what it is asked: pairs of path and body."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        server.asked, server.answer, server.changed = [], b"{}", threading.Condition()
        (may_answer := threading.Event()).set()
        server.may_answer = may_answer
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(aws):
    """opened(cut): a proxy, which serves until `opened.close()`; its address."""
    closing = ExitStack()

    def opened(cut=NO_CUT):
        listener, killed = socket.create_server(("127.0.0.1", 0)), threading.Event()
        proxy = Proxy(listener, f"http://127.0.0.1:{aws.server_port}", cut, killed.set)
        proxy.killed = killed
        threading.Thread(target=proxy.serve_forever, args=(0.01,)).start()
        closing.callback(proxy.close)
        closing.callback(proxy.shutdown)
        return proxy, listener.getsockname()

    opened.close = closing.close
    with closing:
        yield opened


def call(address, body=b"{}", path="/"):
    """Return the answer to a call; b"" if there is none."""
    with closing(HTTPConnection(*address)) as connection, suppress(OSError, HTTPException):
        headers = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}
        connection.request("POST", f"http://aws.example{path}", body, headers)
        return connection.getresponse().read()
    return b""


def test_a_call_is_carried_and_counted_with_its_items(aws, opened):
    proxy, address = opened()
    aws.answer = b'{"ScannedCount": 7}'

    assert call(address, json.dumps({"RequestItems": {"T": [1, 2], "U": {"Keys": [3] * 8}}}).encode()) == aws.answer
    assert call(address, b"{}") == aws.answer

    assert [path for path, _ in aws.asked] == ["/", "/"]
    opened.close()
    assert (proxy.calls, proxy.items, proxy.cut) == (2, 10 + 7, "")


@pytest.mark.parametrize("has_effect", [True, False])
def test_a_call_that_is_cut_off_has_its_effect_or_not_and_no_later_one_has(aws, opened, has_effect):
    proxy, address = opened(Cut(2, has_effect))
    assert call(address, b"1") == b"{}"

    waiting = threading.Thread(target=call, args=(address, b"2"))
    waiting.start()
    assert proxy.killed.wait(5)
    assert call(address, b"3") == b""
    opened.close()
    waiting.join()

    assert proxy.cut == "UpdateItem"
    assert [body for _, body in aws.asked] == ([b"1", b"2"] if has_effect else [b"1"])


def test_a_call_under_way_has_its_effect_before_the_start_is_over_and_a_later_one_has_none(aws, opened):
    proxy, address = opened()
    aws.may_answer.clear()
    request = b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"
    with socket.create_connection(address) as early, socket.create_connection(address) as kept:
        early.sendall(request + b"1")
        kept.sendall(request)
        with aws.changed:
            assert aws.changed.wait_for(lambda: aws.asked, 5)

        def finish():
            proxy._over.wait(5)
            with suppress(ConnectionError):  # it may be closed before the 2 is read
                kept.sendall(b"2")
                assert kept.recv(100) == b""  # before the other call has ended
            aws.may_answer.set()
            early.shutdown(socket.SHUT_WR)  # as its process is killed

        (finishing := threading.Thread(target=finish)).start()
        opened.close()
        finishing.join()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address)

    assert [body for _, body in aws.asked] == [b"1"]
    assert (proxy.calls, proxy.under_way) == (1, 0)


@pytest.mark.parametrize("length", [-1, 9, "9" * 30])
def test_a_hostile_request_reaches_nothing_and_others_are_carried(aws, opened, length):
    proxy, address = opened()

    with socket.create_connection(address) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nx".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert aws.asked == []
    assert call(address, path="/_lab/who") == b"{}"
    opened.close()
    assert [path for path, _ in aws.asked] == ["/"]
    assert proxy.items == 1


def test_many_connections_take_no_more_than_their_part(opened, monkeypatch):
    _proxy, address = opened()

    with monkeypatch.context() as full:
        full.setattr(proxies, "_MOST_THREADS", threading.active_count())
        assert call(address) == b""
    assert call(address) == b"{}"
