"""A class, as an instructor runs it: full marks, three who are stuck, a kill, Ctrl-C, and on from there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Executor, Future
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from conftest import logged
from lab_lib.aws import buckets, cleanup, policies, queues, tables, topics
from lab_lib.classroom import job, session
from lab_lib.classroom.executors import THREADS, Processes, processes
from lab_lib.cli.main import app
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError, WrongAccount
from lab_lib.lab import open_lab
from lab_lib.run import headless
from lab_lib.run.kernels import fresh_kernels, one_kernel
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

LAB = Path(sys.executable).with_name("lab")
NAMES = ["Ana", "Ben", "Chen 陈", "Dora", "=Emil"]
STUCK = {"Ben": "00", "Chen 陈": "02", "Dora": "04"}


def table_with_another_key(lab):
    lab.client("dynamodb").create_table(
        TableName="Transactions",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    lab.client("dynamodb").put_item(TableName="Transactions", Item={"Id": {"S": "somebody's"}})


def bucket_that_starts_another_function(lab):
    other = {
        "LambdaFunctionArn": lab.arn("lambda", "function:gone"),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}},
    }
    buckets.ensure_bucket(lab)
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=lab.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [other]}
    )


def topic_with_a_queue_that_is_gone(lab):
    topic = lab.client("sns").create_topic(Name="HighBalanceAlert")["TopicArn"]
    lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=lab.arn("sqs", "Gone"))


SPOILED = {"Ben": table_with_another_key, "Chen 陈": bucket_that_starts_another_function}
SPOILED |= {"Dora": topic_with_a_queue_that_is_gone}


def run_class(roster, out, *options):
    """`lab class` as its own process, to its end."""
    arguments = [LAB, "class", roster, "--out", out, "--jobs", "2", *options]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False, env=WIDE, umask=0)


def begin_class(roster, out, name, *options):
    """Start it and wait until this student is through, and in the grade book; the process, and all that it started."""
    process = subprocess.Popen(
        [LAB, "class", roster, "--out", out, "--jobs", "2", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=WIDE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    def through():
        graded = list(out.glob(f"{name}-*/grade.json")) and (out / "report.html").exists()  # written last of all
        return graded or process.poll() is not None

    wait_until(through, f"{name} to be through", timeout=120)
    wait_until(lambda: list(out.glob(".*.draft/.step")) or process.poll() is not None, "the next one", timeout=60)
    assert process.poll() is None
    return process, psutil.Process(process.pid).children(recursive=True)


def go_on(lab, folder, *options):
    """`lab class --resume` for one student, of whom only the account is left."""
    (folder / "roster.csv").write_text(f"account,name\n{lab.account},Ana\n")
    return run_class(folder / "roster.csv", folder / "out", "--resume", *options)


WIDE = {**os.environ, "COLUMNS": "200"}


def book_of(folder):
    """What gradebook.json says, but how long it took."""
    students = json.loads((folder / "gradebook.json").read_text(encoding="utf-8"))["students"]
    for student in students:
        student["seconds"] = 0
        student["steps"] = [{**step, "seconds": 0} for step in student["steps"]]
    return students


@pytest.fixture(scope="module")
def roster(new_account, tmp_path_factory):
    """Five students; three of them find something in their account that was not meant to be there."""
    path = tmp_path_factory.mktemp("roster") / "roster.csv"
    accounts = {name: new_account() for name in NAMES}
    for name, spoil in SPOILED.items():
        spoil(open_lab(account=accounts[name]))
    rows = "".join(f"{account},{name}\n" for name, account in accounts.items())
    path.write_text(f"account,name\n{rows}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(roster, tmp_path_factory):
    """The class without a break: the folder and the process."""
    out = tmp_path_factory.mktemp("whole")
    return out, run_class(roster, out)


@pytest.fixture(scope="module")
def broken_off(whole, roster, tmp_path_factory):
    """The class killed, gone on with, ended by Ctrl-C, and gone on with to its end.

    The kill is of the process alone that was started, as by a machine that is short of memory.
    """
    out = tmp_path_factory.mktemp("broken-off")
    killed, children = begin_class(roster, out, "ben")
    killed.kill()
    killed.communicate()
    after_kill = {path.name for path in out.iterdir()}, book_of(out)
    left = psutil.wait_procs(children, timeout=10)[1]
    interrupted, children = begin_class(roster, out, "ana", "--resume")
    os.killpg(interrupted.pid, signal.SIGINT)
    stdout, stderr = interrupted.communicate(timeout=30)
    left += psutil.wait_procs(children, timeout=10)[1]
    return out, after_kill, left, (interrupted.returncode, stdout, stderr), run_class(roster, out, "--resume")


def test_a_student_who_is_stuck_stops_nobody_else(whole):
    out, process = whole

    points = {student["name"]: student["percent"] for student in book_of(out)}
    assert process.returncode == 1, process.stderr
    assert {name for name, percent in points.items() if percent == 100} == set(NAMES) - set(STUCK)
    assert f"Full marks: {len(NAMES) - len(STUCK)} of {len(NAMES)}" in process.stdout


def test_each_is_marked_down_at_the_right_step(whole):
    out, process = whole

    first = {
        student["name"]: next(check["step"] for check in student["checks"] if check["state"] == "not yet")
        for student in book_of(out)
        if student["name"] in STUCK
    }
    assert first == STUCK
    for name, step in STUCK.items():
        (line,) = [line for line in process.stdout.splitlines() if f" {name} " in line]
        assert f" {step} " in line


def test_without_a_terminal_each_student_is_a_line(whole):
    _, process = whole

    lines = process.stderr.splitlines()
    assert len(lines) == len(NAMES)
    assert all(any(name in line for line in lines) for name in NAMES)


def test_those_who_are_through_have_their_notebooks_and_nothing_is_left_in_their_account(whole, roster):
    out, _ = whole
    account = roster.read_text(encoding="utf-8").splitlines()[1].split(",")[0]

    (folder,) = out.glob("ana-*")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(path.name for path in headless.notebooks()), "grade.json", "result.json"]
    )
    assert cleanup.remaining(open_lab(account=account)) == []
    assert not list(out.glob(".*"))


def test_what_a_class_writes_is_for_its_owner_only_whatever_the_umask(whole):
    out, _ = whole

    assert [path for path in [out, *out.rglob("*")] if path.stat().st_mode & 0o077] == []


def test_no_file_tells_an_account(whole, roster):
    out, process = whole
    accounts = [line.split(",")[0] for line in roster.read_text(encoding="utf-8").splitlines()[1:]]

    text = process.stdout + process.stderr
    text += "".join(path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file())

    assert [account for account in accounts if account in text] == []


def test_a_class_that_was_killed_has_drafts_of_those_at_work_and_a_grade_book_that_knows_all(broken_off):
    _, (files, book), *_ = broken_off

    assert [name for name in files if name.startswith(".") and name.endswith(".draft")]
    states = {each["name"]: each["state"] for each in book}
    assert states.keys() == set(NAMES)
    assert set(states.values()) >= {"failed", "not run"}


def test_neither_a_kill_nor_ctrl_c_leaves_a_process(broken_off):
    _, _, left, *_ = broken_off

    assert left == []
    assert server.running()


def test_ctrl_c_ends_a_class_with_status_130_and_says_how_to_go_on(broken_off):
    _, _, _, (status, _, stderr), _ = broken_off

    assert status == 130, stderr
    assert "--resume" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr


@pytest.mark.parametrize("keep", [(), ("--keep",)], ids=["", "keep"])
def test_who_was_cut_off_amid_the_experiments_has_full_marks_when_the_class_goes_on(chain, tmp_path, keep):
    buckets.upload(chain.lab, Path(job.headless.DATA_FILE))
    buckets.upload(chain.lab, Path(job.headless.DATA_FILE).with_name("break-it.txt"))
    chain.wait_for_changes(24 + 4)
    tables.delete_item(chain.lab, "Transactions", {"CustomerId": "Break Ben", "TransactionId": "T3"})
    chain.wait_for_changes(24 + 4 + 1)
    topics.delete_topic(chain.lab)

    ended = go_on(chain.lab, tmp_path, *keep)

    (ana,) = book_of(tmp_path / "out")
    assert (ana["state"], ana["error"], ana["percent"], ended.returncode) == ("done", None, 100, 0)
    assert ana["totals"] == {"C1": "598", "C2": "1750"}
    assert (cleanup.remaining(chain.lab) == []) == (not keep)


@pytest.mark.parametrize("last", ["queue LabDeadLetters", "table Transactions"])
def test_who_was_cut_off_amid_the_clean_up_has_full_marks_when_the_class_goes_on(chain, tmp_path, last):
    buckets.upload(chain.lab, Path(job.headless.DATA_FILE))
    chain.wait_for_changes(24)
    assert last in cleanup.delete_all(chain.lab)  # and no further

    ended = go_on(chain.lab, tmp_path)

    (ana,) = book_of(tmp_path / "out")
    assert (ana["state"], ana["error"], ana["percent"], ended.returncode) == ("done", None, 100, 0)
    assert ana["totals"] == {"C1": "598", "C2": "1750"}


def test_a_run_does_what_was_only_checked_and_the_book_has_the_rosters_ids(chain, tmp_path):
    (tmp_path / "roster.csv").write_text(f"account,name\n{chain.lab.account},Ana\n")
    in_process("class", "check", tmp_path / "roster.csv", "--out", tmp_path / "out")

    ran = run_class(tmp_path / "roster.csv", tmp_path / "out", "--resume")
    (tmp_path / "roster.csv").write_text(f"account,name,id\n{chain.lab.account},Ana,anagarcia\n")
    again = run_class(tmp_path / "roster.csv", tmp_path / "out", "--resume")

    (ana,) = book_of(tmp_path / "out")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (0, 1)
    assert (again.returncode, again.stderr) == (0, "")  # an id changes nothing in the account
    assert (ana["id"], ana["percent"]) == ("anagarcia", 100)


def test_the_instructors_own_settings_play_no_part(tmp_path, new_account, monkeypatch):
    account = new_account()
    monkeypatch.setenv("LAB_PROFILE", "the-instructors")
    monkeypatch.setenv("LAB_PREFIX", "Mine")
    (tmp_path / "roster.csv").write_text(f"account,name\n{account},Ana\n")

    ended = in_process("class", "check", tmp_path / "roster.csv", "--out", tmp_path / "out")

    (ana,) = book_of(tmp_path / "out")
    assert (ana["state"], ana["error"], ended.exit_code) == ("done", None, 1)


def test_a_class_that_was_stopped_twice_comes_to_the_same_grade_book(whole, broken_off):
    (straight, _), (out, *_, last) = whole, broken_off

    assert last.returncode == 1, last.stderr
    assert len(re.findall(r"^\d/\d", last.stderr, re.MULTILINE)) < len(NAMES)  # what was done is not done again
    assert book_of(out) == book_of(straight)
    assert not list(out.glob(".*"))


def test_results_of_an_earlier_class_are_not_mixed_with(whole, roster):
    out, _ = whole
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    ended = run_class(roster, out)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--resume" in ended.stderr
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_kernel_that_is_made_clean_knows_nothing_of_the_notebook_before(notebook_of, tmp_path):
    spoil = [
        "import os, sys, warnings, matplotlib.pyplot as plt",
        "secret = 1; plt.figure(); os.environ['SECRET'] = '1'; sys.path.append('/secret'); os.chdir('/')",
        "warnings.simplefilter('error'); plt.rcParams['lines.linewidth'] = 9",
        "secret",
    ]
    look = [
        "print({'secret', 'plt', 'os', '_4'} & set(globals()), 4 in Out)",
        "import os, sys, warnings, matplotlib.pyplot as plt",
        "print(plt.get_fignums(), 'SECRET' in os.environ, '/secret' in sys.path, os.getcwd() == '/')",
        "print(plt.rcParams['lines.linewidth'], warnings.filters[0][0] == 'error')",
    ]
    first, second = notebook_of("00-spoil", *spoil), notebook_of("01-look", *look)

    outputs = run_in_one_kernel(tmp_path, first, second)

    assert said(outputs) == ["set() False", "[] False False False", "1.5 False"]


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are copied on Linux only")
def test_kernels_are_copies_of_one_process_that_has_loaded_what_they_need(notebook_of, worker, tmp_path):
    look = ["import sys, os", "print(os.getppid(), 'pandas' in sys.modules)", "from lab_lib.views import frames"]
    path = notebook_of("00-look", *look)

    outputs = [worker.submit(run_in_one_kernel, tmp_path / name, path).result() for name in ("first", "second")]

    first, second = map(said, outputs)
    assert first == second
    assert first[0].endswith(" True")


def test_a_file_in_the_folder_where_the_class_is_begun_is_no_module(notebook_of, worker, tmp_path, monkeypatch):
    (tmp_path / "six.py").write_text("raise SystemExit('not the module six')")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    path = notebook_of("lab/00-look", "import os", "print(os.environ.get('PYTHONSAFEPATH'))", "from lab_lib import lab")

    outputs = worker.submit(run_in_one_kernel, tmp_path / "first", path).result()

    assert said(outputs) == ["None"]


def test_a_kernel_that_is_a_copy_shows_figures_of_pyplot(notebook_of, tmp_path):
    cells = ["import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "from lab_lib.views import plots"]
    draw = notebook_of("00-draw", *cells)

    outputs = run_in_one_kernel(tmp_path, draw)

    assert ["image/png" in output.get("data", {}) for output in outputs] == [True]


@pytest.fixture
def notebook_of(tmp_path):
    """notebook_of(name, cell, …): the path of a notebook with these cells."""
    import nbformat

    def notebook_of(name, *cells):
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel)
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        return tmp_path / f"{name}.ipynb"

    return notebook_of


@pytest.fixture
def worker():
    """A process of a class."""
    workers = Processes(1)
    yield workers
    workers.shutdown()
    workers.kill()


def run_in_one_kernel(tmp_path, *paths):
    """Run these notebooks one after the other; the outputs of the last one."""
    (tmp_path / "out").mkdir(parents=True)
    with closing(one_kernel(list(paths))) as given:
        for path, kernel in zip(paths, given, strict=True):
            step = headless.run_one(path, tmp_path / "out", {}, open_lab(), kernel, each_cell=False)
            assert step.ok, step.error
    cells = json.loads((tmp_path / "out" / paths[-1].name).read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell["outputs"]]


def said(outputs):
    """What was printed, in lines."""
    return "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout").splitlines()


def test_a_cell_that_never_ends_is_a_step_that_failed(notebook_of, tmp_path, monkeypatch):
    monkeypatch.setattr(headless, "LONGEST_CELL", 2)
    (tmp_path / "out").mkdir()

    hanging = notebook_of("00-hang", "import threading; threading.Event().wait()")

    with closing(fresh_kernels([hanging])) as given:
        step = headless.run_one(hanging, tmp_path / "out", {}, open_lab(), next(given))

    assert (step.ok, "2 s" in step.error) == (False, True)


def student_of(account, **settings):
    from lab_lib.classroom.roster import Student

    parameters = settings.pop("parameters", {})
    own = {"name": "Ana", "profile": "", "role_arn": "", "external_id": "", **settings}
    return Student(line=2, account=account, parameters=parameters, **own)


def test_no_account_sees_or_touches_anothers(chain, new_account):
    chain.put("march.txt", ["C1|1 Smith Street|T1|03/16/2017|10"])
    chain.wait_for_totals(C1=10)
    other = job.opened(student_of(new_account()))
    mine, s3 = chain.lab, other.client("s3")

    assert cleanup.remaining(other) == cleanup.kept(other) == []
    assert s3.list_buckets()["Buckets"] == []
    for call in (
        lambda: s3.get_object(Bucket=mine.bucket, Key="march.txt"),
        lambda: s3.put_object(Bucket=mine.bucket, Key="april.txt", Body=b""),
        lambda: s3.delete_object(Bucket=mine.bucket, Key="march.txt"),
        lambda: other.client("lambda").invoke(FunctionName=mine.arn("lambda", "function:TotalNotifier")),
    ):
        with pytest.raises(s3.exceptions.ClientError):
            call()
    list(cleanup.delete_all(other))
    assert [each["Key"] for each in buckets.objects(mine)] == ["march.txt"]
    assert tables.items(mine, "TransactionTotal")
    assert queues.find_queue(mine, "CustomerNotify")


@pytest.fixture
def grader_role(new_account, monkeypatch):
    """grader_role(external_id): a role of a student's account that the instructor may assume, whose keys are set."""
    instructor, student = open_lab(account=new_account()), open_lab(account=new_account())
    monkeypatch.setenv("AWS_ENDPOINT_URL", instructor.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", instructor.account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", instructor.session.get_credentials().secret_key)

    def grader_role(external_id):
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": instructor.arn("iam", "root")},
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
        document = json.dumps(policies.document(trust))
        made = student.client("iam").create_role(RoleName="Grader", AssumeRolePolicyDocument=document)
        return student.account, made["Role"]["Arn"]

    return grader_role


