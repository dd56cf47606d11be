"""An AWS emulator as AWS Emulator is: HTTPS, signed requests, keys and certificate in files, 501 for what it lacks.

It is ministack without our changes, in a process of its own, which runs this file.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

from lab_lib.calls.waiting import wait_until
from lab_lib.embedded.process import _settings
from lab_lib.embedded.server import CLIENTS_PORT, HOST

KEY, PROFILE = "AKIAEMULATOR00000000", "emulator"
FILES = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials", "AWS_CA_BUNDLE": "ca.pem"}


@contextmanager
def started(folder, *lacks):
    """Start an emulator that answers 501 to these operations. Yield the variables that lead to it."""
    with closing(socket.create_server((HOST, 0))) as free:
        port = free.getsockname()[1]
    secret, address, ca = secrets.token_hex(20), f"https://{HOST}:{port}", folder / "ca.pem"
    write_certificate(folder)
    keys = f"aws_access_key_id = {KEY}\naws_secret_access_key = {secret}\n"
    (folder / "credentials").write_text(f"[default]\n{keys}[{PROFILE}]\n{keys}")
    (folder / "config").write_text(f"[profile {PROFILE}]\nendpoint_url = {address}\nca_bundle = {ca}\n")
    of_functions = {"AWS_ENDPOINT_URL": address, "AWS_CA_BUNDLE": str(ca), "AWS_ACCESS_KEY_ID": KEY}
    places = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(folder)}
    command, log = [sys.executable, __file__, *lacks], (folder / "log").open("wb")
    process = subprocess.Popen(command, env=_settings(port, secret) | of_functions | places, cwd=folder, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or is_open(port), "the emulator to start")
        yield {name: str(folder / file) for name, file in FILES.items()} | {"AWS_ENDPOINT_URL": address}
    finally:
        process.kill()
        process.wait()
        log.close()


def write_certificate(folder):
    """Write a certificate for 127.0.0.1 that is signed by itself, and its key."""
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=emulator -keyout key.pem -out ca.pem -addext"
    subprocess.run([*made.split(), f"subjectAltName=IP:{HOST}"], cwd=folder, check=True, capture_output=True)


def is_open(port):
    with closing(socket.socket()) as tried:
        return tried.connect_ex((HOST, port)) == 0


def lacking(handle, operations):
    """Return the handler of a service without these operations."""

    async def answer(method, path, headers, body, query):
        request = f"{headers.get('x-amz-target')} {path} {body[:200]}"
        if any(operation in request for operation in operations):
            return 501, {}, b"Not implemented."
        return await handle(method, path, headers, body, query)

    return answer


def serve(operations):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app
    from ministack.services import lambda_svc

    from lab_lib.embedded import guard

    port, secret = int(os.environ["GATEWAY_PORT"]), os.environ["AWS_SECRET_ACCESS_KEY"]
    os.environ[CLIENTS_PORT] = str(port)
    guard.WORK = guard.COPY = ""  # only our embedded AWS can be asked
    lambda_svc._presigned_code_url = guard.code_url  # ministack's own is not signed
    for service, handle in app.SERVICE_HANDLERS.items():
        app.SERVICE_HANDLERS[service] = lacking(handle, operations)
    config = Config()
    config.bind, config.certfile, config.keyfile = [f"{HOST}:{port}"], "ca.pem", "key.pem"
    asyncio.run(serve(guard.guarded(app.app, port, secret), config))


if __name__ == "__main__":
    serve(sys.argv[1:])
