"""The poller of the embedded AWS: real mappings, and a function that fails or succeeds as its items say.

A case writes its items before it makes the mapping, so that they come in one batch. Each item has a letter for its id:
"abc" is a batch of three.
"""

import json
import time
from functools import partial

import pytest

from conftest import create_function
from lab_lib.aws import cloudwatch, policies, queues, roles
from lab_lib.waiting import wait_until

CODE = """
import json
import time


def handler(event, context):
    images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
    numbers = dict(zip([image["id"]["S"] for image in images], numbers))
    verdicts = {image["verdict"]["S"]: image["id"]["S"] for image in reversed(images)}
    print(json.dumps({"time": time.time_ns(), "batch": "".join(numbers)}), flush=True)
    if "raise" in verdicts:
        raise ValueError(verdicts["raise"])
    if "slow" in verdicts:
        time.sleep(5)
    if "empty" in verdicts:
        return {"batchItemFailures": [{"itemIdentifier": ""}]}
    return {"batchItemFailures": [{"itemIdentifier": numbers[verdicts["report"]]}] if "report" in verdicts else []}
"""
TABLE, TOPIC = "Items", "Failures"
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"
DONE = {"Filters": [{"Pattern": json.dumps({"dynamodb": {"NewImage": {"verdict": {"S": ["done"]}}}})}]}
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


pytestmark = pytest.mark.slow
soon = partial(wait_until, timeout=30, longest_pause=0.1)


