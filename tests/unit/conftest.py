"""One lab on moto for all unit tests: its clients are made once, and what they made is forgotten after each test."""

import os

import boto3
import moto.awslambda.models
import moto.s3.models
import pytest
from moto import mock_aws
from moto.iam.access_control import PermissionResult

from lab_lib.lab import Lab

ACCOUNT = "123456789012"  # moto's own


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Nothing of the user's AWS settings reaches a test, and no test reaches AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("LAB_EMULATOR_HOME", str(tmp_path / "emulator"))


@pytest.fixture(scope="session")
def session():
    return boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture(scope="session")
def moto_lab(session):
    return Lab(session, target="moto", account=ACCOUNT, region="us-east-1", partition="aws")


@pytest.fixture
def lab(moto_lab, monkeypatch):
    """The lab in an empty account."""

    # moto finds a mapping only by the very name that it was made with; Lambda takes the name and the ARN for the same.
    def by_name_or_arn(backend, event_source_arn, function_name):
        mappings = backend._event_source_mappings.values()
        return [each for each in mappings if not function_name or each.function_arn.split(":")[6] == function_name]

    monkeypatch.setattr(moto.awslambda.models.LambdaBackend, "list_event_source_mappings", by_name_or_arn)
    # moto reads no conditions, so it would take "refuse all that comes without TLS" for "refuse all".
    monkeypatch.setattr(moto.s3.models.FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield moto_lab


@pytest.fixture
def refuse(lab, monkeypatch):
    """refuse("sqs", "get_queue_url"): AWS refuses that call, or fails it with another code."""

    def refuse(service, call, code="AccessDenied", message="You may not.", **more):
        client = lab.client(service)

        def answer(**_):
            details = {"Error": {"Code": code, "Message": message}, **more}
            raise client.exceptions.from_code(code)(details, call)

        monkeypatch.setattr(client, call, answer)

    return refuse


@pytest.fixture
def calls(lab, monkeypatch):
    """calls("sqs", "create_queue"): the list of the arguments that the call gets from now on."""

    def calls(service, call):
        seen, original = [], getattr(lab.client(service), call)

        def answer(**arguments):
            seen.append(arguments)
            return original(**arguments)

        monkeypatch.setattr(lab.client(service), call, answer)
        return seen

    return calls
