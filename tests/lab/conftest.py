"""Accounts of a test's own, empty or with the whole lab in them."""

import itertools

import pytest
from chains import Chain
from stream import Stream

from lab_lib.aws import cleanup
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.workspace.places import WORKSPACE

ACCOUNTS = itertools.count(200_000_000_001)


@pytest.fixture(scope="session")
def new_account():
    """new_account(): twelve digits that no other test uses."""
    return lambda: str(next(ACCOUNTS))


@pytest.fixture
def account(new_account):
    return new_account()


@pytest.fixture
def lab(account):
    """Return the lab in an empty account."""
    return open_lab(account=account)


@pytest.fixture(scope="module")
def build(new_account, request):
    """build(): the whole lab in an account of its own, in the module's REGION, with nothing uploaded yet."""
    region = getattr(request.module, "REGION", "")
    return lambda: Chain(open_lab(account=new_account(), region=region)).build()


@pytest.fixture
def chain(build):
    """Yield the whole lab in an account of its own, with nothing uploaded yet."""
    yield (chain := build())
    list(cleanup.delete_all(chain.lab))  # an idle mapping still takes the server's time


@pytest.fixture(scope="module")
def busy(build):
    """Yield a lab in which each test of a file has customers and files of its own."""
    yield (chain := build())
    list(cleanup.delete_all(chain.lab))


@pytest.fixture
def stream(lab):
    """Yield a stream without mappings. Those that the test makes are deleted: an idle one takes the server's time."""
    yield (stream := Stream(lab))
    for uuid in stream.mappings:
        stream.lambda_.delete_event_source_mapping(UUID=uuid)


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """Yield the folder of the embedded AWS of a new workspace. It is stopped afterwards."""
    monkeypatch.setenv(WORKSPACE, str(tmp_path / "work"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield server.home()
    server.stop()
