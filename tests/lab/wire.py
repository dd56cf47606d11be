"""A wire from the functions to the embedded AWS, on which a test makes chosen calls go wrong.

A function's own variable AWS_ENDPOINT_URL leads it here; its code is the deployed one. faults.py has what can go wrong.
Each call is signed anew, as the account: its own signature is for the address of this wire.
"""

import http.client
import json
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, urlsplit

import psutil
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest

from lab_lib.aws import functions
from lab_lib.embedded import server
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until

# Of S3's operations, those that the functions use.
OF_S3 = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}
OF_THE_SIGNATURE = {"authorization", "x-amz-date", "x-amz-security-token", "host", "content-length"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Call:
    """A call of a function, on its way to the embedded AWS."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int  # the caller's end of the connection
    lab: Lab  # the caller's account

    @property
    def name(self):
        """The operation, as AWS's API calls it."""
        if target := self.headers.get("X-Amz-Target"):
            return target.split(".")[-1]
        if "form-urlencoded" in self.headers.get("Content-Type", ""):
            return parse_qs(self.body.decode())["Action"][0]
        return OF_S3[self.method]

    @property
    def request(self):
        return json.loads(self.body)

    def pass_on(self):
        """AWS's answer."""
        url = urlsplit(self.lab.endpoint)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_SIGNATURE}
        signed = AWSRequest(self.method, f"{self.lab.endpoint}{self.path}", kept, self.body)
        kind = S3SigV4Auth if "X-Amz-Content-SHA256" in kept else SigV4Auth
        service = self.headers["Authorization"].split("/")[3]
        kind(self.lab.session.get_credentials(), service, self.lab.region).add_auth(signed)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        try:
            connection.request(self.method, self.path, self.body, dict(signed.headers))
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_THE_CONNECTION}
            return Answer(answer.status, kept, answer.read())
        finally:
            connection.close()

    def caller(self):
        """The process of the function; None when it has ended."""
        for process in psutil.Process(server.running().pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if self.port in [end.laddr.port for end in process.net_connections("tcp")]:
                    return process
        return None


class Wire:
    """The wire: the calls that went over it, by name, and the faults that wait for the next ones."""

    def __init__(self, port):
        self.url = f"http://{server.HOST}:{port}"
        self.lock = Lock()
        self.reset()

    def reset(self):
        self.calls = []
        self.waiting = defaultdict(list)  # the fault of each next call of a name; None where it is passed on

    def fail(self, name, fault, nth=1, times=1):
        """The nth next call of this name, and those after it up to so many times, meet the fault."""
        self.waiting[name] = [None] * (nth - 1) + [fault] * times

    def carry(self, call):
        """What the caller gets."""
        with self.lock:
            self.calls.append(call.name)
            waiting = self.waiting[call.name]
            fault = waiting.pop(0) if waiting else None
        return fault(call) if fault else call.pass_on()

    def left(self):
        """The names of the calls that a fault still waits for."""
        return [name for name, waiting in self.waiting.items() if waiting]

    def lead_from(self, lab, name, **settings):
        """Let the function's calls go over this wire, and change other settings of it."""
        self.lab = lab
        variables = {**functions.variables(lab, name), "AWS_ENDPOINT_URL": self.url}
        lab.client("lambda").update_function_configuration(
            FunctionName=lab.name(name), Environment={"Variables": variables}, **settings
        )
        wait_until(
            lambda: functions.configuration(lab, name)["LastUpdateStatus"] == "Successful",
            f"{name} to be led over the wire",
        )


@contextmanager
def open_wire():
    """Open a wire to the embedded AWS, for as long as the context lasts."""

    class End(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the connection is kept for the next call, as AWS keeps it
        wbufsize = -1  # head and body in one piece: sent apart, each answer would wait 40 ms for TCP

        def carry(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(self.command, self.path, dict(self.headers), body, self.client_address[1], wire.lab)
            answer = wire.carry(call)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = carry

        def log_message(self, *about):
            """Nothing is said of a call."""

    with ThreadingHTTPServer((server.HOST, 0), End) as listener:
        listener.daemon_threads = True
        wire = Wire(listener.server_port)
        Thread(target=listener.serve_forever, daemon=True).start()
        try:
            yield wire
        finally:
            listener.shutdown()
