"""Give ARNs the partition of their Region, such as aws-cn in cn-north-1. To delete once ministack does that itself.

ministack writes and wants `arn:aws:` in all Regions. So `arn:aws:` and `arn:aws-cn:` change places on the way in and
on the way out: in requests and answers, and in all that a function's process gets and gives. What was stored comes back
as it was, and an ARN of the wrong partition names nothing, as on AWS. Objects of S3, refusals about them, and code stay
as they are. So do messages to HTTP subscribers, and the MD5 of a message of SQS.
"""

import json
import re
from functools import cache
from typing import Any

from botocore.exceptions import UnknownRegionError
from botocore.session import Session
from ministack import app
from ministack.core.lambda_runtime import Worker
from ministack.core.responses import get_region
from ministack.core.router import detect_service

from lab_lib.embedded import replace

Headers = dict[str, str]
_dispatch, _invoke = app._dispatch_service_request, Worker.invoke
_OF_THE_BODY = re.compile("content-(length|md5)|x-amz-(checksum-.*|crc32)", re.IGNORECASE)  # before it is changed


def install() -> None:
    """Translate requests and answers, and what functions get and give."""
    replace(app, "_dispatch_service_request", dispatch)
    replace(Worker, "invoke", invoke)


def _swapped(text: str, region: str) -> str:
    """Return the text with ARNs of the partition aws as ARNs of the Region's partition, and the other way round."""
    other = _partition(region)
    pairs = {"aws": other, other: "aws"}

    def swapped(arn: re.Match[str]) -> str:
        beginning, partition = arn.groups()
        return f"{beginning}{pairs.get(partition, partition)}"

    # A colon is %3A in forms, and in IAM's answers.
    return re.sub(r"(arn(?::|%3A))(aws[a-z-]*)(?=:|%3A)", swapped, text)


@cache
def _partition(region: str) -> str:
    """Return the Region's partition; aws if botocore knows none."""
    try:
        return str(Session().get_partition_for_region(region))
    except UnknownRegionError:
        return "aws"


async def dispatch(method: str, path: str, headers: Headers, body: bytes, query: Any, request_id: str) -> Any:
    """Answer a request, once its signature is verified, with the ARNs of its Region."""
    region = get_region()
    is_object = detect_service(method, path, headers, query) == "s3" and "/" in path.strip("/")
    if is_object or _partition(region) == "aws":
        return await _dispatch(method, path, headers, body, query, request_id)
    path, query = _swapped_json([path, query], region)
    answer = await _dispatch(method, path, _kept(headers), _swapped_body(body, region), query, request_id)
    status, headers, body = answer
    return status, _kept(headers), _swapped_body(body, region)


def _kept(headers: Headers) -> Headers:
    return {name: value for name, value in headers.items() if not _OF_THE_BODY.fullmatch(name)}


def _swapped_body(body: bytes | str, region: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body  # S3 has both
    return _swapped(content.decode("latin-1"), region).encode("latin-1")


def invoke(worker: Any, event: Any, request_id: str, **more: Any) -> Any:
    """Call a function's process, whose event, environment, answer and log have the ARNs of its Region."""
    config = worker.config
    region = worker.config["FunctionArn"].split(":")[3]
    if _partition(region) == "aws":
        return _invoke(worker, event, request_id, **more)
    event, more, environment = _swapped_json([event, more, config.get("Environment", {})], region)
    worker.config = {**config, "Environment": environment}
    try:
        return _swapped_json(_invoke(worker, event, request_id, **more), region)
    finally:
        worker.config = config


def _swapped_json(value: Any, region: str) -> Any:
    return json.loads(_swapped(json.dumps(value), region))
