"""The pipeline under faults: nothing is lost, nothing is counted twice, whatever breaks and whatever comes again.

The functions are the deployed ones. Most tests have an account without triggers in common, in which each has customers
of its own, and call the functions themselves; those at the end go through the real triggers, each in its own account.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest
from books import Books
from faults import (
    after,
    answer_late,
    answer_lost,
    cancelled,
    killed_after,
    killed_before,
    read_in_part,
    refused,
    written_in_part,
)
from wire import open_wire

from lab_lib.aws import cleanup, cloudwatch, functions, queues, triggers
from lab_lib.errors import LabError
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSOR, NOTIFIER = functions.SOURCES
# The calls for a file of forty rows and a bad one, and for a batch of 110 records and one without an amount.
TO_PROCESS = ["GetObject"] * 2 + ["BatchWriteItem"] * 3 + ["PutObject", "HeadObject"]
TO_NOTIFY = ["TransactWriteItems"] * 2 + ["BatchGetItem"] + ["Publish", "UpdateItem"] * 2 + ["SendMessage"]
THROTTLE = {
    **dict.fromkeys(["GetObject", "PutObject", "HeadObject"], refused("SlowDown", 503)),
    **dict.fromkeys(["BatchWriteItem", "TransactWriteItems", "UpdateItem"], refused("ThrottlingException")),
    "BatchGetItem": refused("ProvisionedThroughputExceededException"),
    "Publish": refused("Throttling"),
    "SendMessage": refused("RequestThrottledException"),
}
KILLED = {"before": killed_before, "after": killed_after}


def each(calls):
    """Each call by its name and its number among those of that name."""
    return [(name, calls[: place + 1].count(name)) for place, name in enumerate(calls)]


class Bench:
    """The lab without its triggers: a test calls each function itself, with what S3 or the stream would send it."""

    def __init__(self, chain, wire):
        self.chain, self.lab, self.wire = chain, chain.lab, wire
        self.streams = self.lab.client("dynamodbstreams")
        table = self.lab.client("dynamodb").describe_table(TableName="Transactions")["Table"]
        (shard,) = self.streams.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]
        where = {"StreamArn": table["LatestStreamArn"], "ShardId": shard["ShardId"]}
        self.place = self.streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def process(self, *keys):
        records = [{"s3": {"bucket": {"name": self.lab.bucket}, "object": {"key": quote_plus(key)}}} for key in keys]
        return functions.invoke(self.lab, PROCESSOR, {"Records": records})["files"]

    def notify(self, records):
        return functions.invoke(self.lab, NOTIFIER, {"Records": records})

    def run(self, *keys):
        self.process(*keys)
        self.notify(self.new_records())

    def new_records(self):
        """The stream's records since the last time, as the mapping hands them over."""
        found, page = [], None
        while page is None or page:
            answer = self.streams.get_records(ShardIterator=self.place)
            page, self.place = answer["Records"], answer["NextShardIterator"]
            found += page
        for record in (record["dynamodb"] for record in found):
            record["ApproximateCreationDateTime"] = record["ApproximateCreationDateTime"].timestamp()
        return found


@pytest.fixture(scope="module")
def shared_bench(chain_in, new_account):
    with open_wire() as wire:
        chain = chain_in(new_account())
        for step in (chain.start_here, chain.create_functions, chain.create_topic, chain.create_queues):
            step()
        for name in functions.SOURCES:
            wire.lead_from(chain.lab, name)
        yield Bench(chain, wire)
        list(cleanup.delete_all(chain.lab))


@pytest.fixture
def bench(shared_bench):
    """The bench, swept clean; every fault that a test asks for must happen."""
    for name in (*queues.ALERT_QUEUES, queues.DEAD_LETTERS):
        shared_bench.lab.client("sqs").purge_queue(QueueUrl=queues.find_queue(shared_bench.lab, name))
    shared_bench.new_records()
    shared_bench.wire.reset()
    yield shared_bench
    assert shared_bench.wire.left() == []


