"""A proxy, as in front of a JupyterLab in a Codespace or below a JupyterHub."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread


@contextmanager
def proxy(port: int) -> Iterator[ThreadingTCPServer]:
    """Pass all that comes to the proxy's own port on to its `port`, and the answers back; WebSockets too.

    Its `host`, unless it is empty, takes the place of the host that the browser has asked for.
    """

    class Connection(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", through.port)) as server, suppress(OSError):
                server.sendall(self._request())
                Thread(target=_pass_on, args=(server, self.request), daemon=True).start()
                _pass_on(self.request, server)

        def _request(self) -> bytes:
            """Read the head of the request. A connection has one only, since each head may have to be changed."""
            head = b""
            while b"\r\n\r\n" not in head and (more := self.request.recv(65_536)):
                head += more
            head = re.sub(rb"(?i)(?<=\r\nconnection: )keep-alive(?=\r\n)", b"close", head)
            return re.sub(rb"(?i)(?<=\r\nhost: ).*?(?=\r\n)", through.host.encode(), head) if through.host else head

    class Proxy(ThreadingTCPServer):
        daemon_threads, host = True, ""

    with Proxy(("127.0.0.1", 0), Connection) as through:
        through.port = port
        Thread(target=through.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield through
        finally:
            through.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Send all that comes from one socket to the other, until one of them ends."""
    with suppress(OSError):
        while some := source.recv(65_536):
            target.sendall(some)
        target.shutdown(socket.SHUT_WR)
