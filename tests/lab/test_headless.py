"""The notebooks without a browser: `lab run` and the other commands, as a user types them."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import psutil
import pytest
from typer.testing import CliRunner

from lab_lib.__main__ import main
from lab_lib.aws import cleanup, queues, tables
from lab_lib.cli.main import app
from lab_lib.cli.terminal import INTERRUPTED
from lab_lib.embedded import server
from lab_lib.errors import UsageError
from lab_lib.lab import open_lab
from lab_lib.run import headless
from lab_lib.run.kernels import one_kernel
from lab_lib.waiting import wait_until

LAB = Path(sys.executable).parent / "lab"
STEPS = [path.stem for path in headless.notebooks()]
ENTRIES = {
    "account": str,
    "region": str,
    "ok": bool,
    "seconds": float,
    "steps": list,
    "totals": dict,
    "transactions": int,
    "customers": int,
    "alerts": list,
    "queues": dict,
    "rejected": list,
}
PARAMETERS = ["account", "profile", "region", "prefix", "threshold", "email", "phone", "data_file", "yes"]
EMAIL, PHONE = "ana@example.com", "+15555550100"
PEOPLE = ["--email", EMAIL, "--phone", PHONE]
OTHER_FILE = """\
customer_id|customer_address|trn_id|trn_date|trn_amount
D1|1 Mill Lane|X01|03/16/2017|1750.25
D2|2 Mill Lane|X02|03/16/2017|1600
D2|2 Mill Lane|X03|16/03/2017|1600
D2|2 Mill Lane|X04
"""


def command(*arguments, **environment):
    """Run `lab` as its own process, to its end."""
    environment = {**os.environ, "COLUMNS": "200", **environment}
    return subprocess.run([LAB, *arguments], env=environment, capture_output=True, text=True, timeout=110, check=False)


def in_process(*arguments):
    """The same inside this process, which is quicker, for commands that end at once."""
    return CliRunner().invoke(app, list(map(str, arguments)))


def begin(folder, account):
    """Start `lab run` and wait until its second notebook begins; the process, and all that it started."""
    open_lab(account=account)  # so that the embedded AWS is not among them
    arguments = [LAB, "run", "--account", account, *PEOPLE, "--out", folder]
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a job in the background ignores
    )

    def second_notebook():
        return (folder / "01-create-functions.ipynb").exists() or process.poll() is not None

    wait_until(second_notebook, "the second notebook", timeout=60, longest_pause=0.1)  # it takes a second or two
    assert process.poll() is None
    return process, psutil.Process(process.pid).children(recursive=True)


def private_in(text, account):
    """What in this text, or in the files of this folder, must not be read by others."""
    if isinstance(text, Path):
        files = [path for path in text.rglob("*") if path.is_file()]
        assert files, f"nothing was written to {text}"
        text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    return [value for value in (account, EMAIL, PHONE, PHONE[1:]) if value in text]


def gone(processes):
    """Wait until these processes have ended; those that have not."""
    return psutil.wait_procs(processes, timeout=10)[1]


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runs_account(new_account):
    return new_account()


@pytest.fixture(scope="module")
def killed(runs_account, tmp_path_factory):
    """A run that was killed half-way: its folder, and what was left running."""
    folder = tmp_path_factory.mktemp("killed")
    process, children = begin(folder, runs_account)
    process.kill()
    process.communicate()
    return folder, children


@pytest.fixture(scope="module")
def kept(killed, runs_account, tmp_path_factory):
    """`lab run --keep` in the account of the killed run: its folder, the process, what the account then holds."""
    folder = tmp_path_factory.mktemp("kept")
    environment = {"AWS_PROFILE": "there-is-no-such-profile", "AWS_CONFIG_FILE": "/nowhere", "AWS_REGION": "eu-west-3"}
    process = command("run", "--account", runs_account, *PEOPLE, "--keep", "--out", folder, **environment)
    return folder, process, cleanup.remaining(open_lab(account=runs_account))


@pytest.fixture(scope="module")
def run_again(kept, runs_account, tmp_path_factory):
    """`lab run` in the same account, with another file and another threshold: its folder and the process."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "other.txt").write_text(OTHER_FILE)
    options = ["--data", folder / "other.txt", "--threshold", "1750", "--out", folder / "out"]
    return folder / "out", command("run", "--account", runs_account, *options)


