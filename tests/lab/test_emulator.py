"""The embedded AWS: started once by whoever needs it, out of reach from outside, and with a memory."""

import io
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import zipfile
from datetime import datetime
from decimal import Decimal

import psutil
import pytest
from filelock import FileLock

from lab_lib import buckets, checks, cleanup, embedded, emulator, functions, tables
from lab_lib.errors import EmulatorError
from lab_lib.headless import DATA_FILE
from lab_lib.lab import open_lab, start_embedded
from lab_lib.waiting import wait_until

KILLED = (
    "The embedded AWS was killed, or this machine went down, before it could save its state. "
    "All that was made and changed there"
)
SECRET = "what-only-the-user-may-know"


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """A server that was started amid a user's secrets, and what a function in it sees of its environment."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("LAB_EMULATOR_HOME", str(tmp_path_factory.mktemp("called")))
        monkeypatch.setenv("USERS_PASSWORD", SECRET)
        monkeypatch.setenv("AWS_PROFILE", SECRET)
        monkeypatch.setenv("PYTHONSTARTUP", SECRET)
        lab = open_lab()
        lambda_, code = lab.client("lambda"), io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("see.py", "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n")
        role = lab.arn("iam", "role/given")
        about = {"Role": role, "Runtime": functions.RUNTIME, "Handler": "see.handler"}
        lambda_.create_function(FunctionName="See", Code={"ZipFile": code.getvalue()}, **about)
        wait_until(lambda: functions.configuration(lab, "See")["State"] == "Active", "the function", timeout=20)
        yield server.running(), functions.invoke(lab, "See", {})
        server.stop()


def processes(server):
    parent = psutil.Process(server.pid)
    return [parent, *parent.children(recursive=True)]


def servers_of(home):
    """The servers of this home that run, whether or not a note tells of them."""

    def is_one(process):
        try:
            return process.environ().get("HOME") == str(home / "tmp") and "lab_lib.embedded" in process.cmdline()
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if is_one(process)]


def kill():
    """Kill the server, which saves nothing then."""
    process = psutil.Process(server.running().pid)
    process.kill()
    process.wait()


def buckets_of(lab):
    return [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]


def test_starting_twice_gives_the_same_server():
    assert start_embedded() == start_embedded() == server.running()


def test_two_processes_that_start_it_at_once_get_one_server(own_home):
    script = "from lab_lib.lab import start_embedded; server = start_embedded(); print(server.pid, server.port)"
    starters = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]

    said = [starter.communicate(timeout=60)[0].strip() for starter in starters]

    server = server.running()
    assert said == [f"{server.pid} {server.port}"] * 2
    assert [process.pid for process in servers_of(own_home)] == [server.pid]


def test_a_start_that_is_cut_off_leaves_no_server_that_nobody_knows(own_home):
    def ctrl_c(server, places):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.start(ctrl_c)

    _, alive = psutil.wait_procs(servers_of(own_home), timeout=5)
    for process in alive:
        process.kill()
    assert server.running() is None
    assert alive == []


def test_where_the_port_is_taken_another_one_is_used(own_home):
    own_home.mkdir()
    with socket.create_server((server.HOST, 0)) as taken:
        (own_home / "port").write_text(str(taken.getsockname()[1]))

        server = start_embedded()

        assert server.port != taken.getsockname()[1]
        assert buckets_of(open_lab()) == []


def test_a_server_that_was_quicker_at_the_same_port_is_not_taken_for_ours(own_home, called, monkeypatch):
    others, _ = called
    ports = iter([others.port])
    free_port = server._free_port
    monkeypatch.setattr(emulator, "_free_port", lambda wish: next(ports, None) or free_port(0))

    server = start_embedded()

    assert server.port != others.port
    assert [process.pid for process in servers_of(own_home)] == [server.pid]


def test_what_a_function_prints_is_in_the_log_of_that_run_however_busy_the_machine_is():
    worker = object.__new__(embedded.Worker)
    worker._stderr_queue = queue.Queue()
    threading.Timer(0.15, worker._stderr_queue.put, ["late"]).start()

    assert worker._drain_stderr_bounded() == "late"


def test_it_listens_on_this_machines_loopback_only(called):
    server, _ = called

    ends = [connection for process in processes(server) for connection in process.net_connections(kind="inet")]

    assert {(end.laddr.ip, end.laddr.port) for end in ends if end.status == psutil.CONN_LISTEN} == {
        (server.HOST, server.port)
    }
    assert {address.ip for end in ends for address in (end.laddr, end.raddr) if address} == {server.HOST}


def test_nothing_of_the_users_environment_is_in_the_servers(called):
    server, _ = called

    environments = [process.environ() for process in processes(server)]

    assert len(environments) > 1  # the server, and the worker that runs the function
    assert [names for names in environments if SECRET in names.values()] == []
    assert "USERS_PASSWORD" not in environments[0].keys() | environments[1].keys()


def test_nothing_of_the_users_environment_is_visible_in_a_function(called):
    _, environment = called

    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "See"
    assert [name for name, value in environment.items() if SECRET in value] == []
    assert not environment.keys() & {"USERS_PASSWORD", "AWS_PROFILE", "LAB_EMULATOR_HOME"}


@pytest.mark.faults
def test_after_a_stop_and_a_start_everything_is_there_and_uploads_flow_on(own_home, chain_in, account):
    chain = chain_in(account).build()
    buckets.upload(chain.lab, DATA_FILE)
    chain.wait_for_changes(24)
    before = server.running()
    running = processes(before)

    assert server.stop()
    assert server.running() is None
    assert len(running) > 1  # the server, and the workers that run the functions
    assert psutil.wait_procs(running, timeout=10)[1] == []

    again = chain_in(account)

    assert server.running().pid != before.pid
    assert server.running().port == before.port
    assert again.totals() == {"C1": Decimal(598), "C2": Decimal(1750)}
    assert again.alerts() == [("C2", 1750)]

    again.put("more.txt", [f"C{number}|{number} Street|M{number}|03/17/2017|1000.5" for number in range(1, 31)])
    again.wait_for_totals(C30="1000.5")
    again.put("last.txt", ["C9|9 Street|M99|03/17/2017|0.25"])
    again.wait_for_totals(C9="1000.75")

    others = {f"C{number}": Decimal("1000.5") for number in range(3, 31) if number != 9}
    assert again.totals() == {
        "C1": Decimal("1598.5"),
        "C2": Decimal("2750.5"),
        "C9": Decimal("1000.75"),
        **others,
    }
    assert again.alerts("CreditCollection") == [("C1", Decimal("1598.5")), ("C2", 1750)]
    mappings = chain.lab.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert [(mapping["State"], mapping["BatchSize"]) for mapping in mappings] == [("Enabled", 1000)]


def test_whoever_waits_in_vain_for_another_that_starts_it_is_told_in_one_line(own_home, monkeypatch):
    monkeypatch.setattr(emulator, "_LONGEST_LOCKED", 0)
    own_home.mkdir()

    with FileLock(own_home / "lock"):
        for call in (server.start, lambda: server.remember("111122223333", "us-east-1")):
            with pytest.raises(EmulatorError, match="End that process"):
                call()


def test_stopping_twice_is_quiet(own_home):
    start_embedded()

    assert [server.stop(), server.stop()] == [True, False]


def test_after_a_kill_it_starts_again_empty_and_says_once_that_all_is_lost(own_home, capfd):
    first = start_embedded()
    buckets.ensure_bucket(open_lab())
    kill()
    said_before = capfd.readouterr().err

    assert server.running() is None
    assert start_embedded().pid != first.pid
    assert buckets_of(open_lab()) == []
    assert (said_before, capfd.readouterr().err) == ("", f"{KILLED} is lost. Begin again at notebook 00.\n")
    server.stop()
    start_embedded()
    assert capfd.readouterr().err == ""


def test_a_kill_takes_it_back_to_its_last_stop_buckets_too(own_home, capfd):
    lab = open_lab()
    buckets.ensure_bucket(lab)
    tables.ensure_table(lab, "Customer")
    for key in ("changed.txt", "deleted.txt"):
        lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=b"before the stop")
    server.stop()
    stopped = f"{datetime.now():%Y-%m-%d %H:}"
    lab = open_lab()
    tables.ensure_table(lab, "Transactions")
    lab.client("s3").create_bucket(Bucket="made-after-the-stop")
    lab.client("s3").put_object(Bucket=lab.bucket, Key="changed.txt", Body=b"after the stop")
    lab.client("s3").put_object(Bucket=lab.bucket, Key="new.txt", Body=b"after the stop")
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="deleted.txt")
    kill()

    lab = open_lab()

    said = capfd.readouterr().err
    assert said.startswith(f"{KILLED} since {stopped}")
    assert len(said.splitlines()) == 1
    assert lab.client("dynamodb").list_tables()["TableNames"] == ["Customer"]
    assert buckets_of(lab) == [lab.bucket]
    assert [each["Key"] for each in buckets.objects(lab)] == ["changed.txt", "deleted.txt"]
    assert lab.client("s3").get_object(Bucket=lab.bucket, Key="changed.txt")["Body"].read() == b"before the stop"


@pytest.mark.faults
def test_after_a_kill_the_lab_is_built_again_and_can_be_cleaned_up(own_home, chain_in, account):
    buckets.upload(chain_in(account).build().lab, DATA_FILE)
    kill()

    again = chain_in(account).build()
    buckets.upload(again.lab, DATA_FILE)

    again.wait_for_totals(C1=598, C2=1750)
    assert [check.words for check in checks.run(again.lab, "00").failed] == []
    list(cleanup.delete_all(again.lab))
    assert cleanup.given(again.lab) == buckets_of(again.lab) == []


def test_a_server_that_others_ended_in_good_order_has_lost_nothing(own_home, capfd):
    buckets.ensure_bucket(open_lab())
    process = psutil.Process(server.running().pid)
    process.terminate()
    process.wait()

    lab = open_lab()

    assert capfd.readouterr().err == ""
    assert buckets_of(lab) == [lab.bucket]
    assert buckets.is_ours(lab)


@pytest.mark.parametrize(
    "call",
    [buckets_of, lambda lab: checks.run(lab), lambda lab: functions.find_function(lab, "TotalNotifier")],
    ids=["a call", "all checks", "a room"],
)
def test_a_lab_that_was_opened_before_a_kill_says_so_at_once_and_what_to_do(own_home, call):
    lab = open_lab()
    buckets_of(lab)  # so that there is a connection that the kill cuts
    kill()

    with pytest.raises(EmulatorError, match=r"does not run any more\. Open the lab again"):
        call(lab)

    assert buckets_of(open_lab()) == []


def test_a_kill_in_the_middle_of_the_checks_ends_them_with_the_same_words(own_home):
    lab = open_lab()

    with pytest.raises(EmulatorError, match="does not run any more"):
        checks.run(lab, done=lambda check: kill() if server.running() else None)


def test_an_error_of_aws_itself_is_not_taken_for_a_killed_server(own_home):
    lab = open_lab()

    with pytest.raises(lab.client("s3").exceptions.NoSuchBucket):
        lab.client("s3").list_objects_v2(Bucket="nobodys")


@pytest.mark.parametrize(
    "note",
    [
        {"pid": os.getpid(), "started": 1.0, "port": server.FIRST_PORT},  # a later process got the same id
        {"pid": 2**22 + 1, "started": 1.0, "port": server.FIRST_PORT},  # Linux gives out no such id
        {"pid": os.getpid()},
        "server",
    ],
    ids=["the id of another process", "no process", "too little", "something else"],
)
def test_a_note_of_a_server_that_is_no_more_is_not_believed(own_home, note):
    own_home.mkdir()
    (own_home / "server.json").write_text(json.dumps(note))

    assert server.running() is None
    assert server.stop() is False  # and this very process was not ended


def test_a_server_is_started_in_spite_of_an_old_note(own_home):
    own_home.mkdir()
    (own_home / "server.json").write_text(json.dumps({"pid": os.getpid(), "started": 1.0, "port": 1}))

    server = start_embedded()

    assert server.pid != os.getpid()
    assert server.running() == server


def test_two_homes_are_two_servers_that_do_not_see_each_other(account, tmp_path, monkeypatch):
    here = open_lab(account=account)
    buckets.ensure_bucket(here)

    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("LAB_EMULATOR_HOME", str(tmp_path / "home"))
        there = open_lab(account=account)
        other = server.running()
        seen = buckets_of(there)
        server.stop()

    assert other.pid != server.running().pid
    assert other.port != server.running().port
    assert (buckets_of(here), seen) == ([here.bucket], [])
