"""Notebooks 01 and 06 beside a lab: what they leave alone, and a learner's function that cannot run.

What the notebook itself shows, with the naive function and with one that is right, is compared by nbval.
"""

import pytest
from chains import logged, stop, uploaded

from lab_lib import checks
from lab_lib.aws import cleanup, functions, queues, streams, tables, topics, triggers
from lab_lib.errors import LabError, WrongResource
from lab_lib.exercises import experiments

pytestmark = pytest.mark.slow

ANA = "Break Ana"
WORKS = "def lambda_handler(event, context):\n    {}\n"
NUMBER_AS_TEXT = """
import os

import boto3

totals = boto3.resource("dynamodb").Table(os.environ["TOTAL_TABLE"])


def lambda_handler(event, context):
    totals.put_item(Item={"CustomerId": "Break Ana", "accountBalance": "1400"})
"""


@pytest.fixture(scope="module")
def used(build):
    """Yield the lab after notebook 05."""
    yield (lab := logged(uploaded(build().lab)))
    stop(lab)


@pytest.fixture
def lab(used):
    """Yield the lab of all tests; what a test has tried in it is taken away afterwards."""
    yield used
    list(cleanup.delete_experiments(used))
    triggers.ensure_bucket_trigger(used)


@pytest.fixture
def deploy(tmp_path):
    """deploy(lab, code): deploys this code as the learner's function, and returns what is said of it."""

    def deploy(lab, code):
        (tmp_path / "my_notifier.py").write_text(code)
        return experiments.deploy(lab, tmp_path / "my_notifier.py")

    return deploy


def amiss(lab):
    """Return the ids of the checks that do not hold, going further included."""
    return {check.id for check in checks.run(lab).checks if not check.ok}


def test_a_try_that_stopped_half_way_harms_no_check_and_is_deleted_by_the_next_try_or_the_clean_up(lab, deploy):
    before = cleanup.remaining(lab)
    for _ in range(2):
        ours, mine = experiments.prepare(lab)
        assert (tables.items(ours, "Customer"), functions.find_function(mine, "TotalNotifier")) == ([], None)
        deploy(lab, WORKS.format("pass"))
        experiments.upload(lab, "break-it.txt")
        for part in (ours, mine):
            topics.delete_topic(part)
            triggers.switch_stream_triggers([part], on=False)
    assert amiss(lab) == set()

    assert [name for name in cleanup.delete_experiments(lab) if name in before] == []

    assert cleanup.remaining(lab) == before
    assert amiss(lab) == set()


def test_nothing_is_made_beside_a_bucket_whose_trigger_would_take_the_uploads(lab):
    trigger = triggers.find_bucket_trigger(lab)
    del trigger["Filter"]
    everything = {"LambdaFunctionConfigurations": [trigger]}
    lab.client("s3").put_bucket_notification_configuration(Bucket=lab.bucket, NotificationConfiguration=everything)

    with pytest.raises(WrongResource, match=r"Give it the suffix \.txt"):
        experiments.prepare(lab)

    assert not [name for name in tables.names(lab) if "BreakIt" in name]


@pytest.mark.parametrize(
    ("code", "said", "error", "balance"),
    [
        ("def handler(event, context): pass\n", "lambda_handler", "AttributeError", "0"),
        (WORKS.format("import os; os._exit(3)"), "deployed", "the function did not end", "0"),
        (NUMBER_AS_TEXT, "deployed", "", "NaN"),
    ],
    ids=["no handler", "sudden exit", "number as text"],
)
def test_a_function_that_fails_is_stuck_and_any_total_is_compared(lab, deploy, code, said, error, balance):
    experiments.prepare(lab)
    assert said in deploy(lab, code)

    experiments.upload(lab, "break-it.txt")

    told, (row,) = experiments.error(lab), experiments.compare(lab, ANA).to_dict("records")
    assert (row["total"], str(row["other total"]), row["stuck"]) == (1400, balance, bool(error))
    assert error in told if error else told == ""


def test_a_delivery_by_hand_says_how_it_ended(lab, deploy):
    ours, _ = experiments.prepare(lab)
    deploy(lab, WORKS.format("raise ValueError('no')"))
    experiments.upload(lab, "break-it.txt")

    ended = experiments.deliver(lab, streams.records(ours, ANA))["ended"]

    assert ended.tolist() == ["without an error", "no"]


def test_a_dead_letter_stays_until_its_file_is_fixed(lab):
    ours, _ = experiments.prepare(lab)
    experiments.send(lab, "wrong/break-it-utf16.txt")
    experiments.wait_for_dead_letters(lab, key := "break-it/break-it-utf16.csv")

    with pytest.raises(LabError, match="it is not UTF-8 text"):
        experiments.send_again(lab, key)

    assert [letter["what"] for letter in queues.dead_letters(ours)] == [key]
