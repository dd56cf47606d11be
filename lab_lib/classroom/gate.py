"""Send the judge's requests. The student's code may send any answer.

A request goes only to the port that the judge itself opened, wherever a name, an ARN or a redirect in an answer leads.
An answer is read up to a bound, and never unpacked.
"""

import io
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from lab_lib.errors import LabError

_MOST_ANSWER, _MOST_IN_ALL = 16_000_000, 100_000_000  # bytes; a right submission has 16 kB and 0.3 MB
_CONNECT, _READ = 5, 60  # seconds, the second one between two parts of an answer
_AT_ONCE = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as botocore does; a request takes 0.04 s without


class Gate:
    """The way to one address. `refuse` is called before each request, and raises an error if none may be sent."""

    def __init__(self, endpoint: str, refuse: Callable[[], None]) -> None:
        self._address, self._refuse = urlsplit(endpoint)[:2], refuse
        self._http = URLLib3Session(timeout=(_CONNECT, _READ), socket_options=[_AT_ONCE])
        self._read = 0  # bytes of all answers

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Return the answer to a request. botocore calls this before it would send the request itself.

        LabError if the request is to another address, or the answer is too long.
        """
        self._refuse()
        if urlsplit(request.url)[:2] != self._address:
            raise LabError(f"An answer of the account leads to another address: {request.url[:100]!r}.")
        request.stream_output = True  # or the whole answer would be read
        answer = self._http.send(request)
        body = answer.raw.read(_MOST_ANSWER + 1)
        answer.raw.close()
        self._read += len(body)
        if len(body) > _MOST_ANSWER or self._read > _MOST_IN_ALL:
            most = f"{_MOST_ANSWER // 1_000_000} MB in one, {_MOST_IN_ALL // 1_000_000} MB in all"
            raise LabError(f"The answers of the account are too long; at most {most}.")
        raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return AWSResponse(answer.url, answer.status_code, answer.headers, raw)
