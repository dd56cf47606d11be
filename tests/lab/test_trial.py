"""`lab try`: which cases a function passes, and that no function harms more than its own score."""

import re
import shutil
import signal
import tempfile
from functools import partial

import psutil
import pytest
from commands import begin, in_process

from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server
from lab_lib.exercises import cases, runner, trial
from lab_lib.lab import lab_on
from lab_lib.processes.family import cpu_seconds, total
from tests import right_functions
from tests.learners import my_notifiers

NOTIFIERS = my_notifiers()
SOLUTION = NOTIFIERS["solution"]
# Files of the solution that are replaced: only the highest number of a customer says what was added; the marker is
# written after the sum and the alert.
HALF_RIGHT = {
    "high_water": {
        "my_notifier.py": """
from my_alert import alert
from my_aws import TOTALS, dynamodb
from my_read_change import read_change
from my_totals import rows


def lambda_handler(event, context):
    for record in event["Records"]:
        customer, amount, _ = read_change(record)
        try:
            dynamodb.update_item(
                TableName=TOTALS,
                Key={"CustomerId": customer},
                UpdateExpression="ADD accountBalance :amount SET highest = :number",
                ConditionExpression="attribute_not_exists(highest) OR highest < :number",
                ExpressionAttributeValues={":amount": amount, ":number": record["dynamodb"]["SequenceNumber"]},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            pass
    for row in rows(sorted({read_change(record)[0] for record in event["Records"]})):
        alert(row)
"""
    },
    "marker_after": {
        "my_add.py": """
from my_alert import alert
from my_aws import MARKERS, dynamodb
from my_totals import additions, rows


def add(changes):
    for addition in additions(changes):
        dynamodb.update_item(**addition)
    for row in rows(sorted({customer for customer, _, _ in changes})):
        alert(row)
    for _, _, event_id in changes:
        dynamodb.put_item(TableName=MARKERS, Item={"EventId": event_id})
"""
    },
}
NOTIFIERS |= {name: SOLUTION | changed for name, changed in HALF_RIGHT.items()}
NOTIFIERS["hints"] = {runner.MODULE: right_functions.HINTS}  # of another design
NOTIFIERS["set_of_ids"] = {runner.MODULE: right_functions.SET_OF_IDS}
QUICK = [case.id for case in cases.CASES if case.id not in ("crash", "poison-and-crash", "long-history", cases.LARGE)]
NOT_FREE = [case.id for case in cases.chosen(QUICK) if not case.free]
# What a function has in common with the solution is tried in few cases.
AGAIN = ["batch-twice", "cold-start", "cut-otherwise", "out-of-order"]
FEW = ["new-transactions", *AGAIN, "poison", "poison-and-crash", "topic-away"]
SMALL = ["new-transactions", "correction", "poison"]
HANDLER = "import os, signal, time\nFORKED = []\n\ndef lambda_handler(event, context):\n    "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Yield the temporary folder. A trial leaves nothing there, no process, and no server of the learner's."""
    folder, learners = tmp_path / "tmp", server.start()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    wait_until(lambda: not processes(folder), "all processes to end", timeout=10, longest_pause=0.1)
    assert ([*folder.iterdir()], server.running()) == ([], learners)


def processes(folder):
    """Return the processes of servers, and of functions, whose files are in the folder."""
    running = psutil.process_iter(["environ"])
    return [process for process in running if str(folder) in (process.info["environ"] or {}).get("TMPDIR", "")]


def judge(path, only, seed=""):
    """Judge the function with the embedded AWS of the tests, since another one takes longer than most cases."""
    running = server.start()
    return trial.judge(path, only, seed, accounts=partial(lab_on, running.endpoint, running.secret))


def written(tmp_path, files):
    """Write the files of a function, or the text of one file; return the path of the handler's."""
    for name, text in (files if isinstance(files, dict) else {runner.MODULE: files}).items():
        (tmp_path / name).write_text(text)
    return tmp_path / runner.MODULE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tried", "fails"),
    [
        ("left_empty", QUICK, NOT_FREE),
        ("high_water", AGAIN, AGAIN[-1:]),
        ("marker_after", FEW, ["poison-and-crash", "topic-away"]),
        ("hints", [*SMALL, *AGAIN, "topic-away"], []),
        ("set_of_ids", ["poison", "long-history"], ["long-history"]),
    ],
)
def test_a_function_fails_exactly_the_cases_of_its_faults(name, tried, fails, folder, tmp_path):
    report = judge(written(tmp_path, NOTIFIERS[name]), tried)

    assert [result.case for result in report.results if result.state != "passed"] == fails, report.rows


