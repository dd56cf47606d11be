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
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
from botocore import endpoint, waiter, xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS

from lab_lib import waiting
from lab_lib.embedded import server
from tests.aws_delays.clock import Clock
from tests.aws_delays.notes import Notes
from tests.lab.denying import Body

FOLDER = "AWS_DELAYS"  # the variable that names the folder of a run: settings.json, the clock, the notes
_HOOKS: dict[tuple[str, str], list[tuple[str, Callable[..., Any]]]] = defaultdict(list)  # by kind and operation
_EVERY = 7  # calls
_NEVER_THROTTLED = re.compile(
    "(Get|Head|Put|Delete|List)Object.*|Invoke|Publish|(Send|Receive|Delete|Change)Message.*|Scan|Query|.*Items?"
    "|GetCallerIdentity"
)


class Refusal(NamedTuple):
    """An error that AWS answers with."""

    status: int
    code: str
    message: str


_THROTTLED = Refusal(400, "ThrottlingException", "Rate exceeded")  # botocore repeats it for each service


def _hook(kind: str, delay: str, *operations: str) -> Callable[..., Any]:
    """Return a decorator: shape("mapping", "CreateEventSourceMapping", …). No delay means always."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for operation in operations:
            _HOOKS[kind, operation].append((delay, function))
        return function

    return enter


# `answer` returns a Refusal, a body (dict for JSON, text for XML), or None.
shape, answer, change = (partial(_hook, kind) for kind in ("shape", "answer", "change"))


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
    """A call on its way: layer, operation, model, params, attempts, kept (for `change`)."""

    def is_late(self, delay: str, kind: str, name: str) -> bool:
        """Return True if the note was made, and the delay is not over in AWS's time."""
        age = self.layer.clock.now() - self.layer.notes.get(kind, name)[0]
        return age < self.layer.lengths.get(delay, 0)

    def value(self, kind: str, name: str) -> Any:
        return self.layer.notes.get(kind, name)[1]

    def note(self, kind: str, name: str, value: Any = None) -> None:
        self.layer.notes.put(kind, name, self.layer.clock.now(), value)

    def forget(self, kind: str, name: str) -> None:
        self.layer.notes.forget(kind, name)

    def later(self, delay: str, kind: str, name: str, service: str, operation: str, **params: Any) -> None:
        """Let the embedded AWS get this call when the delay is over."""
        due = self.layer.clock.now() + self.layer.lengths[delay]
        self.layer.notes.later(kind, name, due, service, operation, params)

    def shown(self, delay: str, kind: str, name: str, value: Any, before: Any) -> Any:
        """Return the value that was there one delay ago, and remember this one; `before` stands for the first."""
        now, history = self.layer.clock.now(), self.value(kind, name) or [[float("-inf"), before]]
        if history[-1][1] != value:
            history.append([now, value])
            self.note(kind, name, history)
        return [known for moment, known in history if moment <= now - self.layer.lengths[delay]][-1]


class Layer:
    """The layer of this process, for one account."""

    def __init__(self, folder: Path) -> None:
        from tests.aws_delays import of_lambda, of_messages, of_storage  # noqa: F401  # they enter their functions

        settings = json.loads((folder / "settings.json").read_text())
        self.account, self.lengths = settings["account"], settings["lengths"]
        self.clock, self.notes = Clock(folder / "clock", settings["speed"]), Notes(folder / "notes.db")
        self._local, self._calls = threading.local(), 0

    @property
    def handlers(self) -> dict[str, Callable[..., Any]]:
        """Return the handlers of botocore's events."""
        return {"before-parameter-build": self.shape, "before-send": self.answer, "after-call": self.change}

    def speed_up(self) -> None:
        """Let the lab and botocore sleep by the layer's clock. Others, such as Jupyter's heartbeat, sleep as usual."""
        endpoint.time = waiter.time = SimpleNamespace(**{**vars(time), "sleep": self.clock.sleep})
        time.monotonic = self.clock.monotonic
        waiting.wait_until.__kwdefaults__.update(sleep=self.clock.sleep, clock=self.clock.monotonic)

    def bare(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        """Make a call that no delay changes."""
        before, self._local.bare, running = self._is_bare(), True, server.running()
        try:
            session = boto3.Session(self.account, running.secret, region_name="us-east-1")
            client = session.client(service, endpoint_url=running.endpoint)
            return getattr(client, xform_name(operation))(**params)
        finally:
            self._local.bare = before

    def shape(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self._is_bare():
            return
        self.notes.make_due_calls(self.clock.now(), self._make_due_call)
        call = Call(layer=self, operation=model.name, model=model, params=params, kept={}, attempts=0)
        self._local.call = call
        for function in self._of("shape", model.name):
            function(call)

    def answer(self, request: Any, **_: Any) -> AWSResponse | None:
        if self._is_bare() or "Authorization" not in request.headers:  # as the download of a function's code
            return None
        call = self._local.call
        call.attempts += 1
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
        if "throttling" not in self.lengths or _NEVER_THROTTLED.fullmatch(call.operation):
            return None
        if call.attempts == 1:
            self._calls += 1
            call.throttled = self._calls % _EVERY == 0
        return _THROTTLED if call.throttled and call.attempts <= 2 else None

    def _make_due_call(self, *call: Any) -> None:
        with suppress(ClientError):  # what it was about may be gone
            self.bare(*call)


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
            body = error if call.model.service_model.service_name == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return AWSResponse(request.url, status, headers, Body(content))


def begin() -> None:
    """Let this process meet the delays of a run, if the variable names one."""
    if folder := os.environ.get(FOLDER):
        layer = Layer(Path(folder))
        layer.speed_up()
        BUILTIN_HANDLERS.extend(layer.handlers.items())
