"""The way of a function's calls: counted, cut off, and none later than its start, whatever the function sends."""

import socket
import threading
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

import pytest

from lab_lib.exercises import proxy as proxies
from lab_lib.exercises.proxy import Proxy
from tests.web_server import serving

ANSWER = b"{}"


@pytest.fixture
def aws():
    """Yield a server in the place of AWS."""
    with serving(ANSWER) as server:
        yield server


@pytest.fixture
def proxy(aws):
    """Yield a proxy that cuts off the second call."""
    listener, killed = socket.create_server(("127.0.0.1", 0)), threading.Event()
    proxy = Proxy(listener, f"http://127.0.0.1:{aws.server_port}", 2, killed.set)
    proxy.killed, proxy.address = killed, listener.getsockname()
    yield proxy
    proxy.close()


def call(address, body=b"{}", path="/"):
    """Return the answer to a call; b"" if there is none."""
    with closing(HTTPConnection(*address)) as connection, suppress(OSError, HTTPException):
        headers = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}
        connection.request("POST", f"http://aws.example{path}", body, headers)
        return connection.getresponse().read()
    return b""


def test_a_call_that_is_cut_off_has_its_effect_and_no_later_one_has(aws, proxy):
    assert call(proxy.address, b"1", path="/_lab/who") == ANSWER

    assert call(proxy.address, b"2") == b""
    assert proxy.killed.is_set()
    assert call(proxy.address, b"3") == b""

    assert (proxy.calls, proxy.cut) == (2, "UpdateItem")
    assert (aws.bodies, aws.paths) == ([b"1", b"2"], ["/", "/"])


def test_a_call_under_way_has_its_effect_before_the_start_is_over(proxy, monkeypatch):
    begun, effects = threading.Event(), []

    def ask(*_):
        begun.set()
        time.sleep(0.1)
        effects.append("had")

    monkeypatch.setattr(proxies, "_ask", ask)
    threading.Thread(target=call, args=(proxy.address,)).start()
    assert begun.wait(5)
    proxy.close()

    assert (effects, proxy.calls) == (["had"], 1)
    assert call(proxy.address) == b""


@pytest.mark.parametrize(("length", "longest"), [(9, 99), (1, 0)])
def test_a_hostile_request_reaches_nothing_and_others_are_carried(aws, proxy, length, longest, monkeypatch):
    monkeypatch.setattr(proxies, "_LONGEST", longest)

    with socket.create_connection(proxy.address) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nx".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert aws.bodies == []
    monkeypatch.undo()
    assert call(proxy.address) == ANSWER