@pytest.fixture(scope="module")
def failed(new_account, tmp_path_factory):
    """`lab run` in an account where a table of the lab's name has another key: its account, folder, the process."""
    folder, lab = tmp_path_factory.mktemp("failed"), open_lab(account=new_account())
    lab.client("dynamodb").create_table(
        TableName="Customer",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    lab.client("dynamodb").put_item(TableName="Customer", Item={"Id": {"S": "somebody"}})
    return lab, folder, command("run", "--account", lab.account, "--out", folder)


@pytest.fixture(scope="module")
def interrupted(new_account, tmp_path_factory):
    """`lab run` that Ctrl-C ended half-way: its account, folder, process, output, and what it had started."""
    account, folder = new_account(), tmp_path_factory.mktemp("interrupted")
    process, children = begin(folder, account)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of its foreground processes
    stdout, stderr = process.communicate(timeout=30)
    return account, folder, process, (stdout, stderr), children


def test_a_run_that_is_killed_leaves_no_kernel_behind(killed):
    _, children = killed

    assert children
    assert gone(children) == []


def test_a_run_after_one_that_was_killed_ends_with_the_handouts_result(kept, runs_account):
    folder, process, _ = kept

    assert (process.returncode, process.stderr.strip()) == (0, "")
    result = result_of(folder)
    assert {name: type(value) for name, value in result.items()} == ENTRIES
    assert {**result, "seconds": 0, "steps": []} == {
        "account": f"********{runs_account[-4:]}",
        "region": "us-east-1",
        "ok": True,
        "seconds": 0,
        "steps": [],
        "totals": {"C1": "598", "C2": "1750"},
        "transactions": 24,
        "customers": 2,
        "alerts": [{"customerID": "C2", "accountBalance": "1750"}],
        "queues": {"CustomerNotify": 1, "CreditCollection": 1},
        "rejected": [],
    }


def test_each_step_of_the_result_has_its_notebook_seconds_and_no_error(kept):
    folder, _, _ = kept

    steps = result_of(folder)["steps"]

    assert [step["notebook"] for step in steps] == STEPS[:-1]
    assert all(set(step) == {"notebook", "ok", "seconds", "error"} for step in steps)
    assert all(step["ok"] is True and step["error"] is None and step["seconds"] > 0 for step in steps)
    assert sum(step["seconds"] for step in steps) <= result_of(folder)["seconds"] + 0.1


def test_keep_leaves_everything_in_the_account(kept):
    _, _, left = kept

    assert len(left) == 17


def test_the_executed_notebooks_hold_what_was_seen_and_the_parameters_masked(kept, runs_account):
    folder, _, _ = kept
    parameters = {"account": f"********{runs_account[-4:]}", "email": "a***@example.com", "phone": "+*********00"}

    assert sorted(path.stem for path in folder.glob("*.ipynb")) == STEPS[:-1]
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        source = "\n".join(cell.source for cell in notebook.cells)
        assert all(f'{name} = "{value}"' in source for name, value in parameters.items())
        assert parameters.items() <= notebook.metadata.papermill.parameters.items()
        (checkpoint,) = [cell for cell in notebook.cells if "checkpoint" in cell.metadata.get("tags", [])]
        assert re.search(r"(\d+) of \1\b", "".join(output.get("text", "") for output in checkpoint.outputs))


def test_the_table_shows_each_step_and_what_was_seen(kept):
    folder, process, _ = kept

    for step in STEPS[:-1]:
        (line,) = [line for line in process.stdout.splitlines() if f"✔ {step}" in line]
        assert re.search(r"(\d+) of \1\b", line)
        assert re.search(r"\d+\.\d", line)
    assert str(folder) in process.stdout
    assert "C1 598, C2 1750" in process.stdout


def test_nothing_that_a_run_writes_or_prints_tells_who_ran_it(kept, runs_account):
    folder, process, _ = kept

    assert private_in(folder, runs_account) == []
    assert private_in(process.stdout + process.stderr, runs_account) == []


def test_what_a_killed_run_has_written_does_not_tell_it_either(killed, runs_account):
    folder, _ = killed

    assert sorted(path.stem for path in folder.glob("*.ipynb")) == STEPS[:2]
    assert private_in(folder, runs_account) == []


def test_the_log_of_the_embedded_aws_and_the_history_of_ipython_do_not_tell_it(kept, runs_account):
    log, history = server.home() / "server.log", Path(os.environ["IPYTHONDIR"])

    assert private_in(log.read_text(), runs_account) == []
    assert private_in(history, runs_account) == []


def test_a_second_run_takes_another_file_and_another_threshold(run_again):
    folder, process = run_again

    assert process.returncode == 0, process.stdout
    result = result_of(folder)
    assert {name: type(value) for name, value in result.items()} == ENTRIES
    assert result["totals"] == {"C1": "598", "C2": "1750", "D1": "1750.25", "D2": "1600"}
    assert (result["transactions"], result["customers"]) == (26, 4)
    alerts = [{"customerID": "C2", "accountBalance": "1750"}, {"customerID": "D1", "accountBalance": "1750.25"}]
    assert sorted(result["alerts"], key=lambda alert: alert["customerID"]) == alerts
    assert result["queues"] == {"CustomerNotify": 2, "CreditCollection": 2}


def test_each_notebook_gets_those_parameters_that_it_has_and_the_last_one_need_not_ask(run_again):
    folder, process = run_again

    given = {
        path.stem: set(nbformat.read(path, as_version=4).metadata.papermill.parameters)
        for path in folder.glob("*.ipynb")
    }

    where = {"account", "profile", "region", "prefix"}
    assert given.pop(STEPS[-1]) == where | {"yes"}
    assert set(map(frozenset, given.values())) == {frozenset(PARAMETERS) - {"yes"}}
    assert process.stderr == ""


def test_rows_that_were_rejected_are_in_the_result(run_again):
    folder, _ = run_again

    rejected = result_of(folder)["rejected"]

    assert [row["line"] for row in rejected] == [4, 5]
    assert "16/03/2017" in rejected[0]["reason"]
    assert "3 fields" in rejected[1]["reason"]


def test_a_run_without_keep_leaves_nothing_in_the_account(run_again, runs_account):
    folder, _ = run_again
    lab = open_lab(account=runs_account)

    assert [step["notebook"] for step in result_of(folder)["steps"]] == STEPS
    assert cleanup.remaining(lab) == cleanup.kept(lab) == []
    assert lab.client("s3").list_buckets()["Buckets"] == []
    assert lab.client("dynamodb").list_tables()["TableNames"] == []


def test_a_run_until_04_goes_on_from_a_half_built_lab_and_harms_none_that_is_in_use(account, tmp_path):
    lab, parameters, path = open_lab(account=account), {"account": account}, headless.notebooks("05")[-1]
    queues.ensure_queue(lab, queues.DEAD_LETTERS)

    first = headless.run(parameters, tmp_path, "04", kernels=one_kernel)
    with closing(one_kernel([path])) as kernels:
        by_hand = headless.run_one(path, tmp_path, parameters, lab, next(kernels))
    second = headless.run(parameters, tmp_path, "04", kernels=one_kernel)

    assert [step["notebook"] for step in first["steps"]] == [step["notebook"] for step in second["steps"]] == STEPS[:5]
    assert (first["ok"], first["totals"], first["transactions"]) == (True, {}, 0)
    assert (by_hand.ok, by_hand.error) == (True, None)
    assert (second["ok"], second["totals"], second["transactions"]) == (True, {"C1": "598", "C2": "1750"}, 24)
    assert second["alerts"] == [{"customerID": "C2", "accountBalance": "1750"}]


def test_what_a_run_writes_is_for_its_owner_only_whatever_the_umask(new_account, tmp_path):
    out, home = tmp_path / "out", tmp_path / "home"
    out.mkdir()
    out.chmod(0o755)
    (out / "result.json").touch(0o644)
    script = f"umask 0; {LAB} run --until 00 --account {new_account()} --out {out}; {LAB} local stop"

    subprocess.run(["/bin/sh", "-c", script], env={**os.environ, "LAB_EMULATOR_HOME": str(home)}, check=True)

    written = [*out.iterdir(), home, *home.rglob("*")]
    assert {path.name for path in out.iterdir()} == {f"{STEPS[0]}.ipynb", "result.json"}
    assert [path for path in written if path.stat().st_mode & 0o077] == []
    assert out.stat().st_mode & 0o777 == 0o755  # the user's own


def test_a_step_that_fails_ends_the_run_with_status_1_and_is_named(failed):
    _, _, process = failed

    assert process.returncode == 1
    (line,) = [line for line in process.stdout.splitlines() if STEPS[0] in line]
    assert "WrongResource" in line
    assert "Traceback" not in process.stdout + process.stderr


def test_a_step_that_fails_is_in_the_result(failed):
    lab, folder, _ = failed

    result = result_of(folder)

    assert {name: type(value) for name, value in result.items()} == ENTRIES
    assert (result["account"], result["ok"]) == (f"********{lab.account[-4:]}", False)
    (step,) = result["steps"]
    assert (step["notebook"], step["ok"]) == (STEPS[0], False)
    assert step["error"].startswith("WrongResource: Table Customer has the key Id; this lab wants CustomerId")
    assert "\n" not in step["error"]


def test_the_executed_notebook_of_a_failed_step_keeps_the_error(failed):
    _, folder, _ = failed

    assert [path.stem for path in folder.glob("*.ipynb")] == [STEPS[0]]
    cells = nbformat.read(folder / f"{STEPS[0]}.ipynb", as_version=4).cells
    errors = [output for cell in cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert [error.ename for error in errors] == ["WrongResource"]


def test_clean_deletes_what_the_lab_made_and_a_second_one_has_nothing_to_do(failed):
    lab, _, _ = failed
    made = cleanup.remaining(lab)

    first, second = (in_process("clean", "--account", lab.account) for _ in range(2))

    assert made
    assert lines(first.stdout)[: len(made)] == [f"deleted {what}" for what in made]
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "deleted" not in second.stdout
    assert "Kept, since the lab did not make it: table Customer" in second.stdout
    assert cleanup.remaining(lab) == []
    assert tables.find_table(lab, "Customer")


@pytest.fixture
def run_of(account, tmp_path):
    """run_of("a = 1", …): `lab run` of one notebook with these cells, in the account, to tmp_path/out."""

    def run_of(*cells):
        parameters = nbformat.v4.new_code_cell(
            "\n".join(f'{name} = ""' for name in PARAMETERS), metadata={"tags": ["parameters"]}
        )
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        cells = [parameters, *map(nbformat.v4.new_code_cell, cells)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "00-start-here.ipynb")
        script = (
            "import sys; from pathlib import Path; from lab_lib.cli import main; from lab_lib.run import headless;"
            "headless.NOTEBOOKS = Path(sys.argv.pop(1)); main.app()"
        )
        arguments = [tmp_path, "run", "--account", account, *PEOPLE, "--out", tmp_path / "out"]
        environment = {**os.environ, "COLUMNS": "200"}
        command = [sys.executable, "-c", script, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run_of


def test_a_step_that_fails_does_not_tell_who_ran_it(run_of, account, tmp_path):
    ended = run_of(
        "from IPython.display import HTML, display",
        "print(account, email, phone)",
        "display(HTML(f'<b>{email}</b>'))",
        "def send(to): raise RuntimeError(f'no mail for {to}')",
        "send(f'{account} {email} {phone}')",
    )

    assert ended.returncode == 1
    masked = f"********{account[-4:]} a***@example.com +*********00"
    (step,) = result_of(tmp_path / "out")["steps"]
    assert step["error"] == f"RuntimeError: no mail for {masked}"
    assert f"RuntimeError: no mail for {masked}" in ended.stdout
    assert masked in (tmp_path / "out" / "00-start-here.ipynb").read_text(encoding="utf-8")
    assert private_in(tmp_path / "out", account) == private_in(ended.stdout + ended.stderr, account) == []


def test_a_kernel_that_dies_is_a_step_that_failed(run_of, tmp_path):
    ended = run_of("import os; os._exit(1)")

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    (step,) = result_of(tmp_path / "out")["steps"]
    assert (step["notebook"], step["ok"], "died" in step["error"]) == (STEPS[0], False, True)


def test_ctrl_c_while_the_command_is_still_loading_ends_it_with_status_130_and_no_traceback(monkeypatch):
    class CtrlC:
        @staticmethod
        def find_spec(name, *_):
            if name == "lab_lib.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "lab_lib.cli.main")
    monkeypatch.setattr(sys, "meta_path", [CtrlC, *sys.meta_path])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == INTERRUPTED


def test_ctrl_c_ends_the_run_with_status_130_and_one_line(interrupted):
    _, _, process, (_, stderr), _ = interrupted

    assert process.returncode == INTERRUPTED, stderr
    assert len(lines(stderr)) == 1, stderr
    assert "lab clean" in stderr


def test_ctrl_c_leaves_a_result_that_says_it_did_not_hold(interrupted):
    _, folder, *_ = interrupted

    result = result_of(folder)

    assert {name: type(value) for name, value in result.items()} == ENTRIES
    assert result["ok"] is False
    assert result["steps"][0]["notebook"] == STEPS[0]
    assert result["steps"][0]["ok"] is True


def test_what_ctrl_c_leaves_does_not_tell_who_ran_it(interrupted):
    account, folder, _, said, _ = interrupted

    assert sorted(path.stem for path in folder.iterdir()) == [*STEPS[:2], "result"]
    assert private_in(folder, account) == private_in("".join(said), account) == []


def test_ctrl_c_leaves_no_kernel_behind_but_the_embedded_aws(interrupted):
    *_, children = interrupted

    assert children
    assert gone(children) == []
    assert server.running()


WRONG_REQUESTS = {
    "a file that is not there": ("--data", "missing.txt", "missing.txt"),
    "a folder": ("--data", "folder.txt", "folder.txt"),
    "a file that is no text": ("--data", "picture.txt", "picture.txt"),
    "a file of other columns": ("--data", "table.txt", "customer_id"),
    "an empty file": ("--data", "empty.txt", "empty"),
    "a file of another suffix": ("--data", "sample.csv", ".txt"),
    "a notebook that there is not": ("--until", "07", "00, 01, 02, 03, 04, 05, 06"),
    "a result folder that is a file": ("--out", "table.txt", "table.txt"),
    "the folder of the notebooks themselves": ("--out", str(headless.NOTEBOOKS), "another folder"),
    "a threshold that is no amount": ("--threshold", "much", "threshold"),
    "no such Region": ("--region", "moon", "moon"),
    "a prefix that AWS refuses": ("--prefix", "my lab", "prefix"),
    "an e-mail address that is none": ("--email", "ana", "email"),
    "a phone number that is none": ("--phone", "110", "phone"),
}


@pytest.fixture
def wrong_files(tmp_path, monkeypatch):
    """A working directory with files that are wrong on purpose."""
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "table.txt").write_text("name|address\nAna|1 Smith Street\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "sample.csv").write_text(headless.DATA_FILE.read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("option", "value", "named"), WRONG_REQUESTS.values(), ids=WRONG_REQUESTS.keys())
def test_a_wrong_request_is_one_line_and_status_2_and_nothing_is_made(option, value, named, new_account, wrong_files):
    account = new_account()

    ended = in_process("run", "--account", account, "--out", "out", option, value)

    assert ended.exit_code == 2, ended.output
    assert len(lines(ended.stderr)) == 1
    assert named in ended.stderr
    assert ended.stdout == ""
    assert not (wrong_files / "out").exists()
    assert cleanup.remaining(open_lab(account=account)) == []


def test_an_account_that_is_no_account_is_one_line_and_status_2():
    ended = in_process("run", "--account", "22")

    assert (ended.exit_code, len(lines(ended.stderr))) == (2, 1)
    assert "twelve digits" in ended.stderr


def test_a_profile_without_an_account_is_refused():
    ended = in_process("run", "--profile", "class")

    assert (ended.exit_code, len(lines(ended.stderr))) == (2, 1)
    assert "account" in ended.stderr


def test_a_profile_that_does_not_exist_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    ended = in_process("run", "--profile", "class", "--account", "123456789012")

    assert (ended.exit_code, len(lines(ended.stderr))) == (2, 1)
    assert "class" in ended.stderr


def test_a_wrong_request_to_the_real_command_is_one_line_and_status_2(new_account, tmp_path):
    ended = command("run", "--account", new_account(), "--data", tmp_path / "missing.txt", "--out", tmp_path / "out")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(lines(ended.stderr)) == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_option_is_status_2():
    ended = in_process("run", "--treshold", "3")

    assert ended.exit_code == 2
    assert "--treshold" in ended.stderr


def test_a_parameter_that_no_notebook_has_is_refused_before_anything_is_made(account, tmp_path):
    with pytest.raises(UsageError, match="treshold"):
        headless.run({"account": account, "treshold": 3}, tmp_path / "out")

    assert not (tmp_path / "out").exists()
    assert cleanup.remaining(open_lab(account=account)) == []


def test_nothing_is_kept_on_top_of_a_clean_up_that_was_cut_off(account, tmp_path):
    lab = open_lab(account=account)
    tables.ensure_table(lab, "TransactionTotal")
    lab.client("dynamodb").put_item(TableName=lab.name("TransactionTotal"), Item={"CustomerId": {"S": "C1"}})

    ended = in_process("run", "--account", account, "--keep", "--out", tmp_path / "out")

    assert (ended.exit_code, len(lines(ended.stderr))) == (2, 1)
    assert "lab clean" in ended.stderr
    assert cleanup.remaining(lab) == ["table TransactionTotal"]


def test_the_parameters_that_are_handed_over_stay_as_they_are(account):
    parameters = {"account": account}

    headless.prepare(parameters)

    assert parameters == {"account": account}


@pytest.mark.parametrize(
    "names",
    ["", "run", "open", "clean", "local", "local start", "local stop", "local status", "local env"],
)
def test_every_command_explains_itself(names):
    ended = in_process(*names.split(), "--help")

    assert ended.exit_code == 0
    assert "Usage:" in ended.stdout


def test_local_start_status_stop_say_and_return_what_is_so(own_home):
    before, started = in_process("local", "status"), command("local", "start")
    found = server.running()
    during, stopped, after = (in_process("local", word) for word in ("status", "stop", "status"))
    stopped_again = in_process("local", "stop")

    assert (before.exit_code, "does not run" in before.stdout) == (1, True)
    assert (started.returncode, found.endpoint in started.stdout) == (0, True)
    assert (during.exit_code, found.endpoint in during.stdout) == (0, True)
    assert (stopped.exit_code, after.exit_code) == (0, 1)
    assert (stopped_again.exit_code, "was not running" in stopped_again.stdout) == (0, True)
    assert not psutil.pid_exists(found.pid)
