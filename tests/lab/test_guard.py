"""The guard of the embedded AWS: which requests it admits, and which it refuses, as an attacker would try."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from accounts import EVERYTHING, lab_of, user_of
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from chains import create_function

from lab_lib.aws import functions, policies, queues, roles
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.settings import DEFAULT_ACCOUNT
from lab_lib.workspace.places import WORKSPACE

pytestmark = pytest.mark.slow

RENEW, PAGE = "run the cell with open_lab again", "does not answer web pages"
LIST_TABLES = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}


def signed(
    method="POST", path="/", headers=LIST_TABLES, body=b"{}", key=DEFAULT_ACCOUNT, secret=None, signer=SigV4Auth
):
    """Return a request that is signed as boto3 signs it."""
    running = server.start()
    request = AWSRequest(method, f"{running.endpoint}{path}", dict(headers), body)
    signer(Credentials(key, secret or running.secret), "dynamodb", "us-east-1").add_auth(request)
    return request


def unsigned(method="POST", body=b"{}"):
    return AWSRequest(method, f"{server.start().endpoint}/", dict(LIST_TABLES), body)


def send(request, headers=None, path=None, body=None):
    """Send the request, with these parts replaced after it was signed; return (status, text) of the answer."""
    url = urlsplit(request.url)
    with closing(HTTPConnection(url.netloc)) as connection:
        parts = {"Host": url.netloc, **request.headers, **(headers or {})}
        connection.request(request.method, path or f"{url.path}?{url.query}", body or request.body or b"", parts)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


WEBSOCKET = {"Upgrade": "websocket", "Connection": "Upgrade"}
WEBSOCKET |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
IN_HEADER = "AWS4-HMAC-SHA256 Credential=000000000000/b/c/d/e, SignedHeaders=a, Signature="
REFUSED = {  # a request, a change to it on its way, and a part of the refusal
    "no signature": (unsigned, {}, RENEW),
    "the Origin of a page": (signed, {"headers": {"Origin": "http://page.example"}}, PAGE),
    "another Host": (signed, {"headers": {"Host": "page.example"}}, "Use that address"),
    "a websocket": (lambda: unsigned("GET", body=b""), {"headers": WEBSOCKET}, ""),
    "an unknown key": (lambda: signed(key="AKIAUNKNOWN00000000"), {}, RENEW),
    "another body": (signed, {"body": b'{"Limit": 1}'}, RENEW),
    "another body of an upload": (lambda: signed("PUT", "/b/k", {}, b"a", signer=S3SigV4Auth), {"body": b"b"}, RENEW),
    "another path": (signed, {"path": "/_ministack/reset"}, RENEW),
    "two signatures": (lambda: signed(signer=SigV4QueryAuth), {"headers": {"Authorization": IN_HEADER + "f"}}, RENEW),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_is_refused_that_the_owner_has_not_signed_as_it_arrives(case):
    request, changes, reason = REFUSED[case]

    status, text = send(request(), **changes)

    assert (status, reason in text) == (403, True)


def test_a_signature_expires(monkeypatch):
    running, now = server.start(), datetime.now(UTC)

    def status(signer, age, *expires):
        """Return the status of the answer to a request that was signed so long ago."""
        request = AWSRequest("GET", f"{running.endpoint}/_ministack/health")
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now - timedelta(seconds=age))
        signer(Credentials(DEFAULT_ACCOUNT, running.secret), "s3", "us-east-1", *expires).add_auth(request)
        return send(request)[0]

    assert [status(SigV4Auth, age) for age in (60, 86_400)] == [200, 403]
    assert [status(S3SigV4QueryAuth, age, 3600) for age in (60, 7200)] == [200, 403]


OFFERED = """s3.list_buckets sqs.list_queues events.list_event_buses stepfunctions.list_state_machines pipes.list_pipes
scheduler.list_schedules kinesis.list_streams ssm.describe_parameters"""
# In turn they speak JSON, JSON after REST, XML, two kinds of form, one with errors of its own, and CBOR.
ABSENT = """ecs.list_clusters eks.list_clusters cloudfront.list_distributions rds.describe_db_instances
redshift.describe_clusters ec2.describe_vpcs eventbridgev2.list_event_buses"""


@pytest.mark.parametrize("asked", f"{OFFERED} {ABSENT}".split())
def test_each_service_answers_in_its_protocol_that_it_is_offered_or_absent_or_that_a_secret_is_old(lab, asked):
    service, call = asked.split(".")
    absent = r"NotImplemented.* embedded AWS does not have the service \w+\."

    with nullcontext() if asked in OFFERED else pytest.raises(ClientError, match=absent):
        getattr(lab.client(service), call)()
    with pytest.raises(ClientError, match=rf"{RENEW}.*lab local env"):
        getattr(lab_of(lab, lab.account, "an old secret").client(service), call)()


def test_a_prefix_of_the_host_leads_to_the_embedded_aws_too(lab):
    machine = f"arn:aws:states:us-east-1:{lab.account}:stateMachine:none"
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        lab.client("stepfunctions").start_sync_execution(stateMachineArn=machine)


def test_a_user_and_an_assumed_role_are_admitted_with_their_own_keys_only_and_manage_nothing(lab):
    user, iam = user_of(lab, "ana", EVERYTHING), lab.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": lab.arn("iam", "root")}}
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(policies.document(trust)))["Role"]
    assumed = user.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="tried")["Credentials"]
    reader = lab_of(lab, assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
    forged = lab_of(lab, assumed["AccessKeyId"], assumed["SecretAccessKey"], "forged")
    keys = user.session.get_credentials()

    def request(path):
        return signed(path=path, key=keys.access_key, secret=keys.secret_key)

    callers = [caller.client("sts").get_caller_identity()["Arn"].split(":")[-1] for caller in (user, reader)]
    assert callers == ["user/ana", "assumed-role/reader/tried"]
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.client("sqs").list_queues()
    with pytest.raises(ClientError, match=RENEW):
        forged.client("sts").get_caller_identity()
    status, text = send(request("/_ministack/reset"))
    assert (status, "Only the account's own key" in text) == (403, True)
    # ministack takes the first key that a header names, but the signature is made with the last.
    header = request("/").headers["Authorization"].replace(" ", f" Credential={lab.account}/a/b/c/d, ", 1)
    assert RENEW in send(request("/"), headers={"Authorization": header})[1]


def test_odd_keys_large_files_and_version_4_urls_are_admitted_and_no_other_url(lab):
    s3, bucket = lab.client("s3"), f"guard-{lab.account}"
    s3.create_bucket(Bucket=bucket)

    def get(version):
        config = Config(signature_version=version)
        client = lab.session.client("s3", endpoint_url=lab.endpoint, config=config)
        return AWSRequest("GET", client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "ä/é%20+ b"}))

    s3.put_object(Bucket=bucket, Key="ä/é%20+ b", Body=b"here")
    s3.upload_fileobj(io.BytesIO(bytes(9 * 2**20)), bucket, "large.txt")

    assert s3.get_object(Bucket=bucket, Key="ä/é%20+ b")["Body"].read() == b"here"
    assert s3.head_object(Bucket=bucket, Key="large.txt")["ContentLength"] == 9 * 2**20
    assert send(get("s3v4")) == (200, "here")
    assert [send(get(version))[0] for version in ("s3", UNSIGNED)] == [403, 403]


def test_a_functions_keys_cannot_be_computed(lab):
    """ministack derives them from the ARNs of function and role."""
    role = roles.ensure_role(lab, "TotalNotifierRole")
    text = "import boto3\n\ndef handler(event, context):\n    sts = boto3.client('sts')\n"
    text += "    return sts.get_caller_identity()['Arn']\n"
    made = create_function(lab, "Who", text, role)
    digest = sha256(f"{made['FunctionArn']}:{role}".encode()).hexdigest()
    secret, token = (sha256(f"{word}:{digest}".encode()).hexdigest() for word in ("secret", "token"))

    assert functions.invoke(lab, "Who", {}).endswith("assumed-role/TotalNotifierRole/Who")
    assert functions.code(lab, "Who") == {"probe.py": text}  # by a presigned URL
    with pytest.raises(ClientError, match=RENEW):
        lab_of(lab, f"ASIA{digest[:16].upper()}", secret, token).client("sts").get_caller_identity()


def test_the_secret_is_on_no_command_line_and_in_no_environment_log_or_repr(lab):
    create_function(lab, "See", "def handler(event, context):\n    return 1\n")
    functions.invoke(lab, "See", {})
    running = server.running()

    processes = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]

    assert len(processes) > 1  # with a function's
    seen = [(process.environ(), process.cmdline()) for process in processes]
    assert running.secret not in repr((seen, (server.home() / "server.log").read_text(), running, lab))


def test_programs_in_a_terminal_are_admitted_after_the_exports(account):
    queues.ensure_queue(open_lab(account=account), "CustomerNotify")
    environment = {name: os.environ[name] for name in (WORKSPACE, "XDG_STATE_HOME")} | {"HOME": "/nowhere"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = f"""
        shopt -s expand_aliases
        eval "$(lab local env --account {account})"
        python -c 'import boto3; print(boto3.client("sqs").list_queues()["QueueUrls"])'
        alias aws
        {"aws sqs list-queues --output text" if shutil.which("aws") else ""}"""

    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment, check=False)

    seen = re.findall(rf"http://127\.0\.0\.1:\d+/{account}/CustomerNotify", done.stdout)
    assert len(seen) == (2 if shutil.which("aws") else 1), done.stderr
    assert """alias aws='aws --endpoint-url "$AWS_ENDPOINT_URL"'""" in done.stdout
