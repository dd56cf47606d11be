"""The server of the embedded AWS: started once, out of reach from outside, and empty after a stop."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest
from filelock import FileLock

from conftest import create_function
from lab_lib import checks
from lab_lib.aws import buckets, cleanup, functions, policies, roles
from lab_lib.embedded import server
from lab_lib.errors import EmulatorError
from lab_lib.lab import open_lab

SECRET = "what-only-the-user-may-know"
GONE = "everything made there before is gone"


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """A server that was started amid a user's secrets, and what a function in it sees of its environment."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("LAB_EMULATOR_HOME", str(tmp_path_factory.mktemp("called")))
        monkeypatch.setenv("USERS_PASSWORD", SECRET)
        monkeypatch.setenv("AWS_PROFILE", SECRET)
        monkeypatch.setenv("PYTHONSTARTUP", SECRET)
        lab = open_lab()
        role = roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
        code = "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n"
        create_function(lab, "See", code, role)
        yield server.running(), functions.invoke(lab, "See", {})
        server.stop()


def processes(found):
    parent = psutil.Process(found.pid)
    return [parent, *parent.children(recursive=True)]


def servers_of(home):
    """Return the processes of servers of this home, also those that no note names."""

    def is_one(process):
        try:
            return process.environ().get("HOME") == str(home / "tmp") and server.PROGRAM in process.cmdline()
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if is_one(process)]


def kill():
    process = psutil.Process(server.running().pid)
    process.kill()
    process.wait()


def buckets_of(lab):
    return [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]


