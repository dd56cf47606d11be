"""`make refresh` on small notebooks: which outputs it keeps, what it writes, and when it writes nothing."""

from contextlib import nullcontext

import nbformat
import pytest
from nbformat import v4

from tests.notebooks import refresh

FIGURE = '<img alt="a curve" src="data:image/svg+xml;base64,{}">'
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
        cells = [v4.new_code_cell(source, execution_count=1, outputs=[stream(shown)]) for source in sources]
        path = tmp_path / f"{number}-some-name.ipynb"
        nbformat.write(v4.new_notebook(cells=cells), path)
        return path

    return notebook


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
@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param("1 / 0", f"{CELL}: ZeroDivisionError: division by zero\n{UNCHANGED}", id="error"),
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
