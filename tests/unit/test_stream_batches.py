"""AWS's rules for a batch of a stream, and the parts of ministack that the poller relies on."""

import importlib.metadata
import inspect
import time

import pytest
from ministack.services import dynamodb, lambda_svc

from lab_lib.embedded import streams
from lab_lib.embedded.batches import Batch, Outcome, decide, invocation_record
from lab_lib.waiting import wait_until

NOW = 1_000_000.0
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
BISECTS = {"BisectBatchOnFunctionError": True}
FAILED = {"error": True, "body": {"errorMessage": "no"}}
THROTTLED = {"error": True, "throttle": True, "body": {"__type": "TooManyRequestsException"}}
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


def records(numbers, created=NOW):
    return [{"dynamodb": {"SequenceNumber": each, "ApproximateCreationDateTime": created}} for each in numbers]


def reported(*identifiers):
    return {"body": {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}}


def outcome(numbers, result, mapping, calls=0, retries=0, now=NOW):
    """Decide about the records with these numbers; return (remaining, discarded, pause), in short."""
    found = decide(Batch(records(numbers), calls, retries), result, mapping, now)
    return (
        [short(batch) for batch in found.remaining],
        [(*short(batch)[:2], condition) for batch, condition in found.discarded],
        found.pause,
    )


def short(batch):
    return "".join(record["dynamodb"]["SequenceNumber"] for record in batch.records), batch.calls, batch.retries


@pytest.mark.parametrize(
    ("result", "mapping", "remaining", "pause"),
    [
        # (records, calls, retries) of each batch that remains of "abcd", which was called once before
        ({"body": None}, {}, [], False),
        (reported("a"), {}, [], False),  # a report counts only where the mapping asks for it
        (FAILED, {}, [("abcd", 2, 1)], True),
        (FAILED, {"MaximumRetryAttempts": -1}, [("abcd", 2, 1)], True),
        (FAILED, {"MaximumRetryAttempts": 1}, [("abcd", 2, 1)], True),
        (FAILED, BISECTS, [("ab", 2, 0), ("cd", 2, 0)], False),
        (FAILED, {**BISECTS, "MaximumRetryAttempts": 0}, [("ab", 2, 0), ("cd", 2, 0)], False),
        (FAILED, {**BISECTS, **REPORTS}, [("ab", 2, 0), ("cd", 2, 0)], False),
        (THROTTLED, {"MaximumRetryAttempts": 0}, [("abcd", 1, 0)], True),
        (THROTTLED, BISECTS, [("abcd", 1, 0)], True),
        ({"body": None}, REPORTS, [], False),
        ({"body": ""}, REPORTS, [], False),
        ({"body": []}, REPORTS, [], False),
        ({"body": {}}, REPORTS, [], False),
        ({"body": {"batchItemFailures": []}}, REPORTS, [], False),
        ({"body": {"batchItemFailures": None}}, REPORTS, [], False),
        (reported("c"), REPORTS, [("cd", 2, 0)], False),
        (reported("d", "b"), REPORTS, [("bcd", 2, 0)], False),
        (reported("c"), {**REPORTS, **BISECTS}, [("cd", 2, 0)], False),
        (reported("c"), {**REPORTS, "MaximumRetryAttempts": 0}, [("cd", 2, 0)], False),
        (reported("a"), REPORTS, [("abcd", 2, 1)], True),
        (reported("a"), {**REPORTS, **BISECTS}, [("ab", 2, 0), ("cd", 2, 0)], False),
        (reported(""), REPORTS, [("abcd", 2, 1)], True),
        (reported(None), REPORTS, [("abcd", 2, 1)], True),
        (reported(123), REPORTS, [("abcd", 2, 1)], True),
        (reported({}), REPORTS, [("abcd", 2, 1)], True),
        (reported("x"), REPORTS, [("abcd", 2, 1)], True),
        (reported("c", "x"), REPORTS, [("abcd", 2, 1)], True),
        (reported(""), {**REPORTS, **BISECTS}, [("ab", 2, 0), ("cd", 2, 0)], False),
        ({"body": {"batchItemFailures": [{"foo": "c"}]}}, REPORTS, [("abcd", 2, 1)], True),
        ({"body": {"batchItemFailures": ["c"]}}, REPORTS, [("abcd", 2, 1)], True),
        ({"body": {"batchItemFailures": "c"}}, REPORTS, [("abcd", 2, 1)], True),
        ({"body": {"batchItemFailures": 1}}, REPORTS, [("abcd", 2, 1)], True),
    ],
)
def test_what_remains_of_a_batch(result, mapping, remaining, pause):
    assert outcome("abcd", result, mapping, calls=1) == (remaining, [], pause)


