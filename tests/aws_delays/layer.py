"""Answer the calls of this process as AWS does in its first minutes, between botocore and the embedded AWS.

A call meets functions that other modules enter here: `shape` changes what is sent, `answer` answers
in the place of the embedded AWS, `change` changes its answer. The first that answers does; the last that changes wins.
"""

import functools
import json
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import endpoint, waiter, xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_LAST
from botocore.model import OperationModel

from lab_lib import waiting
from lab_lib.embedded import server
from tests.aws_delays.clock import Clock
from tests.aws_delays.notes import Notes
from tests.aws_delays.replies import Refusal, response

FOLDER = "AWS_DELAYS"  # the variable that names the folder of a run: settings.json, the clock, the notes
_HOOKS: dict[tuple[str, str], list[tuple[str, Callable[..., Any]]]] = defaultdict(list)  # by kind and operation
_THROTTLING = {"throttling": (7, 2), "long-throttling": (41, 6)}  # each so many calls, so many times in a row
# botocore repeats these. An answer to HEAD has only the status.
_THROTTLED = Refusal(400, "ThrottlingException", "Rate exceeded")
_SLOW_DOWN = Refusal(503, "SlowDown", "Please reduce your request rate.")
_NEVER_THROTTLED = re.compile(
    "(Get|Head|Put|Delete|List)Object.*|Invoke|Publish|(Send|Receive|Delete|Change)Message.*|Scan|Query|.*Items?"
    "|GetCallerIdentity"
)
_ALL = {"GetQueueAttributes": {"AttributeNames": ["All"]}}  # how a call asks for all that it can answer


