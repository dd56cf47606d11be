"""`lab try`: which cases a function passes, and that no function harms more than its own score."""

import os
import shutil
import signal
import tempfile
import time

import psutil
import pytest
from commands import begin, in_process

from lab_lib.aws import streams, tables
from lab_lib.embedded import server
from lab_lib.exercises import trial
from lab_lib.exercises.made_up_records import MadeUpRecords
from lab_lib.lab import open_another
from lab_lib.waiting import wait_until
from tests.learners import my_notifiers

NOTIFIERS = my_notifiers()
# What is put behind the solution, whose functions it replaces: nothing says what was added; the marker is written after
# the sum and the alert; poison is dropped, and an alert is noted before it is published.
HALF_RIGHT = {
    "no_marker": """
def add_once(changes):
    for customer, change, _ in changes:
        dynamodb.meta.client.update_item(**addition(customer, change))
""",
    "marker_after": """
def lambda_handler(event, context):
    markers = dynamodb.Table(MARKERS)
    for customer, change, event_id in map(read_change, event["Records"]):
        if "Item" not in markers.get_item(Key={"EventId": event_id}):
            dynamodb.meta.client.update_item(**addition(customer, change))
            for row in rows({customer}):
                alert_once(customer, row["accountBalance"], row.get("alerted", False))
            markers.put_item(Item=marker(event_id)["Item"])
""",
    "flag_first": """
dead_letters.send_message = lambda **_: None


def alert_once(customer, total, alerted):
    is_high = total >= THRESHOLD
    flag = {"UpdateExpression": "SET alerted = :high", "ExpressionAttributeValues": {":high": is_high}}
    dynamodb.Table(TOTALS).update_item(Key={"CustomerId": customer}, **flag)
    if is_high and not alerted:
        message = json.dumps({"customerID": customer, "accountBalance": f"{total:f}"})
        topic.publish(Subject="Warning! Account balance is very high", Message=message)
""",
}
NOTIFIERS |= {name: NOTIFIERS["solution"] + changed for name, changed in HALF_RIGHT.items()}
ALL = [case.name for case in trial.cases()]
FAILS = {
    "naive": ALL[3:],
    "no_marker": ["batch twice", "batch cut otherwise", "crash", "the topic is away"],
    "marker_after": ["crash", "the topic is away"],
    "flag_first": ["poison record", "crash", "the topic is away"],
}
MEDDLES = """
add_and_alert = lambda_handler

def lambda_handler(event, context):
    for row in dynamodb.Table(TOTALS).scan()["Items"]:
        if row["CustomerId"] not in str(event):
            dynamodb.Table(TOTALS).delete_item(Key={"CustomerId": row["CustomerId"]})
    add_and_alert(event, context)
"""
NAMES_FAILED = """
add = lambda_handler

def lambda_handler(event, context):
    for record in event["Records"]:
        try:
            add({"Records": [record]}, context)
        except KeyError:
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
"""
HANDLER = "import os, signal\n\ndef lambda_handler(event, context):\n    "
SLOW, ENDED, NOTHING = "did not end within 3 s", "held up by the end of its process", "no total; alerts: none"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder for temporary files. A trial leaves nothing there, no process, and no server of the learner's."""
    folder, learners = tmp_path / "tmp", server.running()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    wait_until(lambda: not processes(folder), "all processes to end", timeout=10, longest_pause=0.1)
    assert ([*folder.iterdir()], server.running()) == ([], learners)


def processes(folder):
    """Return the processes of servers, and of functions, whose files are in the folder."""
    every = psutil.process_iter(["environ"])
    return [each for each in every if str(folder) in (each.info["environ"] or {}).get("TMPDIR", "")]


def failed(report):
    return [result.case.name for result in report.results if result.state != "passed"]


def written(tmp_path, text):
    (tmp_path / "my_notifier.py").write_text(text)
    return tmp_path / "my_notifier.py"


def test_lab_try_shows_that_the_solution_passes_every_case(folder, tmp_path):
    done = in_process("try", written(tmp_path, NOTIFIERS["solution"]))

    assert (done.exit_code, done.stdout.count("✔ passed"), done.stdout.count("✘ not yet")) == (0, 12, 0)
    assert "10,000 records" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILS)
def test_a_function_fails_exactly_the_cases_of_its_faults(name, folder, tmp_path):
    assert failed(trial.judge(written(tmp_path, NOTIFIERS[name]))) == FAILS[name]


