"""One lab on moto for all unit tests. Its clients are created once, and each test starts with an empty account."""

import os
from contextlib import ExitStack

import boto3
import moto.awslambda.models
import moto.s3.models
import moto.sqs.models
import pytest
from handlers import Notifier, Processor
from moto import mock_aws
from moto.iam.access_control import PermissionResult

from lab_lib.aws import queues, roles
from lab_lib.calls import recent
from lab_lib.exercises import copies
from lab_lib.lab import Lab
from lab_lib.workspace.places import WORKSPACE
from tests.lab.limits import problems
from tests.web_server import serving

ACCOUNT = "123456789012"  # moto's own


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Keep the user's AWS settings from the tests, and the tests from AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv(WORKSPACE, str(tmp_path))
    recent.journal.cache_clear()  # moto has forgotten what an earlier test has made


@pytest.fixture(scope="session")
def session():
    """Return a session whose requests fail the test if AWS would refuse them, where moto may accept them."""
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    session.events.register_last("before-parameter-build", accepted)
    return session


def accepted(params, model, **_):
    assert problems(model, params) == []


@pytest.fixture(scope="session")
def moto_lab(session):
    return Lab(session, target="moto", account=ACCOUNT, region="us-east-1", partition="aws")


@pytest.fixture
def lab(moto_lab, monkeypatch):
    """Yield the lab in an empty account."""

    # moto finds a mapping only by the name or ARN that it was created with; Lambda takes both.
    def by_name_or_arn(backend, event_source_arn, function_name):
        mappings = backend._event_source_mappings.values()
        return [item for item in mappings if not function_name or item.function_arn.split(":")[6] == function_name]

    monkeypatch.setattr(moto.awslambda.models.LambdaBackend, "list_event_source_mappings", by_name_or_arn)
    # moto ignores conditions, so a policy that denies requests without TLS would deny all.
    monkeypatch.setattr(moto.s3.models.FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
    # moto does not tell how many calls an account may run at a time.
    limit = {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}
    monkeypatch.setattr(moto_lab.client("lambda"), "get_account_settings", lambda: limit)
    # A look at an empty queue waits a second, which only AWS needs.
    receive = moto.sqs.models.SQSBackend.receive_message
    at_once = lambda backend, queue, count, wait, *more: receive(backend, queue, count, 0, *more)  # noqa: E731
    monkeypatch.setattr(moto.sqs.models.SQSBackend, "receive_message", at_once)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield moto_lab


@pytest.fixture
def profile(tmp_path):
    """Return a profile of the user's."""
    keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n"
    (tmp_path / "credentials").write_text(f"[class]\n{keys}")
    return "class"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Return a new copy, which is the working folder, as in JupyterLab."""
    monkeypatch.chdir(copies.complete())
    return tmp_path / "my-lab"


@pytest.fixture
def prepared(lab):
    """Return the lab with what the functions need: roles and dead-letter queue."""
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    roles.ensure_role(lab, "TransactionProcessorRole")
    roles.ensure_role(lab, "TotalNotifierRole")
    return lab


@pytest.fixture
def processor(lab, monkeypatch):
    return Processor(lab, monkeypatch)


@pytest.fixture
def notifier(lab, monkeypatch):
    return Notifier(lab, monkeypatch)


@pytest.fixture
def refuse(lab, monkeypatch):
    """refuse("sqs", "get_queue_url"): AWS denies this call, or answers with another error code."""

    def refuse(service, call, code="AccessDenied", message="You may not.", **more):
        client = lab.client(service)

        def answer(**_):
            details = {"Error": {"Code": code, "Message": message}, **more}
            raise client.exceptions.from_code(code)(details, call)

        monkeypatch.setattr(client, call, answer)

    return refuse


@pytest.fixture
def calls(lab, monkeypatch):
    """calls("sqs", "create_queue"): a list to which each call from now on adds its arguments."""

    def calls(service, call):
        seen, original = [], getattr(lab.client(service), call)

        def answer(**arguments):
            seen.append(arguments)
            return original(**arguments)

        monkeypatch.setattr(lab.client(service), call, answer)
        return seen

    return calls


@pytest.fixture
def web_server():
    """web_server(body): the address of a server on this machine that answers every request with this body."""
    with ExitStack() as servers:
        yield lambda *answer, **how: f"http://127.0.0.1:{servers.enter_context(serving(*answer, **how)).server_port}"
