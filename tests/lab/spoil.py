"""Spoil calls of a deployed function, which calls `begin`: a file of the folder says which call, and how."""

import json
import os
from contextlib import suppress
from pathlib import Path

from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from botocore.httpsession import URLLib3Session


def fail(folder, call, deed, about, times=1):
    """Let the next calls of this name meet the deed, if their address or body has the text `about`."""
    for number in range(times):
        (folder / f"{call} {number} {about}").write_text(json.dumps([about, deed]))


def begin(folder):
    """Let each call of this process meet the faults that wait for it in the folder."""

    def meet(request, event_name, **_):
        for path in Path(folder).glob(f"{event_name.split('.')[-1]} *"):
            with suppress(FileNotFoundError):  # another call took it
                about, deed = json.loads(path.read_text())
                if about in f"{request.url} {request.body}":
                    path.unlink()
                    return (refuse if isinstance(deed, list) else DEEDS[deed])(request, deed)
        return None

    BUILTIN_HANDLERS.append(("before-send", meet))


def end_before(request, _):
    """End the function before its call reaches AWS."""
    os._exit(1)


def end_after(request, _):
    """Let AWS carry out the call, and end the function before it gets the answer."""
    URLLib3Session().send(request)
    os._exit(1)


DEEDS = {"killed before": end_before, "killed after": end_after}


def refuse(request, deed):
    """Return AWS's refusal: status and body."""
    answer = AWSResponse(request.url, deed[0], {}, None)
    answer._content = deed[1].encode()
    return answer
