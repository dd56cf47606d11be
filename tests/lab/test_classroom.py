"""A class, as an instructor runs it: students who are stuck, a process that is killed, Ctrl-C, and on from there."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest
from chains import create_table
from commands import begin, in_process, run, still_running

from lab_lib.aws import buckets, cleanup, queues
from lab_lib.classroom import class_run
from lab_lib.classroom.roster import Student
from lab_lib.classroom.work import Work
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.run import headless
from lab_lib.workspace.masking import without_accounts
from tests.classes import book_of


def roster_of(folder, **accounts):
    """Write a roster of these names and accounts."""
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{account},{name}\n" for name, account in accounts.items())
    (folder / "roster.csv").write_text(f"account,name\n{rows}")
    return folder / "roster.csv"


def test_two_classes_at_once_do_not_write_to_the_same_folder(account, tmp_path):
    with class_run.lock(tmp_path / "out"):
        ended = in_process("class", roster_of(tmp_path, Ana=account), "--out", tmp_path / "out")

    assert (ended.exit_code, "at work in" in ended.stderr) == (2, True), ended.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_ctrl_c_ends_a_check_with_a_grade_book_of_those_who_were_graded(account, tmp_path, monkeypatch):
    def grade(work):
        if work.student.name == "Student 5":
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        threading.Event().wait(0.2)
        return work.failed(RuntimeError("no"))

    monkeypatch.setattr(Work, "check_account", grade)
    students = {f"Student {number}": int(account) + number for number in range(99)}

    ended = in_process("class", "check", roster_of(tmp_path, **students), "--out", tmp_path / "out")

    assert ended.exit_code == 130, ended.output
    states = [student["state"] for student in book_of(tmp_path / "out").values()]
    assert 0 < states.count("failed") < 99 == len(states)


def test_clean_deletes_what_the_lab_made_in_every_account_and_names_what_it_kept(new_account, tmp_path):
    ana, ben = open_lab(account=new_account(), prefix="ana-"), open_lab(account=new_account())
    given = f"class-{ben.account}"
    for lab in (ana, ben):
        queues.ensure_queue(lab, "CustomerNotify")
    buckets.ensure_bucket(ana)
    ben.client("s3").create_bucket(Bucket=given)
    rows = f"account,name,prefix,bucket\n{ana.account},Ana,ana-,\n{ben.account},Ben,,{given}\n"
    (tmp_path / "roster.csv").write_text(rows)

    ended = in_process("class", "clean", tmp_path / "roster.csv")

    assert (ended.exit_code, cleanup.remaining(ana), queues.names(ben)) == (0, [], []), ended.output
    said = re.sub(r"[\s│]", "", ended.stdout)
    assert re.findall(r"bucket[^(]+\(\w+", said) == [f"bucket{without_accounts(given)}(given"]


def begin_class(roster, until):
    """Start `lab class` for this roster, and wait for `until`. Return it, its processes, and their temporary folder."""
    options = ["--out", roster.parent / "out", "--jobs", "1"]
    variables = {"TMPDIR": str(roster.parent), "LAB_PREFIX": "TheInstructors"}
    process, children = begin(until, "class", roster, *options, **variables)
    [of_kernel] = {child.environ()["TMPDIR"] for child in children} - {variables["TMPDIR"]}
    return process, children, Path(of_kernel).parent


@pytest.mark.slow
def test_a_students_processes_end_when_the_class_is_killed(account, tmp_path):
    open_lab(account=account)  # starts the embedded AWS, which outlives the class
    work = Work(Student("Ana", account), tmp_path / "out")
    roster = roster_of(tmp_path, Ana=account)
    process, children, temporary = begin_class(roster, (work.draft / "00-start-here.ipynb").exists)

    process.kill()
    process.communicate()

    assert len(children) >= 2
    assert (still_running(children), temporary.exists()) == ([], False)
    assert [record.state for record in class_run.records([work])] == ["unfinished"]


@pytest.fixture(scope="module")
def stopped(new_account, tmp_path_factory):
    """Stop `lab class` in Chen's second notebook. Return roster, status, stderr, processes, folder, and grade book."""
    folder = tmp_path_factory.mktemp("class")
    out = folder / "out"
    roster = roster_of(folder, **{name: new_account() for name in ("Ben", "Ana", "=Chen")})
    ben = roster.read_text().splitlines()[1].split(",")[0]
    create_table(open_lab(account=ben), "Transactions", "Id")  # notebook 00 wants another key
    process, children, temporary = begin_class(roster, lambda: list(out.glob(".chen-*.draft/00-start-here.ipynb")))
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    return roster, process.returncode, stderr, children, temporary, book_of(out)


@pytest.mark.slow
def test_ctrl_c_ends_a_class_with_one_line_and_leaves_no_process_and_no_temporary_folder(stopped):
    roster, status, stderr, children, temporary, book = stopped

    assert (status, "--resume" in stderr.splitlines()[-1], "Traceback" in stderr) == (130, True, False), stderr
    assert len(children) >= 2
    assert (still_running(children), temporary.exists()) == ([], False)
    assert sorted(path.name for path in roster.parent.iterdir()) == ["out", "roster.csv"]
    assert server.running()
    assert {name: student["state"] for name, student in book.items()} == {
        "Ana": "done",
        "Ben": "failed",
        "=Chen": "unfinished",
    }


@pytest.mark.slow
def test_a_resumed_class_runs_whom_it_names_and_marks_down_who_is_stuck(stopped):
    roster, out = stopped[0], stopped[0].parent / "out"
    accounts = [line.split(",")[0] for line in roster.read_text().splitlines()[1:]]
    (ana,) = out.glob("ana-*/grade.json")
    before, options = ana.stat().st_mtime_ns, ["--resume", "--only", f"{accounts[0]},{accounts[1]}"]

    ended = run("class", roster, "--out", out, *options)

    assert (ended.returncode, "Full marks: 1 of 3" in ended.stdout) == (3, True), ended.stderr  # =Chen was not graded
    assert (len(ended.stderr.splitlines()), ana.stat().st_mtime_ns) == (1, before)  # Ana, who is done, is not run again
    book = book_of(out)
    assert [book[name]["percent"] for name in ("Ana", "=Chen")] == [100, None]
    assert book["Ben"]["wrong"][0]["step"] == "00"
    assert {path.name for path in headless.notebooks()} < {path.name for path in ana.parent.iterdir()}
    assert cleanup.remaining(open_lab(account=accounts[1])) == []
    written = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file())
    assert [account for account in accounts if account in written + ended.stdout + ended.stderr] == []
