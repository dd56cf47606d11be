"""Answer 403 to every call of IAM but those in ALLOWED, as a managed classroom account does.

Another process does so if its sitecustomize.py calls `begin`; this folder must be on its PYTHONPATH.
"""

import io
import os

BODY = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not yours.</Message></Error></ErrorResponse>"


class Body(io.BytesIO):
    """The body of an answer that botocore is handed instead of sending the request."""

    def stream(self, **_):
        yield self.read()


def deny(request, event_name, **_):
    """Return the answer of a call that is denied; None lets botocore send the others."""
    from botocore.awsrequest import AWSResponse

    if event_name.rpartition(".")[2] not in os.environ["ALLOWED"].split():
        return AWSResponse(request.url, 403, {"Content-Type": "text/xml"}, Body(BODY))
    return None


def begin():
    """Deny each botocore session of this process from now on."""
    from botocore.handlers import BUILTIN_HANDLERS

    BUILTIN_HANDLERS.append(("before-send.iam", deny))
