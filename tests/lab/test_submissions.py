"""`lab class grade`: a class of students' own work, and what a submission can and cannot do."""

import pytest
from commands import begin, run, still_running

from lab_lib.classroom import sandbox
from lab_lib.exercises import questions
from tests.classes import book_of
from tests.learners import hand_in, solutions
from tests.web_server import unasked

pytestmark = pytest.mark.slow

HALF = ("create-topic", "create-queue", "keys", "room")  # what half a student leaves out
OF_THE_LAST = ("effect", "one-transaction", "order")  # two notebooks
STEPS = {"00": 5, "01": 8, "02": 8, "03": 2, "04": 7, "05": 15, "probe": 35}
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
HANG = "while True:\n    try:\n        import time; time.sleep(9)\n    except KeyboardInterrupt:\n        pass"
FLOOD = """
with open("flood", "wb") as file:
    try:
        while True:
            file.write(bytes(1_000_000))
    except OSError:  # the disk is full
        pass
while True:
    print("flood " * 10)
"""
NAMES = ("Right", "Hostile", "Half", "Unreadable")  # the slowest begin first
SETTINGS = {"Right": "r-,99.50"}  # a prefix and a threshold of their own
ROWS = "".join(f"{name},s{number},{SETTINGS.get(name, ',')}\n" for number, name in enumerate(NAMES, 1))
ROSTER = f"name,id,prefix,threshold\n{ROWS}"
ANSWERS = {*questions.asked()}


def right(student):
    return {answer["question"] for answer in student["answers"] if answer["right"]}


# Says that a wrong answer is right.
FORGE = """
my_answer = ["wrong"]
print("Right.")
"""


# Restarts the embedded AWS, so that it names an address of this computer for the code of a function, and goes on.
LURE = """
import os, pathlib, subprocess, sys, psutil
from lab_lib.aws import buckets, tables
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.workspace.places import workspace
program = server.home() / "mine.py"
program.write_text('''
import json, os, socket, sys
from lab_lib.embedded import process
note = json.load(open("server.json"))
door = socket.create_server(("127.0.0.1", note["port"]))
sys.argv.append(str(door.fileno()))
os.environ |= process._settings(*note.values())
from lab_lib.embedded import guard
guard.code_url = lambda function: "http://127.0.0.1:PORT/lured"
process.main()
''')
for process in psutil.process_iter():
    if server.PROGRAM in process.cmdline():
        process.kill()
subprocess.Popen([sys.executable, str(program), str(workspace()), ""], cwd=program.parent, start_new_session=True)
while not server.running():
    pass
lab = open_lab(**settings)
buckets.ensure_bucket(lab)
for name in tables.KEYS:
    tables.ensure_table(lab, name)
"""


@pytest.fixture(scope="module")
def listener():
    """Yield the port of a server of this computer, which must not be asked."""
    with unasked() as port:
        yield port


@pytest.fixture(scope="module")
def whole_class(tmp_path_factory, listener):
    """Four submissions, in a sandbox each: right, half, hostile, and one that cannot be read. A fifth is of nobody.

    The hostile one forges an answer and names an address, then crashes its kernel, then hangs, then floods. Half makes
    the topic in another cell, writes a comment into every cell, and claims to be right's. Neither has a function, nor
    handed in 06 and 99. Right and half have transactions of their own. Right has emptied a setup and the upload, and an
    editor has taken the ids.
    """
    if why := sandbox.fault():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("class") / "submissions"
    folder.mkdir()
    hand_in(folder / "right.zip", "Right", student_id="s1", emptied=("01-04", "05-10"), has_ids=False, data_id="s1")
    elsewhere = {"create-table": "aws.topics.ensure_topic(lab)\n" + solutions()["create-table"]}
    half = {"left_out": HALF, "written": elsewhere, "notifier": None, "comment": "\n# Mine.\n", "last": "05"}
    hand_in(folder / "half.zip", "Right", student_id="s1", data_id="S3", **half)
    hand_in(folder / "stranger.zip", "Stranger", left_out=None)
    hostile = {"actions": FORGE, "create-table": LURE.replace("PORT", str(listener)), "create-mapping": CRASH}
    hostile |= {"create-topic": HANG, "create-queue": FLOOD}
    hand_in(folder / "hostile.zip", "Hostile", written=hostile, notifier=None, last="05")
    (folder / "unreadable.zip").write_text("no zip")
    (roster := folder.with_name("roster.csv")).write_text(ROSTER)
    out = folder.with_name("graded")
    options = ["--out", out, "--roster", roster, "--seconds", "40", "--jobs", "3"]
    return run("class", "grade", folder, *options), book_of(out), out


