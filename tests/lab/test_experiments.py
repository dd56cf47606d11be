"""The experiments of notebook 06 are put back, with the real functions on the embedded AWS."""

from decimal import Decimal
from pathlib import Path

import pytest
from chains import logged

from lab_lib import checks
from lab_lib.aws import buckets, queues, tables, topics, triggers
from lab_lib.exercises import experiments
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

DATA = Path(DATA_FILE).parent
HIGH = ["Break Emil|7 Smith Street|T13|03/17/2017|1500"]


@pytest.fixture
def finished(chain_in, account):
    """The lab after notebook 05, with subscribers."""
    chain = chain_in(account, email="ana@example.com", phone="+15555550100").build()
    for protocol, address in (("email", chain.lab.email), ("sms", chain.lab.phone)):
        triggers.ensure_subscription(chain.lab, protocol, address)
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)
    logged(chain.lab)
    return chain


def held(chain):
    """Return all that the account holds but the markers and the logs."""
    rows = {name: tables.items(chain.lab, name) for name in ("Customer", "Transactions", "TransactionTotal")}
    alerts = [chain.alerts(name) for name in queues.ALERT_QUEUES]
    subscribers = sorted(each["Protocol"] for each in triggers.subscriptions(chain.lab))
    return rows, alerts, keys(chain), queues.dead_letters(chain.lab), subscribers


def keys(chain):
    return [each["Key"] for each in buckets.objects(chain.lab)]


def amiss(chain):
    """Return the names of the checks that do not hold, going further included."""
    return {check.name for check in checks.run(chain.lab).checks if not check.ok}


def newest(chain):
    return buckets.uploads(chain.lab)[-1]["LastModified"]


def break_it(chain):
    """Do the experiments, but leave the topic where it is."""
    for name in ("break-it.txt", "break-it-corrected.txt", "wrong/break-it-rows.txt"):
        experiments.upload(chain.lab, DATA / name)
    buckets.upload(chain.lab, DATA / "wrong" / "break-it-utf16.txt")
    poison = {"CustomerId": "Break Dora", "TransactionId": "T11", "TransactionAmount": "a lot"}
    tables.put_item(chain.lab, "Transactions", poison)
    chain.put("break-it-high.txt", HIGH)
    experiments.wait_for_alert(chain.lab, "Break Emil")
    experiments.wait_for_dead_letters(chain.lab, "Break Dora T11", "break-it-utf16.txt")
    assert experiments.wait_for_failure(chain.lab) == ""  # the topic is there


def test_put_back_leaves_the_account_as_it_was_and_is_quiet_the_second_time(finished):
    before = held(finished)
    assert not experiments.begun(finished.lab)
    break_it(finished)
    assert experiments.begun(finished.lab)
    assert {"readable uploads", "amounts in Transactions", "messages in LabDeadLetters"} <= amiss(finished)

    experiments.put_back(finished.lab)
    uploaded = newest(finished)
    experiments.put_back(finished.lab)

    assert held(finished) == before
    assert amiss(finished) == set()
    assert newest(finished) == uploaded
    assert not experiments.begun(finished.lab)


def test_put_back_leaves_what_has_a_similar_name(finished):
    experiments.upload(finished.lab, DATA / "break-it.txt")
    finished.put("broken.txt", ["Breaker|1 Street|T1|03/17/2017|1500", "C3 Break |2 Street|T2|03/17/2017|7"])
    finished.wait_for_totals(**{"Breaker": "1500", "C3 Break": "7"})
    wait_until(lambda: ("Breaker", 1500) in finished.alerts("CreditCollection"), "the alert")
    finished.put("holiday.txt", b"\xff\xd8\xff")
    experiments.wait_for_dead_letters(finished.lab, "holiday.txt")

    experiments.put_back(finished.lab)

    assert finished.totals() == {"C1": 598, "C2": 1750, "Breaker": 1500, "C3 Break": 7}
    for queue in queues.ALERT_QUEUES:
        assert finished.alerts(queue) == [("Breaker", 1500), ("C2", 1750)]
    assert keys(finished) == ["broken.txt", "holiday.txt", "transactions.txt"]
    assert [letter["what"] for letter in queues.dead_letters(finished.lab)] == ["holiday.txt"]


def test_put_back_repairs_topic_and_trigger_and_takes_back_what_is_not_counted_yet(finished):
    before, lab = held(finished), finished.lab
    topics.delete_topic(lab)
    triggers.switch_stream_trigger(lab, on=False)
    buckets.upload(lab, DATA / "break-it.txt")
    wait_until(lambda: len(tables.items(lab, "Transactions", beginning="Break ")) == 4, "the rows")

    experiments.put_back(lab)

    wait_until(lambda: finished.changes() == 24 + 4 + 4, "all changes to be counted")
    assert held(finished) == before
    assert amiss(finished) == set()


def test_put_back_deletes_the_letter_of_a_change_that_lambda_gave_up_and_leaves_its_error_behind(finished):
    before, lab, uploaded = held(finished), finished.lab, newest(finished)
    mapping = triggers.find_stream_trigger(lab)["UUID"]
    lab.client("lambda").update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=0)
    topics.delete_topic(lab)
    finished.put("break-it-high.txt", HIGH)
    experiments.wait_for_dead_letters(lab, "1 changes")
    assert "errors in the log of TotalNotifier" in amiss(finished)

    experiments.put_back(lab)
    triggers.ensure_stream_trigger(lab)

    assert held(finished) == before
    assert newest(finished) > uploaded
    assert amiss(finished) == set()


@pytest.mark.parametrize(("prediction", "words"), [(None, ""), (50, "right."), (250, "250; it is 50.")])
def test_a_prediction_is_checked_if_there_is_one(capsys, prediction, words):
    experiments.check_prediction(prediction, Decimal(50))

    assert capsys.readouterr().out.strip().endswith(words)
    assert bool(words) == (prediction is not None)
