"""`lab class grade`: a class of students' own work, and what a submission can and cannot do.

The students' code runs in a sandbox where there is one, else with --trust.
"""

import base64
import json
import shutil
import socket
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from lab_lib.classroom import sandbox, submission
from lab_lib.classroom.points import is_right
from lab_lib.exercises import copies, questions
from tests.learners import hand_in

pytestmark = pytest.mark.slow

LAB = Path(sys.executable).with_name("lab")
HAS_SANDBOX = not sandbox._fault()
HALF = ("create-topic", "keys", "room")  # what half a student leaves out
NOT_WITHOUT_A_TOPIC = {"create-topic", "create-queue", "room"}
HANG = "while True:\n    try:\n        import time; time.sleep(9)\n    except KeyboardInterrupt:\n        pass"
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
FLOOD = """
with open("flood", "wb") as file:
    try:
        while True:
            file.write(bytes(1_000_000))
    except OSError:  # the disk is full
        pass
while True:
    print("flood " * 100_000)
"""
NAMES = ("Right", "Half", "Untouched", "Commented", "Hang", "Crash", "Flood", "Spy", "Unreadable")
SETTINGS = {"Right": "r-,99.50"}  # a prefix and a threshold of their own
ROWS = "".join(f"{name},s{number},{SETTINGS.get(name, ',')}\n" for number, name in enumerate(NAMES, 1))
ROSTER = f"name,id,prefix,threshold\n{ROWS}"
DRAWN = copies.NOTEBOOKS / "chain-03.svg"
ANSWERS = {question.question for question in questions.asked()}


def graded(folder, *options):
    """Grade the submissions in a folder. Return the finished process, and the students' records by name."""
    out, trust = folder.with_name("graded"), [] if HAS_SANDBOX else ["--trust"]
    command = [LAB, "class", "grade", folder, "--out", out, "--seconds", "60", *options, *trust]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    book = json.loads((out / "gradebook.json").read_text(encoding="utf-8"))
    return done, {student["name"]: student for student in book["students"]}, out


def right(student):
    return {answer["question"] for answer in student["answers"] if answer["right"]}


SPY = """
import json, os, pathlib, socket
my_answer = ["wrong"]
def tried(act):
    try:
        return str(act())[:200]
    except OSError as error:
        return f"refused: {{error.strerror}}"
print(json.dumps({{
    "port": tried(lambda: socket.create_connection(("127.0.0.1", {port}), 3)),
    "internet": tried(lambda: socket.create_connection(("192.0.2.1", 53), 3)),
    "secret": tried(lambda: pathlib.Path({secret!r}).read_text()),
    "users": tried(lambda: pathlib.Path("/etc/passwd").read_text()),
    "write": tried(lambda: pathlib.Path({secret!r}).write_text("changed")),
    "code": tried(lambda: pathlib.Path({code!r}).open("a")),
    "processes": tried(lambda: len([name for name in os.listdir("/proc") if name.isdigit()]) < 40),
    "variables": tried(lambda: "LAB_TEST_SECRET" in "".join(os.environ)),
}}))
print("Right.")
for line in ("answer", "prediction"):
    with open(".lab/answers.jsonl", "a") as file:
        file.write(json.dumps({{"kind": line, "question": "actions", "answer": "x", "right": True}}))
"""


# Restarts the embedded AWS, so that it names an address of this computer for the code of a function, and goes on.
LURE = """
import os, pathlib, subprocess, sys, psutil
from lab_lib.aws import buckets, tables
from lab_lib.embedded import server
from lab_lib.lab import open_lab
program = pathlib.Path(os.environ["LAB_EMULATOR_HOME"]) / "mine.py"
program.write_text('''
import json, os
from lab_lib.embedded import process
os.environ |= process._settings(*json.load(open("server.json")).values())
from ministack.services import lambda_svc
from lab_lib.embedded import changes
make = changes.make
def make_and_lure():
    make()
    lambda_svc._presigned_code_url = lambda function: "http://127.0.0.1:PORT/lured"
changes.make = make_and_lure
process.main()
''')
for process in psutil.process_iter():
    if server.PROGRAM in process.cmdline():
        process.kill()
subprocess.Popen([sys.executable, str(program)], cwd=program.parent, start_new_session=True)
while not server.running():
    pass
lab = open_lab(**settings)
buckets.ensure_bucket(lab)
for name in tables.KEYS:
    tables.ensure_table(lab, name)
"""


@pytest.fixture(scope="module")
def spied(tmp_path_factory):
    """Yield a file of the instructor and a port of this computer that a submission tries to reach, and its code."""
    secret, code = tmp_path_factory.mktemp("spied") / "secret.txt", Path(sandbox.__file__)
    secret.write_text("of the instructor")
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("LAB_TEST_SECRET", "x")
        port = listener.getsockname()[1]
        spy = SPY.format(port=port, secret=str(secret), code=str(code))
        yield secret, listener, {"actions": spy, "create-table": LURE.replace("PORT", str(port))}


@pytest.fixture(scope="module")
def whole_class(tmp_path_factory, spied):
    """Nine submissions: right, half, untouched, with a comment in every cell, one that hangs, one that crashes its
    kernel, one that floods, one that spies and names an address, one that cannot be read. Half claims to be right's,
    and draws the chain.
    """
    folder = tmp_path_factory.mktemp("class") / "submissions"
    folder.mkdir()
    hand_in(folder / "right.zip", "Right", student_id="s1")
    hand_in(folder / "half.zip", "Right", left_out=HALF, notifier="naive", student_id="s1")
    with zipfile.ZipFile(folder / "half.zip", "a") as archive:
        archive.writestr(DRAWN.name, "<svg>mine</svg>")
    submission.write_untouched(folder / "untouched.zip")
    hand_in(folder / "commented.zip", "Commented", left_out=None, notifier="in_parts", comment="\n# Mine.\n")
    hand_in(folder / "hang.zip", "Hang", written={"create-topic": HANG})
    hand_in(folder / "crash.zip", "Crash", written={"create-mapping": CRASH})
    hand_in(folder / "flood.zip", "Flood", written={"create-topic": FLOOD})
    hand_in(folder / "spy.zip", "Spy", written=spied[2])
    (folder / "unreadable.zip").write_text("no zip")
    (roster := folder.with_name("roster.csv")).write_text(ROSTER)
    return graded(folder, "--roster", roster, "--jobs", "3")  # most of it is waiting


