"""`lab run`, as a user types it: run to its end, stopped by Ctrl-C, and with a notebook that fails."""

import json
import os
import platform
import re
import signal
from pathlib import Path

import nbformat
import pytest
from chains import HEADER, create_table
from commands import begin, in_process, run, still_running

from lab_lib.aws import buckets, cleanup, queues
from lab_lib.embedded import server
from lab_lib.exercises import copies
from lab_lib.lab import open_lab
from lab_lib.run import headless
from lab_lib.settings import SETTINGS
from lab_lib.workspace.places import WORKSPACE
from tests.learners import solve, write_notebook

STEPS = [path.stem for path in headless.notebooks() if path.stem < "06"]  # what 06 and 99 do, nbval compares
EMAIL, PHONE = "ana@example.com", "+15555550100"
PEOPLE = ["--email", EMAIL, "--phone", PHONE]
NO_AWS = {"AWS_PROFILE": "there-is-no-such-profile", "AWS_CONFIG_FILE": "/nowhere", "AWS_REGION": "eu-west-3"}
OTHER_FILE = """\
customer_id|customer_address|trn_id|trn_date|trn_amount
D1|1 Mill Lane|X01|03/16/2017|1750.25
D2|2 Mill Lane|X02|03/16/2017|1600
D2|2 Mill Lane|X03|16/03/2017|1600
D2|2 Mill Lane|X04
"""


def private_in(text, account):
    """Return the private values in this text, or in the files of this folder."""
    if isinstance(text, Path):
        files = [path for path in text.rglob("*") if path.is_file()]
        text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    return [value for value in (account, EMAIL, PHONE, PHONE[1:]) if value in text]


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runs_account(new_account):
    return new_account()


