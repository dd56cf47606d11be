import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pytest

from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, roles, streams, tables
from lab_lib.exercises import classic
from lab_lib.views import frames


@pytest.fixture
def put_total(lab):
    def put_total(customer, balance, **more):
        item = {"CustomerId": {"S": customer}, "accountBalance": {"N": balance}, **more}
        lab.client("dynamodb").put_item(TableName="TransactionTotal", Item=item)

    tables.ensure_table(lab, "TransactionTotal")
    return put_total


@pytest.fixture
def with_functions(lab):
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    for name in functions.SOURCES:
        functions.ensure_function(lab, name)
    return lab


@pytest.fixture
def write_log(with_functions):
    def write_log(name, *lines):
        logs, group = with_functions.client("logs"), cloudwatch.log_group(with_functions, name)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    return write_log


@pytest.fixture
def rows():
    return lambda frame: frame.to_dict("records")


def test_objects_have_key_and_size(lab, rows):
    buckets.ensure_bucket(lab)
    lab.client("s3").put_object(Bucket=lab.bucket, Key="a.txt", Body=b"abc")

    assert rows(frames.objects(lab)) == [{"Key": "a.txt", "Size": 3}]


@pytest.mark.parametrize("name", list(tables.KEYS))
def test_an_empty_table_is_an_empty_frame_with_its_columns(lab, name):
    tables.ensure_table(lab, name)

    frame = frames.table(lab, name)

    assert list(frame.columns) == frames.COLUMNS[name]
    assert len(frame) == 0


def test_every_table_has_its_columns_and_begins_with_its_key():
    assert {name: columns[: len(tables.KEYS[name])] for name, columns in frames.COLUMNS.items()} == tables.KEYS


def test_an_empty_bucket_is_an_empty_frame_with_its_columns(lab):
    buckets.ensure_bucket(lab)

    assert list(frames.objects(lab).columns) == ["Key", "Size"]
    assert len(frames.objects(lab)) == 0


def test_totals_are_decimals_in_the_order_of_the_customers(lab, put_total, rows):
    put_total("C2", "1750.10", alerted={"BOOL": True})
    put_total("C1", "598")

    assert rows(frames.totals(lab)) == [
        {"CustomerId": "C1", "accountBalance": Decimal(598), "alerted": False},
        {"CustomerId": "C2", "accountBalance": Decimal("1750.10"), "alerted": True},
    ]


@pytest.mark.parametrize("balances", [[], ["1"], ["1", "2"]])
def test_alerted_is_a_column_of_truth_values_whatever_is_in_the_table(lab, put_total, balances):
    for number, balance in enumerate(balances):
        put_total(f"C{number}", balance)

    assert frames.totals(lab)["alerted"].dtype == bool


def test_alerts_are_those_of_the_queue_and_stay_there(lab, rows):
    url = queues.ensure_queue(lab, "CustomerNotify")
    alert = {"customerID": "C2", "accountBalance": "1750"}
    lab.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"Message": json.dumps(alert)}))

    assert rows(frames.alerts(lab, "CustomerNotify")) == [alert]
    assert rows(frames.alerts(lab, "CustomerNotify")) == [alert]


def test_no_alerts_are_an_empty_frame_with_its_columns(lab):
    queues.ensure_queue(lab, "CustomerNotify")

    assert list(frames.alerts(lab, "CustomerNotify").columns) == ["customerID", "accountBalance"]


def test_rejected_rows_have_line_reason_and_row(lab, rows):
    buckets.ensure_bucket(lab)
    body = b"line,reason,row\r\n7,trn_id is empty,C1||\r\n"
    lab.client("s3").put_object(Bucket=lab.bucket, Key="rejected/a.txt.csv", Body=body)

    assert rows(frames.rejected(lab, "a.txt")) == [{"line": 7, "reason": "trn_id is empty", "row": "C1||"}]
    assert list(frames.rejected(lab, "b.txt").columns) == ["line", "reason", "row"]


def test_logs_are_what_the_functions_printed_without_lambdas_own_lines(lab, write_log, rows):
    own = ["INIT_START Runtime", "START RequestId: 1", "END RequestId: 1", "REPORT RequestId: 1 Duration: 2 ms"]
    write_log("TransactionProcessor", own[0], own[1], '{"key": "a.txt"}\n', own[2], own[3])
    write_log("TotalNotifier", "END of the day")

    assert rows(frames.logs(lab)) == [
        {"function": "TransactionProcessor", "message": '{"key": "a.txt"}'},
        {"function": "TotalNotifier", "message": "END of the day"},
    ]


def test_runs_count_the_ends_of_runs_in_the_log(lab, write_log, rows):
    write_log("TransactionProcessor", "REPORT RequestId: 1 Duration: 2 ms", "REPORTED", "REPORT RequestId: 2")

    assert [list(row.values()) for row in rows(frames.runs(lab))] == [["TransactionProcessor", 2], ["TotalNotifier", 0]]


def test_logs_and_runs_before_the_functions_are_made_are_empty(lab):
    assert len(frames.logs(lab)) == 0
    assert frames.runs(lab)["runs in the log"].sum() == 0


def test_metrics_without_any_run_are_nought(lab, rows):
    nothing = {"Invocations": 0, "Errors": 0, "Throttles": 0}

    assert rows(frames.metrics(lab)) == [
        {"function": "TransactionProcessor", **nothing},
        {"function": "TotalNotifier", **nothing},
    ]


