"""What the layer answers in the place of the embedded AWS: an error, or an answer of JSON or without content."""

import json
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel

from tests.lab.denying import Body


class Refusal(NamedTuple):
    """An error that AWS answers with."""

    status: int
    code: str
    message: str


def response(request: Any, model: OperationModel, reply: Refusal | dict[str, Any]) -> AWSResponse:
    """Return the reply in the protocol of the service."""
    if isinstance(reply, Refusal):
        status, headers, content = reply.status, *_error(model, reply)
    else:
        is_query = model.service_model.resolved_protocol == "query"
        status, headers, content = 200, {}, f"<{model.name}Response/>" if is_query else json.dumps(reply)
    return AWSResponse(request.url, status, headers, Body(b"" if request.method == "HEAD" else content.encode()))


def _error(model: OperationModel, error: Refusal) -> tuple[dict[str, str], str]:
    """Return the headers and the content of an error."""
    kind = error.code.rsplit(".", 1)[-1]
    headers = {"x-amzn-errortype": kind, "x-amzn-query-error": f"{error.code};Sender"}
    content = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
    match model.service_model.resolved_protocol:
        case "rest-xml":
            return headers, content
        case "query":
            return headers, f"<ErrorResponse>{content}</ErrorResponse>"
    return headers, json.dumps({"__type": kind, "message": error.message, "Message": error.message})
