"""The whole chain under faults: no amount is lost or counted twice, whatever fails and is delivered again.

The functions are the deployed ones, in one account with the real triggers. Each test has customers of its own, and a
fault meets only calls about them. The unit tests of both functions meet each fault at each call; here the triggers of
the embedded AWS deliver again.
"""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest
from books import Books

from lab_lib.aws import cleanup, functions, streams
from lab_lib.calls.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSOR, NOTIFIER = functions.SOURCES
CANCELLED = {"__type": "TransactionCanceledException", "CancellationReasons": [{"Code": "TransactionConflict"}]}
CONFLICT = [400, json.dumps(CANCELLED)]
TESTS = itertools.count(1)


@pytest.fixture(scope="module")
def faulty(build):
    """Yield a chain, and the faults that its functions meet."""
    chain = build()
    yield chain, chain.let_fail(*functions.SOURCES)
    list(cleanup.delete_all(chain.lab))


@pytest.fixture
def chain(faulty):
    return faulty[0]


@pytest.fixture
def fail(faulty):
    """fail("GetObject", "killed after", "C1"): the next such call about C1 fails. Every fault must happen."""
    faults = faulty[1]
    yield faults.fail
    wait_until(lambda: not faults.left(), "the faults to happen", timeout=10)


@pytest.fixture
def books(chain):
    return Books(chain)


@pytest.fixture
def tag():
    """Return text that stands in the names of this test's customers and files, and of no other's."""
    return f"test-{next(TESTS):03}"


@pytest.fixture
def rows(tag):
    """Return forty rows: A goes over the threshold, B reaches it to the cent, C stays below it."""
    first = [f"A {tag}|1 Street|T1|03/16/2017|1600.05", f"B {tag}|2 Street|T1|03/16/2017|1499.99"]
    last = [f"B {tag}|2 Street|T2|03/17/2017|0.01"]
    return [*first, *(f"C {tag}|3 Street|T{number}|03/16/2017|1.25" for number in range(37)), *last]


@pytest.fixture
def upload(books, rows, tag):
    """upload(): upload the forty rows and a bad one."""
    return lambda: books.upload(f"{tag}.txt", [*rows, f"C {tag}|3 Street|X1|03/16/2017|a lot"])


def test_what_is_delivered_again_cut_otherwise_and_at_once_changes_nothing(chain, books, upload, tag):
    upload()
    books.must_balance()
    records = streams.records(chain.lab, *books.customers)
    event = {"Records": [s3_record(chain.lab, f"{tag}.txt")]}

    batches = [records, records, records[:20], records[10:]]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda batch: functions.invoke(chain.lab, NOTIFIER, {"Records": batch}), batches))
        list(pool.map(lambda event: functions.invoke(chain.lab, PROCESSOR, event), [event, event]))

    assert streams.records(chain.lab, *books.customers) == records  # rows that are written again are no change
    books.must_balance()


def s3_record(lab, key):
    return {"s3": {"bucket": {"name": lab.bucket}, "object": {"key": quote_plus(key)}}}


def test_ten_files_at_once_all_count_while_calls_go_wrong(books, fail, tag):
    faults = [("GetObject", "killed after"), ("BatchWriteItem", "killed before"), ("TransactWriteItems", CONFLICT)]
    for call, fault in [*faults, ("Publish", "killed after")]:
        fail(call, fault, tag)
    files = {f"{tag} {number}.txt": [] for number in range(10)}
    for number, key in enumerate(files):
        customers = [f"C{(number + row) % 10} {tag}" for row in range(30)]
        files[key] = [f"{name}|a street|{number}-{row}|03/16/2017|{row * 4}.30" for row, name in enumerate(customers)]
        files[key].append(f"C0 {tag}|a street|{number}-X|02/30/2017|{number}|")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(books.upload, files.keys(), files.values()))

    books.must_balance(repeats=1)