def _hook(kind: str, delay: str, *operations: str) -> Callable[..., Any]:
    """Return a decorator: shape("mapping", "CreateEventSourceMapping", …). No delay means always."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for operation in operations:
            _HOOKS[kind, operation].append((delay, function))
        return function

    return enter


# `answer` returns a Refusal, a dict, or None.
shape, answer, change = (functools.partial(_hook, kind) for kind in ("shape", "answer", "change"))


def last_name(arn: str) -> str:
    """Return the name at the end of an ARN, or the name itself."""
    return arn.split(":")[-1].split("/")[-1]


@dataclass
class Call:
    """A call on its way."""

    layer: "Layer"
    model: OperationModel
    params: dict[str, Any]
    now: float  # AWS's time
    kept: dict[str, Any] = field(default_factory=dict)  # by `shape`, for `change`
    attempts: int = 0
    throttled: int = 0  # how many attempts are

    @property
    def operation(self) -> str:
        return self.model.name

    @property
    def service(self) -> str:
        return self.model.service_model.service_name

    def is_late(self, delay: str, kind: str, name: str) -> bool:
        """Return True if the note was made, and the delay is not over in AWS's time."""
        return self.now - self.layer.notes.get(kind, name)[0] < self.layer.lengths.get(delay, 0)

    def value(self, kind: str, name: str) -> Any:
        return self.layer.notes.get(kind, name)[1]

    def note(self, kind: str, name: str, value: Any = None) -> None:
        self.layer.notes.put(kind, name, self.layer.clock.now(), value)

    def forget(self, kind: str, name: str) -> None:
        self.layer.notes.forget(kind, name)

    def later(self, delay: str, kind: str, name: str, operation: str, **params: Any) -> None:
        """Let the embedded AWS get this call when the delay is over."""
        due = self.layer.clock.now() + self.layer.lengths[delay]
        self.layer.notes.later(kind, name, due, self.service, operation, params)

    def about_the_same(self, operation: str) -> "Call":
        """Return a call of another operation of the service, with those parameters of this one that it requires."""
        model = self.model.service_model.operation_model(operation)
        params = {name: self.params[name] for name in model.input_shape.required_members} | _ALL.get(operation, {})
        return Call(self.layer, model, params, self.now)

    def make(self) -> dict[str, Any] | Refusal:
        """Return what the embedded AWS answers to this call."""
        try:
            answer = self.layer.bare(self.service, self.operation, self.params)
            return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
        except ClientError as error:
            about = error.response["Error"]
            return Refusal(error.response["ResponseMetadata"]["HTTPStatusCode"], about["Code"], about["Message"])

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
        from tests.aws_delays import behaviours  # noqa: F401  # it enters all functions

        settings = json.loads((folder / "settings.json").read_text())
        self.account, self.lengths = settings["account"], settings["lengths"]
        self.clock, self.notes = Clock(folder / "clock", settings["speed"]), Notes(folder / "notes.db")
        self._local, self._calls = threading.local(), 0
        self._throttling = [how_often for name, how_often in _THROTTLING.items() if name in self.lengths]
        self._client = functools.cache(self._new_client)

    @property
    def handlers(self) -> dict[str, Callable[..., Any]]:
        """Return the handlers of botocore's events, to be called after the lab's own."""
        return {"before-parameter-build": self.shape, "before-send": self.answer, "response-received": self.change}

    def speed_up(self) -> None:
        """Let the lab and botocore sleep by the layer's clock. Others, such as Jupyter's heartbeat, sleep as usual."""
        endpoint.time = waiter.time = SimpleNamespace(**{**vars(time), "sleep": self.clock.sleep})
        time.monotonic = self.clock.monotonic
        waiting.wait_until.__kwdefaults__.update(sleep=self.clock.sleep, clock=self.clock.monotonic)

    def bare(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        """Make a call that no delay changes."""
        before, self._local.bare = self._is_bare(), True
        try:
            return getattr(self._client(service), xform_name(operation))(**params)
        finally:
            self._local.bare = before

    def shape(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self._is_bare():
            return
        self.make_due_calls()
        self._local.call = call = Call(self, model, params, self.clock.now())
        for function in self._of("shape", model.name):
            function(call)

    def answer(self, request: Any, **_: Any) -> AWSResponse | None:
        if self._is_bare() or "Authorization" not in request.headers:  # as the download of a function's code
            return None
        self.make_due_calls()
        call = self._local.call
        call.attempts, call.now = call.attempts + 1, self.clock.now()
        reply = self._throttled(call)
        for function in self._of("answer", call.operation):
            reply = reply if reply is not None else function(call)
        return None if reply is None else response(request, call.model, reply)

    def change(self, parsed_response: dict[str, Any] | None, **_: Any) -> None:
        """Change the answer before botocore decides whether to repeat the call."""
        if self._is_bare() or parsed_response is None or "Error" in parsed_response:
            return
        self.show(self._local.call, parsed_response)

    def show(self, call: Call, parsed: dict[str, Any]) -> None:
        """Change an answer into the one that AWS gives now."""
        for function in self._of("change", call.operation):
            function(call, parsed)

    def make_due_calls(self) -> None:
        self.notes.make_due_calls(self.clock.now(), self._make_due_call)

    def _of(self, kind: str, operation: str) -> list[Callable[..., Any]]:
        return [function for delay, function in _HOOKS[kind, operation] if not delay or delay in self.lengths]

    def _is_bare(self) -> bool:
        return getattr(self._local, "bare", False)

    def _throttled(self, call: Call) -> Refusal | None:
        if _NEVER_THROTTLED.fullmatch(call.operation):
            return None
        if call.attempts == 1:
            self._calls += 1
            call.throttled = max((times for every, times in self._throttling if self._calls % every == 0), default=0)
        error = _SLOW_DOWN if call.service == "s3" else _THROTTLED
        return error if call.attempts <= call.throttled else None

    def _new_client(self, service: str) -> Any:
        running = server.running()
        session = boto3.Session(self.account, running.secret, region_name="us-east-1")
        return session.client(service, endpoint_url=running.endpoint)

    def _make_due_call(self, *call: Any) -> None:
        with suppress(ClientError):  # what it was about may be gone
            self.bare(*call)


def begin() -> None:
    """Let this process meet the delays of a run, if the variable names one."""
    if folder := os.environ.get(FOLDER):
        layer = Layer(Path(folder))
        layer.speed_up()
        BUILTIN_HANDLERS.extend((*handler, REGISTER_LAST) for handler in layer.handlers.items())