@pytest.mark.parametrize(
    ("numbers", "retries", "mapping", "expected"),
    [
        ("ab", 0, {"MaximumRetryAttempts": 0}, ([], [("ab", 8, EXHAUSTED)], False)),
        ("ab", 1, {"MaximumRetryAttempts": 2}, ([("ab", 8, 2)], [], True)),
        ("ab", 2, {"MaximumRetryAttempts": 2}, ([], [("ab", 8, EXHAUSTED)], False)),
        ("ab", 3, {"MaximumRetryAttempts": 2}, ([], [("ab", 8, EXHAUSTED)], False)),  # it was more when that began
        ("ab", 2, {"MaximumRetryAttempts": 2, **BISECTS}, ([("a", 8, 2), ("b", 8, 2)], [], False)),
        ("a", 1, {"MaximumRetryAttempts": 2, **BISECTS}, ([("a", 8, 2)], [], True)),
        ("a", 2, {"MaximumRetryAttempts": 2, **BISECTS}, ([], [("a", 8, EXHAUSTED)], False)),
        ("a", 99_999, {}, ([("a", 8, 100_000)], [], True)),
    ],
)
def test_a_batch_is_given_up_when_its_retries_are_used_up(numbers, retries, mapping, expected):
    assert outcome(numbers, FAILED, mapping, calls=7, retries=retries) == expected


@pytest.mark.parametrize(
    ("result", "mapping", "ages", "expected"),
    [
        (FAILED, {}, (90_000, 80_000), ([("b", 2, 1)], [("a", 2, TOO_OLD)], True)),  # a stream keeps a day
        (FAILED, {"MaximumRecordAgeInSeconds": -1}, (70, 60), ([("ab", 2, 1)], [], True)),
        (FAILED, {"MaximumRecordAgeInSeconds": 60}, (60, 50), ([("ab", 2, 1)], [], True)),
        (FAILED, {"MaximumRecordAgeInSeconds": 60}, (61, 50), ([("b", 2, 1)], [("a", 2, TOO_OLD)], True)),
        (FAILED, {"MaximumRecordAgeInSeconds": 60}, (70, 61), ([], [("ab", 2, TOO_OLD)], False)),
        (FAILED, {"MaximumRecordAgeInSeconds": 60, **BISECTS}, (70, 61), ([], [("ab", 2, TOO_OLD)], False)),
        (
            FAILED,
            {"MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": 0},
            (61, 50),
            ([], [("a", 2, TOO_OLD), ("b", 2, EXHAUSTED)], False),
        ),
        (reported("b"), {"MaximumRecordAgeInSeconds": 60, **REPORTS}, (70, 61), ([], [("b", 2, TOO_OLD)], False)),
        (THROTTLED, {"MaximumRecordAgeInSeconds": 60}, (61, 50), ([("b", 1, 0)], [("a", 1, TOO_OLD)], True)),
        ({"body": None}, {"MaximumRecordAgeInSeconds": 60}, (70, 61), ([], [], False)),
    ],
)
def test_records_that_are_too_old_are_given_up_when_they_fail(result, mapping, ages, expected):
    batch = Batch([*records("a", NOW - ages[0]), *records("b", NOW - ages[1])], calls=1)

    found = decide(batch, result, mapping, NOW)

    discarded = [(*short(each)[:2], condition) for each, condition in found.discarded]
    assert ([short(each) for each in found.remaining], discarded, found.pause) == expected


