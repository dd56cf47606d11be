"""Run ministack as the embedded AWS: behind a guard, and with AWS's behaviour where the lab relies on it.

server.py starts this program in its folder, and names the workspace and, if there is one, the process with which it is
to end. It inherits the socket at which it listens. The note server.json in its folder holds the port, and the secret
that signs the requests. A copy gets the content of its account from stdin.
"""

import asyncio
import json
import os
import resource
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

from lab_lib.embedded.server import CLIENTS_PORT, HOST, NOTE
from lab_lib.processes import box
from lab_lib.processes.family import end_when

# Seconds after which a failed event is tried again, and then after twice that; AWS waits a minute, then two.
_FIRST_RETRY, _FIRST_RETRY_OF_COPY = "0.5", "0.05"
_RETRY_BASE = "LAMBDA_ASYNC_RETRY_BASE_SECONDS"
# The lab's own, and all others of ministack that need no Docker, no port of their own, and no other server.
_SERVICES = (
    "s3,lambda,dynamodb,dynamodbstreams,sns,sqs,iam,sts,logs,cloudwatch,tagging,cloudformation,"
    "account,acm,apigateway,appconfig,appconfigdata,athena,autoscaling,backup,batch,budgets,cloudcontrol,cloudtrail,"
    "cognito-identity,cognito-idp,config,cur,elasticfilesystem,elasticmapreduce,events,firehose,inspector2,kinesis,kms,"
    "location,mediaconnect,organizations,pipes,resource-groups,route53,s3files,scheduler,secretsmanager,"
    "servicediscovery,ses,signer,ssm,states,transcribe,translate,waf,waf-regional,wafv2"
)


def main() -> None:
    """Serve until the process is ended."""
    door = sys.argv.pop()
    owner = sys.argv.pop()
    workspace = Path(sys.argv.pop())  # ministack reads what is left
    folder = Path.cwd()
    note = (folder / NOTE).read_bytes()
    port, secret = json.loads(note).values()
    Thread(target=_watch, args=(folder, workspace, note, owner), daemon=True).start()
    content = sys.stdin.buffer.read()
    os.environ |= _settings(port, secret)
    if content:
        os.environ[_RETRY_BASE] = _FIRST_RETRY_OF_COPY
    os.environ.setdefault(CLIENTS_PORT, str(port))

    from ministack import app  # reads the settings when it is imported

    from lab_lib.embedded import (
        boxes,
        copies,
        corrections,
        guard,
        partitions,
        streams,
        validation,
        work,
        workers,
    )

    for concern in (corrections, guard, partitions, streams, validation, work, workers):
        concern.install()
    if content:
        copies.load(content)
    with suppress(ValueError, OSError):  # as ministack's own `main` does: a burst of connections needs many files
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner() as runner:
        guarded = guard.guarded(app.app, port, secret)
        if not box.fault_of_functions():
            boxes.install(guarded, runner.get_loop())
        runner.run(boxes.answer_at([f"fd://{door}"], guarded, asyncio.Event().wait))


def _watch(folder: Path, workspace: Path, note: bytes, owner: str) -> None:
    """End this process and its functions with the owner, or if the note is deleted or replaced, or a folder deleted.

    Their own folder is deleted with the owner, and with the workspace.
    """

    def is_gone() -> bool:
        try:
            is_owned = owner in ("", str(os.getppid()))
            return not (is_owned and workspace.exists() and (folder / NOTE).read_bytes() == note)
        except FileNotFoundError:
            return True
        except OSError:  # such as too many open files, of which some may be closed in a second
            return False

    def delete_rest() -> None:
        if owner or not workspace.exists():
            shutil.rmtree(folder, ignore_errors=True)

    end_when(is_gone, delete_rest)


def _settings(port: int, secret: str) -> dict[str, str]:
    return {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "ERROR",  # warnings contain the input and output of functions
        "SERVICES": _SERVICES,
        "AUTH": "true",  # roles, policies and public access are enforced
        "AWS_SECRET_ACCESS_KEY": secret,  # belongs to each account's own key, its twelve digits
        _RETRY_BASE: _FIRST_RETRY,
        "IOT_MTLS_ENABLED": "0",  # it would listen on every interface, whatever BIND_HOST says
    }


if __name__ == "__main__":
    main()
