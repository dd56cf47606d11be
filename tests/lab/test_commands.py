"""The commands as a process: how they end, and what they print where."""

import re
import subprocess

import pytest
from commands import LAB, in_process
from rich.cells import cell_len

from lab_lib.aws import cleanup, queues
from lab_lib.cli import terminal
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
