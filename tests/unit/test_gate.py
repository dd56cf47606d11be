"""The way of the judge's requests: no answer of the account leads them elsewhere, and none is too long."""

import gzip
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import BotoCoreError

from lab_lib.aws import buckets, functions, tables
from lab_lib.classroom.gate import Gate
from lab_lib.classroom.sandbox import Ended
from lab_lib.errors import LabError
from lab_lib.lab import lab_on


@pytest.fixture
def listener():
    """Yield a server of this computer, which must not be asked; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server.getsockname()[1]
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture
def account():
    """account(body, status=200, **headers): the lab of a judge, whose embedded AWS gives this answer to everything."""
    servers = []

    def account(body, status=200, refuse=lambda: None, **headers):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_HEAD = do_PUT = do_GET

            def log_message(self, *_):
                pass

        servers.append(server := ThreadingHTTPServer(("127.0.0.1", 0), Answer))
        server.daemon_threads = False  # they end before the server does
        server.handle_error = lambda *_: None  # such as a client that has read enough
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        lab = lab_on(endpoint, "secret")
        lab.session.events.register("before-send", Gate(endpoint, refuse).send)
        return lab

    yield account
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400])
def test_no_redirect_leads_elsewhere(account, listener, status):
    error = b"<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.1:1</Endpoint><Region>eu-west-1</Region></Error>"
    redirect = {"Location": f"http://127.0.0.1:{listener}/x", "x_amz_bucket_region": "eu-west-1"}
    lab = account(error, status, **redirect)

    for ask in (buckets.candidates, buckets.find_bucket, tables.names, functions.names):
        with pytest.raises(Exception) as refused:  # of botocore, or of the gate
            ask(lab)
        assert "has no attribute" not in str(refused.value)


@pytest.mark.parametrize(
    "bucket",
    [
        "arn:aws:s3:us-east-1:111122223333:accesspoint/x",
        "arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-1/accesspoint/x",
        "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/x",
        "arn:aws:s3::111122223333:accesspoint/x.mrap",
        "name--use1-az1--x-s3",
    ],
)
def test_no_name_of_a_bucket_leads_elsewhere(account, monkeypatch, bucket):
    asked, lookup = set(), socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest: asked.add(host) or lookup(host, *rest))
    lab = account(b"<ListBucketResult/>")

    with suppress(LabError, BotoCoreError, KeyError):
        lab.client("s3").list_objects_v2(Bucket=bucket)

    assert asked <= {"127.0.0.1"}


@pytest.mark.parametrize("location", ["http://127.0.0.1:{port}/x", "file:///etc/passwd", "ftp://127.0.0.1:{port}/x"])
def test_the_address_of_a_functions_code_leads_nowhere_else(account, listener, location):
    described = '{"Configuration": {"PackageType": "Zip"}, "Code": {"Location": "%s"}}'
    lab = account((described % location.format(port=listener)).encode())

    with pytest.raises(LabError, match="code of TotalNotifier"):
        functions.code(lab, "TotalNotifier")


def test_a_long_answer_is_not_read_to_its_end(account):
    lab = account(b'{"TableNames": ["%s"]}' % (b"x" * 20_000_000))

    with pytest.raises(LabError, match="too long; at most 16 MB in one"):
        tables.names(lab)


def test_many_answers_are_not_read_for_ever(account):
    lab = account(b'{"TableNames": [], "LastEvaluatedTableName": "Customer", "x": "%s"}' % (b"x" * 9_000_000))

    asking = (table for _ in range(100) for table in lab.client("dynamodb").list_tables()["TableNames"])

    with pytest.raises(LabError, match="100 MB in all"):
        list(asking)


def test_a_compressed_answer_is_not_unpacked(account):
    lab = account(gzip.compress(b'{"TableNames": ["x"]}'), Content_Encoding="gzip")

    with pytest.raises(Exception, match=r"(?i)parse|decode|JSON"):
        tables.names(lab)


def test_no_request_is_sent_once_the_sandbox_has_ended(account):
    def refuse():
        raise Ended("It took too long.")

    with pytest.raises(Ended, match="too long"):
        tables.names(account(b"{}", refuse=refuse))


def test_an_answer_arrives_as_it_is(account):
    lab = account(b'{"TableNames": ["x"]}', X_Amzn_RequestId="7")

    answer = lab.client("dynamodb").list_tables()

    assert (answer["TableNames"], answer["ResponseMetadata"]["RequestId"]) == (["x"], "7")
    assert lab.client("s3").get_object(Bucket="b", Key="k")["Body"].read() == b'{"TableNames": ["x"]}'
