"""The whole chain on the embedded AWS: from an upload to the totals and the messages, and back to nothing."""

import json
from decimal import Decimal

import pytest
from chains import logged

from lab_lib import checks
from lab_lib.aws import buckets, cleanup, queues, tables, topics, triggers
from lab_lib.embedded import server
from lab_lib.errors import LabError
from lab_lib.run.headless import DATA_FILE
from lab_lib.views import frames, plots
from lab_lib.waiting import wait_until
from tests.web_server import serving

SAMPLE_TOTALS = {"C1": Decimal(598), "C2": Decimal(1750)}


@pytest.fixture(scope="module")
def finished(chains):
    """Return the lab after the sample file has gone all the way, for tests that only look."""
    chain = next(chains)
    upload_sample(chain)
    logged(chain.lab)
    return chain


def upload_sample(chain):
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)


def test_the_sample_file_gives_the_handouts_totals_and_one_message_in_each_queue(finished):
    assert finished.totals() == SAMPLE_TOTALS
    items = tables.items(finished.lab, "Transactions")
    dated = {"TransactionDate": "03/16/2017", "TransactionAmount": Decimal(100)}
    assert (len(items), items[0]) == (24, {"CustomerId": "C1", "TransactionId": "T01", **dated})
    assert tables.items(finished.lab, "Customer") == [
        {"CustomerId": "C1", "Address": "1 Smith Street, London"},
        {"CustomerId": "C2", "Address": "2 Smith Street, London"},
    ]
    for queue in [*queues.ALERT_QUEUES, *queues.ALERT_QUEUES]:  # twice, because looking leaves the message there
        (message,) = finished.messages(queue)
        assert message["Subject"] == "Warning! Account balance is very high"
        assert message["Message"] == '{"customerID": "C2", "accountBalance": "1750"}'
    assert [item["Key"] for item in buckets.objects(finished.lab)] == ["transactions.txt"]
    assert finished.letters() == []


def test_a_file_again_changes_nothing_a_corrected_or_deleted_amount_counts_and_each_crossing_alerts_once(chain):
    def upload(amount):
        chain.put("a.txt", [f"C1|1 Street|T1|03/16/2017|{amount}", "C1|1 Street|T2|03/16/2017|600.50"])

    upload("1000")
    chain.wait_for_changes(2)
    upload("1000")
    chain.wait_for_files("a.txt", "a.txt")
    for number, (amount, total) in enumerate([("10.25", "610.75"), ("900", "1500.50")]):
        upload(amount)
        chain.wait_for_changes(3 + number)
        assert chain.totals() == {"C1": Decimal(total)}
    tables.delete_item(chain.lab, "Transactions", {"CustomerId": "C1", "TransactionId": "T2"})
    chain.wait_for_changes(5)

    assert chain.totals() == {"C1": Decimal(900)}
    assert chain.changes() == 5
    for queue in queues.ALERT_QUEUES:
        assert chain.alerts(queue) == [("C1", Decimal("1500.5")), ("C1", Decimal("1600.5"))]


def test_bad_rows_of_a_file_with_any_key_are_kept_with_line_and_reason(busy):
    key = "März 2017/A+B 100% & 交易.txt"

    busy.put("other.csv", ["C3|3 Street|T1|03/16/2017|1"])
    busy.put(key, ["Bad|1 Street|T1|03/16/2017|0.10", "Bad|1 Street|T2|03/16/2017|a lot", "", "Bad|1 Street"])
    busy.wait_for_files(key)
    busy.wait_for_totals(Bad="0.10")

    rejected = buckets.rejected_rows(busy.lab, key)
    assert [(row["line"], row["reason"][:10], row["row"]) for row in rejected] == [
        (3, "trn_amount", "Bad|1 Street|T2|03/16/2017|a lot"),
        (5, "2 fields; ", "Bad|1 Street"),
    ]
    assert "C3" not in busy.totals()


