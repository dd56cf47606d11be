"""The code of a finished lab is replaced by code that does not do the work; what was done before is still there.

The probe shows it. The labs are built by hand, so that their roles may do what the code asks for.
"""

import json

import by_hand
import pytest
from by_hand import NOTIFIER, PROCESSOR
from chains import stop
from sabotage import Cases, assert_speaks

from lab_lib import checks
from lab_lib.aws import buckets, functions, tables, topics
from lab_lib.checks.chain import following
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

IDLE = "import boto3\n\n\ndef lambda_handler(event, context):\n    return 'ok'\n"
ANSWERS = """
import boto3

tables = boto3.resource("dynamodb").Table


def lambda_handler(event, context):
    tables("Customer").put_item(Item={"CustomerId": "C1", "Address": "1 Smith Street, London"})
    for customer, total in (("C1", 598), ("C2", 1750)):
        tables("TransactionTotal").put_item(Item={"CustomerId": customer, "accountBalance": total})
"""
WORK = f"probe|code of|log of|metrics of|{'|'.join(functions.SOURCES)}"
ROW = 'Decimal(row["trn_amount"])'
PUBLISH = "sns.publish(TopicArn=topic, Subject=subject, Message=json.dumps(message))"
case = Cases()


@case.tried
def test_code_that_does_not_do_the_work_is_caught(side_by_side, new_account, sabotage, about, says, steps, probe, fix):
    def report(sabotage, steps, probe, **_):
        lab = built_by_hand(new_account())
        sabotage(lab)
        report = checks.run(lab, *steps, **probe)
        stop(lab)
        return report

    assert_speaks(side_by_side(report), about, says)


def built_by_hand(account):
    lab = open_lab(account=account)
    by_hand.build(lab)
    with following(lab, DATA_FILE):
        buckets.upload(lab, DATA_FILE)
    return lab


def replace_code(lab, name, code):
    archive = functions.zipped({"lambda_function.py": code.encode()})
    lab.client("lambda").update_function_code(FunctionName=lab.name(name), ZipFile=archive)


def replaced(text, old, new):
    assert old in text
    return text.replace(old, new)


@case.each(
    WORK,
    "",
    (),
    True,
    knows_the_answers=ANSWERS,
    writes_no_transactions=replaced(PROCESSOR, "transactions.put_item(", "dict("),
    writes_no_customers=replaced(PROCESSOR, "customers.put_item(", "dict("),
    writes_no_date=replaced(PROCESSOR, '"TransactionDate": row["trn_date"]', '"Date": row["trn_date"]'),
    writes_amounts_as_text=replaced(PROCESSOR, ROW, 'row["trn_amount"]'),
    takes_the_handouts_file_only=replaced(
        PROCESSOR, "    text =", "    if not key.startswith('transactions'):\n        return\n    text ="
    ),
)
def a_processor(lab, code):
    replace_code(lab, "TransactionProcessor", code)


@case.each(
    f"{WORK}|balances",
    "",
    (),
    True,
    adds_up_and_never_publishes=replaced(NOTIFIER, PUBLISH, "print(message)"),
    publishes_to_another_topic=replaced(
        NOTIFIER, "TopicArn=topic", 'TopicArn=sns.create_topic(Name="Other")["TopicArn"]'
    ),
    publishes_a_text=replaced(NOTIFIER, "json.dumps(message)", "str(message)"),
    publishes_a_number=replaced(NOTIFIER, "str(balance)", "float(balance)"),
    publishes_for_everybody=replaced(NOTIFIER, 'balance >= Decimal("1500")', "True"),
    has_a_threshold_ten_times_as_high=replaced(NOTIFIER, '"1500"', '"15000"'),
    reads_the_first_record_only=replaced(NOTIFIER, 'event["Records"]:', 'event["Records"][:1]:'),
    keeps_the_last_amount=replaced(NOTIFIER, "ADD accountBalance", "SET accountBalance ="),
    keeps_the_total_under_another_name=replaced(
        replaced(NOTIFIER, "ADD accountBalance", "ADD balance"), '["accountBalance"]', '["balance"]'
    ),
)
def a_notifier(lab, code):
    replace_code(lab, "TotalNotifier", code)


@case("cents", steps=("01", "02"), probe=True)
def a_processor_takes_whole_amounts_only(lab):
    code = replaced(PROCESSOR, ROW, 'int(float(row["trn_amount"]))')
    replace_code(lab, "TransactionProcessor", code)


@case("correction", steps=("01", "02"), probe=True)
def a_notifier_adds_a_correction_to_what_it_corrects(lab):
    """The handout's own does."""


@case("reject", steps=("01", "02"), probe=True)
def a_processor_loses_a_bad_row_in_silence(lab):
    """The handout's own does."""


# A whole account that never worked


def test_rows_totals_and_alerts_that_were_typed_in_get_no_full_marks(new_account):
    lab = open_lab(account=new_account())
    by_hand.build(lab)
    for name in functions.SOURCES:
        replace_code(lab, name, IDLE)
        functions.invoke(lab, name, {})
    buckets.upload(lab, DATA_FILE)
    _, *rows = (line.split("|") for line in DATA_FILE.read_text().splitlines())
    for customer, address, transaction, date, amount in rows:
        tables.put_item(lab, "Customer", {"CustomerId": customer, "Address": address})
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionDate": date}
        tables.put_item(lab, "Transactions", {**item, "TransactionAmount": int(amount)})
    for customer, total in (("C1", 598), ("C2", 1750)):
        tables.put_item(lab, "TransactionTotal", {"CustomerId": customer, "accountBalance": total})
    alert = json.dumps({"customerID": "C2", "accountBalance": "1750"})
    lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=alert)

    report = checks.run(lab, probe=True)

    assert {check.step for check in report.checks} >= {"00", "01", "02", "03", "04", "05", "probe"}
    assert "probe-rows" in {check.id for check in report.failed}