def test_each_student_gets_the_points_of_their_own_work_and_a_fault_costs_nobody_else(whole_class):
    done, students, _ = whole_class

    assert (done.returncode, len(students)) == (1, 9), done.stderr
    percents = {name: student["percent"] for name, student in students.items()}
    assert percents["Right"] == 100, done.stderr
    assert 0 < percents["Half"] < 90
    for name in ("Hang", "Crash", "Flood"):
        assert 0 < percents[name] < 100
        assert students[name]["points"]["function"] == 10  # its own sandbox
    for student in students.values():
        if student["total"] is not None:
            assert sum(Decimal(str(point)) for point in student["points"].values()) == Decimal(str(student["total"]))
    states = {name: student["state"] for name, student in students.items() if student["state"] != "done"}
    assert states == dict.fromkeys(("Hang", "Crash", "Flood", "Unreadable"), "failed")
    assert percents["Unreadable"] == 0
    assert "unreadable.zip is not a file of `lab submit`" in students["Unreadable"]["error"]
    claim = "half.zip claims to be from Right (s1). It counts for Half, as its name says."
    assert students["Half"]["remarks"] == [claim]
    assert f"Half: {claim}" in done.stdout
    assert "03-create-topic: stopped after" in students["Hang"]["error"]
    assert "02-add-triggers: a cell has killed the kernel" in students["Crash"]["error"]


def test_what_the_notebooks_build_by_themselves_gives_no_points_with_a_comment_in_every_cell_too(whole_class):
    _, students, _ = whole_class

    for student in (students["Untouched"], students["Commented"]):
        assert set(student["points"].values()) == {0}
        assert [student["state"], *(check["id"] for check in student["checks"] if check["state"] == "ok")][:2] == [
            "done",
            "bucket",
        ]
        assert "passed" in [case["state"] for case in student["trial"]]


def test_answers_and_functions_are_judged_outside(whole_class):
    _, students, _ = whole_class

    assert right(students["Right"]) == ANSWERS
    missing = ANSWERS - right(students["Half"])
    assert NOT_WITHOUT_A_TOPIC | {"keys"} <= missing
    assert "create-table" in right(students["Half"])
    assert right(students["Commented"]) == set()
    passed = {name: {case["case"] for case in students[name]["trial"] if is_right(case)} for name in ("Right", "Half")}
    assert len(passed["Right"]) == len(students["Right"]["trial"])
    assert set() < passed["Half"] < passed["Right"]


def test_every_student_gets_feedback_with_their_notebooks_and_the_labs_pictures(whole_class):
    _, students, out = whole_class

    for student in students.values():
        if student["name"] == "Unreadable":
            continue
        page = (out / "feedback" / f"{student['folder']}.html").read_text(encoding="utf-8")
        assert page.count('class="notebook"') >= 7
        assert base64.b64encode(DRAWN.read_bytes()).decode() in page
        assert (out / student["folder"] / DRAWN.name).read_bytes() == DRAWN.read_bytes()
        assert [other for other in students if f"feedback for {other}<" in page] == [student["name"]]
    assert "feedback/" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not HAS_SANDBOX, reason="there is no sandbox here")
def test_a_submission_reaches_nothing_of_this_computer_and_what_it_prints_does_not_count(spied, whole_class):
    (secret, listener, _), (_, students, out) = spied, whole_class
    listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        listener.accept()

    notebook = json.loads((out / students["Spy"]["folder"] / "00-start-here.ipynb").read_text(encoding="utf-8"))
    texts = ["".join(output.get("text", "")) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    [attempts] = [json.loads(text.splitlines()[0]) for text in texts if text.startswith('{"port"')]
    assert {name: text.split(":")[0] for name, text in attempts.items()} == {
        **dict.fromkeys(("port", "internet", "secret", "users", "write", "code"), "refused"),
        "processes": "True",
        "variables": "False",
    }
    assert secret.read_text() == "of the instructor"
    assert "actions" in ANSWERS - right(students["Spy"])
    unread = {
        check["id"] for check in students["Spy"]["checks"] if "cannot be read (the answer is 403)" in check["found"]
    }
    assert unread == {"code-TransactionProcessor", "code-TotalNotifier"}  # the judge asked the account itself


def test_a_file_that_cannot_be_read_is_named_and_the_class_goes_on(tmp_path):
    (folder := tmp_path / "submissions").mkdir()
    (folder / "bo.zip").write_text("no zip")
    shutil.copy(folder / "bo.zip", folder / "cleo.zip")
    roster = tmp_path / "roster.csv"
    roster.write_text("name\nBo\nIda\n")

    done, students, _ = graded(folder, "--roster", roster)

    assert done.returncode == 3
    assert {name: (student["state"], student["percent"]) for name, student in students.items()} == {
        "Bo": ("failed", 0),
        "Ida": ("missing", None),
    }
    assert "bo.zip is not a file of `lab submit`" in students["Bo"]["error"]
    assert "Handed in nothing: Ida" in done.stdout
    assert "cleo.zip" in done.stdout
