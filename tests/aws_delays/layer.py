"""Answer the calls of this process as AWS does in its first minutes, between botocore and the embedded AWS.

A call meets three kinds of functions, which the modules of_*.py enter here: `shape` changes what is sent, `answer`
answers in the place of the embedded AWS, `change` changes its answer.
"""

import json
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
from botocore import endpoint, waiter
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS

from lab_lib import waiting
from lab_lib.embedded import server
from tests.aws_delays.clock import Clock
from tests.aws_delays.notes import Key, Notes
from tests.lab.denying import Body

FOLDER = "AWS_DELAYS"  # the variable that names the folder of a run: settings.json, the clock, the notes
_HOOKS: dict[tuple[str, str], list[tuple[str, Callable[..., Any]]]] = defaultdict(list)  # by kind and operation
_WORLD = {"deleted bucket", "mapping", "key"}  # notes about names that are unique in the world
_EVERY = 7  # calls
_DATA = re.compile(
    "(Get|Head|Put|Delete|List)Object.*|Invoke|Publish|(Send|Receive|Delete|Change)Message.*|Scan|Query|.*Items?"
)


class Refusal(NamedTuple):
    """An error that AWS answers with."""

    status: int
    code: str
    message: str


_THROTTLING = {"dynamodb", "iam", "lambda", "logs", "s3", "sns", "sqs"}
_THROTTLED = Refusal(400, "ThrottlingException", "Rate exceeded")  # botocore repeats it for each service


def _hook(kind: str) -> Callable[..., Any]:
    """Return a decorator: shape("mapping", "CreateEventSourceMapping", …). No delay means always."""

    def register(delay: str, *operations: str) -> Callable[..., Any]:
        def enter(function: Callable[..., Any]) -> Callable[..., Any]:
            for operation in operations:
                _HOOKS[kind, operation].append((delay, function))
            return function

        return enter

    return register


# `shape`: the account is not known yet. `answer`: with a Refusal, a body (dict for JSON, text for XML), or None.
shape, answer, change = _hook("shape"), _hook("answer"), _hook("change")


def refuse(delay: str, kind: str, operations: Iterable[str], names: set[str], error: Refusal) -> None:
    """Let these calls be refused while a note is late that has the name in one of the parameters `names`."""

    @answer(delay, *operations)
    def refusal(call: Call) -> Refusal | None:
        name = last_name(next((value for name, value in call.params.items() if name in names), ""))
        return error._replace(message=error.message.format(name)) if call.is_late(delay, kind, name) else None


def last_name(arn: str) -> str:
    """Return the name at the end of an ARN, or the name itself."""
    return arn.split(":")[-1].split("/")[-1]


class Call(SimpleNamespace):
    """A call on its way: layer, service, operation, params, account, attempts, kept (for `change`)."""

    def age(self, kind: str, name: str) -> float:
        """Return for how long, in AWS's time, the note has been there; infinity without a note."""
        return self.layer.clock.now() - self.layer.notes.get(self._key(kind, name))[0]

    def is_late(self, delay: str, kind: str, name: str) -> bool:
        """Return True if the note was made, and the delay is not over."""
        return self.age(kind, name) < self.layer.lengths.get(delay, 0)

    def value(self, kind: str, name: str) -> Any:
        return self.layer.notes.get(self._key(kind, name))[1]

    def note(self, kind: str, name: str, value: Any = None) -> None:
        self.layer.notes.put(self._key(kind, name), self.layer.clock.now(), value)

    def forget(self, kind: str, name: str) -> None:
        self.layer.notes.forget(self._key(kind, name))

    def later(self, delay: str, kind: str, name: str, service: str, operation: str, **params: Any) -> None:
        """Let the embedded AWS get this call when the delay is over."""
        due = self.layer.clock.now() + self.layer.lengths[delay]
        self.layer.notes.later(self._key(kind, name), due, self.account, service, operation, params)

    def shown(self, delay: str, kind: str, name: str, value: Any, before: Any) -> Any:
        """Return the value that was there one delay ago, and remember this one; `before` stands for the first."""
        now, history = self.layer.clock.now(), self.value(kind, name) or [[float("-inf"), before]]
        if history[-1][1] != value:
            history.append([now, value])
            self.note(kind, name, history)
        return [known for moment, known in history if moment <= now - self.layer.lengths[delay]][-1]

    def _key(self, kind: str, name: str) -> Key:
        return Key("" if kind in _WORLD else self.account, kind, name)