def test_each_student_gets_the_points_of_their_own_work_and_a_fault_costs_nobody_else(whole_class):
    done, students, out = whole_class

    assert (done.returncode, len(students)) == (1, 4), done.stderr
    percents = {name: student["percent"] for name, student in students.items()}
    assert percents["Right"] == 100, done.stderr
    half = students["Half"]["points"]
    assert {column: half[column] for column in STEPS} == STEPS  # what is missing was made, so that it costs once
    assert (half["exercises"], half["function"]) == (5.71, 0)  # 12 of 21
    hostile = students["Hostile"]
    assert 0 < percents["Hostile"] < 100
    assert hostile["points"]["00"] == 3.75  # all, built before it, times three of the four exercises that are needed
    states = [students[name]["state"] for name in ("Right", "Half", "Unreadable")]
    assert (states, percents["Unreadable"]) == (["done", "failed", "failed"], 0)
    missing = [step["notebook"][:2] for step in students["Half"]["steps"] if step["error"] == "It was not handed in."]
    assert missing == ["06", "99"]
    assert "unreadable.zip is not a file of `lab submit`" in students["Unreadable"]["error"]
    claim = "half.zip claims to be from Right (s1). It counts for Half, as its name says."
    notes = {answer["question"]: answer.get("note", "") for answer in students["Half"]["answers"]}
    assert "Another cell had made it, which gives no points." in notes["create-topic"]
    assert f"Half: {claim}" in done.stdout
    assert "stranger.zip" in done.stdout
    crashed, hung = (str(step["errors"]) for step in hostile["steps"][2:4])
    assert "KernelDied: This cell has" in crashed
    assert "TimeoutError: Stopped after 8 s, the most that a cell may take." in hung
    assert len(hostile["steps"]) == 8, hostile  # each notebook went on
    assert "create-queue" not in right(hostile)
    page = (out / "feedback" / f"{hostile['folder']}.html").read_text(encoding="utf-8")
    assert page.count('class="notebook"') == 6  # the others were not handed in


def test_answers_and_functions_are_judged_outside(whole_class):
    _, students, _ = whole_class

    assert right(students["Right"]) == ANSWERS
    assert right(students["Half"]) == ANSWERS - {*HALF, *OF_THE_LAST}
    assert {case["state"] for case in students["Right"]["trial"]} == {"passed"}
    assert {case["cause"][:27] for case in students["Half"]["trial"]} == {"my_notifier.py has no lambd"}
    assert len({student["seed"] for student in students.values()}) == 1  # all are tried with the same transactions


def test_what_a_submission_forges_does_not_count_and_the_judge_follows_no_address_from_there(whole_class):
    hostile = whole_class[1]["Hostile"]

    assert "actions" not in right(hostile)
    unread = {check["id"] for check in hostile["checks"] if "cannot be read (the answer is 403)" in check["found"]}
    assert unread == {"code-TransactionProcessor", "code-TotalNotifier"}  # the judge asked the account itself


def test_nothing_of_a_submission_lives_on_when_its_judge_is_killed_or_the_class_is_stopped(tmp_path):
    (folder := tmp_path / "class").mkdir()
    for name in ("Ana", "Ben"):
        hang = f"open({str(tmp_path / name)!r}, 'w')\n{HANG}"
        hand_in(folder / f"{name}.zip", name, written={"actions": hang})
    out, options = tmp_path / "out", ["--jobs", "2", "--trust"]

    def hung():
        return (tmp_path / "Ana").exists() and (tmp_path / "Ben").exists()

    process, family = begin(hung, "class", "grade", str(folder), "--out", str(out), *options, TMPDIR=str(tmp_path))
    judge = next(child for child in family if "spawn_main" in str(child.cmdline()))
    of_judge = judge.children(recursive=True)
    judge.kill()

    assert (len(of_judge) >= 3, still_running(of_judge)) == (True, [])
    process.terminate()
    assert "--resume" in process.communicate()[1].splitlines()[-1]
    assert (process.returncode, still_running(family)) == (143, [])
    states = sorted(student["state"] for student in book_of(out).values())
    assert (states, len([*out.glob(".*.draft")])) == (["failed", "unfinished"], 1)
