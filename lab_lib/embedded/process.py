"""Run ministack as the embedded AWS: behind a guard, and with AWS's behaviour where the lab relies on it.

server.py starts this program in its folder. The file server.json there holds the port to listen on, and the secret
that signs the requests.
"""

import json
import os
from pathlib import Path

from lab_lib.embedded.server import HOST


def main() -> None:
    """Serve until the process is ended."""
    note = json.loads(Path("server.json").read_text())
    port, secret = int(note["port"]), str(note["secret"])
    os.environ |= _settings(port, secret)

    from ministack import app  # reads the settings when it is imported

    from lab_lib.embedded import changes, guard

    changes.make()
    app.app = guard.guarded(app.app, port, secret)
    app.main()


def _settings(port: int, secret: str) -> dict[str, str]:
    return {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "ERROR",  # warnings contain the input and output of functions
        "SERVICES": "s3,lambda,dynamodb,dynamodbstreams,sns,sqs,iam,sts,logs,cloudwatch,tagging,cloudformation",
        "AUTH": "true",  # roles, policies and public access are enforced
        "AWS_SECRET_ACCESS_KEY": secret,  # belongs to each account's own key, its twelve digits
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",  # then twice that; AWS waits a minute, then two
        # These two would listen on every interface, whatever BIND_HOST says.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


if __name__ == "__main__":
    main()