def test_a_verdict_tells_the_causes_and_what_was_sent_and_found_for_the_first(folder, tmp_path):
    only = "crash,poison-and-crash,topic-away,crossings"
    done = in_process("try", written(tmp_path, NOTIFIERS["naive"]), "--only", only, "--seed", "5")

    words = re.sub(r"[│\s]+", " ", done.stdout)
    assert done.exit_code == 1
    assert "✘ not yet records that come again are added again: crash, topic-away crash: The function is" in words
    assert re.search(
        r"sent to a new start: .* found: killed at the call UpdateItem, and started again; .* has acc", words
    )
    assert re.search(
        r"✘ not yet the last batch still fails: KeyError: 'N' \(my_notifier.py, line \d+\): poison-and-crash ✘", words
    )
    assert "✘ not yet too many alerts are sent: crossings" in words
    assert "Passed: 0 of 4. The same transactions again: seed 5." in words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "tried", "words"),
    [
        (f"{HANDLER}time.sleep(999)", SMALL, "it takes too much; stopped, because it did not return within 4 s"),
        (f"{HANDLER}FORKED or FORKED.append(1) or (os.fork() or signal.pause()) and os.fork()", SMALL, "has nothing"),
        (f"{HANDLER}os._exit(3)", SMALL, "fails: its process ended before it returned"),
        (f"{HANDLER}for _ in range(99): print('x' * 10**6, os.write(3, b'{{}}\\n' * 300))", SMALL, ""),
        (
            NOTIFIERS["naive"],
            ["ten-thousand"],
            "it makes too many AWS calls; stopped, because it made more than 900 AWS calls",
        ),
    ],
    ids=["sleep", "fork", "exit", "print", "calls"],
)
def test_a_terrible_function_only_fails(text, tried, words, folder, tmp_path, monkeypatch):
    if "sleep" in text:
        monkeypatch.setattr(runner, "_LONGEST", 4)
    results = judge(written(tmp_path, text), only=tried).results

    assert words in f"{results[0].cause}; {results[0].found}".replace("accountBalance ", "")
    untried = ["2 cases took too much, so the others were not tried."] * ("sleep" in text)
    assert [result.cause for result in results if result.state != "not yet"] == untried


@pytest.mark.parametrize(
    ("text", "only", "message"),
    [
        ("x = 1\ndef lambda_handler(event, context)\n", "", "my_notifier.py, line 2: expected ':'"),
        ("from my_part import part\n", "", "my_part.py: Line 1 has `：`. Type `:` instead"),
        ("import os; os._exit(1)\n", "", "has no lambda_handler"),
        (NOTIFIERS["naive"], "poison,potion", "There is no case 'potion'. The cases are new-transactions,"),
    ],
)
def test_a_file_without_a_function_and_an_unknown_case_are_wrong_requests(text, only, message, folder, tmp_path):
    (tmp_path / "my_part.py").write_text("def part()：", "utf-8")
    done = in_process("try", written(tmp_path, text), "--only", only)

    assert (done.exit_code, message in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_trial_leaves_no_process(number, status, folder, tmp_path):
    path = written(tmp_path, HANDLER + "while True: pass")

    def computes():
        trying, running = {*processes(folder)}, psutil.process_iter(["cmdline"])
        starters = [one for one in running if runner.RUNTIME.name in str(one.info["cmdline"])]
        return any(total([one], cpu_seconds) > 1 and trying & {*one.parents()} for one in starters)

    lab, family = begin(computes, "try", str(path), TMPDIR=str(folder))
    lab.send_signal(number)

    assert lab.communicate()[1] == ("Stopped. Nothing is left of the trial.\n" if status == 130 else "")
    assert (lab.returncode, len(family) > 2) == (status, True)
    if number == signal.SIGKILL:  # nobody could delete the files
        wait_until(lambda: not processes(folder), "all processes to end", timeout=5, longest_pause=0.1)
        for entry in folder.iterdir():
            shutil.rmtree(entry)
