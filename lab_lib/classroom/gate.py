"""Send the judge's requests. The student's code may send any answer.

A request goes only to the port that the judge itself opened, wherever a name, an ARN or a redirect in an answer leads.
An answer is read up to a bound, and never unpacked.
"""

import io
import socket
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from lab_lib.classroom.sandbox import Sandbox
from lab_lib.embedded.server import HOST
from lab_lib.errors import LabError
from lab_lib.exercises.trial import Accounts
from lab_lib.lab import Lab, lab_on

_MOST = 32_000_000  # bytes of all answers; a right submission has 0.3 MB, and so has the trial of its function
_AT_ONCE = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as botocore does; a request takes 0.04 s without


def accounts(box: Sandbox, secret: str) -> Accounts:
    """Return a function that opens the accounts of the sandbox's embedded AWS. Each request goes through the gate."""
    endpoint = f"http://{HOST}:{box.port}"
    http = URLLib3Session(socket_options=[_AT_ONCE])
    left = _MOST  # bytes

    def send(request: AWSPreparedRequest, **more: Any) -> AWSResponse:
        """Return the answer to a request. botocore calls this before it would send the request itself.

        LabError if the request is to another address, or the answers are too long.
        """
        nonlocal left
        box.require()
        if urlsplit(request.url)[:2] != urlsplit(endpoint)[:2]:
            raise LabError("An answer of the account leads to another address: {url!r}.", url=request.url[:100])
        request.stream_output = True  # or the whole answer would be read
        answer = http.send(request)
        body = answer.raw.read(max(left, 0) + 1)  # one more would be too many
        answer.raw.close()
        left -= len(body)
        if left < 0:
            raise LabError("The answers of the account are too long; at most {most} MB in all.", most=_MOST // 10**6)
        answer.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return answer

    def opened(account: str) -> Lab:
        lab = lab_on(endpoint, secret, account)
        lab.session.events.register("before-send", send)
        return lab

    return opened