def test_metrics_are_the_sums_of_each_function_whatever_the_order_of_the_answer(lab, monkeypatch, rows):
    # AWS promises no order of the results.
    sums = {"TransactionProcessor": [1, 2, 3], "TotalNotifier": [40, 50, 60]}

    def get_metric_data(MetricDataQueries, StartTime, EndTime):
        assert StartTime < datetime.now(UTC) < EndTime
        results = []
        for query in MetricDataQueries:
            metric = query["MetricStat"]["Metric"]
            function = metric["Dimensions"][0]["Value"]
            value = sums[function][cloudwatch.METRICS.index(metric["MetricName"])]
            results.append({"Id": query["Id"], "Values": [value - 1.0, 1.0]})
        return {"MetricDataResults": results[::-1]}

    monkeypatch.setattr(lab.client("cloudwatch"), "get_metric_data", get_metric_data)

    assert rows(frames.metrics(lab)) == [
        {"function": "TransactionProcessor", "Invocations": 1, "Errors": 2, "Throttles": 3},
        {"function": "TotalNotifier", "Invocations": 40, "Errors": 50, "Throttles": 60},
    ]


def test_a_frame_of_totals_can_be_added_up_without_losing_a_cent(lab, put_total):
    for number in range(10):
        put_total(f"C{number}", "0.1")

    total = frames.totals(lab)["accountBalance"].sum()

    assert isinstance(frames.totals(lab), pd.DataFrame)
    assert total == Decimal(1)


@pytest.fixture
def with_changes(lab):
    """A transaction of C1 that was corrected and one that was deleted; C2 has one with a text for its amount."""
    for name in ("Transactions", "TransactionTotal"):
        tables.ensure_table(lab, name)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, name)
    for customer, transaction, amount in (
        ("C1", "T1", 1000),
        ("C1", "T1", 1400),
        ("C2", "T2", "a lot"),
        ("C2", "T3", 5),
        ("C1", "T4", 7),
    ):
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)
    tables.delete_item(lab, "Transactions", {"CustomerId": "C1", "TransactionId": "T4"})


def test_changes_are_the_records_of_the_stream(lab, with_changes):
    frame = frames.changes(lab)

    assert list(frame.columns) == ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]
    assert frame.to_numpy().tolist() == [
        ["INSERT", "C1", "T1", None, Decimal(1000)],
        ["MODIFY", "C1", "T1", Decimal(1000), Decimal(1400)],
        ["INSERT", "C2", "T2", None, "a lot"],
        ["INSERT", "C2", "T3", None, Decimal(5)],
        ["INSERT", "C1", "T4", None, Decimal(7)],
        ["REMOVE", "C1", "T4", Decimal(7), None],
    ]
    assert frames.changes(lab, "C2")["TransactionId"].tolist() == ["T2", "T3"]


def test_changes_after_a_place_are_the_later_ones(lab, with_changes):
    end = streams.end(lab)
    assert frames.changes(lab, after=end).empty

    tables.delete_item(lab, "Transactions", {"CustomerId": "C2", "TransactionId": "T3"})

    assert frames.changes(lab, after=end)["TransactionId"].tolist() == ["T3"]


def test_without_a_stream_there_are_no_changes(lab):
    assert list(frames.changes(lab).columns) == ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]


def test_what_the_account_holds_stands_beside_the_classic_function(lab, with_changes, put_total, rows):
    put_total("C1", "1400.50")
    alert = {"Message": json.dumps({"customerID": "C1", "accountBalance": "1400"})}
    url = queues.find_queue(lab, "CustomerNotify")
    lab.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(alert))

    beside = rows(classic.compare(lab, "C2", "C1"))

    columns = ["CustomerId", "total", "alerts", "classic total", "classic alerts", "stuck"]
    assert [list(row) for row in beside] == [columns, columns]
    assert [list(row.values()) for row in beside] == [
        ["C2", 0, 0, 0, 0, True],
        ["C1", Decimal("1400.50"), 1, 2400, 1, True],
    ]


def test_beside_the_classic_function_a_batch_can_come_often_and_without_a_topic(lab, with_changes, rows):
    end = streams.end(lab)
    item = {"CustomerId": "C9", "TransactionId": "T9", "TransactionAmount": 1500}
    tables.put_item(lab, "Transactions", item)

    (row,) = rows(classic.compare(lab, "C9", after=end, times=3, without_topic=2))

    assert (row["classic total"], row["classic alerts"], row["stuck"]) == (4500, 1, False)


def test_dead_letters_are_in_the_order_of_what_they_are_about(lab, rows):
    url = queues.ensure_queue(lab, queues.DEAD_LETTERS)
    for key in ("b.txt", "a.txt"):
        event = {"Records": [{"s3": {"object": {"key": key}}}]}
        letter = {"requestPayload": event, "responsePayload": {"errorMessage": f"{key}: it is not UTF-8 text"}}
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(letter))

    assert rows(frames.dead_letters(lab)) == [
        {"what": "a.txt", "why": "a.txt: it is not UTF-8 text"},
        {"what": "b.txt", "why": "b.txt: it is not UTF-8 text"},
    ]


def test_the_reason_of_a_rejected_row_is_shown_to_its_end(lab):
    buckets.ensure_bucket(lab)
    reason = "trn_amount is 'ninety'; wanted a number such as 100 or 99.50"
    buckets.put(lab, "rejected/a.txt.csv", f"line,reason,row\n3,{reason},x\n".encode())

    assert reason in frames.rejected(lab, "a.txt").to_html()
