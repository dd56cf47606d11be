"""`lab check --probe` says whether the chain does the work and where it breaks, and works on a copy of the account."""

import json
import re
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from functools import partial
from pathlib import Path

import by_hand
import psutil
import pytest
from accounts import allow, user_of
from by_hand import NOTIFIER as NOTIFIER_CODE
from by_hand import PROCESSOR as PROCESSOR_CODE
from chains import HEADER, create_function, printed, replace_code, uploaded

from lab_lib import checks
from lab_lib.aws import buckets, functions, queues, streams, tables, triggers, user_policies
from lab_lib.calls.waiting import wait_until
from lab_lib.checks import probe
from lab_lib.checks.copies import copied
from lab_lib.checks.evidence import wait_for_rest
from lab_lib.embedded import server
from lab_lib.lab import Lab

REGION = "cn-north-1"
PROCESSOR, NOTIFIER = functions.SOURCES
PROBE = [name for name, rule in checks.RULES.items() if rule.probes]
FURTHER = [name for name in PROBE if checks.RULES[name].step == "further"]


def probed(lab, further=False):
    """Return the checks of a probe, by id; also of what goes further, which takes as long again."""
    return {check.id: check for check in checks.run(lab, "00", probe=True, further=further).checks if check.id in PROBE}


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
        {name: printed(lab, name) for name in logs},
    )


def the_copy():
    """Return the process of the only copy that there is now."""
    children = psutil.Process(server.running().pid).children()
    (copy,) = (process for process in children if server.PROGRAM in process.cmdline())
    return copy


def put_row(lab, customer, amount=5):
    """Upload a row of this customer, and wait until nothing more happens."""
    buckets.put(lab, f"{customer}.txt", f"{HEADER}\n{customer}|9 Smith Street|T1|03/16/2017|{amount}".encode())
    wait_for_rest(lab, 30)


def total(lab, customer):
    return tables.find_item(lab, "TransactionTotal", {"CustomerId": customer})["accountBalance"]


@pytest.fixture
def by_hand_lab(account):
    """Return a lab with code of a learner, built by hand, with the handout's file gone all the way."""
    return by_hand.uploaded(account)


@pytest.fixture(scope="module")
def unharmed(busy):
    """Return the whole lab, with the handout's file gone all the way: what the tests do is done to copies."""
    return uploaded(busy.lab)


@pytest.mark.parametrize("send", [probe.send, pytest.param(probe.send_further, marks=pytest.mark.slow)])
def test_a_probe_of_the_lab_holds_by_the_policies_of_grader_and_probe_and_leaves_the_account_as_it_is(unharmed, send):
    name = send.__name__
    user = user_of(unharmed, name)
    allow(unharmed, name, user_policies.grader(unharmed))
    assert {check.state for check in probed(user).values()} == {"cannot see"}
    iam, probing = unharmed.client("iam"), json.dumps(user_policies.probe(unharmed))
    policy = iam.create_policy(PolicyName=f"probe-{name}", PolicyDocument=probing)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    before, answers = all_there_is(unharmed, PROCESSOR, NOTIFIER), []

    def note(parsed, model, **_):
        answers.append({} if model.name == "HeadBucket" else parsed)  # ministack's own ARN

    with user.listening({"after-call": note}):
        faults = send(user).faults
    assert len(faults) >= 6
    assert not any(faults.values())

    assert all_there_is(unharmed, PROCESSOR, NOTIFIER) == before
    arns = {tuple(arn.split(":")) for arn in re.findall(r"arn:[\w-]+:\w+", str(answers))}
    assert {part[1] for part in arns} == {"aws-cn"}
    assert checks.run(user).failed == []


def test_a_copy_holds_what_the_account_holds(unharmed):
    with copied(unharmed) as copy:
        assert all_there_is(copy.lab, PROCESSOR, NOTIFIER) == all_there_is(unharmed, PROCESSOR, NOTIFIER)


@pytest.mark.slow
def test_on_a_copy_events_and_records_come_again_as_they_came_first(by_hand_lab):
    lab = by_hand_lab
    replace_code(lab, PROCESSOR, "def lambda_handler(event, context):\n    print(event)\n")

    with copied(lab) as copy:
        put_row(copy.lab, "C9")
        copy.deliver_events_again()
        wait_for_rest(copy.lab, 30)
        (first, again) = [line for line in printed(copy.lab, PROCESSOR) if "sequencer" in line]
        assert first == again
        row = {"CustomerId": "C9", "TransactionId": "T1", "TransactionDate": "03/16/2017", "TransactionAmount": 5}
        tables.put_item(copy.lab, "Transactions", row)
        copy.deliver_records_again(1)
        wait_for_rest(copy.lab, 30)
        assert total(copy.lab, "C9") == 10  # a learner's code counts again


@pytest.mark.slow
def test_on_a_copy_triggers_pause_rows_are_deleted_and_functions_are_killed_and_start_cold(unharmed):
    with copied(unharmed) as copy:
        copy.start_only([])
        put_row(copy.lab, "C9", 7)
        assert tables.find_item(copy.lab, "TransactionTotal", {"CustomerId": "C9"}) is None
        copy.start_only([NOTIFIER])
        wait_for_rest(copy.lab, 30)
        assert total(copy.lab, "C9") == 7
        for name, call in ((PROCESSOR, 2), (NOTIFIER, 1), (NOTIFIER, 99)):
            copy.kill(name, call)
            put_row(copy.lab, f"{name}{call}")
            assert (total(copy.lab, f"{name}{call}"), copy.spare(name)) == (5, call != 99)
        copy.change_row("C9", "T1")
        wait_for_rest(copy.lab, 30)
        assert total(copy.lab, "C9") == 0
        starts = sum("INIT_START" in line for line in printed(copy.lab, NOTIFIER))
        copy.start_cold()
        put_row(copy.lab, "C10")
        assert sum("INIT_START" in line for line in printed(copy.lab, NOTIFIER)) == starts + 1
        (mapping,) = triggers.mappings(copy.lab)
        copy.lab.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        copy.start_only([NOTIFIER])  # what somebody has paused stays so
        assert [mapping["State"] for mapping in triggers.mappings(copy.lab)] == ["Disabled"]


