"""Accounts of a test's own, empty or with the whole lab in them."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from chains import Chain

from lab_lib.aws import cleanup
from lab_lib.embedded import server
from lab_lib.lab import open_lab

ACCOUNTS = itertools.count(200_000_000_001)
pytest.register_assert_rewrite("books")  # so that its assertions show what differs


@pytest.fixture(scope="session")
def new_account():
    """new_account(): twelve digits that no other test uses."""
    return lambda: str(next(ACCOUNTS))


@pytest.fixture
def account(new_account):
    return new_account()


@pytest.fixture
def lab(account):
    """The lab in an empty account."""
    return open_lab(account=account)


@pytest.fixture(scope="session")
def chains(new_account):
    """An iterator of new chains. The next one is built while a test runs, since most of a build is waiting."""

    def chains():
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(opened().build)
            while True:
                chain, ahead = ahead.result(), pool.submit(opened().build)
                yield chain

    def opened():
        """Open a lab in this thread: meanwhile, a test may change the settings in the environment."""
        return Chain(open_lab(account=new_account()))

    chains = chains()
    yield chains
    chains.close()


@pytest.fixture
def chain(chains):
    """The whole lab in an account of its own, with nothing uploaded yet."""
    chain = next(chains)
    yield chain
    list(cleanup.delete_all(chain.lab))  # an idle mapping still takes the server's time


@pytest.fixture(scope="session")
def chain_in():
    """chain_in(account, region=..., prefix=..., threshold=...): a lab with these settings, and nothing made yet."""
    return lambda account, **settings: Chain(open_lab(account=account, **settings))


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """An empty home of the embedded AWS, which is stopped afterwards."""
    monkeypatch.setenv("LAB_EMULATOR_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    server.stop()
