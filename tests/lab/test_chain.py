"""The whole chain on the embedded AWS: from an upload to the totals and the messages, and back to nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote_plus

import pytest

from conftest import logged
from lab_lib import checks, transactions
from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.errors import LabError, StepMissing
from lab_lib.run.headless import DATA_FILE
from lab_lib.views import frames, plots
from lab_lib.waiting import wait_until

STEPS = ["00-start-here", "01-create-functions", "02-add-triggers", "03-create-topic", "04-create-queues"]
SAMPLE_TOTALS = {"C1": Decimal(598), "C2": Decimal(1750)}


@pytest.fixture(scope="module")
def finished(chains):
    """The lab after the sample file has gone all the way. For tests that only look."""
    chain = next(chains)
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)
    logged(chain.lab)
    return chain


def test_the_sample_file_gives_the_handouts_totals(finished):
    assert finished.totals() == SAMPLE_TOTALS
    assert len(tables.items(finished.lab, "Transactions")) == 24
    assert tables.items(finished.lab, "Customer") == [
        {"CustomerId": "C1", "Address": "1 Smith Street, London"},
        {"CustomerId": "C2", "Address": "2 Smith Street, London"},
    ]


def test_a_transaction_has_the_handouts_attributes(finished):
    first = tables.items(finished.lab, "Transactions")[0]

    assert first == {
        "CustomerId": "C1",
        "TransactionId": "T01",
        "TransactionDate": "03/16/2017",
        "TransactionAmount": Decimal(100),
    }


@pytest.mark.parametrize("queue", queues.ALERT_QUEUES)
def test_the_sample_file_gives_one_message_in_each_queue(finished, queue):
    (message,) = finished.messages(queue)

    assert message["Type"] == "Notification"
    assert message["Subject"] == "Warning! Account balance is very high"
    assert message["Message"] == '{"customerID": "C2", "accountBalance": "1750"}'


def test_looking_into_a_queue_leaves_its_messages_there(finished):
    seen = [finished.messages("CustomerNotify") for _ in range(3)]

    assert [len(messages) for messages in seen] == [1, 1, 1]


def test_nothing_of_the_sample_file_is_rejected_or_set_aside(finished):
    assert [each["Key"] for each in buckets.objects(finished.lab)] == ["transactions.txt"]
    assert finished.messages(queues.DEAD_LETTERS) == []


@pytest.mark.parametrize("step", ["00", "01", "02", "03", "04", "05"])
def test_every_check_of_a_finished_step_holds(finished, step):
    report = checks.run(finished.lab, step)

    assert report.checks
    assert report.failed == []


def test_the_check_of_the_clean_up_does_not_hold_before_it(finished):
    assert [check.ok for check in checks.run(finished.lab, "99").checks] == [False]


def test_require_is_content_when_every_step_was_done(finished):
    assert checks.require(finished.lab, *STEPS) is None


def test_require_names_the_first_step_that_is_missing(lab, account, chain_in):
    chain, named = chain_in(account), []

    for make in (chain.start_here, chain.create_functions, chain.add_triggers, chain.create_topic, chain.create_queues):
        with pytest.raises(StepMissing) as missing:
            checks.require(lab, *STEPS)
        named.append([step for step in STEPS if step in str(missing.value)])
        make()

    assert named == [[step] for step in STEPS]
    checks.require(lab, *STEPS)


def test_no_check_holds_in_an_empty_account(lab):
    for step in ("00", "01", "02", "03", "04"):
        assert [check.name for check in checks.run(lab, step).checks if check.ok] == []


def test_the_same_upload_twice_changes_nothing(chain):
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)

    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_files("transactions.txt", "transactions.txt")
    chain.put("last.txt", ["C9|9 Smith Street|T99|03/17/2017|1"])  # what the second upload caused is through before it
    chain.wait_for_totals(C9="1")

    assert chain.totals() == {**SAMPLE_TOTALS, "C9": Decimal(1)}
    assert chain.alerts("CustomerNotify") == [("C2", 1750)]
    assert chain.alerts("CreditCollection") == [("C2", 1750)]
    assert chain.changes() == 25


def test_a_corrected_or_deleted_amount_corrects_the_total_and_each_crossing_alerts_once(chain):
    chain.put("a.txt", ["C1|1 Smith Street|T1|03/16/2017|1000", "C1|1 Smith Street|T2|03/16/2017|600.50"])
    chain.wait_for_changes(2)

    chain.put("a.txt", ["C1|1 Smith Street|T1|03/16/2017|10.25", "C1|1 Smith Street|T2|03/16/2017|600.50"])
    chain.wait_for_changes(3)

    assert chain.totals() == {"C1": Decimal("610.75")}
    assert chain.alerts() == [("C1", Decimal("1600.5"))]

    chain.put("a.txt", ["C1|1 Smith Street|T1|03/16/2017|900", "C1|1 Smith Street|T2|03/16/2017|600.50"])
    chain.wait_for_changes(4)

    assert chain.totals() == {"C1": Decimal("1500.50")}
    assert chain.alerts() == [("C1", Decimal("1500.5")), ("C1", Decimal("1600.5"))]

    key = {"CustomerId": {"S": "C1"}, "TransactionId": {"S": "T2"}}
    chain.lab.client("dynamodb").delete_item(TableName="Transactions", Key=key)
    chain.wait_for_changes(5)

    assert chain.totals() == {"C1": Decimal(900)}
    assert len(chain.alerts()) == 2


def test_rows_that_cannot_be_read_are_kept_with_their_lines(chain):
    rows = [
        "C1|1 Smith Street|T1|03/16/2017|100",
        "C1|1 Smith Street|T2|03/16/2017|a lot",
        "",
        "C1|1 Smith Street|T3|02/30/2017|10",
        "C1|1 Smith Street|T4|03/16/2017",
        "|1 Smith Street|T5|03/16/2017|10",
        "C1|1 Smith Street|T6|03/16/2017|1",
    ]

    chain.put("in/bad rows.txt", rows)
    chain.wait_for_files("in/bad rows.txt")
    chain.wait_for_changes(2)

    assert chain.totals() == {"C1": Decimal(101)}
    assert chain.reports("TransactionProcessor") == [{"key": "in/bad rows.txt", "rows": 6, "written": 2, "rejected": 4}]
    rejected = buckets.rejected_rows(chain.lab, "in/bad rows.txt")
    assert [(row["line"], row["row"]) for row in rejected] == [
        (number, rows[number - 2]) for number in (3, 5, 6, 7)
    ]  # line 1 is the header
    assert [
        next(word for word in ("trn_amount", "trn_date", "4 fields", "customer_id") if word in row["reason"])
        for row in rejected
    ] == ["trn_amount", "trn_date", "4 fields", "customer_id"]

    chain.put("in/bad rows.txt", [rows[0]])  # mended and uploaded again
    chain.wait_for_files("in/bad rows.txt", "in/bad rows.txt")

    assert buckets.rejected_rows(chain.lab, "in/bad rows.txt") == []


def test_a_file_that_cannot_be_read_to_its_end_goes_to_the_dead_letters_and_writes_nothing(chain, tmp_path):
    transactions.write(tmp_path / "good.txt", transactions.make_up(500, 5))
    files = {
        "picture.txt": b"\x89PNG\r\n\x1a\n\xff\xfe",
        "cut off.txt": (tmp_path / "good.txt").read_bytes() + "C1|München".encode()[:5],
    }

    for key, content in files.items():
        chain.put(key, content)
    wait_until(lambda: len(chain.messages(queues.DEAD_LETTERS)) == 2, "the dead letters", timeout=60)

    letters = chain.messages(queues.DEAD_LETTERS)
    events = [letter["requestPayload"]["Records"][0]["s3"]["object"]["key"] for letter in letters]
    assert sorted(map(unquote_plus, events)) == sorted(files)
    assert [letter["requestContext"]["condition"] for letter in letters] == ["RetriesExhausted"] * 2
    assert tables.items(chain.lab, "Transactions") == tables.items(chain.lab, "Customer") == []
    assert sorted(each["Key"] for each in buckets.objects(chain.lab)) == sorted(files)


def test_a_file_saved_by_a_spreadsheet_is_read_as_well(chain):
    chain.put("saved.txt", b"\xef\xbb\xbf" + DATA_FILE.read_text().replace("\n", "\r\n").encode())
    chain.wait_for_changes(24)

    assert chain.totals() == SAMPLE_TOTALS
    assert tables.items(chain.lab, "Customer")[0]["Address"] == "1 Smith Street, London"


def test_any_key_that_ends_in_txt_is_found_and_no_other(chain):
    key = "März 2017/A+B 100% & 交易.txt"

    chain.put("other.csv", ["C3|3 Smith Street|T1|03/16/2017|1"])
    chain.put(key, ['O"Hara|1 Smith Street|T1|03/16/2017|1500', "C2||T1|03/16/2017|a"])
    chain.wait_for_files(key)
    chain.wait_for_changes(1)

    assert chain.alerts("CreditCollection") == [('O"Hara', 1500)]
    assert [row["line"] for row in buckets.rejected_rows(chain.lab, key)] == [3]
    assert chain.totals().keys() == {'O"Hara'}


ODD = ['say "hi"', "back\\slash", "two\nlines", "<script>alert(1)</script>", "O'Hara & søn 李", "{customer}", "$x$"]


def test_odd_customer_ids_go_through_tables_messages_frames_and_reports_unharmed(chain):
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in ODD]

    chain.put("odd.txt", [f"{name}|{name}|{name}|03/16/2017|1500" for name in quoted])
    chain.wait_for_changes(len(ODD))
    logged(chain.lab)

    items = tables.items(chain.lab, "Transactions")
    assert {(item["CustomerId"], item["TransactionId"]) for item in items} == {(name, name) for name in ODD}
    assert {item["Address"] for item in tables.items(chain.lab, "Customer")} == set(ODD)
    assert chain.alerts() == sorted((name, Decimal(1500)) for name in ODD)
    totals = frames.totals(chain.lab)
    assert set(totals["CustomerId"]) == set(ODD)
    shown = [totals.to_html(), checks.run(chain.lab, "05")._repr_html_(), frames.logs(chain.lab).to_html()]
    assert not [html for html in shown if "<script>" in html]
    assert "O'Hara & søn 李 1500 (at or above)" in plots.totals(totals, chain.lab.threshold).alt
    assert checks.run(chain.lab, "05").failed == []


def test_two_files_at_once_are_both_read_whole(chain):
    files = {
        f"{name}.txt": [f"C{number % 7}|{name} Street|{name}{number:03}|03/16/2017|1.25" for number in range(280)]
        for name in ("left", "right")
    }

    with ThreadPoolExecutor() as pool:
        list(pool.map(chain.put, files.keys(), files.values()))
    chain.wait_for_changes(560)

    assert len(tables.items(chain.lab, "Transactions")) == 560
    assert chain.totals() == {f"C{number}": Decimal(100) for number in range(7)}


def test_a_large_file_gives_exact_totals_and_one_alert_for_each_high_customer(account, chain_in, tmp_path):
    rows = list(transactions.make_up(2000, 40))
    transactions.write(tmp_path / "large.txt", rows)
    cents = dict.fromkeys((row["CustomerId"] for row in rows), 0)
    for line in (tmp_path / "large.txt").read_text().splitlines()[1:]:
        customer, amount = line.split("|")[0], line.split("|")[-1]
        cents[customer] += round(float(amount) * 100)
    limit = sorted(cents.values())[20]  # so that half of them are at or above the threshold, one of them just at it

    chain = chain_in(account, threshold=Decimal(limit) / 100).build()
    buckets.upload(chain.lab, tmp_path / "large.txt")
    chain.wait_for_changes(2000)

    assert {name: int(total * 100) for name, total in chain.totals().items()} == cents
    expected = {name for name, total in cents.items() if total >= limit}
    assert 1 <= len(expected) < 40
    for queue in queues.ALERT_QUEUES:
        assert [customer for customer, _ in chain.alerts(queue)] == sorted(expected)


def test_a_higher_threshold_later_leaves_the_alerts_that_were_right_before(chain, chain_in):
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)

    later = chain_in(chain.lab.account, threshold=5000).build()
    buckets.upload(later.lab, DATA_FILE)

    assert checks.settled(later.lab, transactions.read(DATA_FILE))
    assert checks.run(later.lab, "05").failed == []


def test_a_lower_threshold_later_counts_from_each_customers_next_transaction(chain, chain_in):
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)

    later = chain_in(chain.lab.account, threshold=500).build()
    later.put("next.txt", ["C1|1 Smith Street, London|T25|03/17/2017|2"])
    later.wait_for_changes(25)

    assert later.alerts() == [("C1", Decimal(600)), ("C2", Decimal(1750))]


def test_labs_of_two_accounts_or_two_prefixes_do_not_see_each_other(finished, chain, chain_in):
    anas = chain_in(chain.lab.account, prefix="Ana-").build()

    anas.put("a.txt", ["C1||T1|03/16/2017|2000"])
    chain.put("a.txt", ["C1||T1|03/16/2017|3"])
    anas.wait_for_changes(1)
    chain.wait_for_changes(1)

    assert anas.totals() == {"C1": Decimal(2000)}
    assert chain.totals() == {"C1": Decimal(3)}
    assert finished.totals() == SAMPLE_TOTALS
    assert (anas.alerts(), chain.alerts()) == ([("C1", 2000)], [])

    list(cleanup.delete_all(anas.lab))

    assert cleanup.remaining(anas.lab) == []
    assert len(cleanup.remaining(chain.lab)) == 17
    assert chain.totals() == {"C1": Decimal(3)}


def test_the_lab_runs_in_another_region(account, chain_in):
    chain = chain_in(account, region="eu-west-1").build()

    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)

    assert chain.totals() == SAMPLE_TOTALS
    assert [len(chain.messages(queue)) for queue in queues.ALERT_QUEUES] == [1, 1]
    assert chain.lab.bucket.endswith("-eu-west-1")
    assert checks.run(chain_in(account).lab, "00").failed  # nothing of it is in the usual Region


def test_the_clean_up_leaves_nothing_and_a_second_one_is_quiet(chain):
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)
    before = cleanup.remaining(chain.lab)

    deleted = list(cleanup.delete_all(chain.lab))

    assert deleted == before
    assert len(deleted) == 17
    assert everything_in(chain.lab) == []
    assert cleanup.remaining(chain.lab) == cleanup.kept(chain.lab) == list(cleanup.delete_all(chain.lab)) == []
    assert checks.run(chain.lab, "99").failed == []

    chain.build()  # and the lab can be built again
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)

    assert chain.totals() == SAMPLE_TOTALS
    assert chain.alerts() == [("C2", 1750)]


def test_the_clean_up_of_a_lab_that_was_half_built_leaves_nothing(lab, account, chain_in):
    chain = chain_in(account)
    chain.start_here()
    functions.ensure_function(lab, "TransactionProcessor")

    list(cleanup.delete_all(lab))

    assert everything_in(lab) == []


def test_what_the_account_was_given_is_used_and_kept(lab, account, chain_in):
    trust, may = json.dumps(policies.lambda_trust(lab)), json.dumps(policies.total_notifier(lab))
    lab.client("iam").create_role(RoleName="TotalNotifierRole", AssumeRolePolicyDocument=trust, Description="given")
    lab.client("iam").put_role_policy(RoleName="TotalNotifierRole", PolicyName="given", PolicyDocument=may)
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    lab.client("sqs").create_queue(QueueName="CreditCollection")
    chain = chain_in(account).build()
    buckets.upload(lab, DATA_FILE)
    chain.wait_for_changes(24)

    deleted = list(cleanup.delete_all(lab))

    assert len(deleted) == 14
    assert cleanup.remaining(lab) == []
    assert cleanup.kept(lab) == ["queue CreditCollection", "role TotalNotifierRole", "bucket"]
    assert roles.find_role(lab, "TotalNotifierRole")
    assert lab.client("iam").list_role_policies(RoleName="TotalNotifierRole")["PolicyNames"] == ["given"]
    assert [each["Key"] for each in buckets.objects(lab)] == ["transactions.txt"]
    assert triggers.find_bucket_trigger(lab) is None
    assert chain.alerts("CreditCollection") == [("C2", 1750)]


def test_a_stream_of_new_images_only_is_not_taken_for_the_labs_stream(lab):
    lab.client("dynamodb").create_table(
        TableName="Transactions",
        KeySchema=[
            {"AttributeName": "CustomerId", "KeyType": "HASH"},
            {"AttributeName": "TransactionId", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("CustomerId", "TransactionId")
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )

    tables.ensure_table(lab, "Transactions")

    table = lab.client("dynamodb").describe_table(TableName="Transactions")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


@pytest.mark.parametrize("body", ["hello", '"hello"', "[1]", '{"Message": "{\\"customerID\\": 7}"}'])
def test_a_message_that_somebody_else_sent_to_a_queue_is_no_alert_and_no_error(lab, body):
    url = queues.ensure_queue(lab, "CustomerNotify")
    lab.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    assert [alert for alert in queues.alerts(lab, "CustomerNotify") if "accountBalance" in alert] == []


def everything_in(lab):
    """What the account holds, whoever made it, asked of AWS service by service."""
    client = lab.client
    return [
        *(bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]),
        *client("dynamodb").list_tables()["TableNames"],
        *(function["FunctionName"] for function in client("lambda").list_functions()["Functions"]),
        *(mapping["UUID"] for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]),
        *(topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]),
        *(each["SubscriptionArn"] for each in client("sns").list_subscriptions()["Subscriptions"]),
        *client("sqs").list_queues().get("QueueUrls", []),
        *(role["RoleName"] for role in client("iam").list_roles()["Roles"]),
        *(group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]),
    ]


@pytest.fixture
def told_by_sns():
    """Where SNS is to send its messages over HTTP, and a list of what it sent there."""
    messages = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", messages
        server.shutdown()
        thread.join()


def test_a_subscription_is_confirmed_by_the_very_link_that_sns_sends(lab, told_by_sns):
    """By HTTP, since the embedded AWS sends no mail: the link is of the same kind."""
    address, messages = told_by_sns
    topics.ensure_topic(lab)
    triggers.ensure_subscription(lab, "http", address)
    link = wait_until(lambda: [each["SubscribeURL"] for each in messages], "SNS to send its link", timeout=10)[0]
    (waiting,) = triggers.subscriptions(lab)
    assert triggers.subscription_settings(lab, waiting["SubscriptionArn"])["ConfirmationWasAuthenticated"] == "false"

    arn = triggers.confirm_subscription(lab, link)

    assert triggers.subscription_settings(lab, arn)["ConfirmationWasAuthenticated"] == "true"
    with pytest.raises(LabError, match="SNS does not accept this token"):  # it was good for one time
        triggers.confirm_subscription(lab, link)
