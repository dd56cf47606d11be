import json
from dataclasses import replace
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from lab_lib import buckets, checks, functions, policies, queues, roles, tables, topics, transactions, triggers
from lab_lib.checks import Check, Report
from lab_lib.errors import CheckFailed, StepMissing

FIRST_MADE = {  # by each step
    "00-start-here": "The bucket",
    "01-create-functions": "Function TransactionProcessor",
    "02-add-triggers": "The bucket trigger",
    "03-create-topic": "The topic",
    "04-create-queues": "The subscription of CustomerNotify",
}
GOOD = Check("03", "topic", True, "HighBalanceAlert", "HighBalanceAlert", "Create the topic.")
BAD = Check("04", "a long name", False, "not there", "CustomerNotify", "Run the cell that makes it.")


@pytest.fixture
def started(lab):
    """What 00-start-here leaves."""
    buckets.ensure_bucket(lab)
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    return lab


@pytest.fixture
def with_functions(started):
    for name in functions.SOURCES:
        functions.ensure_function(started, name)
    return started


@pytest.fixture
def with_queues(started):
    """What 03-create-topic and 04-create-queues leave."""
    topics.ensure_topic(started)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(started, name)
        triggers.ensure_queue_subscription(started, name)
    return started


@pytest.fixture
def put(lab):
    """put("Customer", CustomerId="C1"): an item as a function would write it."""

    def put(table, **item):
        values = {
            name: {"N": str(value)} if isinstance(value, Decimal) else {"S": value} for name, value in item.items()
        }
        lab.client("dynamodb").put_item(TableName=table, Item=values)

    return put


@pytest.fixture
def alert(lab):
    def alert(customer, balance):
        message = json.dumps({"customerID": customer, "accountBalance": balance})
        lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=message)

    return alert


@pytest.fixture
def uploaded(with_queues, put, alert, tmp_path):
    """The whole chain ran for a small file with one bad row; gives the file as the lab reads it."""
    lab, path = with_queues, tmp_path / "small.txt"
    path.write_text(
        "customer_id|customer_address|trn_id|trn_date|trn_amount\n"
        "C1|a|T1|03/16/2017|598\nC2|b|T2|03/16/2017|1000\nC2|b|T3|03/16/2017|750\nbad\n"
    )
    file = transactions.read(path)
    buckets.upload(lab, path)
    for row in file.rows:
        put("Customer", CustomerId=row["CustomerId"], Address=row["Address"])
        put("Transactions", **{name: value for name, value in row.items() if name != "Address"})
    put("TransactionTotal", CustomerId="C1", accountBalance=Decimal(598))
    put("TransactionTotal", CustomerId="C2", accountBalance=Decimal(1750))
    kept = b"line,reason,row\r\n5,1 fields; wanted 5,bad\r\n"
    lab.client("s3").put_object(Bucket=lab.bucket, Key="rejected/small.txt.csv", Body=kept)
    alert("C2", "1750")
    return file


@pytest.fixture
def failed(lab):
    """{name: found} of the checks of a step that do not hold."""
    return lambda step: {check.name: check.found for check in checks.run(lab, step).failed}


def test_a_report_in_text_has_a_line_for_each_check_with_what_to_do():
    assert repr(Report([GOOD, BAD])).splitlines() == [
        "✔ ok  topic        HighBalanceAlert",
        "✘ not yet  a long name  not there; wanted: CustomerNotify. Run the cell that makes it.",
    ]


def test_a_report_of_nothing_is_empty():
    assert repr(Report([])) == ""
    assert Report([]).failed == []


def test_a_report_knows_which_checks_failed():
    assert Report([GOOD, BAD, GOOD]).failed == [BAD]


def test_a_report_in_html_is_a_table_with_a_row_for_each_check():
    html = Report([GOOD, BAD])._repr_html_()

    assert html.count("<tr>") == 3
    assert html.count('scope="col"') == 3
    assert html.index("✔ ok") < html.index("✘ not yet")
    assert "not there; wanted: CustomerNotify. Run the cell that makes it." in html


def test_a_report_in_html_shows_markup_as_text():
    odd = replace(BAD, name="<b>name</b>", found="<script>found</script>", wanted='"&wanted"', hint="<i>hint</i>")

    html = Report([odd])._repr_html_()

    assert "&lt;script&gt;found&lt;/script&gt;" in html
    assert "&quot;&amp;wanted&quot;" in html
    assert not any(tag in html for tag in ("<script", "<b>", "<i>"))


@pytest.mark.parametrize("step", ["00", "01", "02", "03", "04"])
def test_in_an_empty_account_no_check_of_a_step_holds(lab, step):
    report = checks.run(lab, step)

    assert report.checks
    assert report.failed == report.checks
    assert {check.step for check in report.checks} == {step}
    assert all(check.hint.endswith(".") for check in report.checks)


def test_in_an_empty_account_the_results_are_not_there_yet(lab):
    assert "uploads in the bucket" in {check.name for check in checks.run(lab, "05").failed}


def test_in_an_empty_account_nothing_is_left(lab, failed):
    assert failed("99") == {}