def test_a_user_may_do_in_a_copy_what_the_policies_allow_and_not_manage_the_account_itself(unharmed):
    allowed = {"Statement": [{"Effect": "Allow", "Action": ["sqs:ListQueues"], "Resource": "*"}]}
    user = user_of(unharmed, "ana", allowed)

    with copied(user) as copy:
        assert copy.lab.client("sqs").list_queues()["QueueUrls"]
        with pytest.raises(copy.lab.client("dynamodb").exceptions.ClientError, match="AccessDenied"):
            copy.lab.client("dynamodb").scan(TableName="Customer")
        act = partial(Lab.ask_embedded, path="/_lab/kill_later", function=PROCESSOR, calls=0)
        assert act(copy.lab) == {"left": 0}
        port, _secret = server.read_note(Path(the_copy().cwd()))
        as_a_function = replace(unharmed, endpoint=f"http://{server.HOST}:{port}")
        for lab in (as_a_function, user, unharmed):  # it cannot tell a copy
            assert act(lab) is None


@pytest.mark.slow
def test_a_copy_and_its_folder_are_gone_when_its_grader_is_killed(unharmed):
    before = all_there_is(unharmed, PROCESSOR, NOTIFIER)
    code = f"""
        from lab_lib.checks.copies import copied
        from lab_lib.lab import open_lab
        lab = open_lab(account="{unharmed.account}", region="{REGION}")
        with copied(lab) as copy:
            print(copy.lab.work(), flush=True)
            while True:
                copy.lab.client("s3").put_object(Bucket=copy.lab.bucket, Key="C9.txt", Body=b"{HEADER}")
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE) as grader:
        assert b"0" in grader.stdout.readline()
        copy = the_copy()
        folder = Path(copy.cwd())
        grader.send_signal(signal.SIGKILL)

    assert grader.returncode == -signal.SIGKILL
    wait_until(lambda: not copy.is_running() and not folder.exists(), "the copy to end", timeout=10)
    assert all_there_is(unharmed, PROCESSOR, NOTIFIER) == before


@pytest.mark.slow
def test_a_probe_of_the_handouts_code_says_what_it_lacks(by_hand_lab):
    whole_only = PROCESSOR_CODE.replace('Decimal(row["trn_amount"])', 'int(row["trn_amount"].split(".")[0])')
    assert whole_only != PROCESSOR_CODE
    replace_code(by_hand_lab, PROCESSOR, whole_only)

    assert {name for name, check in probed(by_hand_lab, further=True).items() if not check.ok} == {*FURTHER}
    assert checks.run(by_hand_lab).failed == []


@pytest.mark.slow
def test_a_probe_says_where_the_chain_breaks(by_hand_lab):
    replace_code(by_hand_lab, NOTIFIER, "def lambda_handler(event, context):\n    raise ValueError('ouch')\n")

    by_id = probed(by_hand_lab)

    totals = by_id["probe-totals"]
    assert totals.state == "not yet", totals
    assert "the last error of TotalNotifier: ValueError: ouch" in totals.found
    assert {name for name, check in by_id.items() if check.ok} <= {"probe-rows", "probe-others"}
    assert by_hand_lab.work() == 0


@pytest.mark.slow
def test_who_does_the_work_of_total_notifier_is_named(by_hand_lab):
    lab, idle = by_hand_lab, "def lambda_handler(event, context):\n    pass\n"
    role = lab.client("lambda").get_function_configuration(FunctionName=NOTIFIER)["Role"]
    create_function(lab, "Helper", NOTIFIER_CODE, role, Handler="probe.lambda_handler")
    stream = tables.find_stream(lab)
    mapping = {"FunctionName": "Helper", "EventSourceArn": stream, "StartingPosition": "LATEST", "BatchSize": 100}
    lab.client("lambda").create_event_source_mapping(**mapping)
    replace_code(lab, NOTIFIER, idle)
    with copied(lab) as copy:
        part = probe._Probe(lab, copy)
        found = [*part._works_alone(copy, part.bank.file(part.bank.plain()))]
    assert re.search("no trigger starts TotalNotifier, .*: Helper does its work", str(found))


@pytest.mark.slow
def test_where_no_account_is_copied_as_on_aws_a_probe_only_uploads_and_reads(chain, monkeypatch):
    lab, written = uploaded(chain.lab), []
    for kind in ("s3", "dynamodb", "sqs", "sns", "lambda"):
        note = lambda model, **_: written.append(model.name)  # noqa: E731
        lab.client(kind).meta.events.register("before-call", note)
    monkeypatch.setattr(Lab, "ask_embedded", lambda *_, **__: None)
    monkeypatch.setattr(Lab, "signed", lambda *_, **__: "")

    report = checks.run(lab, "00", probe=True, further=True)

    by_id = {check.id: check for check in report.checks if check.id in PROBE}
    assert report.failed == []
    unseen = {"probe-again", "probe-worker", *FURTHER} - {"probe-repeats"}
    assert {name: check.state for name, check in by_id.items() if not check.ok} == dict.fromkeys(unseen, "cannot see")
    reading = re.compile(r"(Get|BatchGet|List|Describe|Head|Receive)\w+|Scan|ChangeMessageVisibilityBatch")
    assert {name for name in written if not reading.fullmatch(name)} == {"PutObject"}
    assert checks.run(lab).failed == []