@pytest.mark.parametrize("settings", [REPORTS, {**REPORTS, **BISECTS}, BISECTS, {}])
@pytest.mark.parametrize(
    "report", [lambda batch: reported(batch[-1]), lambda batch: reported(batch[0]), lambda _: FAILED]
)
def test_every_record_comes_to_an_end(settings, report):
    mapping, waiting, given_up, calls = {**settings, "MaximumRetryAttempts": 2}, [Batch(records("abcdefgh"))], "", 0
    while waiting:
        batch, *waiting = waiting
        found = decide(batch, report(short(batch)[0]), mapping, NOW)
        waiting = [*found.remaining, *waiting]
        given_up += "".join(short(each)[0] for each, _ in found.discarded)
        calls += 1
        assert calls < 50

    assert given_up == "".join(sorted(given_up))


def test_an_outcome_is_empty_when_all_is_done():
    assert decide(Batch(records("ab")), {"body": None}, {}, NOW) == Outcome()


MAPPING = {"FunctionArn": "the function", "EventSourceArn": "the stream"}


def message(condition, result):
    batch = Batch([*records("a", 1_700_000_000), *records("b", 1_700_000_001)], calls=3)
    return invocation_record(batch, condition, result, MAPPING)


def test_a_destination_gets_an_invocation_record_as_aws_sends_it():
    found = message(EXHAUSTED, FAILED)

    assert found["requestContext"].pop("requestId")
    assert len(found.pop("timestamp")) == len("2019-11-14T00:13:19.717Z")
    assert found == {
        "requestContext": {"functionArn": "the function", "condition": EXHAUSTED, "approximateInvokeCount": 3},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000000",
            "startSequenceNumber": "a",
            "endSequenceNumber": "b",
            "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20Z",
            "approximateArrivalOfLastRecord": "2023-11-14T22:13:21Z",
            "batchSize": 2,
            "streamArn": "the stream",
        },
    }


def test_a_failure_that_the_function_reported_is_no_error_of_the_function():
    assert message(EXHAUSTED, reported("a"))["responseContext"]["functionError"] is None


def test_records_that_are_too_old_have_no_response():
    assert "responseContext" not in message(TOO_OLD, FAILED)


@pytest.fixture
def poller(monkeypatch):
    """The poller with ministack's tables and functions, in this process; a test says what a call does."""
    poller = Poller()
    monkeypatch.setattr(lambda_svc, "_execute_function", lambda function, event: poller.call(function, event))
    monkeypatch.setattr(streams, "_pause", poller.pauses.append)
    monkeypatch.setattr(streams, "_send", lambda function, mapping, record: poller.sent.append(record))
    yield poller
    of_lambda = (lambda_svc._esms, lambda_svc._functions, lambda_svc._dynamodb_stream_positions)
    for store in (*of_lambda, dynamodb._tables, dynamodb._stream_records):
        store.clear()
    poller.poll()
    assert streams._shards == {}


class Poller:
    def __init__(self):
        self.pauses, self.seen, self.sent = [], [], []
        self.call = self.see

    def see(self, function, event):
        self.seen.append("".join(record["dynamodb"]["SequenceNumber"] for record in event["Records"]))
        return {"body": None}

    def fail(self, function, event):
        self.see(function, event)
        return FAILED

    def map(self, name, numbers, **settings):
        arn = f"arn:x:dynamodb:x:x:table/{name}/stream/x"
        dynamodb._tables[name] = {"LatestStreamArn": arn}
        dynamodb._stream_records[name] = records(numbers, time.time())
        lambda_svc._functions[name] = {"config": {}}
        function = {"FunctionName": name, "FunctionArn": name}
        mapping = {"UUID": name, "EventSourceArn": arn, **function, "Enabled": True, "BatchSize": 100}
        lambda_svc._esms[name] = {**mapping, **settings}
        lambda_svc._init_stream_position(name, arn, "TRIM_HORIZON")

    def poll(self):
        streams.poll()
        wait_until(lambda: not any(shard.busy for shard in streams._shards.values()), "the mappings to be idle")


