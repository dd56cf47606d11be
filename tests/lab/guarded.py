"""An embedded AWS that checks who may do what, as AWS does, and that can be reached over TLS, as AWS can.

Not checked are its root users: every account's own twelve digits as the access key. They build what others then try.
"""

import json
import shutil
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

import boto3
import psutil
import pytest

from conftest import Chain, logged
from lab_lib import emulator
from lab_lib.headless import DATA_FILE
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until

EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}

# The server, but for the address of a function's code, which it gives as a plain one even where it speaks TLS only.
TLS_EVERYWHERE = """
import runpy
from ministack.services import lambda_svc

plain = lambda_svc._presigned_code_url
lambda_svc._presigned_code_url = lambda name: plain(name).replace("http:", "https:", 1)
runpy.run_module("lab_lib.embedded", run_name="__main__")
"""


@contextmanager
def running(folder, tls=True):
    """Its endpoint, while the context lasts; all that this process makes from now on trusts its certificate."""
    checking = {"AUTH": "true", "USE_SSL": "1" if tls else "0"}
    (folder / "tmp").mkdir(parents=True)
    certificate, port = folder / "tmp" / "ministack-tls" / "server.crt", server._free_port(0)
    endpoint = f"{'https' if tls else 'http'}://{server.HOST}:{port}"
    program = [sys.executable, "-c", TLS_EVERYWHERE] if tls else [sys.executable, "-m", "lab_lib.embedded"]
    assert shutil.which("openssl") or not tls, "openssl, which makes the certificate, is not installed"

    def popen(_, env, **options):
        return subprocess.Popen(program, env=env | checking, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(emulator, "subprocess", SimpleNamespace(Popen=popen, DEVNULL=subprocess.DEVNULL))
        process = server._spawn(folder, port)
    with pytest.MonkeyPatch.context() as trusting:
        if tls:
            trusting.setenv("AWS_CA_BUNDLE", str(certificate))  # for boto3
            trusting.setenv("SSL_CERT_FILE", str(certificate))  # for the code of a function, which is a plain download
        try:
            wait_until(lambda: answers(endpoint), "an embedded AWS that checks who may do what")
            yield endpoint
        finally:
            server = psutil.Process(process.pid)
            for each in (*server.children(recursive=True), server):
                each.kill()  # to stop in good order, it would wait for each connection that is still open
            process.wait()


def answers(endpoint):
    try:
        handlers = [urllib.request.ProxyHandler({})]
        if endpoint.startswith("https"):  # once there is a certificate to trust
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
        with urllib.request.build_opener(*handlers).open(f"{endpoint}/_ministack/ready", timeout=1) as reply:
            return json.load(reply)["status"] == "completed"
    except (OSError, ValueError):
        return False


def root_of(endpoint, account):
    """The lab as the account's root sees it."""
    return lab_of(endpoint, account, account, "test")


def lab_of(endpoint, account, *credentials):
    """The lab with these credentials: access key, secret and, where there is one, session token."""
    session = boto3.Session(*credentials, region_name="us-east-1")
    return Lab(session, "the embedded AWS", account, "us-east-1", "aws", endpoint)


def built(endpoint, account):
    """The lab that an account's root has built, with the handout's file gone all the way."""
    root = root_of(endpoint, account)
    chain = Chain(root).build()
    chain.put("transactions.txt", DATA_FILE.read_bytes())
    chain.wait_for_changes(24)
    return logged(root)


def user_of(root, name, policy=None):
    """The lab as a new user of the account sees it, who may do what this policy says, or nothing."""
    root.client("iam").create_user(UserName=name)
    if policy:
        allow(root, name, policy)
    key = root.client("iam").create_access_key(UserName=name)["AccessKey"]
    return lab_of(root.endpoint, root.account, key["AccessKeyId"], key["SecretAccessKey"])


def allow(root, name, policy):
    """The user may do what this policy says from now on, and nothing else."""
    root.client("iam").put_user_policy(UserName=name, PolicyName="it", PolicyDocument=json.dumps(policy))