@pytest.mark.slow
def test_totals_of_other_customers_count_too(folder, tmp_path):
    path = written(tmp_path, NOTIFIERS["solution"] + MEDDLES)

    assert failed(trial.judge(path)) == ALL[1:]  # before the first case there is no other customer


@pytest.mark.slow
def test_records_before_the_one_that_a_function_names_as_failed_do_not_come_again(folder, tmp_path):
    path = written(tmp_path, NOTIFIERS["naive"] + NAMES_FAILED)

    found = {result.case.name: result.found for result in trial.judge(path).results}

    assert found["poison record"] == "A 100; alerts: none; held up by the records that the function names as failed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("while True: pass", SLOW),
        ("signal.pause() if not os.fork() else os.fork()", NOTHING),
        ("os._exit(3)", f"{NOTHING}; {ENDED}"),
        ("os.kill(os.getppid(), signal.SIGKILL)", f"{NOTHING}; {ENDED}"),
        ("raise SystemExit", f"{NOTHING}; held up by SystemExit (line 4)"),
        ("for _ in range(99): print('x' * 10**6, os.write(1, b'{}\\n' * 300))", NOTHING),
    ],
)
def test_a_terrible_function_only_fails_and_ends_in_time(body, found, folder, tmp_path):
    began = time.monotonic()

    report = trial.judge(written(tmp_path, HANDLER + body))

    assert time.monotonic() - began < 30
    assert {result.state for result in report.results} <= {"not yet", "not tried"}
    assert report.results[0].found == found
    assert found != SLOW or "2 cases took too long, so the others were not tried." in repr(report)


@pytest.mark.slow
def test_lab_try_exits_with_1_and_shows_what_holds_a_function_up(folder, tmp_path):
    done = in_process("try", written(tmp_path, f"{HANDLER}raise ValueError('<b>')"))

    assert (done.exit_code, done.stdout.count("✘ not yet")) == (1, 12)
    assert "held up by ValueError: <b> (line 4)" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory"),
        ("x = 1\ndef lambda_handler(event, context)\n", "my_notifier.py, line 2: expected ':'"),
        ("import os; os._exit(1)\n", "has no lambda_handler"),
        ("\0", "my_notifier.py: source code string cannot contain null bytes"),
    ],
)
def test_a_file_without_a_function_is_a_wrong_request(text, message, folder, tmp_path):
    path = tmp_path / "my_notifier.py" if text is None else written(tmp_path, text)

    done = in_process("try", path)

    assert (done.exit_code, message in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_trial_leaves_no_process(number, status, folder, tmp_path):
    path = written(tmp_path, HANDLER + "while True: open(os.environ['TMPDIR'] + '/begun', 'w')")

    lab, family = begin(lambda: [*folder.rglob("begun")], "try", str(path), TMPDIR=str(folder))
    os.killpg(lab.pid, number)  # as a terminal does, or Jupyter that restarts a kernel

    assert lab.communicate(timeout=20)[1] == ("Stopped. Nothing is left of the trial.\n" if status == 130 else "")
    assert (lab.returncode, len(family) > 2) == (status, True)
    if number == signal.SIGKILL:  # nobody could delete the files
        wait_until(lambda: not processes(folder), "all processes to end", timeout=10, longest_pause=0.1)
        for each in folder.iterdir():
            shutil.rmtree(each)


def test_the_records_look_like_those_of_a_real_stream(folder):
    with open_another() as lab:
        records = MadeUpRecords(lab)
        new = records.new("A", "1")
        made = [new, records.corrected(new, "2"), records.deleted(new)]
        tables.ensure_table(lab, "Transactions")
        for each in made[:2]:
            lab.client("dynamodb").put_item(TableName="Transactions", Item=each["dynamodb"]["NewImage"])
        tables.delete_item(lab, "Transactions", {key: each["S"] for key, each in new["dynamodb"]["Keys"].items()})
        real = streams.records(lab)

    assert [each["eventName"] for each in real] == [each["eventName"] for each in made]
    for ours, theirs in zip(made, real, strict=True):
        assert ours.keys() == {*theirs, "eventSourceARN"}  # Lambda adds it
        assert ours["dynamodb"].keys() == theirs["dynamodb"].keys()
        assert ours["dynamodb"].get("OldImage", {}).keys() == theirs["dynamodb"].get("OldImage", {}).keys()