@pytest.fixture(scope="module")
def ran(runs_account, tmp_path_factory):
    """Run the lab up to 05 in this account, with another file and threshold. Return its folder and the process."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "other.txt").write_text(OTHER_FILE)
    options = ["--data", folder / "other.txt", "--threshold", "1750", "--until", "05", "--out", folder / "out"]
    return folder / "out", run("run", "--account", runs_account, *PEOPLE, *options, **NO_AWS)


@pytest.mark.slow
def test_ctrl_c_ends_the_run_with_one_line_and_leaves_no_process_and_no_temporary_file(account, tmp_path):
    open_lab(account=account)  # starts the embedded AWS, which outlives the run
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    first, options = out / f"{STEPS[0]}.ipynb", ["--account", account, *PEOPLE, "--out", out]
    process, children = begin(first.exists, "run", *options, TMPDIR=str(temporary))

    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of its foreground processes
    stdout, stderr = process.communicate()

    result = result_of(out)
    assert (process.returncode, len(stderr.strip().splitlines()), "lab clean" in stderr) == (130, 1, True), stderr
    assert (result["ok"], all(step["ok"] for step in result["steps"])) == (False, True)
    assert children
    assert still_running(children) == list(temporary.iterdir()) == []
    assert server.running()
    assert private_in(out, account) == private_in(stdout + stderr, account) == []


def test_the_result_of_a_run_is_what_the_account_held_at_its_end(ran, runs_account):
    folder, process = ran

    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    result = result_of(folder)
    assert result["versions"]["python"] == platform.python_version()
    assert [row["line"] for row in result["rejected"]] == [4, 5]
    wanted = {
        "account": f"********{runs_account[-4:]}",
        "region": "us-east-1",
        "ok": True,
        "totals": {"D1": "1750.25", "D2": "1600"},
        "transactions": 2,
        "customers": 2,
        "alerts": [{"customerID": "D1", "accountBalance": "1750.25"}],
        "queues": dict.fromkeys(queues.ALERT_QUEUES, 1),
    }
    assert {name: result[name] for name in wanted} == wanted


def test_each_notebook_has_a_line_and_is_written_with_outputs_picture_and_parameters(ran, runs_account):
    folder, process = ran
    masked = {"account": f"********{runs_account[-4:]}", "email": "a***@example.com", "phone": "+*********00"}

    steps = result_of(folder)["steps"]
    assert [(step["notebook"], step["ok"], step["error"]) for step in steps] == [(name, True, None) for name in STEPS]
    assert (str(folder) in process.stdout, "to AWS" in process.stdout) == (True, False)
    for name in STEPS:
        assert re.search(rf"✔ {name} .*(\d+) of \1\b.*\d+\.\d", process.stdout)
        notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
        settings = notebook.metadata.papermill.parameters["settings"]
        assert set(settings) == {*SETTINGS, "data_file", "yes"}
        assert settings.items() >= masked.items()
        (checkpoint,) = [cell for cell in notebook.cells if "checkpoint" in cell.metadata.get("tags", [])]
        assert re.search(r"(\d+) of \1\b", "".join(output.get("text", "") for output in checkpoint.outputs))


def test_nothing_that_a_run_writes_or_prints_holds_private_values_and_only_its_owner_reads_it(ran, runs_account):
    folder, process = ran
    log, history = server.home() / "server.log", Path(os.environ["IPYTHONDIR"])

    texts = [folder, history, log.read_text(), process.stdout + process.stderr]
    assert [private_in(text, runs_account) for text in texts] == [[], [], [], []]
    assert [path for path in [folder, *folder.iterdir()] if path.stat().st_mode & 0o077] == []


@pytest.mark.slow  # test_kernels.py shows quickly what is written
def test_a_notebook_that_fails_ends_the_run_with_status_1_and_its_evidence(account, tmp_path):
    create_table(open_lab(account=account), "Customer", "Id")

    ended = in_process("run", "--account", account, "--out", tmp_path)

    (line,) = [line for line in ended.stdout.splitlines() if STEPS[0] in line]
    (step,) = result_of(tmp_path)["steps"]
    assert (ended.exit_code, "WrongResource" in line, "Traceback" in ended.output) == (1, True, False)
    assert step["error"].startswith("WrongResource: Table Customer has the key Id (S); this lab wants CustomerId (S)")
    assert [path.stem for path in tmp_path.glob("*.ipynb")] == [STEPS[0]]
    assert '"ename": "WrongResource"' in (tmp_path / f"{STEPS[0]}.ipynb").read_text()


@pytest.mark.slow
def test_a_run_first_ends_a_clean_up_that_was_interrupted(chain, tmp_path, monkeypatch):
    for number in ("00", "99"):
        write_notebook(tmp_path / f"{number}-nothing.ipynb")
    monkeypatch.setattr(copies, "NOTEBOOKS", tmp_path)
    buckets.upload(chain.lab, headless.DATA_FILE)
    chain.wait_for_changes(24)
    assert "table Transactions" in cleanup.delete_all(chain.lab)  # and no further

    _, result = headless.run(headless.prepare({"account": chain.lab.account}), tmp_path / "out", print)

    assert (result["ok"], cleanup.remaining(chain.lab)) == (True, [])


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--data", "missing.txt", "missing.txt"),
        ("--data", "sample.csv", ".txt"),
        ("--data", "rejected.txt", "no good row"),
        ("--until", "99", "00, 01, 02, 03, 04, 05, 06"),
        ("--out", "sample.csv", "sample.csv"),
        ("--out", str(copies.NOTEBOOKS), "another folder"),
    ],
)
def test_a_wrong_request_is_one_line_and_status_2_and_nothing_is_made(option, value, named, account, tmp_path):
    (tmp_path / "sample.csv").write_text(headless.DATA_FILE.read_text())
    (tmp_path / "rejected.txt").write_text(f"{HEADER}\nC1|a|T1|03/16/2017|ninety\n")

    value = tmp_path / value if "." in value else value
    ended = in_process("run", "--account", account, "--out", tmp_path / "out", option, value)

    assert (ended.exit_code, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1), ended.output
    assert named in ended.stderr
    assert not (tmp_path / "out").exists()
    assert cleanup.remaining(open_lab(account=account)) == []


@pytest.mark.slow
def test_the_learners_copy_is_run_with_its_own_settings_and_stays_as_it_is(account, tmp_path, monkeypatch):
    monkeypatch.setenv(WORKSPACE, str(tmp_path))
    solve(copy := copies.complete())
    first = copy / f"{STEPS[0]}.ipynb"
    first.write_text(first.read_text().replace(r"\"account\": \"\"", rf"\"account\": \"{account}\""))
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    options = ["--prefix", "Ana-", "--data", headless.DATA_FILE, "--out", tmp_path / "out"]
    ended = in_process("run", "--mine", "--until", "00", *options)

    result = result_of(tmp_path / "out")
    assert (ended.exit_code, result["ok"], result["account"][-4:]) == (0, True, account[-4:]), ended.output
    assert "table Customer" in cleanup.remaining(open_lab(account=account, prefix="Ana-"))
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