def test_a_role_is_assumed_in_the_account_that_was_named(grader_role):
    account, role = grader_role("class-7")

    lab = job.opened(student_of(account, role_arn=role, external_id="class-7"))

    assert (lab.account, lab.client("sts").get_caller_identity()["Account"]) == (account, account)
    assert lab.session.get_credentials().token


def test_a_role_is_not_assumed_with_another_external_id(grader_role):
    account, role = grader_role("class-7")

    with pytest.raises(LabError, match="Cannot assume"):
        job.opened(student_of(account, role_arn=role, external_id="class-8"))


def test_a_role_of_another_account_is_refused(grader_role, new_account):
    _, role = grader_role("class-7")

    with pytest.raises(WrongAccount):
        open_lab(account=new_account(), role_arn=role, external_id="class-7")


def settings_of_this_process():
    return {name: value for name, value in os.environ.items() if name.startswith("LAB_") and "HOME" not in name}


def settings_within(student):
    with job._environment(student):
        return settings_of_this_process()


def test_what_a_worker_is_told_of_one_student_the_next_one_does_not_see(worker, new_account):
    role = student_of(new_account(), role_arn="arn:aws:iam::1:role/R", external_id="e")
    other = student_of(new_account())

    first = worker.submit(settings_within, role).result()
    after = worker.submit(settings_of_this_process).result()
    second = worker.submit(settings_within, other).result()

    assert (first["LAB_ROLE_ARN"], first["LAB_EXTERNAL_ID"]) == ("arn:aws:iam::1:role/R", "e")
    assert after == {}
    assert (second["LAB_ACCOUNT"], second["LAB_ROLE_ARN"], second["LAB_EXTERNAL_ID"]) == (other.account, "", "")