@contextmanager
def listener(answer):
    """The port of somebody else's server, which answers every request with this JSON."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *about):
            """Print nothing."""

    with HTTPServer((server.HOST, 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield other.server_port
        other.shutdown()


def test_starting_twice_gives_the_same_server():
    assert server.start() == server.start() == server.running()


def test_two_processes_that_start_it_at_once_get_one_server(own_home):
    script = "from lab_lib.embedded import server; found = server.start(); print(found.pid, found.port)"
    starters = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]

    said = [starter.communicate(timeout=60)[0].strip() for starter in starters]

    found = server.running()
    assert said == [f"{found.pid} {found.port}"] * 2
    assert [process.pid for process in servers_of(own_home)] == [found.pid]


def test_a_start_that_is_cut_off_leaves_no_server_that_nobody_knows(own_home, monkeypatch):
    def ctrl_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "_first_answer", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        server.start()

    _, alive = psutil.wait_procs(servers_of(own_home), timeout=5)
    for process in alive:
        process.kill()
    assert server.running() is None
    assert alive == []


def test_where_the_port_is_taken_by_a_program_that_says_nothing_another_one_is_used(own_home, monkeypatch):
    monkeypatch.setattr(server, "_LONGEST_ANSWER", 2)
    own_home.mkdir()
    with socket.create_server((server.HOST, 0)) as taken:
        server._write_note(own_home, taken.getsockname()[1], "old")

        assert server.start().port != taken.getsockname()[1]

    assert buckets_of(open_lab()) == []


def test_a_server_that_was_quicker_at_the_same_port_is_not_taken_for_ours(own_home, called, monkeypatch):
    others, _ = called
    ports = iter([others.port])
    free_port = server._free_port
    monkeypatch.setattr(server, "_free_port", lambda wish: next(ports, None) or free_port(0))

    found = server.start()

    assert found.port != others.port
    assert [process.pid for process in servers_of(own_home)] == [found.pid]


@pytest.mark.parametrize("answer", [{"pid": 1, "proof": "0" * 64}, "pid"])
def test_somebody_elses_server_at_our_port_is_not_taken_for_ours(own_home, answer):
    own_home.mkdir()
    with listener(answer) as port:
        server._write_note(own_home, port, "secret")

        assert server.running() is None
        assert server.stop() is False
        assert server.start().port != port


def test_a_server_that_does_not_answer_is_named_and_no_second_one_is_started(own_home, monkeypatch):
    found = server.start()
    os.kill(found.pid, signal.SIGSTOP)
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr(server, "_LONGEST_ANSWER", 0.5)
            for call in (server.running, server.start, server.stop):
                with pytest.raises(EmulatorError, match=rf"process {found.pid}\) does not answer\. End that process"):
                    call()
    finally:
        os.kill(found.pid, signal.SIGCONT)
    assert server.running() == found
    assert [process.pid for process in servers_of(own_home)] == [found.pid]


@pytest.mark.parametrize("note", ["", "{", '"server"', "[]", "{}", '{"port": "x", "secret": 1}', '{"port": 1}'])
def test_a_note_that_says_nothing_of_a_server_is_passed_over(own_home, note):
    own_home.mkdir()
    (own_home / "server.json").write_text(note)

    assert server.running() is None
    assert server.stop() is False


def test_a_clock_that_is_set_makes_no_second_server(own_home, monkeypatch):
    found = server.start()
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: 0.0)

    assert server.start() == server.running() == found


def test_it_listens_on_this_machines_loopback_only(called):
    found, _ = called

    ends = [connection for process in processes(found) for connection in process.net_connections(kind="inet")]

    assert {(end.laddr.ip, end.laddr.port) for end in ends if end.status == psutil.CONN_LISTEN} == {
        (server.HOST, found.port)
    }
    assert {address.ip for end in ends for address in (end.laddr, end.raddr) if address} == {server.HOST}


def test_nothing_of_the_users_environment_is_in_the_servers(called):
    found, _ = called

    environments = [process.environ() for process in processes(found)]

    assert len(environments) > 1  # the server, and the worker that runs the function
    assert [names for names in environments if SECRET in names.values()] == []
    assert "USERS_PASSWORD" not in environments[0].keys() | environments[1].keys()


def test_nothing_of_the_users_environment_is_visible_in_a_function(called):
    _, environment = called

    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "See"
    assert [name for name, value in environment.items() if SECRET in value] == []
    assert not environment.keys() & {"USERS_PASSWORD", "AWS_PROFILE", "LAB_EMULATOR_HOME"}


def test_only_its_owner_can_read_what_it_writes(own_home):
    own_home.mkdir(mode=0o777)
    own_home.chmod(0o777)

    server.start()

    assert stat.S_IMODE(own_home.stat().st_mode) == 0o700
    assert stat.S_IMODE((own_home / "server.json").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_EMULATOR_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(EmulatorError, match=r"needs the folder .*home for itself: .* LAB_EMULATOR_HOME"):
        server.start()


def test_a_start_that_waits_too_long_for_another_one_ends_with_one_line(own_home, monkeypatch):
    monkeypatch.setattr(server, "_LONGEST_LOCKED", 0)
    own_home.mkdir()

    with FileLock(own_home / "lock"), pytest.raises(EmulatorError, match="End that process"):
        server.start()


def test_a_stop_ends_every_process_and_the_next_start_is_empty_and_says_so_once(own_home, chain_in, account, capfd):
    first = server.start()
    assert capfd.readouterr().err == ""  # nothing was made before
    chain = chain_in(account)
    chain.start_here()
    chain.create_functions()
    functions.invoke(chain.lab, "TotalNotifier", {"Records": []})
    family = processes(first)

    assert [server.stop(), server.stop()] == [True, False]

    assert len(family) > 1  # the server, and the workers that run the functions
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert server.running() is None
    assert {path.name for path in own_home.iterdir()} <= {"server.json", "server.log", "lock"}

    again = server.start()

    assert GONE in capfd.readouterr().err
    assert (again.port, again.secret == first.secret) == (first.port, False)
    assert cleanup.remaining(chain_in(account).lab) == []
    server.start()
    assert capfd.readouterr().err == ""


def test_after_a_kill_it_starts_again_empty_and_says_so(own_home, capfd):
    buckets.ensure_bucket(open_lab())
    kill()

    assert server.running() is None
    assert buckets_of(open_lab()) == []
    said = capfd.readouterr().err
    assert GONE in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("call", [buckets_of, checks.run], ids=["a call", "all checks"])
@pytest.mark.parametrize("then", [lambda: None, server.start], ids=["", "and started again"])
def test_a_lab_that_was_opened_before_a_kill_says_so_at_once_and_what_to_do(own_home, call, then):
    lab = open_lab()
    buckets_of(lab)  # so that there is a connection that the kill cuts
    kill()
    then()

    with pytest.raises(EmulatorError, match=r"has stopped\. In a notebook, run the cell with open_lab again"):
        call(lab)

    assert buckets_of(open_lab()) == []


def test_a_kill_in_the_middle_of_the_checks_ends_them_with_the_same_words(own_home):
    lab = open_lab()

    with pytest.raises(EmulatorError, match="has stopped"):
        checks.run(lab, done=lambda check: kill() if server.running() else None)


def test_an_error_of_aws_itself_is_not_taken_for_a_killed_server(own_home):
    lab = open_lab()

    with pytest.raises(lab.client("s3").exceptions.NoSuchBucket):
        lab.client("s3").list_objects_v2(Bucket="nobodys")


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
