"""The server of the embedded AWS: started once, out of reach from outside, and empty after a stop."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from chains import create_function
from commands import still_running

from lab_lib.aws import functions, tables
from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import server
from lab_lib.errors import BUILD_AGAIN, EmulatorError, StepMissing
from lab_lib.exercises.workbook import require
from lab_lib.lab import open_lab
from lab_lib.processes.family import cpu_seconds, total
from lab_lib.workspace.places import WORKSPACE
from tests.web_server import serving

pytestmark = pytest.mark.slow

SECRET = "what-only-the-user-may-know"
GONE = f"everything made there before is gone. {BUILD_AGAIN}"
STOPPED = rf"has stopped, .*{re.escape(BUILD_AGAIN)} Then run the cell with open_lab again"


def family(running):
    parent = psutil.Process(running.pid)
    return [parent, *parent.children(recursive=True)]


def with_a_function(code="def handler(event, context):\n    return 1\n", **settings):
    """Return the lab with a function that was called once, its answer, and the server's processes: one is its own."""
    lab = open_lab()
    create_function(lab, "See", code, **settings)
    answer, processes = functions.invoke(lab, "See", {}), family(server.running())
    assert len(processes) > 1
    return lab, answer, processes


def test_the_secrets_of_the_user_reach_no_function_and_nobody_outside_reaches_the_server(own_home, monkeypatch):
    for name in ("USERS_PASSWORD", "AWS_PROFILE", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, SECRET)
    own_home.mkdir(0o777, parents=True)
    own_home.chmod(0o777)

    _, seen, processes = with_a_function("import os\n\ndef handler(event, context):\n    return dict(os.environ)\n")

    assert SECRET not in json.dumps([seen, *(process.environ() for process in processes)])
    ends = [end for process in processes for end in process.net_connections(kind="inet")]
    assert {end.laddr.port for end in ends if end.status == psutil.CONN_LISTEN} == {server.running().port}
    assert {address.ip for end in ends for address in (end.laddr, end.raddr) if address} == {server.HOST}
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (own_home, own_home / "server.json")]
    assert modes == [0o700, 0o600]


def test_two_processes_that_start_it_at_once_get_one_server(own_home):
    script = "from lab_lib.embedded import server; print(server.start().pid)"
    starters = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]

    pids = {int(starter.communicate()[0]) for starter in starters}

    assert pids == {server.start().pid}


def test_the_port_of_another_program_is_left_alone(own_home):
    own_home.mkdir(parents=True)
    with serving(json.dumps({"pid": 1, "proof": "0" * 64}).encode()) as other:
        note = {"port": other.server_port, "secret": "secret"}
        (own_home / "server.json").write_text(json.dumps(note))

        assert (server.running(), server.stop()) == (None, False)
        assert server.start().port != other.server_port


def test_a_server_and_its_functions_end_when_their_folder_is_gone_or_their_note_is_another(own_home):
    _, _, processes = with_a_function()
    own_home.rename(own_home.with_name("old"))
    own_home.mkdir()
    with server.another() as other:
        processes += family(other)
        (Path(processes[-1].cwd()) / server.NOTE).write_text("{}")

        assert still_running(processes) == []
    assert server.running() is None


def test_a_function_that_runs_ends_with_its_server_when_that_is_killed(own_home):
    lab, _, processes = with_a_function("def handler(event, context):\n    while event:\n        pass\n", Timeout=99)
    before = total(processes[1:], cpu_seconds)
    lab.client("lambda").invoke(FunctionName="See", InvocationType="Event", Payload='{"for": "ever"}')
    wait_until(lambda: total(processes[1:], cpu_seconds) > before + 0.5, "the function to run")
    processes[0].kill()

    assert still_running(processes) == []
    with pytest.raises(EmulatorError, match=STOPPED):
        lab.client("s3").list_buckets()


def test_each_workspace_has_a_server_of_its_own_which_ends_and_leaves_nothing_when_it_is_deleted(own_home, monkeypatch):
    first, other_place = server.start(), Path(os.environ[WORKSPACE]).with_name("other")
    assert own_home.is_relative_to(os.environ["XDG_STATE_HOME"])
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv(WORKSPACE, str(other_place))
        ended = family(other := server.start())
        assert (first.pid != other.pid, server.running()) == (True, other)
        shutil.rmtree(other_place)

        assert still_running(ended) == []
        assert (server.home().exists(), server.running()) == (False, None)
    assert server.running() == first


def test_a_stop_ends_every_process_and_the_next_start_is_empty_and_says_so_once(own_home, capfd):
    first = server.start()
    assert (server.start(), capfd.readouterr().err) == (first, "")  # nothing was made before
    lab, _, processes = with_a_function()
    tables.ensure_table(lab, "Customer")

    assert [server.stop(), server.stop()] == [True, False]

    assert still_running(processes) == []
    assert {path.name for path in own_home.iterdir()} <= {"server.json", "server.log", "lock"}
    again = server.start()
    assert GONE in capfd.readouterr().err
    assert (again.port, again.secret == first.secret) == (first.port, False)
    assert open_lab().client("dynamodb").list_tables()["TableNames"] == []
    with pytest.raises(EmulatorError, match=STOPPED):
        lab.client("dynamodb").list_tables()
    with pytest.raises(StepMissing, match=re.escape(BUILD_AGAIN)):
        require(open_lab(), "00")
    assert capfd.readouterr().err == ""


def test_a_connection_ends_with_its_client(own_home):
    running = server.start()
    for _ in range(9):
        with closing(HTTPConnection(server.HOST, running.port)) as connection:
            connection.request("GET", "/")
            assert connection.getresponse().read()

    def is_closed():
        return psutil.CONN_CLOSE_WAIT not in {each.status for each in psutil.Process(running.pid).net_connections()}

    assert wait_until(is_closed, "the server to close its ends", timeout=5)