def test_a_process_that_dies_costs_its_own_work_only(worker):
    died, lives = worker.submit(os._exit, 1), worker.submit(os.getpid)

    with pytest.raises(LabError, match="died"):
        died.result()
    assert lives.result() != os.getpid()


def test_what_a_process_that_is_killed_leaves_in_its_temporary_folder_is_deleted(worker):
    left = Path(worker.submit(tempfile.mkdtemp).result())

    worker.kill()

    assert not left.exists()


def test_no_process_of_a_class_sees_the_ctrl_c_that_is_meant_for_the_class():
    code = (
        "import signal\n"
        "from lab_lib.classroom.executors import Processes\n"
        "workers = Processes(1)\n"
        "print(signal.SIGINT in workers.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result())\n"
        "workers.shutdown()\n"
        "workers.kill()\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ended.stdout == "True\n", ended.stderr


def test_a_process_that_was_not_up_yet_when_all_were_ended_begins_nothing():
    workers = Processes(1)
    workers.kill()

    with pytest.raises(LabError, match="stopped"):
        workers.submit(os.getpid).result()
    workers.shutdown()


@pytest.fixture
def ctrl_c():
    """What Ctrl-C does to the tests, afterwards as before."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_does_not_break_off_what_the_first_one_has_begun(ctrl_c):
    written = []

    def stopped_twice():
        with processes(1) as workers:
            process = psutil.Process(workers.submit(os.getpid).result())
            try:
                ctrl_c()
            finally:
                ctrl_c()
                written.append(process)

    with pytest.raises(KeyboardInterrupt):
        stopped_twice()

    assert written
    assert psutil.wait_procs(written, timeout=10)[1] == []


def test_after_a_class_that_nobody_stopped_ctrl_c_is_what_it_was(ctrl_c):
    before = signal.getsignal(signal.SIGINT)

    with processes(1):
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before


@pytest.fixture
def cluster():
    """The address of a Dask cluster of two workers, each a process with one thread."""
    code = (
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        print(cluster.scheduler_address, flush=True)\n"
        "        input()\n"
    )
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipe) as process:
        yield process.stdout.readline().strip()
        process.communicate("\n")


def test_a_dask_cluster_does_the_same_work(cluster, new_account, tmp_path):
    accounts = [new_account() for _ in range(3)]
    SPOILED["Ben"](open_lab(account=accounts[1]))
    rows = "".join(f"{account},{name}\n" for account, name in zip(accounts, ["Ana", "Ben", "Dora"], strict=True))
    (tmp_path / "roster.csv").write_text(f"account,name\n{rows}")

    ended = run_class(tmp_path / "roster.csv", tmp_path / "out", "--scheduler", cluster)

    assert ended.returncode == 1, ended.stderr
    students = book_of(tmp_path / "out")
    assert [(each["name"], each["state"]) for each in students] == [
        ("Ana", "done"),
        ("Ben", "failed"),
        ("Dora", "done"),
    ]
    assert [each["percent"] == 100 for each in students] == [True, False, True]


class Gone(Executor):
    """A cluster that has ended: its client cancels what it was given."""

    def submit(self, *_, **__):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_a_cluster_that_ends_is_one_line_and_nobody_is_said_to_have_failed(new_account, tmp_path):
    works = session.plan([student_of(new_account())], tmp_path)

    with pytest.raises(LabError, match="--resume"):
        list(session.run(works, Gone()))
    assert [each["state"] for each in session.records(works)] == ["not run"]


def test_a_scheduler_that_is_not_there_is_one_line_and_status_2(roster, tmp_path):
    ended = in_process("class", roster, "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")

    assert (ended.exit_code, len(ended.stderr.splitlines())) == (2, 1)
    assert "dask scheduler" in ended.stderr


def test_without_dask_a_scheduler_is_one_line_that_says_what_to_install(roster, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    ended = in_process("class", roster, "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")

    assert (ended.exit_code, len(ended.stderr.splitlines())) == (2, 1)
    assert "[dask]" in ended.stderr


def in_process(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_check_grades_accounts_that_were_built_by_hand_and_changes_nothing(chain, new_account, tmp_path):
    chain.put("transactions.txt", Path(job.headless.DATA_FILE).read_bytes())
    chain.wait_for_changes(24)
    logged(chain.lab)
    (tmp_path / "roster.csv").write_text(f"account,name\n{chain.lab.account},Ana\n{new_account()},Ben\n")
    before = cleanup.remaining(chain.lab)

    ended = in_process("class", "check", tmp_path / "roster.csv", "--out", tmp_path / "out")

    ana, ben = book_of(tmp_path / "out")
    assert (ana["name"], ana["percent"], ana["steps"]) == ("Ana", 100, [])
    assert ben["percent"] < 50
    assert (ended.exit_code, "Full marks: 1 of 2" in ended.stdout) == (1, True), ended.output
    assert cleanup.remaining(chain.lab) == before


def test_ctrl_c_ends_a_check_with_a_grade_book_of_those_who_were_graded(new_account, tmp_path, monkeypatch):
    begun = []

    def grade(each):
        begun.append(each)
        if len(begun) == THREADS + 1:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        threading.Event().wait(0.2)
        return job.failed(each, RuntimeError("no"))

    monkeypatch.setattr(job, "grade", grade)
    rows = "".join(f"{new_account()},Student {number}\n" for number in range(5 * THREADS))
    (tmp_path / "roster.csv").write_text(f"account,name\n{rows}")

    stopped = in_process("class", "check", tmp_path / "roster.csv", "--out", tmp_path / "out")
    again = in_process("class", "check", tmp_path / "roster.csv", "--out", tmp_path / "out")

    assert (stopped.exit_code, "lab clean" in stopped.stderr) == (130, False), stopped.output
    assert len(begun) < 5 * THREADS == len(book_of(tmp_path / "out"))
    assert (again.exit_code, "--resume" in again.stderr) == (2, False), again.output


def test_an_id_that_is_the_address_too_stays_what_the_school_knows(new_account, tmp_path):
    student = student_of(new_account(), id="ana@example.com", parameters={"email": "ana@example.com"})

    record = job.grade(job.Work(student, tmp_path))

    assert record == job.read(job.Work(student, tmp_path))
    assert (record["id"], record["account"]) == ("ana@example.com", f"********{student.account[-4:]}")
    assert (tmp_path / student.folder / "grade.json").read_text(encoding="utf-8").count("ana@example.com") == 1


def test_a_folder_of_somebody_who_left_the_class_is_named_and_may_be_taken_away(new_account, tmp_path):
    stays, left = (job.Work(student_of(new_account(), name=name), tmp_path) for name in ("Ana", "Ben"))
    job.failed(left, RuntimeError("no"))

    with pytest.raises(UsageError, match=f"{left.folder} is of nobody .* Take it away"):
        session.left_to_do([stays], resume=True)

    shutil.rmtree(left.folder)
    assert session.left_to_do([stays], resume=True) == [stays]


@pytest.mark.parametrize("command", [["class"], ["class", "check"]])
def test_two_classes_at_once_do_not_write_to_the_same_folder(command, new_account, tmp_path):
    (tmp_path / "roster.csv").write_text(f"account,name\n{new_account()},Ana\n")
    (tmp_path / "out").mkdir()

    with session.alone(tmp_path / "out"):
        ended = in_process(*command, tmp_path / "roster.csv", "--out", tmp_path / "out")

    assert (ended.exit_code, "at work in" in ended.stderr) == (2, True), ended.output
    assert list((tmp_path / "out").iterdir()) == []


def test_clean_deletes_what_the_lab_made_in_every_account_and_says_what_is_left(chain_in, new_account, tmp_path):
    labs = [chain_in(new_account()).lab for _ in range(2)]
    for lab in labs:
        queues.ensure_queue(lab, "CustomerNotify")
    rows = "".join(f"{lab.account},Student {number}\n" for number, lab in enumerate(labs))
    (tmp_path / "roster.csv").write_text(f"account,name\n{rows}")

    ended = in_process("class", "clean", tmp_path / "roster.csv")

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.count("nothing") >= 2
    assert [cleanup.remaining(lab) for lab in labs] == [[], []]


def test_shards_have_every_student_once_and_are_joined_by_a_copy_of_their_folders(tmp_path, new_account):
    students = [student_of(new_account(), name=f"Student {number}") for number in range(7)]
    parts = [session.chosen(students, f"{part}/3") for part in (1, 2, 3)]

    assert sorted((each for part in parts for each in part), key=lambda each: each.account) == students
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for number, part in enumerate(parts):
        for each in session.plan(part, tmp_path / str(number)):
            job.failed(each, RuntimeError("no"))
        shutil.copytree(tmp_path / str(number), tmp_path / "all", dirs_exist_ok=True)
    rows = "".join(f"{each.account},{each.name}\n" for each in students)
    (tmp_path / "roster.csv").write_text(f"account,name\n{rows}")
    in_process("class", "report", tmp_path / "roster.csv", "--out", tmp_path / "all")
    assert [each["state"] for each in book_of(tmp_path / "all")] == ["failed"] * 7


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_a_shard_that_is_none_is_refused(shard, roster, tmp_path):
    ended = in_process("class", roster, "--out", tmp_path / "out", "--shard", shard)

    assert (ended.exit_code, "2/5" in ended.stderr) == (2, True)


def test_an_account_of_another_shard_is_refused(tmp_path):
    (tmp_path / "roster.csv").write_text("account,name\n111122220001,Ana\n111122220002,Ben\n")
    part = ("--out", tmp_path / "out", "--shard", "1/2", "--only", "111122220002")

    ended = in_process("class", tmp_path / "roster.csv", *part)

    assert (ended.exit_code, "shard 1/2" in ended.stderr) == (2, True)


def test_an_account_that_is_not_in_the_roster_is_refused(roster, tmp_path):
    ended = in_process("class", roster, "--out", tmp_path / "out", "--only", "999999999999")

    assert (ended.exit_code, "999999999999" in ended.stderr) == (2, True)


@pytest.mark.parametrize("names", ["class", "class run", "class check", "class clean", "class report"])
def test_every_command_of_the_class_explains_itself(names):
    ended = in_process(*names.split(), "--help")

    assert (ended.exit_code, "Usage:" in ended.stdout) == (0, True)
