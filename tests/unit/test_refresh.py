"""`make refresh` on small notebooks: which outputs it keeps, what it writes, and when it writes nothing."""

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tests.notebooks import refresh

FIGURE = '<img alt="a curve" src="data:image/svg+xml;base64,{}">'
HEADLESS = "from lab_lib.exercises import workbook\nprint(workbook.is_headless())"
CELL, UNCHANGED = "04-some-name.ipynb, cell {id}, [2]", "No notebook was changed."
INTERRUPT = "import signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)"


def result(count, **data):
    data = {name.replace("_", "/"): text for name, text in data.items()}
    return v4.new_output("execute_result", data, execution_count=count)


def stream(text):
    return v4.new_output("stream", text=text)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """notebook("04", source, …): the path of a notebook whose cells have shown this text."""
    monkeypatch.setattr(refresh, "notebooks", lambda: sorted(tmp_path.glob("*.ipynb")))
    monkeypatch.setattr(refresh, "own_aws", nullcontext)

    def notebook(number, *sources, shown="before\n"):
        cells = [v4.new_code_cell(each, execution_count=1, outputs=[stream(shown)]) for each in sources]
        path = tmp_path / f"{number}-some-name.ipynb"
        nbformat.write(v4.new_notebook(cells=cells), path)
        return path

    return notebook


def outputs(path):
    return [cell.outputs for cell in nbformat.read(path, as_version=4).cells]


def test_an_output_that_nbval_calls_equal_stays_as_it_was_committed():
    old = [
        result(1, text_plain="GetQueueUrl … 3 times, 10 ms", text_html="http://127.0.0.1:4566/"),
        stream('{"records": 7}'),
        result(1, text_html=FIGURE.format("AAAA")),
        stream("4 messages, 3 ms"),
    ]
    new = [
        result(2, text_plain="GetQueueUrl … 8 ms", text_html="http://127.0.0.1:40585/"),
        stream('{"records": 9}'),
        result(2, text_html=FIGURE.format("BBBB")),
        stream("5 messages, 4 ms"),
    ]
    cell = v4.new_code_cell(execution_count=2, outputs=list(new))

    refresh.keep(old, cell)

    assert cell.outputs == [{**old[0], "execution_count": 2}, old[1], {**old[2], "execution_count": 2}, new[3]]


@pytest.mark.slow
def test_those_before_a_named_notebook_are_run_and_only_the_named_one_is_written(notebook, monkeypatch, capsys):
    before = notebook("00", "open('made', 'w').write('what 00 made')")
    named = notebook("04", "print(open('made').read(), end='')", HEADLESS)
    after = notebook("05", "1 / 0")
    unchanged = [before.read_bytes(), after.read_bytes()]
    named.chmod(0o640)
    monkeypatch.chdir(named.parent)

    refresh.main("4")

    assert outputs(named) == [[stream("what 00 made")], [stream("False\n")]]
    assert [before.read_bytes(), after.read_bytes()] == unchanged
    assert named.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().out == "04-some-name.ipynb\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "has_git", [pytest.param(True, marks=pytest.mark.skipif(not shutil.which("git"), reason="needs git")), False]
)
def test_outputs_stay_as_git_has_them_or_else_the_file_but_cleared_ones_are_made_anew(has_git, notebook, monkeypatch):
    path = notebook("00", "print('5 ms')", "print('5 ms')", shown="3 ms\n")
    if has_git:
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        for command in ["init -q", "add .", "-c user.name=me -c user.email=me@example.com commit -qm 3"]:
            subprocess.run(["git", *command.split()], cwd=path.parent, check=True)
    edited = nbformat.read(path, as_version=4)
    edited.cells[0].outputs, edited.cells[1].outputs = [stream("4 ms\n")], []
    nbformat.write(edited, path)

    refresh.main()

    assert outputs(path) == [[stream("3 ms\n" if has_git else "4 ms\n")], [stream("5 ms\n")]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param("1 / 0", f"{CELL}: ZeroDivisionError: division by zero\n{UNCHANGED}", id="error"),
        pytest.param("os._exit(1)", f"{CELL}: Kernel died\n{UNCHANGED}", id="dead kernel"),
        pytest.param(INTERRUPT, f"Stopped. {UNCHANGED}", id="Ctrl-C"),
    ],
)
def test_no_notebook_is_written_when_a_cell_fails_or_ctrl_c_is_pressed(source, error, notebook, tmp_path):
    paths = [notebook("00", "print('after')"), notebook("04", "import os", source)]
    texts, cells = [path.read_bytes() for path in paths], nbformat.read(paths[1], as_version=4).cells

    with pytest.raises(SystemExit) as stopped:
        refresh.main()

    assert str(stopped.value) == error.format(id=cells[1].id)
    assert [path.read_bytes() for path in paths] == texts
    assert sorted(tmp_path.iterdir()) == paths


def test_an_unknown_number_is_an_error_of_one_line(notebook):
    notebook("00"), notebook("04")

    with pytest.raises(SystemExit, match=r"^There is no notebook 7; wanted any of 00, 04\.$"):
        refresh.main("4", "7")


@pytest.mark.slow
def test_a_failing_comparison_says_how_to_keep_the_new_outputs(notebook):
    path = notebook("04", "print('after')", "print('before')")
    shutil.copy(Path(__file__).parents[2] / "conftest.py", path.parent)
    pytest_ = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", path.name]

    said = subprocess.run(pytest_, cwd=path.parent, capture_output=True, text=True).stdout

    assert "04-some-name.ipynb differ. If that is meant, run `make refresh ONLY=04`, and read the difference." in said
