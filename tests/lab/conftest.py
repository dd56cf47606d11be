"""Accounts of a test's own, empty or with the whole lab in them."""

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from chains import Chain, logged, stop, uploaded

from lab_lib.aws import cleanup
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.places import WORKSPACE

ACCOUNTS = itertools.count(200_000_000_001)
pytest.register_assert_rewrite("books", "sabotage")  # so that its assertions show what differs


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


@pytest.fixture(scope="session")
def built_ahead(new_account):
    """built_ahead(build, number): an iterator of what `build` makes of new chains.

    The next ones are built while a test runs, since most of a build is waiting.
    """

    def opened():
        """Open a lab in this thread: meanwhile, a test may change the settings in the environment."""
        return Chain(open_lab(account=new_account()))

    def built(build, number=1):
        pool = stack.enter_context(ThreadPoolExecutor(number))
        ahead = deque(pool.submit(build, opened()) for _ in range(number))
        while True:
            ahead.append(pool.submit(build, opened()))
            yield ahead.popleft().result()

    with ExitStack() as stack:
        yield built


@pytest.fixture(scope="session")
def chains(built_ahead):
    """Return an iterator of new chains, with nothing uploaded yet."""
    return built_ahead(Chain.build)


@pytest.fixture(scope="session")
def finished_labs(built_ahead):
    """Return an iterator of new labs, with the handout's file gone all the way through each."""
    return built_ahead(lambda chain: logged(uploaded(chain.build().lab)), number=2)


@pytest.fixture(scope="module")
def started():
    """Yield a pool of threads, and what was started in it for the tests of a file, by the test's name."""
    with ThreadPoolExecutor(6) as pool:
        yield pool, {}


@pytest.fixture
def side_by_side(request, started):
    """side_by_side(work): the result of `work` with the parameters of this test.

    The first test starts the work of all tests of its function, since most of that is waiting.
    """

    def result(work):
        pool, results = started
        for item in request.session.items:
            if getattr(item, "function", None) is request.function and item.name not in results:
                results[item.name] = pool.submit(work, **item.callspec.params)
        return results[request.node.name].result()

    return result


@pytest.fixture
def chain(chains):
    """Yield the whole lab in an account of its own, with nothing uploaded yet."""
    chain = next(chains)
    yield chain
    list(cleanup.delete_all(chain.lab))  # an idle mapping still takes the server's time


@pytest.fixture(scope="module")
def busy(chains):
    """Yield a lab in which each test of a file has customers and files of its own."""
    chain = next(chains)
    yield chain
    list(cleanup.delete_all(chain.lab))


@pytest.fixture
def finished(finished_labs):
    """Yield a finished lab to be broken."""
    yield (lab := next(finished_labs))
    stop(lab)


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """Yield the folder of the embedded AWS of a new workspace. It is stopped afterwards."""
    monkeypatch.setenv(WORKSPACE, str(tmp_path / "work"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield server.home()
    server.stop()
