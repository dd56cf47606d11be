"""What notebook 06 breaks is put back: on the embedded AWS, with the real functions."""

from decimal import Decimal
from pathlib import Path

import pytest

from conftest import logged
from lab_lib import checks
from lab_lib.aws import buckets, functions, queues, streams, tables, topics, triggers
from lab_lib.exercises import experiments
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

DATA = Path(DATA_FILE).parent
SAMPLE_TOTALS = {"C1": Decimal(598), "C2": Decimal(1750)}
POISON = {"CustomerId": "Break Dora", "TransactionId": "T11", "TransactionAmount": "a lot"}


@pytest.fixture
def finished(chain):
    """The lab after notebook 05."""
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)
    logged(chain.lab)
    return chain


@pytest.fixture
def broken(finished):
    """The lab as the experiments of notebook 06 leave it, but for the topic, which is there again."""
    lab = finished.lab
    experiments.upload(lab, DATA / "break-it.txt")
    experiments.upload(lab, DATA / "break-it-corrected.txt")
    experiments.upload(lab, DATA / "wrong" / "break-it-rows.txt")
    buckets.upload(lab, DATA / "wrong" / "break-it-utf16.txt")
    tables.put_item(lab, "Transactions", POISON)
    finished.put("break-it-high.txt", [f"Break Emil|7 Smith Street|T13|03/17/2017|{lab.threshold:f}"])
    experiments.wait_for_alert(lab, "Break Emil")
    experiments.wait_for_dead_letters(lab, "Break Dora T11", "break-it-utf16.txt")
    return finished


@pytest.fixture
def held():
    """All that the account holds but the markers and the logs."""

    def held(chain):
        rows = {name: tables.items(chain.lab, name) for name in ("Customer", "Transactions", "TransactionTotal")}
        alerts = {name: sorted(chain.alerts(name)) for name in queues.ALERT_QUEUES}
        keys = [each["Key"] for each in buckets.objects(chain.lab)]
        return rows, alerts, keys, queues.dead_letters(chain.lab), len(triggers.subscriptions(chain.lab))

    return held


@pytest.fixture
def amiss():
    """What does not hold in the account, going further included."""
    return lambda chain: [check.name for check in checks.run(chain.lab).checks if not check.ok]


def newest(chain):
    return buckets.uploads(chain.lab)[-1]["LastModified"]


def test_put_back_leaves_the_account_as_it_was(finished, held, amiss, request):
    before = held(finished)
    assert amiss(finished) == []
    request.getfixturevalue("broken")
    assert held(finished) != before
    assert {"readable uploads", "amounts in Transactions", "messages in LabDeadLetters"} <= {*amiss(finished)}

    experiments.put_back(finished.lab)

    assert held(finished) == before
    assert amiss(finished) == []


def test_put_back_twice_is_quiet_and_uploads_nothing_again(broken):
    experiments.put_back(broken.lab)
    before = newest(broken)

    experiments.put_back(broken.lab)

    assert newest(broken) == before


def test_put_back_changes_nothing_where_nothing_was_broken(finished, held):
    before, uploaded = held(finished), newest(finished)

    experiments.put_back(finished.lab)

    assert held(finished) == before
    assert newest(finished) == uploaded


def test_put_back_leaves_what_only_sounds_alike(broken, held):
    broken.put("broken.txt", ["Breaker|1 High Street|T1|03/17/2017|1500", "C3 Break |2 High Street|T2|03/17/2017|7"])
    broken.wait_for_totals(**{"Breaker": "1500", "C3 Break": "7"})
    wait_until(lambda: ("Breaker", 1500) in broken.alerts("CreditCollection"), "the alert")
    broken.put("holiday.txt", b"\xff\xd8\xff")
    experiments.wait_for_dead_letters(broken.lab, "holiday.txt")

    experiments.put_back(broken.lab)

    _, alerts, keys, letters, _ = held(broken)
    assert broken.totals() == {**SAMPLE_TOTALS, "Breaker": Decimal(1500), "C3 Break": Decimal(7)}
    assert alerts["CustomerNotify"] == alerts["CreditCollection"] == [("Breaker", 1500), ("C2", 1750)]
    assert keys == ["broken.txt", "holiday.txt", "transactions.txt"]
    assert [letter["what"] for letter in letters] == ["holiday.txt"]


def test_put_back_takes_back_what_is_not_counted_yet(finished, held):
    before = held(finished)
    triggers.switch_stream_trigger(finished.lab, on=False)
    buckets.upload(finished.lab, DATA / "break-it.txt")
    wait_until(lambda: len(tables.items(finished.lab, "Transactions", beginning="Break ")) == 4, "the rows")

    experiments.put_back(finished.lab)

    wait_until(lambda: len(tables.items(finished.lab, "ProcessedRecords")) == 24 + 4 + 4, "all changes to be counted")
    assert held(finished) == before


def test_put_back_mends_a_topic_that_is_gone_and_a_trigger_that_is_paused(finished, amiss):
    topics.delete_topic(finished.lab)
    triggers.switch_stream_trigger(finished.lab, on=False)

    experiments.put_back(finished.lab)

    assert amiss(finished) == []