@pytest.fixture
def opened(request, record_property):
    """opened(chain): books of this test, which the table of the faults has under the test's name until they balance."""

    def opened(chain):
        record_property("table", "Faults")
        record_property("fault", request.node.name)
        return Books(chain, record_property)

    return opened


@pytest.fixture
def books(bench, opened):
    return opened(bench.chain)


@pytest.fixture
def chain_books(chain, opened):
    return opened(chain)


@pytest.fixture
def wire():
    with open_wire() as wire:
        yield wire


@pytest.fixture
def who():
    """who("C1"): a customer whom no other test knows."""
    number = next(TESTS)
    return lambda name: f"{name} of test {number}"


TESTS = itertools.count(1)


@pytest.fixture
def rows(who):
    """rows(40): so many lines of three customers; A goes over the threshold, B just to 1500, C stays below it."""

    def rows(count):
        first = [f"{who('A')}|1 Street|T1|03/16/2017|1600.05", f"{who('B')}|2 Street|T1|03/16/2017|1499.99"]
        last = [f"{who('B')}|2 Street|T2|03/17/2017|0.01"]
        return [*first, *(f"{who('C')}|3 Street|T{number}|03/16/2017|1.25" for number in range(count - 3)), *last]

    return rows


@pytest.fixture
def key(who):
    return f"{who('file')}.txt"


@pytest.fixture
def bad_row(who):
    return f"{who('C')}|3 Street|X1|03/16/2017|a lot"


@pytest.fixture
def batch(bench, books, key, rows, who):
    """The stream records of a file of 110 rows, which take two transactions, and of a row without an amount."""
    books.upload(key, rows(110))
    bench.process(key)
    books.put(who("C"), "by hand", None)
    bench.wire.calls.clear()
    return bench.new_records()


# What the functions do when nothing goes wrong: the faults below are complete if these calls are.


def test_these_are_the_calls_of_transaction_processor(bench, key, rows, bad_row):
    bench.chain.put(key, [*rows(40), bad_row])

    bench.process(key)

    assert bench.wire.calls == TO_PROCESS
    bench.chain.put(key, rows(40))
    bench.process(key)
    assert bench.wire.calls[len(TO_PROCESS) :] == [call.replace("Put", "Delete") for call in TO_PROCESS]


def test_these_are_the_calls_of_total_notifier(bench, books, batch):
    bench.notify(batch)

    assert bench.wire.calls == TO_NOTIFY
    books.must_balance("none", "nothing comes again")


# TransactionProcessor


@pytest.mark.parametrize("moment", KILLED)
@pytest.mark.parametrize(("call", "nth"), each(TO_PROCESS))
def test_transaction_processor_killed_at_any_call_is_finished_by_the_event_that_comes_again(
    bench, books, key, rows, bad_row, call, nth, moment
):
    books.upload(key, [*rows(40), bad_row])
    bench.wire.fail(call, KILLED[moment], nth)

    with pytest.raises(LabError, match="process died"):
        bench.process(key)
    bench.run(key)

    books.must_balance(f"killed {moment} {call} {nth}", "the event again")


@pytest.mark.parametrize("moment", KILLED)
def test_transaction_processor_killed_at_the_deletion_of_old_rejected_rows_deletes_them_next_time(
    bench, books, key, rows, bad_row, moment
):
    books.upload(key, [*rows(40), bad_row])
    bench.process(key)
    books.upload(key, rows(40))
    bench.wire.fail("DeleteObject", KILLED[moment])

    with pytest.raises(LabError, match="process died"):
        bench.process(key)
    bench.run(key)

    books.must_balance(f"killed {moment} DeleteObject", "the event again")


@pytest.mark.parametrize("between", ["one after the other", "with TotalNotifier between them"])
def test_the_same_event_twice_counts_once(bench, books, key, rows, bad_row, between):
    books.upload(key, [*rows(40), bad_row])

    bench.process(key)
    if between != "one after the other":
        bench.notify(bench.new_records())
    bench.run(key)

    books.must_balance("the same S3 event twice", between)