class Layer:
    """The layer of this process."""

    def __init__(self, folder: Path) -> None:
        from tests.aws_delays import of_lambda, of_messages, of_storage  # noqa: F401  # they enter their functions

        settings = json.loads((folder / "settings.json").read_text())
        self.folder, self.lengths = folder, settings["lengths"]
        self.clock, self.notes = Clock(folder / "clock", settings["speed"]), Notes(folder / "notes.db")
        self._local, self._clients, self._calls, self._lock = threading.local(), {}, 0, threading.RLock()

    @property
    def handlers(self) -> dict[str, Callable[..., Any]]:
        """Return the handlers of botocore's events."""
        return {"before-parameter-build": self.shape, "before-send": self.answer, "after-call": self.change}

    def speed_up(self) -> None:
        """Let the lab and botocore sleep by the layer's clock. Others, such as Jupyter's heartbeat, sleep as usual."""
        endpoint.time = waiter.time = SimpleNamespace(**{**vars(time), "sleep": self.clock.sleep})
        time.monotonic = self.clock.monotonic
        waiting.wait_until.__kwdefaults__.update(sleep=self.clock.sleep, clock=self.clock.monotonic)

    def keep_time(self) -> None:
        """Make the calls that are due while this process computes or sleeps."""
        while True:
            time.sleep(0.02)
            self.make_due_calls()

    def aws(self, account: str, service: str) -> Any:
        """Return a client of the embedded AWS; use it within `bare`."""
        with self._lock:
            if (account, service) not in self._clients:
                running = server.running()
                session = boto3.Session(account, running.secret, region_name="us-east-1")
                self._clients[account, service] = session.client(service, endpoint_url=running.endpoint)
            return self._clients[account, service]

    def bare(self, account: str, service: str, operation: str, params: dict[str, Any]) -> Any:
        """Make a call that no delay changes."""
        before, self._local.bare = self._is_bare(), True
        try:
            client = self.aws(account, service)
            name = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
            return getattr(client, name)(**params)
        finally:
            self._local.bare = before

    def make_due_calls(self) -> None:
        self.notes.make_due_calls(self.clock.now(), self._make_due_call)

    def shape(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self._is_bare():
            return
        self.make_due_calls()
        service = model.service_model.service_name
        call = Call(layer=self, service=service, operation=model.name, model=model, params=params, kept={}, attempts=0)
        call.account = ""
        self._local.call = call
        for function in self._of("shape", model.name):
            function(call)

    def answer(self, request: Any, **_: Any) -> AWSResponse | None:
        if self._is_bare() or "Authorization" not in request.headers:  # as the download of a function's code
            return None
        call = self._local.call
        call.account, call.attempts = _account(request, call), call.attempts + 1
        reply = self._throttled(call)
        for function in self._of("answer", call.operation):
            reply = reply if reply is not None else function(call)
        return None if reply is None else _response(request, call, reply)

    def change(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if self._is_bare() or http_response.status_code >= 300:
            return
        for function in self._of("change", model.name):
            function(self._local.call, parsed)

    def _of(self, kind: str, operation: str) -> list[Callable[..., Any]]:
        return [function for delay, function in _HOOKS[kind, operation] if not delay or delay in self.lengths]

    def _is_bare(self) -> bool:
        return getattr(self._local, "bare", False)

    def _throttled(self, call: Call) -> Refusal | None:
        if "throttling" not in self.lengths or call.service not in _THROTTLING or _DATA.fullmatch(call.operation):
            return None
        if call.attempts == 1:
            self._calls += 1
            call.throttled = self._calls % _EVERY == 0
        return _THROTTLED if call.throttled and call.attempts <= 2 else None

    def _make_due_call(self, account: str, service: str, operation: str, params: dict[str, Any]) -> None:
        try:
            self.bare(account, service, operation, params)
        except ClientError as error:  # what it was about may be gone
            with (self.folder / "failed.txt").open("a") as file:
                file.write(f"{operation}: {error}\n")


def _account(request: Any, call: Call) -> str:
    """Return the account whose key signs the request: its twelve digits, or a user's or role's key."""
    header = request.headers["Authorization"]
    key = (header.decode() if isinstance(header, bytes) else header).split("Credential=")[1].split("/")[0]
    return key if key.isdigit() else call.value("key", key) or key


@change("", "AssumeRole")
def _remember_key(call: Call, parsed: dict[str, Any]) -> None:
    account = call.params["RoleArn"].split(":")[4]
    call.note("key", parsed["Credentials"]["AccessKeyId"], account)


def _response(request: Any, call: Call, reply: Refusal | dict[str, Any] | str) -> AWSResponse:
    """Return the answer in the protocol of the service."""
    headers, status, body = {}, 200, reply
    if isinstance(reply, Refusal):
        status, code, message = reply
        kind = code.rsplit(".", 1)[-1]
        headers = {"x-amzn-errortype": kind, "x-amzn-query-error": f"{code};Sender"}
        body = {"__type": kind, "message": message, "Message": message}
        if call.model.service_model.resolved_protocol in ("query", "rest-xml"):
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            body = error if call.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return AWSResponse(request.url, status, headers, Body(content))


def begin() -> None:
    """Let this process meet the delays of a run, if the variable names one."""
    if folder := os.environ.get(FOLDER):
        layer = Layer(Path(folder))
        layer.speed_up()
        BUILTIN_HANDLERS.extend(layer.handlers.items())
        threading.Thread(target=layer.keep_time, daemon=True).start()