def test_all_checks_hold_after_their_steps(with_functions, with_queues, failed):
    lab = with_functions
    triggers.ensure_bucket_trigger(lab)
    triggers.ensure_stream_trigger(lab)

    assert [failed(step) for step in ("00", "01", "02", "03", "04")] == [{}] * 5


def test_what_the_lab_made_and_is_still_there_is_named(lab, failed):
    topics.ensure_topic(lab)

    assert failed("99") == {"made by this lab and still there": "topic HighBalanceAlert"}


def test_a_bucket_that_the_public_can_reach_is_found(started, failed):
    started.client("s3").delete_public_access_block(Bucket=started.bucket)

    assert failed("00") == {"public access to the bucket": "possible"}


def test_a_table_with_another_key_is_found(lab, failed):
    lab.client("dynamodb").create_table(
        TableName="Customer",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    assert failed("00")["table Customer"] == "Id"


def test_a_stream_that_is_off_is_found(started, failed):
    off = {"StreamEnabled": False}
    started.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=off)

    assert failed("00") == {"stream of Transactions": "off"}


def test_a_function_with_the_consoles_timeout_is_found(with_functions, failed):
    with_functions.client("lambda").update_function_configuration(FunctionName="TotalNotifier", Timeout=3)

    assert failed("01") == {"timeout of TotalNotifier": "3 s"}


def test_a_function_with_the_other_functions_role_is_found(with_functions, failed):
    role = roles.find_role(with_functions, "TransactionProcessorRole")
    with_functions.client("lambda").update_function_configuration(FunctionName="TotalNotifier", Role=role)

    assert failed("01") == {"role of TotalNotifier": "TransactionProcessorRole"}


def test_a_trigger_for_every_key_is_found(with_functions, failed):
    triggers.ensure_bucket_trigger(with_functions)
    triggers.ensure_stream_trigger(with_functions)
    notification = triggers.find_bucket_trigger(with_functions)
    notification.pop("Filter")
    with_functions.client("s3").put_bucket_notification_configuration(
        Bucket=with_functions.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [notification]}
    )

    assert failed("02") == {"only for keys that end in": "anything"}


def test_a_stream_trigger_that_is_switched_off_is_found(with_functions, failed):
    triggers.ensure_bucket_trigger(with_functions)
    uuid = triggers.ensure_stream_trigger(with_functions)
    with_functions.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)

    assert failed("02") == {"stream starts TotalNotifier": "Disabled"}


def test_a_queue_that_is_not_subscribed_is_found(with_queues, failed):
    arn = triggers.find_queue_subscription(with_queues, "CreditCollection")
    with_queues.client("sns").unsubscribe(SubscriptionArn=arn)

    assert failed("04") == {"subscription of CreditCollection": "not there"}


def test_a_queue_that_lets_nobody_in_is_found(with_queues, failed):
    url = queues.find_queue(with_queues, "CustomerNotify")
    with_queues.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})

    assert failed("04") == {"CustomerNotify lets in": "nobody"}


def test_a_wanted_email_subscription_is_there_even_before_it_is_confirmed(lab):
    with_email = replace(lab, email="ana@example.com")
    topics.ensure_topic(with_email)
    assert [check.name for check in checks.run(with_email, "03").failed] == ["email subscription"]

    triggers.ensure_subscription(with_email, "email", "ana@example.com")

    assert checks.run(with_email, "03").failed == []


def test_the_results_hold_when_the_tables_and_the_queues_agree(uploaded, failed):
    assert failed("05") == {}


def test_a_total_that_is_not_the_sum_is_found(uploaded, put, failed):
    put("TransactionTotal", CustomerId="C1", accountBalance=Decimal(599))

    assert failed("05") == {"totals": "other than the sum of the transactions"}


def test_a_total_that_is_missing_is_found(uploaded, lab, failed):
    lab.client("dynamodb").delete_item(TableName="TransactionTotal", Key={"CustomerId": {"S": "C1"}})

    assert failed("05") == {"totals": "other than the sum of the transactions"}


def test_the_total_of_a_customer_whose_transactions_were_all_deleted_is_nought(uploaded, put, failed):
    put("TransactionTotal", CustomerId="C9", accountBalance=Decimal(0))

    assert failed("05") == {}


def test_a_customer_that_is_missing_is_named(uploaded, lab, failed):
    lab.client("dynamodb").delete_item(TableName="Customer", Key={"CustomerId": {"S": "C2"}})

    assert failed("05") == {"customers missing in Customer": "C2"}


def test_a_customer_at_exactly_the_threshold_wants_an_alert(uploaded, put, alert, failed):
    put("Customer", CustomerId="C3")
    put("Transactions", CustomerId="C3", TransactionId="T1", TransactionAmount=Decimal(1500))
    put("TransactionTotal", CustomerId="C3", accountBalance=Decimal(1500))
    assert failed("05") == dict.fromkeys([f"customers alerted in {name}" for name in queues.ALERT_QUEUES], "C2")

    alert("C3", "1500")

    assert failed("05") == {}


