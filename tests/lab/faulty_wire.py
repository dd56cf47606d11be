"""A wire from the functions to the embedded AWS, on which a test makes chosen calls go wrong.

A function's own variable AWS_ENDPOINT_URL leads it here; its code is the deployed one. A fault is given the call that
it meets, and returns the answer that the function gets, or None, and then the connection ends without one.
"""

import http.client
import json
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import psutil

from lab_lib import functions
from lab_lib.emulator import HOST
from lab_lib.waiting import wait_until

# Of S3's operations, those that the functions use.
OF_S3 = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}


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
    server: object  # the embedded AWS

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
        connection = http.client.HTTPConnection(HOST, self.server.port, timeout=60)
        try:
            headers = {**self.headers, "Content-Length": str(len(self.body))}
            connection.request(self.method, self.path, self.body, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_THE_CONNECTION}
            return Answer(answer.status, kept, answer.read())
        finally:
            connection.close()

    def kill_caller(self):
        """End the process of the function, as when its machine fails."""
        for process in psutil.Process(self.server.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if self.port in [end.laddr.port for end in process.net_connections("tcp")]:
                    process.kill()


def killed_before(call):
    call.kill_caller()


def killed_after(call):
    call.pass_on()
    call.kill_caller()


def answer_lost(call):
    call.pass_on()


def after(deed):
    """The fault that something else happens just before the call."""

    def fault(call):
        deed()
        return call.pass_on()

    return fault


def refused(code, status=400, **more):
    """The fault that AWS refuses the call, in the words of the service's protocol."""

    def fault(call):
        if "X-Amz-Target" in call.headers:
            answer = {"__type": f"com.amazonaws#{code}", "message": "It was the wire.", **more}
            return json_answer(answer, status)
        error = f"<ErrorResponse><Error><Code>{escape(code)}</Code><Message>It was the wire.</Message></Error>"
        return Answer(status, {"Content-Type": "text/xml"}, f"{error}</ErrorResponse>".encode())

    return fault


def cancelled(reason):
    """The fault that DynamoDB cancels a transaction for its last action; the conditions of the others are looked at."""
    return lambda call: _cancel(call, [*_conditions(call)[:-1], reason])


def too_many_digits(call):
    """DynamoDB refuses a total of more than 38 digits; the embedded AWS would round it."""
    codes = _conditions(call)
    for place, update in enumerate(action.get("Update") for action in call.request["TransactItems"]):
        if update:
            now = _item(call, update["TableName"], update["Key"]).get("accountBalance", {"N": "0"})
            total = Fraction(now["N"]) + Fraction(update["ExpressionAttributeValues"][":amount"]["N"])
            if len(str(total.numerator * 10**130 // total.denominator).strip("-0")) > 38:
                codes[place] = "ValidationError"
    return _cancel(call, codes) if set(codes) != {"None"} else call.pass_on()


def written_in_part(call):
    """DynamoDB has room for the first half of the batch only."""
    ((table, requests),) = call.request["RequestItems"].items()
    half = len(requests) // 2
    answer = _with_request(call, {"RequestItems": {table: requests[:half]}}).pass_on()
    return json_answer({**json.loads(answer.body), "UnprocessedItems": {table: requests[half:]}})


def read_in_part(call):
    """DynamoDB has read enough after the first key."""
    ((table, wanted),) = call.request["RequestItems"].items()
    first, rest = ({table: {**wanted, "Keys": keys}} for keys in (wanted["Keys"][:1], wanted["Keys"][1:]))
    answer = _with_request(call, {"RequestItems": first}).pass_on()
    return json_answer({**json.loads(answer.body), "UnprocessedKeys": rest})


def json_answer(content, status=200):
    return Answer(status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(content).encode())


def _with_request(call, request):
    return replace(call, body=json.dumps(request).encode())


def _conditions(call):
    """For each action of the transaction whether its condition holds, in DynamoDB's words; each Put has a marker."""
    puts = [action.get("Put") for action in call.request["TransactItems"]]
    keys = [put and {"EventId": put["Item"]["EventId"]} for put in puts]
    there = [put and _item(call, put["TableName"], key) for put, key in zip(puts, keys, strict=True)]
    return ["ConditionalCheckFailed" if item else "None" for item in there]


def _cancel(call, codes):
    reasons = [{"Code": code} for code in codes]
    return refused("TransactionCanceledException", CancellationReasons=reasons)(call)


def _item(call, table, key):
    """The item as it is now; empty if there is none."""
    headers = {**call.headers, "X-Amz-Target": "DynamoDB_20120810.GetItem"}
    request = {"TableName": table, "Key": key, "ConsistentRead": True}
    return json.loads(_with_request(replace(call, headers=headers), request).pass_on().body).get("Item", {})


class Wire:
    """The wire: the calls that went over it, by name, and the faults that wait for the next ones."""

    def __init__(self, port):
        self.url = f"http://{HOST}:{port}"
        self.reset()

    def reset(self):
        self.calls = []
        self.waiting = defaultdict(list)  # the fault of each next call of a name; None where it is passed on
        self.lasting = {}  # the fault of every call of a name

    def fail(self, name, fault, nth=1, times=1):
        """The nth next call of this name, and those after it up to so many times, meet the fault."""
        self.waiting[name] = [None] * (nth - 1) + [fault] * times

    def carry(self, call):
        """What the caller gets."""
        self.calls.append(call.name)
        waiting = self.waiting[call.name]
        fault = waiting.pop(0) if waiting else self.lasting.get(call.name)
        return fault(call) if fault else call.pass_on()

    def left(self):
        """The names of the calls that a fault still waits for."""
        return [name for name, waiting in self.waiting.items() if waiting]

    def lead_from(self, lab, name):
        """Let the function's calls go over this wire."""
        variables = {**functions.variables(lab, name), "AWS_ENDPOINT_URL": self.url}
        lambda_ = lab.client("lambda")
        lambda_.update_function_configuration(FunctionName=lab.name(name), Environment={"Variables": variables})
        ready = partial(functions.configuration, lab, name)
        wait_until(lambda: ready()["LastUpdateStatus"] == "Successful", f"{name} to be led over the wire")


@contextmanager
def wire_to(server):
    """A wire to the embedded AWS, as long as the context lasts."""

    class End(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the connection is kept for the next call, as AWS keeps it

        def carry(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(self.command, self.path, dict(self.headers), body, self.client_address[1], server)
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

    with ThreadingHTTPServer((HOST, 0), End) as listener:
        listener.daemon_threads = True
        wire = Wire(listener.server_port)
        Thread(target=listener.serve_forever, daemon=True).start()
        yield wire
        listener.shutdown()
