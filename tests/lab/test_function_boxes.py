"""What a function on the embedded AWS sees, may take and leaves, where a box can be made for it."""

import os
import socket
from pathlib import Path

import psutil
import pytest
from chains import create_function
from commands import in_process, still_running

from lab_lib.aws import functions
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.processes import box
from lab_lib.processes.family import family
from lab_lib.workspace.places import PACKAGE

pytestmark = pytest.mark.slow
in_a_box = pytest.mark.skipif(bool(box.fault_of_functions()), reason="no box can be made here")

CODE = """
import importlib.util, multiprocessing, os, pathlib, socket, sqlite3, subprocess, tempfile, threading, time, zoneinfo
import boto3

def got(*acts):  # what they give, without those that fail
    seen = []
    for act in acts:
        try:
            seen.append(str(act())[:200])
        except Exception:
            pass
    return seen

def fill(path):  # how many megabytes fit in
    written = 0
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                written += file.write(bytes(1_000_000))
        except OSError:
            return written // 1_000_000

def fork(times):  # how many processes were started; each sleeps for an hour
    started = 0
    for _ in range(times):
        try:
            if os.fork() == 0:
                time.sleep(3600)
            started += 1
        except OSError:
            break
    return started

def handler(event, context):
    return eval(event)
"""


@pytest.fixture
def call(lab):
    """call(expression, function="See"): what the expression gives in a function, which is made for its first call."""
    made = set()

    def call(expression, function="See"):
        if function not in made:
            create_function(lab, function, CODE)
            made.add(function)
        return functions.invoke(lab, function, expression)

    return call


@in_a_box
def test_a_function_sees_python_boto3_and_its_own_files_only(call, tmp_path):
    (secret := tmp_path / "secret").write_text("of the learner")
    places = [str(path) for path in (secret, Path.home() / ".bashrc", server.home() / "server.json", "/etc/passwd")]

    assert call(f"got(*(lambda path=path: open(path).read() for path in {places}))") == []
    assert call("got(lambda: os.listdir('/proc'), lambda: os.listdir(os.environ['HOME']))")[0] == "['self']"
    modules = ["boto3", "lab_lib", "ministack", "pandas", "pip", "psutil"]
    assert call(f"[name for name in {modules} if importlib.util.find_spec(name)]") == ["boto3"]
    folders = [str(PACKAGE), "/usr", "/", "/var/runtime", "."]
    assert call(f"got(*(lambda path=path: open(path + '/new', 'w') for path in {folders}))") == []
    assert call("sorted(os.listdir('.')), os.environ['LAMBDA_TASK_ROOT'] == os.getcwd()") == [
        ["probe.py"],
        True,
    ]


@in_a_box
def test_a_function_reaches_its_aws_and_nothing_else(call):
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = other.getsockname()[1], server.running().port
        connect = f"[got(lambda: socket.create_connection(('127.0.0.1', port), 3)) != [] for port in {ports}]"
        assert call(connect) == [False, True]
    assert call("got(lambda: socket.create_connection(('192.0.2.1', 53), 3), lambda: socket.socket(40))") == []
    assert call("boto3.client('sts').get_caller_identity()['Arn']").endswith("assumed-role/TotalNotifierRole/See")


@in_a_box
def test_each_environment_has_a_tmp_of_its_own_that_lives_as_long_as_it(call):
    call("open('/tmp/mine', 'w').write('x')")

    assert call("os.path.exists('/tmp/mine')") is True
    assert call("os.path.exists('/tmp/mine')", "Other") is False
    assert 480 < call("fill('/tmp/all')") <= 512


@in_a_box
def test_the_status_says_that_functions_run_in_boxes(lab):
    assert "Each function runs in a box" in in_process("local", "status").stdout


@in_a_box
def test_what_a_function_starts_is_bounded_and_ends_with_it(call, lab):
    others = {*family(server.running().pid)}
    assert 0 < call("fork(500)") < 300
    started = {*family(server.running().pid)} - others

    lab.client("lambda").update_function_configuration(FunctionName="See", Timeout=5)  # the next call starts cold

    assert len(started) > 100
    assert psutil.wait_procs(started, timeout=5)[1] == []


def test_a_function_can_do_what_it_can_in_lambda(call):
    pool = "__import__('concurrent.futures').futures.ThreadPoolExecutor(9).map(abs, range(9))"
    assert call(
        f"[sum({pool}), subprocess.run(['/bin/true']).returncode, str(zoneinfo.ZoneInfo('Europe/Berlin')), "
        "sqlite3.connect('/tmp/db').execute('select 1').fetchone(), tempfile.mkdtemp()[:5]]"
    ) == [36, 0, "Europe/Berlin", [1], "/tmp/"]


def test_without_boxes_functions_run_as_the_user_who_is_told_and_end_with_their_server(own_home, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "defpath", str(tmp_path))  # bubblewrap is not there
    (secret := tmp_path / "secret").write_text("of the learner")
    lab = open_lab()
    create_function(lab, "See", CODE)

    assert functions.invoke(lab, "See", f"open({str(secret)!r}).read()") == "of the learner"
    assert "bubblewrap" not in in_process("open", "--", "true").stdout
    told = in_process("local", "status").stdout
    assert "Functions run as you" in told
    assert "none can be made: bubblewrap (bwrap), which is for Linux, is not installed." in told
    processes = family(server.running().pid)
    processes[0].kill()
    assert still_running(processes) == []
