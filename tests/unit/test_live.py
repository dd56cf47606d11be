"""What is shown while a notebook waits: the chain at work, and the bar of `lab run`."""

import pytest

from lab_lib.cli.progress import progress_bar
from lab_lib.views import live
from lab_lib.waiting import UNSEEN

LINKS = [("rows written", 18_050, 20_000, ""), ("totals", 0, 200, ""), ("<alerts>", 0, 0, "no total reaches 1500")]


@pytest.fixture
def shown(monkeypatch):
    """All that a notebook would show, one after the other: data, or "clear"."""
    shown = []
    monkeypatch.setattr("IPython.display.clear_output", lambda wait: shown.append("clear"))
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    return shown


def test_each_link_is_a_line_in_the_place_of_the_one_before(shown, monkeypatch):
    monkeypatch.delenv(UNSEEN)

    live.chain(LINKS, last=False)

    cleared, data = shown
    assert cleared == "clear"
    assert data["text/plain"].splitlines() == [
        "… rows written  18,050 of 20,000",
        "· totals        0 of 200",
        "✔ <alerts>      none is due: no total reaches 1500",
    ]
    assert '<progress max="20000" value="18050" aria-label="rows written">' in data["text/html"]
    assert "&lt;alerts&gt;</td>" in data["text/html"]


def test_where_nobody_looks_only_the_last_lines_are_kept(shown):
    live.chain(LINKS, last=False)
    live.chain(LINKS, last=True)

    assert [list(data) for data in shown] == [["text/html", "text/plain"]]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("waiting for march.txt … 5 s, rows written: 3 of 4", "05: 5 s, rows written: 3 of 4"),
        ("4,000 lines …", "05: 4,000 lines …"),
        ("", "05-upload-and-verify"),
    ],
)
def test_the_bar_shows_what_a_cell_waits_for(tmp_path, line, shown):
    (tmp_path / "waiting").write_text(line)
    progress = progress_bar(tmp_path / "waiting")
    progress.add_task("05-upload-and-verify")

    assert progress.columns[2](progress.tasks[0]).plain == shown