def test_the_same_event_twice_at_once_counts_once(bench, books, key, rows, bad_row):
    books.upload(key, [*rows(40), bad_row])

    with ThreadPoolExecutor() as pool:
        list(pool.map(bench.process, [key, key]))
    bench.notify(bench.new_records())

    books.must_balance("the same S3 event twice", "both at once")


def test_several_records_in_one_event_are_all_processed(bench, books, key, rows, bad_row, who):
    keys = [key, f"in a folder/{key}", f"März + 100%/{key}"]
    books.upload(keys[0], [*rows(40), bad_row])
    books.upload(keys[1], [f"{who('D')}|4 Street|T1|03/16/2017|2000"])
    books.upload(keys[2], [f"{who('C')}|3 Street|U1|03/16/2017|-7", f"{who('E')}|5 Street|T1|03/16"])
    bench.wire.fail("GetObject", killed_after, nth=4)  # the second file's

    with pytest.raises(LabError, match="process died"):
        bench.process(*keys)
    bench.run(*keys)

    books.must_balance("killed amid the 2nd of 3 files", "the event again")


def test_an_object_that_is_gone_by_the_time_does_not_hold_up_the_others(bench, books, key, rows, bad_row):
    books.upload(key, [*rows(40), bad_row])

    reports = bench.process("gone.txt", key)
    bench.notify(bench.new_records())

    assert reports[0] == {"key": "gone.txt", "gone": True}
    books.must_balance("of an event's 2 objects one is gone", "nothing comes again")


def test_an_object_that_goes_between_the_two_readings_is_not_taken_in_by_half(bench, books, key, rows, bad_row):
    bench.chain.put(key, [*rows(40), bad_row])
    s3 = bench.lab.client("s3")
    bench.wire.fail("GetObject", after(lambda: s3.delete_object(Bucket=bench.lab.bucket, Key=key)), nth=2)

    assert bench.process(key) == [{"key": key, "gone": True}]

    assert bench.new_records() == []
    books.must_balance("the object is deleted amid the reading", "nothing comes again")


def test_an_object_that_changes_between_the_two_readings_is_read_anew(bench, books, key, rows, bad_row):
    books.upload(key, rows(3))
    bench.wire.fail("GetObject", after(lambda: books.upload(key, [*rows(40), bad_row])), nth=2)

    with pytest.raises(LabError, match="PreconditionFailed"):
        bench.process(key)
    bench.run(key)

    books.must_balance("the object is replaced amid the reading", "the event again")


def test_an_object_that_changes_while_its_rows_are_written_is_read_anew(bench, books, key, rows, bad_row, who):
    books.upload(key, [*rows(40), bad_row])
    corrected = [*rows(39), f"{who('B')}|2 Street|T2|03/17/2017|-500"]
    bench.wire.fail("HeadObject", after(lambda: books.upload(key, corrected)))

    bench.run(key)

    books.must_balance("the object is replaced amid the writing", "read again by itself")


@pytest.mark.parametrize("times", [1, 3])
def test_what_a_batch_had_no_room_for_is_written_all_the_same(bench, books, key, rows, bad_row, who, times):
    twice = f"{who('C')}|3 Street|T1|03/16/2017|2"  # the later row of a transaction wins, whatever is written when
    books.upload(key, [*rows(60), bad_row, twice])
    bench.wire.fail("BatchWriteItem", written_in_part, times=times)

    bench.run(key)

    books.must_balance(f"half of a batch is UnprocessedItems, {times} ×", "sent again")


@pytest.mark.parametrize("call", dict.fromkeys(TO_PROCESS))
@pytest.mark.parametrize("fault", ["throttled", "answer lost"])
def test_transaction_processor_bears_with_a_call_that_fails(bench, books, key, rows, bad_row, call, fault):
    books.upload(key, [*rows(40), bad_row])
    bench.wire.fail(call, THROTTLE[call] if fault == "throttled" else answer_lost)

    bench.run(key)

    books.must_balance(f"{call} {fault}", "botocore's retry")


# TotalNotifier