class Stream:
    """A table with a stream, and what its mappings make of its records."""

    def __init__(self, lab):
        self.lab, self.lambda_, self.dynamodb = lab, lab.client("lambda"), lab.client("dynamodb")
        key = {"AttributeName": "id"}
        table = self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{**key, "AttributeType": "S"}],
            KeySchema=[{**key, "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.arn = table["TableDescription"]["LatestStreamArn"]
        self.queue = lab.client("sqs").create_queue(QueueName=queues.DEAD_LETTERS)["QueueUrl"]
        self.mappings = []

    def create_function(self, name, *destinations):
        """Create a function whose role may send to these destinations."""
        send = policies.allow(["sqs:SendMessage", "sns:Publish"], *(destinations or ["*"]))
        role = roles.ensure_role(self.lab, f"{name}Role", policies.document(send))
        create_function(self.lab, name, CODE, role, Timeout=30)

    def write(self, ids, **verdicts):
        for each in ids:
            item = {"id": {"S": each}, "verdict": {"S": verdicts.get(each, "done")}}
            self.dynamodb.put_item(TableName=TABLE, Item=item)

    def map(self, function="Act", destination=None, **settings):
        """Create a mapping that sends what it gives up to the queue; its UUID."""
        arn = destination or queues.queue_arn(self.lab, queues.DEAD_LETTERS)
        mapping = self.lambda_.create_event_source_mapping(
            EventSourceArn=self.arn,
            FunctionName=function,
            DestinationConfig={"OnFailure": {"Destination": arn}},
            **{"StartingPosition": "TRIM_HORIZON", "BatchSize": 100, **settings},
        )
        self.mappings.append(mapping["UUID"])
        return mapping["UUID"]

    def runs(self, function="Act"):
        """(time, batch) of each run of the function, in order."""
        runs = [json.loads(line) for line in cloudwatch.log_lines(self.lab, function) if line.startswith('{"time"')]
        return sorted((run["time"], run["batch"]) for run in runs)

    def batches(self, function="Act"):
        """Return the batches that the function was called with, in order."""
        return [batch for _, batch in self.runs(function)]

    def finish(self, function="Act"):
        """Write one more item, and return all batches once it is done: what was given up holds nothing back."""
        self.write("z")
        soon(lambda: "".join(self.batches(function)).endswith("z"), "the last item")
        return self.batches(function)

    def letters(self):
        """(condition, calls, records) of each dead letter, in the order of the stream."""
        letters = queues.messages(self.lab, queues.DEAD_LETTERS)
        letters.sort(key=lambda letter: letter["DDBStreamBatchInfo"]["startSequenceNumber"])
        requests = [{**letter["requestContext"], **letter["DDBStreamBatchInfo"]} for letter in letters]
        return [(each["condition"], each["approximateInvokeCount"], each["batchSize"]) for each in requests]


@pytest.fixture
def stream(lab):
    stream = Stream(lab)
    stream.create_function("Act")
    yield stream
    for uuid in stream.mappings:  # an idle mapping still costs the server its time
        stream.lambda_.delete_event_source_mapping(UUID=uuid)


@pytest.fixture
def record_case(stream, record_property):
    """record_case(name, batches): a row of the table, without the last item."""

    def record_case(case, batches):
        tries = [batch for batch in batches if batch != "z"]
        letters = [f"{name}: {size} after {calls} calls" for name, calls, size in stream.letters()]
        record_property("table", "Stream poller")
        record_property("case", case)
        record_property("batches seen", " ".join(tries))
        record_property("tries", str(len(tries)))
        record_property("dead letters", ", ".join(letters) or "none")

    return record_case


CASES = {
    "retries run out": (
        "ab",
        {"b": "raise"},
        {"MaximumRetryAttempts": 2},
        ["ab", "ab", "ab"],
        [(EXHAUSTED, 3, 2)],
    ),
    "bisecting isolates one record of eight": (
        "abcdefgh",
        {"f": "raise"},
        {"MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": True},
        ["abcdefgh", "abcd", "efgh", "ef", "e", "f", "f", "gh"],
        [(EXHAUSTED, 5, 1)],
    ),
    "a reported record is retried, all before it is done": (
        "abcd",
        {"c": "report"},
        {"MaximumRetryAttempts": 1, **REPORTS},
        ["abcd", "cd", "cd"],
        [(EXHAUSTED, 3, 2)],
    ),
    "a reported record with bisecting": (
        "abcd",
        {"c": "report"},
        {"MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": True, **REPORTS},
        ["abcd", "cd", "c", "c", "d"],
        [(EXHAUSTED, 4, 1)],
    ),
    "a report that the mapping does not ask for": ("ab", {"b": "report"}, {"MaximumRetryAttempts": 0}, ["ab"], []),
    "an empty itemIdentifier fails the whole batch": (
        "abc",
        {"b": "empty"},
        {"MaximumRetryAttempts": 1, **REPORTS},
        ["abc", "abc"],
        [(EXHAUSTED, 2, 3)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_failing_batch_is_handled_as_aws_documents(case, stream, record_case):
    ids, verdicts, settings, batches, letters = CASES[case]
    stream.write(ids, **verdicts)
    stream.map(**settings)

    soon(lambda: len(stream.batches()) >= len(batches), "the tries")
    seen = stream.finish()

    record_case(case, seen)
    assert seen == [*batches, "z"]
    assert stream.letters() == letters


def test_a_record_that_is_too_old_is_given_up_however_many_retries_remain(stream, record_case):
    stream.write("ab", a="raise")
    stream.map(MaximumRecordAgeInSeconds=2)

    (letter,) = soon(stream.letters, "the dead letter")
    seen = stream.finish()

    record_case("the age limit", seen)
    assert letter == (TOO_OLD, len(seen) - 1, 2)
    assert set(seen) == {"ab", "z"}


def test_a_throttle_costs_no_try(stream, record_case):
    stream.lambda_.put_function_concurrency(FunctionName="Act", ReservedConcurrentExecutions=0)
    stream.write("ab")
    uuid = stream.map(MaximumRetryAttempts=0)

    def throttled():
        return stream.lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"].startswith("PROBLEM")

    soon(throttled, "a throttle")
    stream.lambda_.delete_function_concurrency(FunctionName="Act")
    soon(stream.batches, "the batch")
    seen = stream.finish()

    record_case("throttled at first, no retries", seen)
    assert seen == ["ab", "z"]
    assert stream.letters() == []


@pytest.mark.parametrize("verdict", ["raise", "slow"])
def test_one_mapping_does_not_delay_the_others(stream, record_case, verdict):
    stream.create_function("Other")
    stream.write("ab", b=verdict)
    stream.map("Act", BatchSize=2)
    stream.map("Other", FilterCriteria=DONE)

    seen = stream.finish("Other")

    record_case(f"beside a mapping that {'fails for ever' if verdict == 'raise' else 'is slow'}", seen)
    assert seen in (["az"], ["a", "z"])
    assert "z" not in "".join(stream.batches())


def test_a_paused_mapping_goes_on_where_it_stood(stream, record_case):
    stream.create_function("Other")
    stream.write("abc", b="report")
    uuid = stream.map(MaximumRetryAttempts=4, **REPORTS)
    soon(lambda: len(stream.batches()) >= 3, "a retry")

    stream.lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    paused = time.time() + 0.1  # a call may have been under way
    stream.map("Other")
    stream.finish("Other")
    resumed = time.time()
    stream.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)
    soon(lambda: stream.batches()[-1:] == ["z"], "the last item")
    seen = stream.batches()

    record_case("paused and resumed amid the retries", seen)
    assert [batch for at, batch in stream.runs() if paused < at / 1e9 < resumed] == []
    assert seen == ["abc", *["bc"] * 5, "z"]
    assert stream.letters() == [(EXHAUSTED, 6, 2)]


def test_batch_size_starting_position_and_filter_count(stream, record_case):
    stream.write("a")
    uuid = stream.map(StartingPosition="LATEST", BatchSize=2, FilterCriteria=DONE, Enabled=False)
    stream.write("bcdefghi", b="other", f="other", g="other")
    stream.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)

    seen = stream.finish()

    record_case("LATEST, BatchSize 2, a filter", seen)
    assert seen == ["c", "de", "hi", "z"]


def test_a_topic_gets_what_is_given_up(stream, record_case):
    topic = stream.lab.client("sns").create_topic(Name=TOPIC)["TopicArn"]
    queue = queues.queue_arn(stream.lab, queues.DEAD_LETTERS)
    policy = json.dumps(policies.topic_to_queue(stream.lab, topic, queue))
    stream.lab.client("sqs").set_queue_attributes(QueueUrl=stream.queue, Attributes={"Policy": policy})
    raw = {"RawMessageDelivery": "true"}
    stream.lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
    stream.write("a", a="raise")
    stream.map(destination=topic, MaximumRetryAttempts=0)

    soon(stream.letters, "the dead letter")
    seen = stream.finish()

    record_case("a topic is the destination", seen)
    assert stream.letters() == [(EXHAUSTED, 1, 1)]


def test_without_permission_to_send_the_shard_goes_on(stream, record_case):
    stream.create_function("Denied", queues.queue_arn(stream.lab, "Another"))
    stream.write("a", a="raise")
    stream.map("Denied", MaximumRetryAttempts=0)

    soon(lambda: stream.batches("Denied"), "the batch")
    seen = stream.finish("Denied")

    record_case("the role may not send", seen)
    assert seen == ["a", "z"]
    assert stream.letters() == []
