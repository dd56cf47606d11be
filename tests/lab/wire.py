"""A proxy between the functions and the embedded AWS, which makes chosen calls go wrong.

A function's variable AWS_ENDPOINT_URL leads here; its code is the deployed one. Each call is signed again, because a
signature covers the address that the call was sent to.
"""

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs

import psutil
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from lab_lib.aws import functions
from lab_lib.embedded import server
from lab_lib.lab import Lab

OF_S3 = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
NOT_COPIED = {"connection", "transfer-encoding", "content-length", "date", "server"}
NOT_SIGNED = {"authorization", "x-amz-date", "x-amz-security-token", "host", "content-length"}


@dataclass(frozen=True)
class Call:
    """A call of a function, on its way to the embedded AWS."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int  # the function's end of the connection
    lab: Lab

    @property
    def name(self):
        """The operation, such as GetObject."""
        if target := self.headers.get("X-Amz-Target"):
            return target.split(".")[-1]
        if "form-urlencoded" in self.headers.get("Content-Type", ""):
            return parse_qs(self.body.decode())["Action"][0]
        return OF_S3[self.method]

    def pass_on(self):
        """Make the call, and return AWS's answer: status, headers, body."""
        kept = {name: value for name, value in self.headers.items() if name.lower() not in NOT_SIGNED}
        request = AWSRequest(self.method, f"{self.lab.endpoint}{self.path}", kept, self.body)
        auth = S3SigV4Auth if "X-Amz-Content-SHA256" in kept else SigV4Auth
        service = self.headers["Authorization"].split("/")[3]
        auth(self.lab.session.get_credentials(), service, self.lab.region).add_auth(request)
        answer = URLLib3Session().send(request.prepare())
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in NOT_COPIED}
        return answer.status_code, headers, answer.content

    def kill_function(self):
        """Kill the process that made the call."""
        for process in psutil.Process(server.running().pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if self.port in [end.laddr.port for end in process.net_connections("tcp")]:
                    process.kill()


# A fault takes the call that it meets. It returns the function's answer, or None to end the connection without one.


def killed_before(call):
    """The function ends before its call reaches AWS."""
    call.kill_function()


def killed_after(call):
    """AWS carries out the call, and the function ends before it gets the answer."""
    call.pass_on()
    call.kill_function()


def answer_lost(call):
    """AWS carries out the call, and its answer is lost on the way."""
    call.pass_on()


def refused(code, status=400, more=""):
    """Return the fault that AWS refuses the call; `more` is added to the JSON of its answer."""

    def fault(call):
        if "X-Amz-Target" in call.headers:
            answer = f'{{"__type": "com.amazonaws#{code}", "message": "It was the wire."{more}}}'
            return status, {"Content-Type": "application/x-amz-json-1.0"}, answer.encode()
        answer = f"<ErrorResponse><Error><Code>{code}</Code><Message>It was the wire.</Message></Error></ErrorResponse>"
        return status, {"Content-Type": "text/xml"}, answer.encode()

    fault.__name__ = code  # names the test
    return fault


class Wire:
    """The faults that wait for their calls."""

    def __init__(self):
        self.lock, self.faults = Lock(), []

    def fail(self, name, fault, about, times=1):
        """Let the next calls of this operation meet the fault, if their path or body contains `about`."""
        self.faults += [(name, about, fault)] * times

    def answer(self, call):
        """Return what the function gets."""
        with self.lock:
            waiting = [
                each
                for each in self.faults
                if each[0] == call.name and each[1].encode() in call.path.encode() + call.body
            ]
            if waiting:
                self.faults.remove(waiting[0])
        return waiting[0][2](call) if waiting else call.pass_on()


@contextmanager
def open_wire(lab):
    """Lead both functions over a wire, for as long as the context lasts."""
    wire = Wire()

    class End(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the connection is kept for the next call, as AWS keeps it
        wbufsize = -1  # head and body in one piece: sent apart, each answer would wait 40 ms for TCP

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = wire.answer(Call(self.command, self.path, dict(self.headers), body, self.client_address[1], lab))
            self.close_connection = found is None
            if found:
                status, headers, body = found
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *about):
            """Log nothing."""

    with ThreadingHTTPServer((server.HOST, 0), End) as listener:
        listener.daemon_threads = True
        Thread(target=listener.serve_forever, daemon=True).start()
        for function in functions.SOURCES:
            _lead(lab, function, f"http://{server.HOST}:{listener.server_port}")
        yield wire
        listener.shutdown()


def _lead(lab, function, url):
    environment = {"Variables": {**functions.variables(lab, function), "AWS_ENDPOINT_URL": url}}
    lab.client("lambda").update_function_configuration(FunctionName=lab.name(function), Environment=environment)
    lab.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=lab.name(function))
