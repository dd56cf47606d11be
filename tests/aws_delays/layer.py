"""Answer the calls of this process as AWS does in its first minutes, between botocore and the embedded AWS.

A call meets the lines of behaviours.py: the first that answers does, and the last that changes the answer wins.
"""

import functools
import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import boto3
from botocore import endpoint, waiter, xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_LAST

from lab_lib.calls import waiting
from lab_lib.embedded import server
from tests.aws_delays.behaviours import DELAYS
from tests.aws_delays.kinds import Call
from tests.aws_delays.shared import Shared
from tests.lab.denying import Body

ARGUMENTS = "AWS_DELAYS"  # the variable that holds what the layers of all processes of a run are made of, as JSON


class Layer:
    """The layer of this process, for one account, in which these delays happen."""

    def __init__(self, folder, account, speed, names):
        self.shared = Shared(Path(folder) / "shared.db", speed)
        self._account, self._local = account, threading.local()
        self._lines = [(seconds, line) for name, (seconds, *lines) in DELAYS.items() if name in names for line in lines]
        self._client = functools.cache(self._new_client)

    @property
    def handlers(self):
        """Return the handlers of botocore's events, to be called after the lab's own."""
        return {
            "before-parameter-build": self.begin,
            "request-created": self.attempt,
            "before-send": self.answer,
            "response-received": self.change,
        }

    def speed_up(self):
        """Let the lab and botocore sleep by AWS's time. Others, such as Jupyter's heartbeat, sleep as usual."""
        sleep, monotonic = self.shared.sleep, self.shared.monotonic
        endpoint.time = waiter.time = SimpleNamespace(**{**vars(time), "sleep": sleep})
        time.monotonic = monotonic
        waiting.wait_until.__kwdefaults__.update(sleep=sleep, clock=monotonic)

    def begin(self, params, model, context, **_):
        context[ARGUMENTS] = call = Call(self.shared, model, params)
        for _seconds, line in self._of(call):
            line.begin(call)

    def attempt(self, request, **_):
        """Note the call of this attempt: the lab may make others before it repeats one."""
        self._local.call = request.context.get(ARGUMENTS)

    def answer(self, request, **_):
        if "Authorization" not in request.headers:  # as the download of a function's code
            return None
        call = self._local.call
        answers = (line.answer(call, seconds) for seconds, line in self._of(call))
        answer = next((answer for answer in answers if answer is not None), None)
        self.shared.make_due_calls(self._make)
        return None if answer is None else _response(request, call.model, answer)

    def change(self, parsed_response, **_):
        """Change the answer before botocore decides whether to repeat the call."""
        if parsed_response is None or "Error" in parsed_response:
            return
        call = self._local.call
        for _seconds, line in self._lines:
            if call.fits(line.since.calls):
                self.shared.note(line.since.calls, line.since.name(call.params) or line.since.name(parsed_response))
        for seconds, line in self._of(call):
            line.change(call, parsed_response, seconds)

    def _of(self, call):
        return [(seconds, line) for seconds, line in self._lines if line.concerns(call)]

    def _new_client(self, service):
        """Return a client whose calls no delay changes."""
        running = server.running()
        session = boto3.Session(self._account, running.secret, region_name="us-east-1")
        for event, handler in self.handlers.items():
            session.events.unregister(event, handler)
        return session.client(service, endpoint_url=running.endpoint)

    def _make(self, service, operation, params):
        with suppress(ClientError):  # what it was about may be gone
            return getattr(self._client(service), xform_name(operation))(**params)


def _response(request, model, answer):
    """Return a Refusal, or an answer without content, in the protocol of the service."""
    is_json, status, headers = "json" in model.service_model.resolved_protocol, 200, {}
    content = "{}" if is_json else f"<{model.name}Response/>"
    if answer:
        code, message = answer
        kind, status = code.rsplit(".", 1)[-1], 404  # HEAD has only the status
        headers = {"x-amzn-errortype": kind, "x-amzn-query-error": f"{code};Sender"}
        content = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        if is_json:
            content = json.dumps({"__type": kind, "message": message})
        elif model.service_model.service_name != "s3":
            content = f"<ErrorResponse>{content}</ErrorResponse>"
    return AWSResponse(request.url, status, headers, Body(b"" if request.method == "HEAD" else content.encode()))


def begin():
    """Let this process meet the delays of a run, if the variable names one."""
    if arguments := os.environ.get(ARGUMENTS):
        layer = Layer(*json.loads(arguments))
        layer.speed_up()
        BUILTIN_HANDLERS.extend((*handler, REGISTER_LAST) for handler in layer.handlers.items())
