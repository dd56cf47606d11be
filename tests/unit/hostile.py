"""An AWS whose every answer is made up, down to its bytes, as a student's own server may answer."""

import json

from botocore.awsrequest import AWSResponse

from lab_lib.calls import sessions
from lab_lib.lab import Lab
from tests.lab.denying import Body


def answering(endpoint="http://127.0.0.1:1", status=200, **bodies):
    """Return a lab whose AWS answers each of these calls with this body, and the list of the addresses asked for."""
    session, asked = sessions.keyed_session("us-east-1", "123456789012", "secret"), []

    def answer(request, event_name, **_):
        asked.append(request.url)
        body = bodies[event_name.rsplit(".", 1)[1]]
        body = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        return AWSResponse(request.url, status, {}, Body(body))

    session.events.register("before-send", answer)
    return Lab(session, "a student's", "123456789012", "us-east-1", "aws", endpoint=endpoint), asked
