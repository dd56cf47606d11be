"""The door of the embedded AWS: who gets in, and who is refused, as an attacker would try."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
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

from conftest import create_function
from lab_lib.aws import buckets, functions, policies, queues, roles, tables
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.run.headless import NOTEBOOKS

ANEW = "run the cell with open_lab again"
LIST_TABLES = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def started():
    """The embedded AWS, before anybody asks at its door."""
    return server.start()


@pytest.fixture
def door(record_property):
    """door(who, what, got): a row of the table that --table prints."""

    def door(who, what, got):
        for name, value in {"table": "The door", "who": who, "asks": what, "gets": got}.items():
            record_property(name, value)

    return door


def signed(method="POST", path="/", headers=LIST_TABLES, body=b"{}", key=server.ACCOUNT, secret=None, signer=SigV4Auth):
    """Return a request that is signed as boto3 signs it."""
    found = server.running()
    request = AWSRequest(method, f"{found.endpoint}{path}", dict(headers), body)
    credentials = Credentials(key, secret or found.secret)
    signer(credentials, "dynamodb", "us-east-1").add_auth(request)
    return request


def unsigned(method="POST", path="/", body=b"{}"):
    """Return the same request without a signature."""
    return AWSRequest(method, f"{server.running().endpoint}{path}", dict(LIST_TABLES), body)


def send(request, **changed):
    """Return status, headers and text of the answer to a request; `changed` is put in place of what was signed."""
    url = urlsplit(request.url)
    connection = HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        headers = {"Host": url.netloc, **request.headers, **changed.get("headers", {})}
        path = changed.get("path", f"{url.path}?{url.query}" if url.query else url.path)
        connection.putrequest(request.method, path, skip_host=True, skip_accept_encoding=True)
        body = changed.get("body", request.body or b"")
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value.encode() if isinstance(value, str) else value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        connection.close()


def test_a_request_that_is_signed_with_the_secret_gets_in(door):
    status, headers, text = send(signed())

    door("boto3's signature", "ListTables", f"{status}")
    assert (status, "TableNames" in json.loads(text)) == (200, True)
    assert [name for name in headers if name.lower().startswith("access-control")] == []


# By name: a request, a change to it on its way, and what the refusal says.
REFUSED = {
    "no signature": (unsigned, {}, ANEW),
    "no signature, reset": (lambda: unsigned("POST", "/_ministack/reset"), {}, ANEW),
    "no signature, health": (lambda: unsigned("GET", "/_ministack/health"), {}, ANEW),
    "no signature, who": (lambda: unsigned("GET", server.WHO), {}, ANEW),
    "a web page's Origin": (signed, {"headers": {"Origin": "http://page.example"}}, "does not answer web pages"),
    "Origin null": (signed, {"headers": {"Origin": "null"}}, "does not answer web pages"),
    "its own Origin": (lambda: signed(headers=LIST_TABLES | {"Origin": "x"}), {}, "does not answer web pages"),
    "another Host": (signed, {"headers": {"Host": "page.example"}}, "Use that address"),
    "another port in Host": (signed, {"headers": {"Host": "127.0.0.1:1"}}, "Use that address"),
    "the secret `test`": (lambda: signed(secret="test"), {}, ANEW),
    "an unknown key": (lambda: signed(key="AKIAUNKNOWN00000000"), {}, ANEW),
    "the body changed": (signed, {"body": b'{"Limit": 1}'}, ANEW),
    "the body of an upload changed": (
        lambda: signed("PUT", "/b/k", {}, b"a", signer=S3SigV4Auth),
        {"body": b"b"},
        ANEW,
    ),
    "the path changed": (signed, {"path": "/_ministack/reset"}, ANEW),
    "a signed header changed": (signed, {"headers": {"X-Amz-Target": "DynamoDB_20120810.DeleteTable"}}, ANEW),
    "an empty signature": (signed, {"headers": {"Authorization": ""}}, ANEW),
    "signed in header and query": (
        lambda: signed(signer=SigV4QueryAuth),
        {
            "headers": {
                "Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/b/c/d/e, SignedHeaders=a, Signature=f"
            }
        },
        ANEW,
    ),
    "signature version 2": (signed, {"headers": {"Authorization": "AWS 000000000000:c2lnbmF0dXJl"}}, ANEW),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_request_that_the_owner_has_not_signed_is_refused(what, door):
    request, changed, why = REFUSED[what]

    status, headers, text = send(request(), **changed)

    door("anybody", what, f"{status}: {why}")
    assert status == 403
    assert why in text
    assert [name for name in headers if name.lower().startswith("access-control")] == []


def test_a_signature_that_is_not_ascii_is_refused():
    request = signed()
    garbled = re.sub("Signature=.*", "Signature=é", request.headers["Authorization"])

    status, _, text = send(request, headers={"Authorization": garbled})

    assert (status, ANEW in text) == (403, True)


def test_a_request_that_was_signed_yesterday_is_refused(monkeypatch):
    found = server.running()
    with monkeypatch.context() as yesterday:
        yesterday.setattr("botocore.auth.get_current_datetime", lambda: datetime.now(UTC) - timedelta(days=1))
        yesterday.setattr(server, "running", lambda: found)
        request = signed()

    status, _, text = send(request)

    assert (status, ANEW in text) == (403, True)


def test_a_preflight_of_a_page_is_refused(door):
    request = unsigned("OPTIONS")
    asked = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}

    status, headers, _ = send(request, headers=asked)

    door("a web page", "preflight", f"{status}")
    assert status == 403
    assert [name for name in headers if name.lower().startswith("access-control")] == []


def test_a_websocket_is_refused(door):
    request = unsigned("GET", body=b"")
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}

    status, _, _ = send(request, headers=upgrade)

    door("anybody", "websocket", f"{status}")
    assert status == 403


@pytest.mark.parametrize(
    ("service", "call"),
    {
        "s3": "list_buckets",
        "sqs": "list_queues",
        "sns": "list_topics",
        "iam": "list_roles",
        "sts": "get_caller_identity",
        "dynamodb": "list_tables",
        "lambda": "list_functions",
        "logs": "describe_log_groups",
        "cloudwatch": "list_metrics",
    }.items(),
)
def test_a_stale_secret_is_refused_in_the_protocol_of_each_service(service, call, lab):
    """As in a terminal, when the embedded AWS was started anew."""
    stale = lab_of(lab, lab.account, "an old secret")

    with pytest.raises(ClientError, match=ANEW) as refused:
        getattr(stale.client(service), call)()

    assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"
    assert 'eval "$(lab local env)"' in str(refused.value)


def test_an_iam_user_and_an_assumed_role_get_in_with_their_own_keys_and_may_not_manage(lab, door):
    user, iam = user_of(lab, "ana", EVERYTHING), lab.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": lab.arn("iam", "root")}}
    may = policies.document(policies.allow(["dynamodb:ListTables"], "*"))
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(policies.document(trust)))["Role"]
    iam.put_role_policy(RoleName="reader", PolicyName="it", PolicyDocument=json.dumps(may))
    given = user.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="tried")["Credentials"]
    reader = lab_of(lab, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    callers = [each.client("sts").get_caller_identity()["Arn"].split(":")[-1] for each in (user, reader)]
    status, _, text = send(request_of(user, "/_ministack/reset"))

    door("IAM user, assumed role", "GetCallerIdentity", "; ".join(callers))
    assert callers == ["user/ana", "assumed-role/reader/tried"]
    assert reader.client("dynamodb").list_tables()["TableNames"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.client("sqs").list_queues()
    assert (status, "Only the account itself" in text) == (403, True)
    assert [each["RoleName"] for each in iam.list_roles()["Roles"]] == ["reader"]


def test_a_user_who_names_the_accounts_key_beside_the_own_one_is_refused(lab):
    """ministack takes the first key that is named, and the signature is of the last."""
    user = user_of(lab, "eve")
    request = request_of(user, "/")
    assert "AccessDenied" in send(request)[2]  # let in, and denied by IAM
    both = request.headers["Authorization"].replace(" ", f" Credential={lab.account}/a/b/c/d, ", 1)

    status, _, text = send(request, headers={"Authorization": both})

    assert (status, ANEW in text) == (403, True)


def request_of(user, path):
    """Return a request that an IAM user has signed."""
    keys = user.session.get_credentials()
    return signed(path=path, key=keys.access_key, secret=keys.secret_key)


def test_a_session_token_that_is_not_the_roles_own_is_refused(lab):
    given = lab.client("sts").get_session_token()["Credentials"]
    forged = lab_of(lab, given["AccessKeyId"], given["SecretAccessKey"], "forged")

    with pytest.raises(ClientError, match=ANEW):
        forged.client("sts").get_caller_identity()


@pytest.fixture
def objects(lab):
    """The S3 client, and the name of a bucket."""
    lab.client("s3").create_bucket(Bucket=f"door-{lab.account}")
    return lab.client("s3"), f"door-{lab.account}"


@pytest.mark.parametrize("key", ["a b+c.txt", "ä/é%20.txt", "a//b/../c", "rejected/50%.csv", "x" * 900])
def test_odd_keys_get_in(objects, key):
    s3, bucket = objects

    s3.put_object(Bucket=bucket, Key=key, Body=b"here")

    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"here"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=key[:5])["Contents"]] == [key]


def test_a_large_file_in_parts_gets_in(objects):
    s3, bucket = objects

    s3.upload_fileobj(io.BytesIO(os.urandom(9 * 2**20)), bucket, "large.txt")

    assert s3.head_object(Bucket=bucket, Key="large.txt")["ContentLength"] == 9 * 2**20


def test_a_url_that_is_signed_with_version_4_gets_in_and_no_other(lab, objects, door):
    s3, bucket = objects
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"here")
    one = {"Params": {"Bucket": bucket, "Key": "a.txt"}, "ExpiresIn": 60}

    def url(version):
        config = Config(signature_version=version)
        client = lab.session.client("s3", endpoint_url=lab.endpoint, config=config)
        return AWSRequest("GET", client.generate_presigned_url("get_object", **one))

    four, two, anonymous = (send(url(version)) for version in ("s3v4", "s3", UNSIGNED))

    door("presigned URL", "version 4, version 2, none", f"{four[0]}, {two[0]}, {anonymous[0]}")
    assert (four[0], four[2]) == (200, "here")
    assert (two[0], anonymous[0]) == (403, 403)
    assert "Signature Version 4" in two[2]
    tampered = url("s3v4")
    tampered.url = tampered.url.replace("a.txt", "b.txt")
    assert send(tampered)[0] == 403


def test_a_url_is_refused_when_its_time_is_up(monkeypatch):
    found = server.running()

    def health(then):
        """Return the status of a URL that was signed then, for a minute."""
        request = AWSRequest("GET", f"{found.endpoint}/_ministack/health")
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: then)
        S3SigV4QueryAuth(Credentials(server.ACCOUNT, found.secret), "s3", "us-east-1", 60).add_auth(request)
        return send(request)[0]

    now = datetime.now(UTC)
    assert [health(now - timedelta(seconds=ago)) for ago in (0, 50, 70)] == [200, 200, 403]


def test_a_refused_look_at_a_bucket_has_no_body_and_spoils_no_connection(lab):
    stale = lab_of(lab, lab.account, "an old secret").client("s3")

    for _ in range(2):
        with pytest.raises(ClientError, match="403"):
            stale.head_bucket(Bucket="any")


def test_a_function_gets_in_as_its_role_and_its_keys_cannot_be_computed(lab):
    """ministack derives them from the ARNs of function and role, which everybody knows."""
    role = roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    text = "import boto3\n\ndef handler(event, context):\n    sts = boto3.client('sts')\n"
    text += "    return sts.get_caller_identity()['Arn']\n"
    made = create_function(lab, "Who", text, role)

    who = functions.invoke(lab, "Who", {})

    assert who.endswith("assumed-role/TotalNotifierRole/Who")
    digest = sha256(f"{made['FunctionArn']}:{role}".encode()).hexdigest()
    secret, token = (sha256(f"{word}:{digest}".encode()).hexdigest() for word in ("secret", "token"))
    computed = lab_of(lab, f"ASIA{digest[:16].upper()}", secret, token)
    with pytest.raises(ClientError, match=ANEW):
        computed.client("sts").get_caller_identity()
    assert functions.code(lab, "Who") == {"probe.py": text}  # by a signed address


# Another user of this machine can run any program, but cannot read the owner's files.
INTRUDER = """
import json, os, sys, boto3, botocore, urllib.request, psutil
from botocore.config import Config
home, endpoint, account, pid = sys.argv[1:]
def tried(call):
    try:
        return str(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
def client(secret, **more):
    return boto3.client("dynamodb", "us-east-1", endpoint_url=endpoint, aws_access_key_id=account,
                        aws_secret_access_key=secret, **more)
reset = urllib.request.Request(f"{endpoint}/_ministack/reset", method="POST")
calls = {
    "call unsigned": lambda: client("x", config=Config(signature_version=botocore.UNSIGNED)).list_tables(),
    "call with the secret test": lambda: client("test").list_tables(),
    "reset": lambda: urllib.request.urlopen(reset),
}
for call in calls.values():  # so that all they need is loaded while its files can be read
    tried(call)
os.setgroups([]), os.setgid(65534), os.setuid(65534)
calls |= {
    "read the note": lambda: open(f"{home}/server.json").read(),
    "list the folder": lambda: os.listdir(home),
    "read the environment": lambda: open(f"/proc/{pid}/environ").read(),
    "read the command lines": lambda: [process.info for process in psutil.process_iter(["cmdline"])],
}
print(json.dumps({what: tried(call) for what, call in calls.items()}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as a second user")
def test_another_user_of_this_machine_gets_nothing(lab, door):
    tables.ensure_table(lab, "Customer")
    found = server.running()
    command = [sys.executable, "-c", INTRUDER, str(server.home()), found.endpoint, lab.account, str(found.pid)]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    got = json.loads(done.stdout)
    command_lines = got.pop("read the command lines")
    errors = {what: value.split(":")[0] for what, value in got.items()}
    door("a second user (uid 65534)", ", ".join(errors), ", ".join(errors.values()))
    assert errors == {
        "read the note": "PermissionError",
        "list the folder": "PermissionError",
        "read the environment": "PermissionError",
        "call unsigned": "ClientError",
        "call with the secret test": "ClientError",
        "reset": "HTTPError",
    }
    assert found.secret not in done.stdout
    assert server.PROGRAM in command_lines
    assert lab.client("dynamodb").list_tables()["TableNames"] == ["Customer"]


def test_the_secret_stands_in_no_environment_command_line_or_log(lab):
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    functions.ensure_function(lab, "TotalNotifier")
    functions.invoke(lab, "TotalNotifier", {"Records": []})
    found = server.running()

    family = [psutil.Process(found.pid), *psutil.Process(found.pid).children(recursive=True)]

    assert len(family) > 1  # with a function
    assert found.secret not in json.dumps([process.environ() for process in family])
    assert found.secret not in json.dumps([process.info for process in psutil.process_iter(["cmdline"])])
    assert found.secret not in (server.home() / "server.log").read_text()
    assert found.secret not in repr(found)
    assert found.secret not in repr(lab)
    assert [path.name for path in NOTEBOOKS.glob("*.ipynb") if found.secret in path.read_text()] == []


def test_new_buckets_block_public_access(lab):
    lab.client("s3").create_bucket(Bucket=f"new-{lab.account}")

    blocked = lab.client("s3").get_public_access_block(Bucket=f"new-{lab.account}")["PublicAccessBlockConfiguration"]

    assert all(blocked.values())
    assert len(blocked) == 4


# In a terminal


def terminal(script, account, region="us-east-1"):
    """Run a script in bash, after the exports of `lab local env`, in an environment without any other AWS settings."""
    home = {"LAB_EMULATOR_HOME": str(server.home()), "HOME": "/nowhere"}
    home["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    text = f'shopt -s expand_aliases\neval "$(lab local env --account {account} --region {region})"\n{script}'
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, env=home, check=False)


def test_boto3_in_a_terminal_gets_in_after_the_exports(account):
    queues.ensure_queue(open_lab(account=account, region="eu-west-1"), "CustomerNotify")
    script = f'{shlex.quote(sys.executable)} -c \'import boto3; print(boto3.client("sqs").list_queues()["QueueUrls"])\''

    done = terminal(script, account, region="eu-west-1")

    assert done.returncode == 0, done.stderr
    assert re.search(r"http://127\.0\.0\.1:\d+/\d{12}/CustomerNotify", done.stdout)


def test_the_exports_warn_of_the_aws_command_of_pip_and_bring_an_alias(account):
    done = terminal("alias aws; echo $AWS_ENDPOINT_URL", account)

    assert "`aws sqs` of pip's awscli goes to the real SQS" in done.stderr
    assert done.stdout.splitlines() == [
        """alias aws='aws --endpoint-url "$AWS_ENDPOINT_URL"'""",
        server.running().endpoint,
    ]


@pytest.mark.skipif(not shutil.which("aws"), reason="the aws command is not installed")
def test_the_aws_command_gets_in_after_the_exports_sqs_too(account, door):
    lab = open_lab(account=account)
    queues.ensure_queue(lab, "CustomerNotify")
    tables.ensure_table(lab, "Customer")

    done = terminal("aws dynamodb list-tables --output text; aws sqs list-queues --output text", account)

    door("the aws command", "dynamodb list-tables, sqs list-queues", done.stdout.strip())
    assert done.returncode == 0, done.stderr
    assert "Customer" in done.stdout
    assert "CustomerNotify" in done.stdout


@pytest.mark.skipif(not shutil.which("aws"), reason="the aws command is not installed")
def test_the_aws_command_with_a_stale_secret_says_what_to_do(account):
    done = terminal(
        "AWS_SECRET_ACCESS_KEY=stale aws s3api list-buckets; AWS_SECRET_ACCESS_KEY=stale aws sns list-topics", account
    )

    assert done.returncode != 0
    assert done.stderr.count('run `eval "$(lab local env)"` again') == 2


def test_the_lab_itself_gets_in_from_such_a_terminal(account):
    buckets.ensure_bucket(open_lab(account=account))

    done = terminal("lab check --step 00", account)

    assert done.stdout.startswith(f"Account {account} on the endpoint {server.running().endpoint}"), done.stderr
