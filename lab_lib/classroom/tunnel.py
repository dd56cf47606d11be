"""Pass connections on, from a port through a Unix socket into a sandbox, and there to the embedded AWS."""

import socket
from contextlib import suppress
from threading import Thread
from typing import Any

_MOST_AT_ONCE = 64 * 1024  # bytes


def pass_on(listener: socket.socket, family: int, address: Any) -> None:
    """Pass each connection to `listener` on to an address, in threads. Ends when the listener is closed."""
    Thread(target=_accept, args=(listener, family, address), daemon=True).start()


def _accept(listener: socket.socket, family: int, address: Any) -> None:
    with suppress(OSError):  # the listener was closed
        while True:
            incoming, _ = listener.accept()
            outgoing = socket.socket(family)
            if outgoing.connect_ex(address):  # the number of the error, 0 if there is none
                incoming.close()
                outgoing.close()
                continue
            for connection in (incoming, outgoing):
                if connection.family == socket.AF_INET:  # or a part of a message waits 0.04 s for the one before
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink in ((incoming, outgoing), (outgoing, incoming)):
                Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one side ends the connection; then end both."""
    with suppress(OSError):
        while data := source.recv(_MOST_AT_ONCE):
            sink.sendall(data)
    for connection in (source, sink):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