def test_odd_customer_ids_go_through_tables_messages_and_reports_unharmed(busy):
    odd = ['say "hi"', "back\\slash", "<script>alert(1)</script>", "O'Hara & søn 李", "{customer}", "$x$"]
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in odd]

    busy.put("odd.txt", [f"{name}|{name}|{name}|03/16/2017|1500" for name in quoted])
    busy.wait_for_totals(**dict.fromkeys(odd, 1500))

    for queue in queues.ALERT_QUEUES:
        wait_until(lambda queue=queue: busy.alerts(queue) == sorted((name, 1500) for name in odd), "the alerts")
    totals = frames.totals(busy.lab)
    shown = [totals.to_html(), checks.run(busy.lab, "05")._repr_html_(), frames.logs(busy.lab).to_html()]
    assert not [html for html in shown if "<script>" in html]
    assert "O'Hara & søn 李 1500 (at or above)" in plots.totals(totals, busy.lab.threshold).alt


def test_the_clean_up_leaves_nothing_and_the_lab_can_be_built_again(chain):
    upload_sample(chain)
    remaining = cleanup.remaining(chain.lab)

    assert list(cleanup.delete_all(chain.lab)) == remaining

    assert everything_in(chain.lab) == []
    assert cleanup.remaining(chain.lab) == cleanup.kept(chain.lab) == list(cleanup.delete_all(chain.lab)) == []
    assert checks.run(chain.lab, "99").failed == []

    upload_sample(chain.build())
    assert chain.totals() == SAMPLE_TOTALS
    assert chain.alerts() == [("C2", 1750)]


def everything_in(lab):
    """Return what the account holds, whoever made it, as each service lists it."""
    client = lab.client
    return [
        *client("s3").list_buckets()["Buckets"],
        *client("dynamodb").list_tables()["TableNames"],
        *client("lambda").list_functions()["Functions"],
        *client("lambda").list_event_source_mappings()["EventSourceMappings"],
        *client("sns").list_topics()["Topics"],
        *client("sns").list_subscriptions()["Subscriptions"],
        *client("sqs").list_queues().get("QueueUrls", []),
        *client("iam").list_roles()["Roles"],
        *client("logs").describe_log_groups()["logGroups"],
    ]


@pytest.mark.slow
def test_labs_of_another_prefix_account_or_region_do_not_see_each_other(chain, chain_in, account):
    prefixed = chain_in(chain.lab.account, prefix="Ana-").build()
    labs = [chain, prefixed, chain_in(account, region="eu-west-1").build()]

    for number, lab in enumerate(labs):
        lab.put("a.txt", [f"C1||T1|03/16/2017|{1499 + number}"])
    for number, lab in enumerate(labs):
        lab.wait_for_changes(1)
        assert lab.totals() == {"C1": 1499 + number}
        assert len(lab.alerts()) == (number > 0)
    remaining = [cleanup.remaining(lab.lab) for lab in labs]
    list(cleanup.delete_all(prefixed.lab))

    assert [cleanup.remaining(lab.lab) for lab in labs] == [remaining[0], [], remaining[2]]


def test_a_subscription_is_confirmed_by_the_link_that_sns_sends(lab):
    """By HTTP, since the embedded AWS sends no mail: the link is of the same kind."""
    with serving() as listener:
        topics.ensure_topic(lab)
        triggers.ensure_subscription(lab, "http", f"http://{server.HOST}:{listener.server_port}/")
        message = wait_until(lambda: listener.bodies, "the link", timeout=10)[0]
    link = json.loads(message)["SubscribeURL"]
    (waiting,) = triggers.subscriptions(lab)
    assert triggers.subscription_settings(lab, waiting["SubscriptionArn"])["ConfirmationWasAuthenticated"] == "false"

    arn = triggers.confirm_subscription(lab, link)

    assert triggers.subscription_settings(lab, arn)["ConfirmationWasAuthenticated"] == "true"
    with pytest.raises(LabError, match="SNS does not accept this token"):  # each is valid once
        triggers.confirm_subscription(lab, link)
