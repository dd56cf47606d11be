"""The way of the judge's requests: no answer of the account leads them elsewhere, and none is too long."""

import gzip
import socket
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError

from lab_lib.aws import buckets, functions, tables
from lab_lib.classroom import gate
from lab_lib.classroom.sandbox import Ended
from lab_lib.errors import LabError
from tests.web_server import unasked


@pytest.fixture
def account(web_server):
    """account(body, status=200, **headers): the lab of a judge, whose embedded AWS gives this answer to everything."""

    def account(body, refuse=lambda: None, **answer):
        box = SimpleNamespace(port=urlsplit(web_server(body, **answer)).port, require=refuse)
        return gate.accounts(box, "x")("0" * 12)

    return account


@pytest.mark.parametrize("status", [301, 400])
def test_no_redirect_leads_elsewhere(account, status):
    error = b"<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.1:1</Endpoint><Region>eu-west-1</Region></Error>"
    with unasked() as port:
        redirect = {"Location": f"http://127.0.0.1:{port}/x", "x_amz_bucket_region": "eu-west-1"}
        lab = account(error, status=status, **redirect)

        for ask in (buckets.candidates, buckets.find_bucket, tables.names, functions.names):
            with pytest.raises(Exception) as refused:  # of botocore, or of the gate
                ask(lab)
            assert "has no attribute" not in str(refused.value)


@pytest.mark.parametrize("bucket", ["arn:aws:s3:us-east-1:111122223333:accesspoint/x", "name--use1-az1--x-s3"])
def test_no_name_of_a_bucket_leads_elsewhere(account, monkeypatch, bucket):
    asked, lookup = set(), socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest: asked.add(host) or lookup(host, *rest))
    lab = account(b"<ListBucketResult/>")

    with suppress(LabError, BotoCoreError, KeyError):
        lab.client("s3").list_objects_v2(Bucket=bucket)

    assert asked <= {"127.0.0.1"}


def test_many_answers_are_not_read_for_ever(account):
    lab = account(b'{"TableNames": [], "LastEvaluatedTableName": "Customer", "x": "%s"}' % (b"x" * 9_000_000))

    asking = (table for _ in range(100) for table in lab.client("dynamodb").list_tables()["TableNames"])

    with pytest.raises(LabError, match="32 MB in all"):
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
