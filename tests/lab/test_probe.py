"""`lab check --probe` says whether the chain does the work and where it breaks, and leaves the account as it was."""

import json
import re

import by_hand
import pytest
from accounts import allow, built, user_of
from chains import HEADER, uploaded

from lab_lib import checks
from lab_lib.aws import buckets, cloudwatch, functions, queues, streams, tables, triggers, user_policies
from lab_lib.calls.waiting import wait_until
from lab_lib.checks import probe
from lab_lib.checks.evidence import wait_for_rest
from lab_lib.lab import Lab, open_lab

REGION = "cn-north-1"
PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY, *OTHER_QUEUES = queues.ALERT_QUEUES
PROBE = [name for name, rule in checks.RULES.items() if rule.probes]


def probed(lab):
    """Return the checks of a probe, by id."""
    return {check.id: check for check in checks.run(lab, "00", probe=True).checks if check.id in PROBE}


def all_there_is(lab, *logs):
    """Return every item, record, object, message, and line of these logs, when the chain is at rest."""
    wait_for_rest(lab, 30)
    names = lab.client("dynamodb").list_tables()["TableNames"]
    urls = lab.client("sqs").list_queues()["QueueUrls"]
    return (
        {name: tables.items(lab, name) for name in names},
        streams.records(lab),
        [*buckets.objects(lab)],
        {url: queues.messages(lab, url.split("/")[-1]) for url in urls},
        triggers.mappings(lab),
        {name: cloudwatch.log_lines(lab, name) for name in logs},
    )


def take(lab, customer):
    """Upload a row of this customer, and wait until it is counted."""
    buckets.put(lab, f"{customer}.txt", f"{HEADER}\n{customer}|9 Smith Street|T1|03/16/2017|5".encode())
    wait_until(lambda: tables.find_item(lab, "TransactionTotal", {"CustomerId": customer}), "the total", timeout=30)


@pytest.fixture
def used(chain):
    """Return the whole lab, with the handout's file gone all the way."""
    return uploaded(chain.lab)


@pytest.fixture(scope="module")
def unharmed(busy):
    """Return one for the tests that break nothing in it."""
    return uploaded(busy.lab)


def test_a_probe_of_the_lab_holds_and_leaves_nothing_behind_and_each_arn_is_one_of_china(unharmed):
    before, answers = all_there_is(unharmed, PROCESSOR, NOTIFIER), []

    with unharmed.listening({"after-call": lambda parsed, **_: answers.append(str(parsed))}):
        assert {name: check.state for name, check in probed(unharmed).items()} == dict.fromkeys(PROBE, "ok")

    assert all_there_is(unharmed, PROCESSOR, NOTIFIER) == before
    arns = {tuple(arn.split(":")) for arn in re.findall(r"arn:[\w-]+:\w+", str(answers))}
    assert {part[1] for part in arns} == {"aws-cn"}
    assert {part[2] for part in arns} == {"dynamodb", "iam", "lambda", "logs", "s3", "sns", "sqs"}


@pytest.mark.slow
def test_a_probe_that_is_interrupted_leaves_nothing_behind(unharmed, monkeypatch):
    before = all_there_is(unharmed, PROCESSOR, NOTIFIER)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(probe, "compare_rejected", interrupt)
    with pytest.raises(KeyboardInterrupt):
        probe.send(unharmed)

    assert all_there_is(unharmed, PROCESSOR, NOTIFIER) == before


@pytest.mark.slow
def test_a_probe_of_the_handouts_code_says_what_it_lacks_and_leaves_nothing_behind(account):
    lab = open_lab(account=account)
    by_hand.build(lab)
    before = all_there_is(uploaded(lab), PROCESSOR, NOTIFIER)

    wrong = {name for name, check in probed(lab).items() if not check.ok}

    assert wrong == {"probe-repeats", "probe-correction", "probe-rejected"}
    assert all_there_is(lab, PROCESSOR, NOTIFIER) == before
    take(lab, "C9")
    assert checks.run(lab).failed == []