@pytest.mark.parametrize("moment", KILLED)
@pytest.mark.parametrize(("call", "nth"), each(TO_NOTIFY))
def test_total_notifier_killed_at_any_call_is_finished_by_the_batch_that_comes_again(
    bench, books, batch, call, nth, moment
):
    bench.wire.fail(call, KILLED[moment], nth)

    with pytest.raises(LabError, match="process died"):
        bench.notify(batch)
    bench.notify(batch)

    told_and_not_noted = (moment, call) in [("after", "Publish"), ("before", "UpdateItem")]
    books.must_balance(
        f"killed {moment} {call} {nth}",
        "the batch again",
        repeats=told_and_not_noted,
        letters_again=(moment, call) == ("after", "SendMessage"),
    )


@pytest.mark.parametrize(
    ("cuts", "how"),
    [
        ([(0, 111), (0, 111)], "whole, again"),
        ([(0, 111), (20, 60)], "a part of it again"),
        ([(0, 60), (0, 30), (20, 90), (60, 111)], "cut differently"),
        ([(50, 111), (0, 111)], "its end first, then whole"),
        ([(0, 111), *((start, start + 10) for start in range(0, 111, 10))], "whole, then in tens"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_batch_that_comes_again_in_any_cut_counts_once(bench, books, batch, cuts, how):
    for start, end in cuts:
        bench.notify(batch[start:end])

    last = sum(end >= 111 for _, end in cuts)  # the record without an amount is the last one
    books.must_balance("the batch redelivered", how, letters_again=last - 1)


def test_the_same_batch_twice_at_once_counts_once(bench, books, batch):
    with ThreadPoolExecutor() as pool:
        list(pool.map(bench.notify, [batch, batch]))

    books.must_balance("the batch redelivered", "both at once", repeats=2, letters_again=1)


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_dynamodb_cancels_is_added_when_the_batch_comes_again(bench, books, batch, reason):
    bench.wire.fail("TransactWriteItems", cancelled(reason), nth=2)

    with pytest.raises(LabError, match="TransactionCanceled"):
        bench.notify(batch)
    bench.notify(batch)

    books.must_balance(f"TransactionCanceled: {reason}", "the batch again")


def test_a_conflict_amid_records_that_are_there_already_loses_none_of_the_others(bench, books, batch):
    bench.notify(batch[:50])
    bench.wire.fail("TransactWriteItems", cancelled("TransactionConflict"))

    bench.notify(batch)

    books.must_balance("a conflict in a batch of which half is added", "sent again")


@pytest.mark.parametrize("call", dict.fromkeys(TO_NOTIFY))
@pytest.mark.parametrize("fault", ["throttled", "answer lost"])
def test_total_notifier_bears_with_a_call_that_fails(bench, books, batch, call, fault):
    bench.wire.fail(call, THROTTLE[call] if fault == "throttled" else answer_lost)

    bench.notify(batch)

    lost = fault == "answer lost"
    books.must_balance(
        f"{call} {fault}",
        "botocore's retry",
        repeats=lost and call == "Publish",
        letters_again=lost and call == "SendMessage",
    )


def test_totals_that_were_not_read_at_once_are_read_later(bench, books, batch):
    bench.wire.fail("BatchGetItem", read_in_part, times=2)

    bench.notify(batch)

    books.must_balance("some keys are UnprocessedKeys, 2 ×", "asked again")


@pytest.mark.parametrize("nth", [1, 2])
def test_a_publish_that_fails_twice_alerts_once_in_the_end(bench, books, batch, nth):
    bench.wire.fail("Publish", refused("AuthorizationError", 403), nth, times=2)

    for _ in range(2):
        with pytest.raises(LabError, match="AuthorizationError"):
            bench.notify(batch)
    bench.notify(batch)

    books.must_balance(f"Publish refused twice, at alert {nth} of 2", "the batch again, 2 ×")


def test_corrections_and_deletions_count_with_the_difference_even_if_old_batches_come_again(bench, books, key, who):
    def change(*amounts):
        lines = [f"{who('A')}|1 Street|T{number}|03/16/2017|{amount}" for number, amount in enumerate(amounts)]
        books.upload(key, lines)
        bench.process(key)
        through()

    def through():
        batches.append(bench.new_records())
        bench.notify(batches[-1])
        books.close()

    batches = []
    change("1000", "600.50")
    change("1000", "600.50")  # unchanged
    change("10.25", "600.50")
    change("900", "600.50")
    books.delete(who("A"), "T1")
    through()
    for batch in batches:
        bench.notify(batch)

    assert [len(batch) for batch in batches] == [2, 0, 1, 1, 1]
    assert books.crossings[who("A")] == 2
    books.must_balance("unchanged, corrected twice, deleted", "all batches again")


def test_another_run_that_lowers_the_total_before_the_flag_is_set_does_not_hide_the_next_crossing(
    bench, books, key, who
):
    def correct(amount):
        books.upload(key, [f"{who('A')}|1 Street|T1|03/16/2017|{amount}"])
        bench.run(key)
        books.close()

    books.upload(key, [f"{who('A')}|1 Street|T1|03/16/2017|1600"])
    books.close()
    bench.process(key)
    bench.wire.fail("UpdateItem", after(lambda: correct("100")))
    bench.notify(bench.new_records())

    correct("1700")

    assert books.crossings[who("A")] == 2
    books.must_balance("another run between Publish and UpdateItem", "a correction, another one")


def test_a_poison_record_among_good_ones_is_set_aside_alone(bench, books, key, rows, who):
    books.upload(key, rows(10))
    bench.process(key)
    books.put(who("C"), "no amount", None)
    books.put(who("C"), "a text", {"S": "a lot"})
    books.put(who("A"), "good", {"N": "0.95"})

    bench.notify(bench.new_records())

    books.must_balance("2 rows without a number among good ones", "nothing comes again")


def test_a_good_amount_that_is_spoilt_is_taken_back_and_counts_again_when_it_is_mended(bench, books, key, rows, who):
    books.upload(key, rows(10))
    bench.process(key)
    books.put(who("C"), "T3", {"S": "a lot"})
    spoilt = bench.new_records()
    bench.notify(spoilt)
    books.put(who("C"), "T3", {"N": "9.99"})

    bench.notify(bench.new_records())
    bench.notify(spoilt)

    books.must_balance("an amount becomes a text, and a number again", "the first batch again", letters_again=1)


@pytest.mark.parametrize("batches", ["in one batch", "in a batch of its own"])
def test_an_amount_that_gives_a_total_too_many_digits_is_set_aside_alone(bench, books, key, rows, who, batches):
    books.put(who("D"), "large", {"N": "-9.9e37"})
    if batches != "in one batch":
        bench.notify(bench.new_records())
    books.upload(key, rows(10))
    bench.process(key)
    books.put(who("D"), "too much", {"N": "0.5"})
    books.refuse(who("D"), "too much")
    books.put(who("D"), "good", {"N": "-1e20"})

    bench.notify(bench.new_records())

    books.must_balance(f"a total of 39 digits, {batches}", "nothing comes again")


# Through the real triggers


def test_a_poison_record_does_not_hold_up_the_stream(chain, chain_books, rows, key, who):
    chain_books.put(who("C"), "good", {"N": "1"})
    chain_books.put(who("C"), "no amount", None)
    chain_books.wait()

    chain_books.upload(key, rows(40))
    chain_books.put(who("C"), "a text", {"S": "a lot"})

    chain_books.wait()
    chain_books.must_balance("rows without a number in the stream", "nothing comes again")


def test_what_the_mapping_has_processed_changes_nothing_when_it_comes_again(chain, chain_books, rows, key):
    chain_books.upload(key, rows(110))
    chain_books.wait()
    records = Bench(chain, None).new_records()

    for start in range(0, 110, 40):
        functions.invoke(chain.lab, NOTIFIER, {"Records": records[max(start - 10, 0) : start + 40]})

    chain_books.must_balance("the stream's records once more", "in other batches than the mapping's")


@pytest.mark.parametrize(
    ("call", "moment", "repeats"),
    [("TransactWriteItems", "after", 0), ("Publish", "after", 1), ("Publish", "before", 0)],
)
def test_the_mapping_retries_a_run_that_was_killed(chain, chain_books, wire, rows, key, call, moment, repeats):
    wire.lead_from(chain.lab, NOTIFIER)
    wire.fail(call, KILLED[moment])

    chain_books.upload(key, rows(110))

    chain_books.wait()
    assert wire.left() == []
    chain_books.must_balance(f"killed {moment} {call}", "the mapping's retry", repeats=repeats)


def test_the_mapping_retries_a_run_whose_time_was_up(chain, chain_books, wire, rows, key):
    wire.lead_from(chain.lab, NOTIFIER, Timeout=2)
    wire.fail("Publish", answer_late)

    chain_books.upload(key, rows(110))

    chain_books.wait()
    assert wire.left() == []
    chain_books.must_balance("timed out after Publish", "the mapping's retry", repeats=1)


def test_s3s_event_is_retried_when_the_run_was_killed(chain, chain_books, wire, rows, key, bad_row):
    wire.lead_from(chain.lab, PROCESSOR)
    wire.fail("BatchWriteItem", killed_after, nth=2)

    chain_books.upload(key, [*rows(40), bad_row])

    chain_books.wait()
    assert wire.left() == []
    chain_books.must_balance("killed after BatchWriteItem 2", "Lambda's retry")


def test_an_event_that_failed_three_times_is_in_the_dead_letters_and_can_be_sent_again(
    chain, chain_books, wire, rows, key, bad_row
):
    wire.lead_from(chain.lab, PROCESSOR)
    wire.fail("GetObject", killed_before, times=3)
    chain_books.upload(key, [*rows(40), bad_row])

    def event():
        return [letter["requestPayload"] for letter in chain.messages(queues.DEAD_LETTERS)]

    (event,) = wait_until(event, "the event in the dead letters", timeout=30)
    functions.invoke(chain.lab, PROCESSOR, event)

    chain_books.wait()
    chain_books.must_balance("killed before GetObject, 3 ×", "the event of the dead letter")


def test_an_alert_waits_for_a_topic_that_is_missing(chain_in, account, opened, rows, key):
    chain = chain_in(account)
    for step in (chain.start_here, chain.create_functions, chain.add_triggers):
        step()
    books = opened(chain)
    books.upload(key, rows(40))

    def failures():
        return cloudwatch.failures(cloudwatch.log_lines(chain.lab, NOTIFIER))

    wait_until(lambda: len(failures()) >= 2, "two runs to fail", timeout=30, longest_pause=0.05)
    triggers.switch_stream_trigger(chain.lab, on=False)  # an alert that came before the queues would be lost
    chain.create_topic()
    chain.create_queues()
    triggers.switch_stream_trigger(chain.lab, on=True)

    books.wait()
    books.must_balance("the topic is missing, and made later", "the mapping's retry")
    list(cleanup.delete_all(chain.lab))


@pytest.mark.parametrize("weather", ["calm", "storm"])
def test_twenty_files_at_once_all_count(chain, chain_books, wire, who, weather):
    for name in functions.SOURCES:
        wire.lead_from(chain.lab, name)
    if weather == "storm":
        wire.fail("GetObject", killed_after, nth=7, times=2)
        wire.fail("BatchWriteItem", written_in_part, nth=3, times=9)
        wire.fail("PutObject", killed_before, nth=9)
        wire.fail("TransactWriteItems", cancelled("TransactionConflict"))
        wire.fail("UpdateItem", killed_before)
    files = {f"{who('file')} {number}.txt": [] for number in range(20)}
    for number, key in enumerate(files):
        customers = [who(f"C{(number + row) % 10}") for row in range(30)]
        files[key] = [f"{name}|a street|{number}-{row}|03/16/2017|{row * 2}.30" for row, name in enumerate(customers)]
        files[key].append(f"{who('C0')}|a street|{number}-X|02/30/2017|{number}|")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(chain_books.upload, files.keys(), files.values()))

    chain_books.wait()
    assert wire.left() == []
    if weather == "calm":
        chain_books.must_balance("20 files at once", "nothing comes again")
    else:
        chain_books.must_balance("20 files at once, 14 calls go wrong", "retries of all kinds", repeats=1)
