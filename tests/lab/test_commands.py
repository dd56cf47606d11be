"""The commands as a process: how they end, and what they print where."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request

import psutil
import pytest
from commands import LAB, in_process
from rich.cells import cell_len

from lab_lib.aws import cleanup, queues
from lab_lib.calls.waiting import wait_until
from lab_lib.cli import terminal
from lab_lib.embedded import server
from lab_lib.workspace.one_command import alone


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_ends_the_command_without_a_traceback(own_home):
    command = ["bash", "-c", f"exec 3> >(:); wait $!; {LAB} local status >&3"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("times", "width"), [(2, 68), (50, 100)])
def test_a_pipe_gets_whole_tables_of_at_most_100_columns_text_as_it_is_and_no_colours(
    times, width, capsys, monkeypatch
):
    monkeypatch.delenv("COLUMNS", raising=False)
    table, text = terminal.FoldingTable("状态", "名称"), "[bold] :warning: " + "队列，CustomerNotify" * times
    table.add_row("✔", text, style="red")

    terminal._console().print(table)

    shown = capsys.readouterr().out
    assert {cell_len(line) for line in shown.splitlines()} == {width}
    assert (text.replace(" ", "") in re.sub(r"[\s│]", "", shown), "\x1b[" in shown) == (True, False)
    assert shown.count("CustomerNotify") == times  # a line ends between words, and not before a comma
    assert "│ ，" not in shown


@pytest.mark.parametrize("command", ["run", "clean"])
def test_a_lab_that_another_command_is_at_work_on_is_left_as_it_is(command, lab):
    queues.ensure_queue(lab, "CustomerNotify")

    with alone(lab, "lab class"):
        ended = in_process(command, "--account", lab.account)

    assert ended.exit_code == 1
    assert ended.stderr.startswith("LabInUse: Another command is at work on")
    assert cleanup.remaining(lab) == ["queue CustomerNotify"]


@pytest.mark.slow
def test_lab_open_ends_with_its_kernels_and_leaves_no_file(tmp_path):
    server.start()  # which outlives the command
    folders = {"HOME": str(tmp_path / "missing"), "TMPDIR": str(tmp_path), "BROWSER": "true", "PATH": os.defpath}
    with (tmp_path / "log").open("w") as log:
        lab = subprocess.Popen([LAB, "open"], env=os.environ | folders, stdout=log, stderr=log, start_new_session=True)
    (note,) = wait_until(lambda: list(tmp_path.rglob("jpserver-*.json")), "JupyterLab to start")
    about = json.loads(note.read_text())

    def start_kernel():
        try:
            return urllib.request.urlopen(f"{about['url']}api/kernels?token={about['token']}", b"{}").status == 201
        except OSError:  # it does not listen yet
            return False

    wait_until(start_kernel, "a kernel")
    processes = psutil.Process(lab.pid).children(recursive=True)
    commands = [shutil.which("lab", path=process.environ()["PATH"]) for process in processes]
    os.killpg(lab.pid, signal.SIGHUP)  # as a terminal does that is closed; test_wheel.py has Ctrl-C

    assert lab.wait() == 129
    assert len(processes) > 1
    assert {*commands} == {str(LAB)}  # a terminal in JupyterLab finds it
    assert [process for process in processes if process.is_running()] == []
    assert [path for name in ("jpserver-*", "kernel-*") for path in tmp_path.rglob(name)] == []
    assert "Shut down this Jupyter server" not in (tmp_path / "log").read_text()
