"""The whole chain under faults: no amount is lost or counted twice, whatever fails and is delivered again.

The functions are the deployed ones, in one account with the real triggers. Each test has customers of its own, and a
fault meets only calls about them. tests/unit stops the functions between any two calls.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import quote_plus

import pytest
from books import Books
from wire import answer_lost, killed_after, killed_before, open_wire, refused

from lab_lib.aws import cleanup, cloudwatch, functions, streams, triggers
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSOR, NOTIFIER = functions.SOURCES
THROTTLED = {
    **dict.fromkeys(["GetObject", "PutObject", "DeleteObject", "HeadObject"], refused("SlowDown", 503)),
    **dict.fromkeys(
        ["BatchWriteItem", "GetItem", "PutItem", "TransactWriteItems", "UpdateItem"], refused("ThrottlingException")
    ),
    "BatchGetItem": refused("ProvisionedThroughputExceededException"),
    "Publish": refused("Throttling"),
    "SendMessage": refused("RequestThrottledException"),
}
CONFLICT = refused("TransactionCanceledException", more=', "CancellationReasons": [{"Code": "TransactionConflict"}]')
TESTS = itertools.count(1)


@pytest.fixture(scope="module")
def faulty(chains):
    """A chain whose functions call AWS over a wire."""
    chain = next(chains)
    with open_wire(chain.lab) as wire:
        yield chain, wire
        list(cleanup.delete_all(chain.lab))


@pytest.fixture
def chain(faulty):
    return faulty[0]


@pytest.fixture
def wire(faulty):
    """The wire. Every fault that a test asks for must happen."""
    yield faulty[1]
    wait_until(lambda: not faulty[1].faults, "the faults to happen", timeout=10)


@pytest.fixture
def books(chain):
    return Books(chain)


@pytest.fixture
def tag():
    """Text that stands in the names of this test's customers and files, and of no other's."""
    return f"test-{next(TESTS):03}"


@pytest.fixture
def rows(tag):
    """Forty rows: A goes over the threshold, B reaches it to the cent, C stays below it."""
    first = [f"A {tag}|1 Street|T1|03/16/2017|1600.05", f"B {tag}|2 Street|T1|03/16/2017|1499.99"]
    last = [f"B {tag}|2 Street|T2|03/17/2017|0.01"]
    return [*first, *(f"C {tag}|3 Street|T{number}|03/16/2017|1.25" for number in range(37)), *last]


@pytest.fixture
def upload(books, rows, tag):
    """upload(): upload the forty rows and a bad one."""
    return lambda: books.upload(f"{tag}.txt", [*rows, f"C {tag}|3 Street|X1|03/16/2017|a lot"])


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        *((call, fault) for fault in (answer_lost, killed_after) for call in THROTTLED),
        *THROTTLED.items(),
        ("TransactWriteItems", CONFLICT),
    ],
)
def test_a_call_that_goes_wrong_costs_nothing(books, wire, rows, upload, tag, call, fault):
    wire.fail(call, fault, tag)

    if call == "SendMessage":
        books.put(f"C {tag}", "poison", "a lot", counts=False)
    if call == "DeleteObject":
        books.upload(f"{tag}.txt", rows)
    else:
        upload()

    books.must_balance(repeats=(call, fault) in [("Publish", answer_lost), ("Publish", killed_after)])


def test_hopeless_records_go_to_the_dead_letters_and_do_not_hold_up_the_others(books, upload, tag):
    books.put(f"D {tag}", "large", Decimal("-9.9e37"))
    books.put(f"D {tag}", "would need 39 digits", Decimal("0.5"), counts=False)
    books.put(f"C {tag}", "a text", "a lot", counts=False)

    upload()

    books.must_balance()


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


def test_an_event_that_failed_three_times_is_in_the_dead_letters_and_can_be_sent_again(chain, books, wire, upload, tag):
    wire.fail("GetObject", killed_before, tag, times=3)
    upload()

    def events():
        return [each["requestPayload"] for each in chain.letters() if tag in str(each.get("requestPayload"))]

    (event,) = wait_until(events, "the event in the dead letters", timeout=30)
    functions.invoke(chain.lab, PROCESSOR, event)

    books.must_balance()


def test_ten_files_at_once_all_count_while_calls_go_wrong(books, wire, tag):
    faults = [("GetObject", killed_after), ("BatchWriteItem", killed_before), ("TransactWriteItems", CONFLICT)]
    for call, fault in [*faults, ("Publish", killed_after)]:
        wire.fail(call, fault, tag)
    files = {f"{tag} {number}.txt": [] for number in range(10)}
    for number, key in enumerate(files):
        customers = [f"C{(number + row) % 10} {tag}" for row in range(30)]
        files[key] = [f"{name}|a street|{number}-{row}|03/16/2017|{row * 4}.30" for row, name in enumerate(customers)]
        files[key].append(f"C0 {tag}|a street|{number}-X|02/30/2017|{number}|")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(books.upload, files.keys(), files.values()))

    books.must_balance(repeats=1)


def test_an_alert_waits_for_a_topic_that_is_missing(chain_in, account, rows, tag):
    chain = chain_in(account)
    for step in (chain.start_here, chain.create_functions, chain.add_triggers):
        step()
    books = Books(chain)
    books.upload(f"{tag}.txt", rows)

    def failures():
        return cloudwatch.failures(cloudwatch.log_lines(chain.lab, NOTIFIER))

    wait_until(lambda: len(failures()) >= 2, "two runs to fail", timeout=30, longest_pause=0.05)
    triggers.switch_stream_triggers([chain.lab], on=False)  # an alert that came before the queues would be lost
    chain.create_topic()
    chain.create_queues()
    triggers.switch_stream_triggers([chain.lab], on=True)

    books.must_balance()
    list(cleanup.delete_all(chain.lab))