@pytest.mark.slow
def test_a_probe_says_where_the_chain_breaks_and_what_was_tried_again_before_goes_on(used):
    code = b"import boto3\ndef lambda_handler(event, context):\n    raise ValueError('ouch')\n"
    archive = functions.zipped({"total_notifier.py": code})
    used.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive)
    before = all_there_is(used, PROCESSOR, NOTIFIER)

    by_id = probed(used)

    totals = by_id["probe-totals"]
    assert totals.state == "not yet", totals
    assert "the last error of TotalNotifier: ValueError: ouch" in totals.found
    assert {name for name in PROBE if by_id[name].ok} <= {"probe-rows", "probe-others"}
    assert used.work() == (0, 0)
    assert all_there_is(used, PROCESSOR, NOTIFIER) == before
    row = {"CustomerId": "C9", "TransactionId": "T1", "TransactionDate": "03/16/2017", "TransactionAmount": 5}
    tables.put_item(used, "Transactions", row)
    wait_until(lambda: used.work().failed > 1, "two tries", timeout=30)
    before = all_there_is(used, PROCESSOR)
    assert not probed(used)["probe-totals"].ok
    assert all_there_is(used, PROCESSOR) == before
    functions.ensure_function(used, NOTIFIER)
    wait_until(lambda: used.work() == (0, 0), "the chain to be at rest", timeout=30)
    assert {check.id for check in checks.run(used).failed} == {"errors"}  # of the row by hand
    take(used, "C8")
    assert checks.run(used).failed == []


@pytest.mark.slow
def test_the_policies_of_grader_and_probe_are_enough_and_without_the_second_one_it_cannot_be_seen(account):
    root = built(account)
    user, (reading, probing) = user_of(root, "grader"), (user_policies.grader(root), user_policies.probe(root))

    allow(root, "grader", reading)
    assert {check.state for check in probed(user).values()} == {"cannot see"}

    policy = root.client("iam").create_policy(PolicyName="probe", PolicyDocument=json.dumps(probing))["Policy"]["Arn"]
    root.client("iam").attach_user_policy(UserName="grader", PolicyArn=policy)
    by_id = probed(user)
    assert {name for name, check in by_id.items() if check.ok} == {
        "probe-rows",
        "probe-totals",
        "probe-others",
        "probe-repeats",
        "probe-rejected",
        *(f"probe-alert-{name}" for name in queues.ALERT_QUEUES),
    }
    assert {by_id[name].state for name in ("probe-again", "probe-correction", "probe-cents")} == {"cannot see"}
    assert checks.run(user).failed == []


@pytest.mark.slow
def test_a_probe_hides_no_error_of_an_earlier_upload_and_only_counts_a_queue_with_a_redrive_policy(used):
    for name in ("TransactionProcessor", "TotalNotifier"):
        functions.invoke_later(used, name, {"Records": [{"s3": "nonsense"}]})
    wait_until(lambda: used.work() == (0, 0), "the errors", timeout=30)
    queues.delete_messages(used, queues.DEAD_LETTERS, bool)
    arn = queues.queue_arn(used, queues.DEAD_LETTERS)
    url, policy = queues.find_queue(used, NOTIFY), json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    used.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    wrong = {check.id for check in checks.run(used, "05").failed}
    assert wrong >= {"errors"}

    assert {name for name, check in probed(used).items() if not check.ok} == set()

    assert {check.id for check in checks.run(used, "05").failed} == wrong
    assert queues.messages(used, queues.DEAD_LETTERS) == []
    assert int(queues.attributes(used, NOTIFY)["ApproximateNumberOfMessages"]) >= 1


@pytest.mark.slow
def test_where_nobody_says_that_the_chain_is_at_rest_as_on_aws_a_probe_only_uploads_and_reads(unharmed, monkeypatch):
    written = []
    for kind in ("s3", "dynamodb", "sqs", "sns", "lambda"):
        note = lambda model, **_: written.append(model.name)  # noqa: E731
        unharmed.client(kind).meta.events.register("before-call", note)
    monkeypatch.setattr(Lab, "work", lambda lab: None)
    monkeypatch.setattr(Lab, "keep", lambda lab: False)

    report = checks.run(unharmed, "00", probe=True)

    by_id = {check.id: check for check in report.checks if check.id in PROBE}
    assert report.failed == []
    assert by_id["probe-rows"].found.endswith(" customers arrived; its rows, alerts and files stay")
    assert {name for name, check in by_id.items() if not check.ok} == {"probe-again", "probe-cents", "probe-correction"}
    assert {by_id[name].state for name in ("probe-again", "probe-cents", "probe-correction")} == {"cannot see"}
    reading = re.compile(r"(Get|BatchGet|List|Describe|Head|Receive)\w+|Scan|ChangeMessageVisibilityBatch")
    assert {name for name in written if not reading.fullmatch(name)} == {"PutObject"}
    assert checks.run(unharmed).failed == []
