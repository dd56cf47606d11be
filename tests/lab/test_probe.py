"""`lab check --probe` says whether the chain does the work and where it breaks, and takes away what it can."""

import json
import re

import by_hand
import pytest
from accounts import allow, built, user_of
from chains import uploaded

from lab_lib import checks
from lab_lib.aws import cloudwatch, functions, queues, tables, triggers, user_policies
from lab_lib.calls.waiting import wait_until
from lab_lib.checks import probe, probe_list
from lab_lib.checks.arrivals import snapshot
from lab_lib.lab import Lab, open_lab

REGION = "cn-north-1"
PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY, *OTHER_QUEUES = queues.ALERT_QUEUES
PROBE = [name for name, rule in checks.RULES.items() if rule.probes]


def probed(lab):
    """Return the checks of a probe, by id."""
    return {check.id: check for check in checks.run(lab, "00", probe=True).checks if check.id in PROBE}


def all_there_is(lab):
    """Return every row, message and object."""
    dynamodb, s3 = lab.client("dynamodb"), lab.client("s3")
    rows = {name: dynamodb.scan(TableName=lab.name(name))["Items"] for name in by_hand.KEYS}
    messages = {name: queues.messages(lab, name) for name in (*queues.ALERT_QUEUES, queues.DEAD_LETTERS)}
    return rows, messages, [item["Key"] for item in s3.list_objects_v2(Bucket=lab.bucket)["Contents"]]


@pytest.fixture
def used(chain):
    """Return the whole lab, with the handout's file gone all the way."""
    return uploaded(chain.lab)


@pytest.fixture(scope="module")
def unharmed(busy):
    """Return one for the tests that break nothing in it."""
    return uploaded(busy.lab)


def test_a_probe_of_the_lab_holds_and_leaves_nothing_behind_and_each_arn_is_one_of_china(unharmed):
    before, answers = all_there_is(unharmed), []

    with unharmed.listening({"after-call": lambda parsed, **_: answers.append(str(parsed))}):
        assert {name: check.state for name, check in probed(unharmed).items()} == dict.fromkeys(PROBE, "ok")
        assert all_there_is(unharmed) == before

    arns = {tuple(arn.split(":")) for arn in re.findall(r"arn:[\w-]+:\w+", str(answers))}
    assert {part[1] for part in arns} == {"aws-cn"}
    assert {part[2] for part in arns} == {"dynamodb", "iam", "lambda", "logs", "s3", "sns", "sqs"}


@pytest.mark.slow
def test_a_function_that_fails_on_a_deletion_keeps_the_rows_of_the_probe_as_ordinary_uploads(account):
    lab = open_lab(account=account)
    by_hand.build(lab)
    uploaded(lab)
    wait_until(lambda: not checks.run(lab).failed, "the logs", timeout=30)

    by_id = probed(lab)

    assert "its rows, alerts and files stay: TotalNotifier fails when a row is deleted" in by_id["probe-rows"].found
    wrong = {name for name, check in by_id.items() if not check.ok}
    assert wrong == {"probe-repeats", "probe-correction", "probe-rejected"}
    assert checks.run(lab).failed == []
    (mapping,) = triggers.mappings(lab)
    assert mapping["State"] == "Enabled"
    tables.put_item(lab, "Transactions", {"CustomerId": "C9", "TransactionId": "T1", "TransactionAmount": 5})
    wait_until(
        lambda: tables.find_item(lab, "TransactionTotal", {"CustomerId": "C9"}), "the stream goes on", timeout=20
    )


@pytest.mark.slow
def test_a_probe_says_where_the_chain_breaks_and_when_that_is_fixed_nothing_is_left(used):
    code = b"import boto3\ndef lambda_handler(event, context):\n    raise ValueError('ouch')\n"
    archive = functions.zipped({"total_notifier.py": code})
    used.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive)

    by_id = probed(used)

    totals = by_id["probe-totals"]
    assert totals.state == "not yet", totals
    assert "the last error of TotalNotifier: ValueError: ouch" in totals.found
    assert {name for name in PROBE if by_id[name].ok} <= {"probe-rows", "probe-others"}
    end = probe_list.entries(used)[-1].end  # its records are tried again and again, also after the probe
    wait_until(lambda: cloudwatch.failures(cloudwatch.log_lines(used, NOTIFIER, end)), "another try", timeout=10)
    functions.ensure_function(used, NOTIFIER)
    wait_until(lambda: used.work() == (0, 0), "the chain to be at rest", timeout=30)
    probe.probe_clean_up.put_totals_right(used, snapshot(used).customers)  # as the check of the totals says it
    functions.alert_again(used)
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

    report = checks.run(unharmed, "00", probe=True)

    by_id = {check.id: check for check in report.checks if check.id in PROBE}
    assert report.failed == []
    assert {name for name, check in by_id.items() if not check.ok} == {"probe-again", "probe-cents", "probe-correction"}
    assert {by_id[name].state for name in ("probe-again", "probe-cents", "probe-correction")} == {"cannot see"}
    reading = re.compile(r"(Get|BatchGet|List|Describe|Head|Receive)\w+|Scan|ChangeMessageVisibilityBatch")
    assert {name for name in written if not reading.fullmatch(name)} == {"PutObject"}
    assert checks.run(unharmed).failed == []