def test_a_customer_who_was_alerted_and_fell_again_breaks_no_check(uploaded, alert, failed):
    alert("C1", "1598")

    assert failed("05") == {}


def test_what_could_not_be_processed_is_counted(uploaded, lab, failed):
    url = queues.find_queue(lab, queues.DEAD_LETTERS)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    assert failed("05") == {"messages in LabDeadLetters": "1"}


def test_a_transaction_that_a_learner_made_by_hand_without_an_amount_breaks_no_check(uploaded, put, failed):
    put("Transactions", CustomerId="C1", TransactionId="by hand")

    assert "totals" not in failed("05")


def test_totals_of_38_digits_agree_with_their_transactions(uploaded, put, failed):
    put("Customer", CustomerId="C4")
    for transaction, amount in (("T1", f"-{'9' * 35}.01"), ("T2", "-0.01")):
        put("Transactions", CustomerId="C4", TransactionId=transaction, TransactionAmount=Decimal(amount))
    put("TransactionTotal", CustomerId="C4", accountBalance=Decimal(f"-{'9' * 35}.02"))

    assert failed("05") == {}


def test_an_upload_that_has_gone_all_the_way_is_settled(uploaded, lab):
    assert checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_while_a_row_is_missing(uploaded, lab):
    key = {"CustomerId": {"S": "C1"}, "TransactionId": {"S": "T1"}}
    lab.client("dynamodb").delete_item(TableName="Transactions", Key=key)
    lab.client("dynamodb").delete_item(TableName="TransactionTotal", Key={"CustomerId": {"S": "C1"}})

    assert not checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_while_a_row_has_its_old_amount(uploaded, lab, put):
    put("Transactions", CustomerId="C1", TransactionId="T1", TransactionAmount=Decimal(1))
    put("TransactionTotal", CustomerId="C1", accountBalance=Decimal(1))

    assert not checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_while_a_total_lags_behind(uploaded, lab, put):
    put("TransactionTotal", CustomerId="C2", accountBalance=Decimal(1000))

    assert not checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_before_its_rejected_rows_are_kept(uploaded, lab):
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="rejected/small.txt.csv")

    assert not checks.settled(lab, uploaded)


@pytest.mark.parametrize("queue", queues.ALERT_QUEUES)
def test_an_upload_is_not_settled_while_an_alert_is_missing_in_a_queue(uploaded, lab, queue):
    lab.client("sqs").purge_queue(QueueUrl=queues.find_queue(lab, queue))

    assert not checks.settled(lab, uploaded)


def test_a_checkpoint_shows_the_report_and_how_many_checks_hold(lab, capsys):
    topics.ensure_topic(lab)

    checks.checkpoint(lab, "03")

    shown = capsys.readouterr().out
    assert "✔ ok  topic HighBalanceAlert" in shown
    assert shown.endswith("Checks that hold: 1 of 1\n")


def test_a_checkpoint_fails_with_the_first_check_that_does_not_hold_after_showing_all(started, capsys):
    started.client("sqs").delete_queue(QueueUrl=queues.find_queue(started, queues.DEAD_LETTERS))
    started.client("dynamodb").delete_table(TableName="Customer")

    with pytest.raises(CheckFailed) as caught:
        checks.checkpoint(started, "00")

    assert str(caught.value) == ("table Customer: not there; wanted: CustomerId. Make table Customer with this key.")
    shown = capsys.readouterr().out
    assert "✘ not yet  table Customer" in shown
    assert (
        f"Checks that hold: {len(checks.run(started, '00').checks) - 1} of {len(checks.run(started, '00').checks)}"
        in shown
    )


@pytest.mark.parametrize(("step", "what"), list(FIRST_MADE.items()))
def test_a_step_that_was_not_done_is_named_with_the_first_thing_that_is_missing(lab, step, what):
    with pytest.raises(StepMissing) as caught:
        checks.require(lab, step)

    assert str(caught.value) == f"{what} is not there yet. Run {step} first, then run this notebook again."


def test_of_several_steps_the_first_that_was_not_done_is_named(started):
    topics.ensure_topic(started)

    with pytest.raises(StepMissing, match=r"Run 01-create-functions first"):
        checks.require(started, "00-start-here", "03-create-topic", "01-create-functions", "04-create-queues")


def test_steps_that_were_done_are_not_missed(with_functions, with_queues):
    triggers.ensure_bucket_trigger(with_functions)
    triggers.ensure_stream_trigger(with_functions)

    assert checks.require(with_functions, *FIRST_MADE) is None


@pytest.mark.parametrize("table", list(tables.KEYS))
def test_a_step_of_which_one_table_is_missing_is_not_done(started, table):
    started.client("dynamodb").delete_table(TableName=table)

    with pytest.raises(StepMissing, match=f"Table {table} is not there yet. Run 00-start-here first"):
        checks.require(started, "00-start-here")


def test_a_refusal_is_never_a_missing_step(refuse, lab):
    refuse("s3", "head_bucket", code="403", message="Forbidden")

    with pytest.raises(ClientError, match="403"):
        checks.require(lab, "00-start-here")
