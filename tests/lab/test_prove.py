"""`lab prove` as a rehearsal: to its end, after an error, with something left over, and stopped by Ctrl-C."""

import json
import os
import re
import shutil
import signal

import pytest
from commands import begin, in_process, still_running

from lab_lib import waited
from lab_lib.aws import cleanup, queues
from lab_lib.exercises import copies
from lab_lib.lab import BUCKET_NAME
from lab_lib.run import prove
from lab_lib.run.proof import REHEARSAL
from tests.learners import write_notebook


def texts(folder):
    """Return the JSON file and the page of a proof."""
    return [(folder / name).read_text(encoding="utf-8") for name in ("proof.json", "proof.html")]


def steps(folder):
    """Return what was seen in each step, and whether it was right."""
    proof = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    return {step["step"]: (step["ok"], step["seen"]) for step in proof["steps"]}


@pytest.fixture
def nothing_broken(tmp_path, monkeypatch):
    """Leave out what takes longest: notebook 06, after which test_first_minutes.py probes a lab, and most rows.

    So the waits are short; each is noted.
    """
    shutil.copytree(copies.NOTEBOOKS, tmp_path / "notebooks")
    write_notebook(tmp_path / "notebooks" / "06-break-it.ipynb")
    monkeypatch.setattr(copies, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(prove, "ROWS", 1_000)
    monkeypatch.setattr(waited, "_SHORTEST", 0)


@pytest.mark.slow
def test_a_rehearsal_goes_through_all_steps_says_what_it_is_and_shows_nothing_private(lab, nothing_broken, tmp_path):
    ended = in_process("prove", "--account", lab.account, "--out", tmp_path / "out")

    text, page = texts(tmp_path / "out")
    proof = json.loads(text)
    assert (ended.exit_code, proof["ok"], REHEARSAL in ended.stdout) == (0, True, True), ended.output
    assert len(proof["steps"]) == prove.number_of_steps()
    assert list(proof["minutes.json"]) == prove.numbers()[-9:]
    assert "rows.txt to go all the way" in {wait["what"] for wait in proof["waits"]}
    assert (next(iter(proof.values())), f"<title>{REHEARSAL}" in page) == (REHEARSAL, True)
    assert [word for word in (lab.account, BUCKET_NAME, "arn:aws") if word in text + page] == []
    assert re.findall(r"https?:|src=|<script|@import", page) == []
    assert cleanup.remaining(lab) == cleanup.kept(lab) == []


MAKE_A_QUEUE = """
from lab_lib import open_lab
from lab_lib.aws import queues
queues.ensure_queue(open_lab(account=settings["account"]), "CustomerNotify")
"""


@pytest.fixture
def one_queue(tmp_path, monkeypatch):
    """Put notebooks in the place of the lab's own. The first one makes a queue, and the others nothing."""
    for name, code in {"00-queue": MAKE_A_QUEUE, "06-nothing": "", "99-nothing": ""}.items():
        write_notebook(tmp_path / f"{name}.ipynb", code)
    monkeypatch.setattr(copies, "NOTEBOOKS", tmp_path)


def test_after_an_error_all_is_deleted_at_once_and_the_proof_says_what_failed(lab, one_queue, tmp_path):
    ended = in_process("prove", "--account", lab.account, "--out", tmp_path / "out")

    seen = steps(tmp_path / "out")
    failed = [step for step, (ok, _) in seen.items() if not ok]
    assert (ended.exit_code, failed[-1]) == (1, "10,000 rows"), ended.output
    assert "NoSuchBucket" in seen["10,000 rows"][1]
    assert "not there" in seen["check after five minutes"][1]  # what does not hold ends nothing
    assert [*seen.items()][-2:] == [
        ("clean after the error", (True, "Resources deleted: 1")),
        ("what is left", (True, "Nothing of the lab is left")),
    ]
    assert cleanup.remaining(lab) == []


def test_what_is_left_at_the_end_is_named(lab, one_queue, tmp_path, monkeypatch):
    monkeypatch.setattr(cleanup, "delete_all", lambda lab: [])

    ended = in_process("prove", "--account", lab.account, "--out", tmp_path / "out")

    text, page = texts(tmp_path / "out")
    assert (ended.exit_code, "`lab clean`" in ended.stdout) == (1, True), ended.output
    assert json.loads(text)["left"] == ["queue CustomerNotify"]
    assert "Left: queue CustomerNotify" in page


@pytest.mark.slow
def test_ctrl_c_writes_what_was_seen_and_says_what_is_still_there(lab, tmp_path):
    first = tmp_path / "run" / "00-start-here.ipynb"
    process, children = begin(first.exists, "prove", "--account", lab.account, "--out", tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()

    text, page = texts(tmp_path)
    assert (process.returncode, "still there: `lab clean`" in stderr, len(stderr.splitlines())) == (130, True, 1), (
        stderr
    )
    assert (json.loads(text)["ok"], json.loads(text)["left"]) == (False, None)
    assert "did not come to its end" in page
    assert "table Customer" in cleanup.remaining(lab)
    assert children
    assert still_running(children) == []


def test_a_proof_does_not_begin_where_something_of_the_lab_is(lab, tmp_path):
    queues.ensure_queue(lab, "CustomerNotify")

    ended = in_process("prove", "--account", lab.account, "--out", tmp_path / "out")

    assert (ended.exit_code, "already: 1" in ended.stderr, (tmp_path / "out").exists()) == (2, True, False)
    assert cleanup.remaining(lab) == ["queue CustomerNotify"]