def test_put_back_deletes_the_letter_of_a_change_that_lambda_gave_up(finished, held):
    """As when somebody leaves notebook 06 while the topic is away."""
    before, lab = held(finished), finished.lab
    mapping = triggers.find_stream_trigger(lab)["UUID"]
    lab.client("lambda").update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=0)
    topics.delete_topic(lab)
    finished.put("break-it-high.txt", [f"Break Emil|7 Smith Street|T13|03/17/2017|{lab.threshold:f}"])
    experiments.wait_for_dead_letters(lab, "1 changes")

    experiments.put_back(lab)

    assert held(finished) == before


def test_put_back_subscribes_the_labs_address_again(new_account, chain_in):
    chain = chain_in(new_account(), email="ana@example.com", phone="+15555550100")
    chain.build()
    topics.delete_topic(chain.lab)

    experiments.put_back(chain.lab)

    ends = sorted(each["Protocol"] for each in triggers.subscriptions(chain.lab))
    assert ends == ["email", "sms", "sqs", "sqs"]


def test_after_put_back_an_error_of_the_experiments_does_not_count_any_more(finished, amiss):
    before = newest(finished)
    topics.delete_topic(finished.lab)
    finished.put("break-it-high.txt", ["Break Emil|7 Smith Street|T13|03/17/2017|1500"])
    experiments.wait_for_failure(finished.lab)
    # As if the upload had been removed without more: the error is the newest thing that happened.
    buckets.delete_object(finished.lab, "break-it-high.txt")
    assert "errors in the log of TotalNotifier" in amiss(finished)

    experiments.put_back(finished.lab)

    assert newest(finished) > before
    assert amiss(finished) == []
    assert finished.totals() == SAMPLE_TOTALS


def test_the_topic_can_be_taken_away_and_made_again_and_the_alert_comes_once(finished):
    lab, subscribed = finished.lab, triggers.subscriptions(finished.lab)
    topics.delete_topic(lab)
    finished.put("break-it-high.txt", ["Break Emil|7 Smith Street|T13|03/17/2017|1500"])

    assert "Topic does not exist" in experiments.wait_for_failure(lab)
    triggers.switch_stream_trigger(lab, on=False)
    assert finished.totals()["Break Emil"] == 1500
    topics.ensure_topic(lab)
    for each in subscribed:
        triggers.ensure_subscription(lab, each["Protocol"], each["Endpoint"])
    triggers.switch_stream_trigger(lab, on=True)
    experiments.wait_for_alert(lab, "Break Emil")

    assert finished.totals()["Break Emil"] == 1500
    for queue in queues.ALERT_QUEUES:
        assert finished.alerts(queue) == [("Break Emil", 1500), ("C2", 1750)]


def test_waiting_for_a_failure_ends_at_once_while_the_topic_is_there(finished):
    assert experiments.wait_for_failure(finished.lab) == ""


def test_upload_tells_what_became_of_the_file_each_time(finished):
    first = experiments.upload(finished.lab, DATA / "break-it.txt")
    second = experiments.upload(finished.lab, DATA / "break-it.txt")

    assert first == second == {"key": "break-it.txt", "rows": 4, "written": 4, "rejected": 0}
    assert finished.totals() == {**SAMPLE_TOTALS, "Break Ana": Decimal(1400), "Break Ben": Decimal(250)}


def test_the_stream_holds_what_the_function_counted(finished):
    records = streams.records(finished.lab)

    assert len(records) == 24
    assert {each["eventID"] for each in records} == {
        each["EventId"] for each in tables.items(finished.lab, "ProcessedRecords")
    }


def test_records_that_are_delivered_once_more_by_hand_change_nothing(finished):
    records = streams.records(finished.lab)

    answer = functions.invoke(finished.lab, "TotalNotifier", {"Records": records})

    assert answer == {"batchItemFailures": []}
    assert finished.totals() == SAMPLE_TOTALS
    assert finished.alerts("CustomerNotify") == [("C2", 1750)]


def test_more_records_than_one_answer_holds_are_all_read(lab):
    tables.ensure_table(lab, "Transactions")
    dynamodb = lab.client("dynamodb")
    for start in range(0, 1200, 25):
        keys = [
            {"CustomerId": {"S": f"C{start}"}, "TransactionId": {"S": f"T{n:04}"}} for n in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={"Transactions": [{"PutRequest": {"Item": key}} for key in keys]})

    records = streams.records(lab)

    read = [streams.change(record)["TransactionId"] for record in records]
    assert read == [f"T{number:04}" for number in range(1200)]
    assert streams.records(lab, after=streams.end(lab)) == []


@pytest.mark.parametrize(("prediction", "said"), [(None, ""), (50, "right."), (250, "250; it is 50.")])
def test_a_prediction_is_judged_if_there_is_one(capsys, prediction, said):
    experiments.judge(prediction, Decimal(50))

    assert capsys.readouterr().out.strip().endswith(said)
    assert bool(said) == (prediction is not None)