def delete_mapping():
    lambda_svc._delete_esm("one")


@pytest.mark.parametrize(
    "stop",
    [
        delete_mapping,
        lambda: lambda_svc._update_esm("one", {"Enabled": False}),
        lambda: lambda_svc._functions.pop("one"),
        lambda: dynamodb._tables.pop("one"),
        lambda: dynamodb._tables["one"].update(LatestStreamArn="another"),
    ],
)
def test_a_mapping_that_loses_something_amid_its_retries_stops(poller, stop):
    def fail_and_stop(function, event):
        stop()
        return poller.fail(function, event)

    poller.map("one", "abc")
    poller.call = fail_and_stop

    poller.poll()

    assert poller.seen == ["abc"]
    assert "one" not in lambda_svc._esms or streams._shards["one"].batches[0].retries == 1


def test_a_mapping_that_is_deleted_leaves_nothing(poller):
    poller.map("one", "abc", MaximumRetryAttempts=0)
    poller.call = lambda function, event: (delete_mapping(), poller.fail(function, event))[1]

    poller.poll()
    poller.poll()

    assert (streams._shards, poller.sent) == ({}, [])
    assert "one" not in lambda_svc._dynamodb_stream_positions


def test_another_function_goes_on_where_the_first_one_stood(poller):
    def change(function, event):
        lambda_svc._functions["other"] = {"config": {}}
        lambda_svc._update_esm("one", {"FunctionName": "other"})
        poller.call = poller.see
        return {**poller.see(function, event), **reported("b")}

    poller.map("one", "abc", **REPORTS)
    poller.call = change

    poller.poll()

    assert poller.seen == ["abc", "bc"]


def test_an_error_in_one_mapping_leaves_the_others_alone_and_is_tried_again(poller, caplog):
    def break_once(function, event):
        if function is lambda_svc._functions["one"]:
            poller.call = poller.see
            raise RuntimeError
        return poller.see(function, event)

    poller.map("one", "abc")
    poller.call = break_once
    poller.poll()
    poller.map("two", "xyz")

    poller.poll()

    assert sorted(poller.seen) == ["abc", "xyz"]
    wait_until(lambda: "stream-poller failed" in caplog.text, "the error in the log")


def test_pauses_grow_from_a_tenth_of_a_second_to_a_second(poller):
    poller.map("one", "a", MaximumRetryAttempts=5)
    poller.call = poller.fail

    poller.poll()

    assert poller.pauses == [0.1, 0.2, 0.4, 0.8, 1]


def test_the_poller_replaces_that_of_the_ministack_it_was_tried_with():
    hint = (
        "Run tests/lab/test_stream_poller.py without the line in lab_lib/embedded/process.py that installs the poller. "
        "If it passes, ministack does it all by itself: delete batches.py and streams.py. If not, compare ministack's "
        "_poll_dynamodb_streams with streams.py, then change this test."
    )
    relied_on = {
        lambda_svc._poll_dynamodb_streams: [],
        lambda_svc._iter_all_esms: [],
        lambda_svc._execute_function: ["func", "event"],
        lambda_svc._apply_filter_criteria: ["records", "esm"],
        lambda_svc._get_func_record_for_qualifier: ["name", "qualifier"],
        lambda_svc._init_stream_position: ["esm_id", "source_arn", "starting"],
        dynamodb.stream_records_since: ["table_name", "position", "limit", "account_id", "region"],
        dynamodb.stream_start_position: ["table_name", "account_id", "region"],
    }
    assert importlib.metadata.version("ministack") == "1.5.33", hint
    assert {each: list(inspect.signature(each).parameters) for each in relied_on} == relied_on, hint
