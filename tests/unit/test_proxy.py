"""The way of a function's calls: counted, cut off, and none later than its start, whatever the function sends."""

import socket
import threading
import time
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPException

import pytest

from lab_lib.exercises import proxy as proxies
from lab_lib.exercises.proxy import Proxy
from tests.web_server import serving


@pytest.fixture
def aws():
    """Yield a server in the place of AWS."""
    with serving(ANSWER) as server:
        yield server


@pytest.fixture
def opened(aws):
    """opened(last): a proxy, which serves until `opened.close()`; its address."""
    closing = ExitStack()

    def opened(last=0):
        listener, killed = socket.create_server(("127.0.0.1", 0)), threading.Event()
        proxy = Proxy(listener, f"http://127.0.0.1:{aws.server_port}", last, killed.set)
        proxy.killed = killed
        threading.Thread(target=proxy.serve_forever, args=(0.01,)).start()
        closing.callback(proxy.close)
        closing.callback(proxy.shutdown)
        return proxy, listener.getsockname()

    opened.close = closing.close
    with closing:
        yield opened


ANSWER = b'{"ScannedCount": 7}'


def call(address, body=b"{}", path="/"):
    """Return the answer to a call; b"" if there is none."""
    with closing(HTTPConnection(*address)) as connection, suppress(OSError, HTTPException):
        headers = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}
        connection.request("POST", f"http://aws.example{path}", body, headers)
        return connection.getresponse().read()
    return b""


def test_a_call_that_is_cut_off_has_its_effect_and_no_later_one_has(aws, opened):
    proxy, address = opened(2)
    assert call(address, b"1", path="/_lab/who") == ANSWER

    waiting = threading.Thread(target=call, args=(address, b"2"))
    waiting.start()
    assert proxy.killed.wait(5)
    assert call(address, b"3") == b""
    opened.close()
    waiting.join()

    assert (proxy.calls, proxy.cut) == (2, "UpdateItem")
    assert (aws.bodies, aws.paths) == ([b"1", b"2"], ["/", "/"])


def test_a_call_under_way_has_its_effect_before_the_start_is_over_and_a_later_one_has_none(opened, monkeypatch):
    proxy, address = opened()
    begun, later = threading.Event(), []

    def ask(*_):
        begun.set()
        proxy._over.wait(5)
        time.sleep(0.1)
        later.append(proxy.carry({}, b"later"))

    monkeypatch.setattr(proxies, "_ask", ask)
    threading.Thread(target=call, args=(address,)).start()
    assert begun.wait(5)
    opened.close()

    assert (later, proxy.calls) == ([None], 1)


@pytest.mark.parametrize(("length", "longest"), [(9, 99), (1, 0)])
def test_a_hostile_request_reaches_nothing_and_others_are_carried(aws, opened, length, longest, monkeypatch):
    _proxy, address = opened()
    monkeypatch.setattr(proxies, "_LONGEST", longest)

    with socket.create_connection(address) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nx".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert aws.bodies == []
    monkeypatch.undo()
    assert call(address) == ANSWER
