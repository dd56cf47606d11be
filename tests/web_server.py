"""Servers of a test's own, on this machine: one that answers, and one that must not be asked."""

import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest


@contextmanager
def serving(answer=b"", status=200, **headers):
    """Answer every request with this page. `bodies` and `paths` of the server are those of the requests so far."""
    headers = {"Content_Type": "text/html", "Content_Length": str(len(answer)), **headers}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.paths.append(self.path)
            server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_HEAD = do_PUT = do_GET

        def log_message(self, *_):
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.paths, server.bodies, server.handle_error = (
            [],
            [],
            lambda *_: None,
        )  # such as of a client that has read enough
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextmanager
def unasked():
    """Yield the port of a server that nobody may ask."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server.getsockname()[1]
        with pytest.raises(BlockingIOError):
            server.accept()
