"""What is shown while a notebook waits: the chain at work, and the bar of `lab run`."""

import base64
import re
from html import escape
from xml.etree import ElementTree

import pytest

from lab_lib.calls.waiting import PROGRESS_FILE
from lab_lib.cli.progress import progress_bar
from lab_lib.pages import live
from lab_lib.pages.chain_parts import Link
from lab_lib.resources import ALERTS, CHANGES, ROWS, messages

LINKS = [
    Link(ROWS, 18_050, 20_000, note="tried again 2 times: <Error> & more"),
    Link(CHANGES, 0, 200),
    Link(ALERTS, 0, 0, "no total reaches 1500"),
    Link(messages("CustomerNotify"), 3, 3, held=1_234),
]


@pytest.fixture
def shown(monkeypatch):
    """Collect all that a notebook would show, one after the other: data, or "clear"."""
    shown = []
    monkeypatch.setattr("IPython.display.clear_output", lambda wait: shown.append("clear"))
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    return shown


def test_each_link_is_a_line_in_the_place_of_the_one_before(shown, monkeypatch):
    monkeypatch.delenv(PROGRESS_FILE)

    live.chain(LINKS, last=False)

    cleared, data = shown
    assert cleared == "clear"
    assert data["text/plain"].splitlines() == [
        "… rows written                18,050 of 20,000: tried again 2 times: <Error> & more",
        "· changes counted             0 of 200",
        "✔ alerts out                  none is due: no total reaches 1500",
        "✔ messages in CustomerNotify  3 of 3",
    ]
    assert '<progress max="20000" value="18050" aria-label="rows written">' in data["text/html"]
    assert "&lt;Error&gt; &amp; more</td>" in data["text/html"]


def test_the_picture_fills_with_the_links_and_shows_notes_and_the_depth_of_a_queue(shown):
    live.chain(LINKS, last=True)

    alt, drawn = re.search(r'alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)"', shown[0]["text/html"]).groups()
    parts = {part.get("data-part"): part for part in ElementTree.fromstring(base64.b64decode(drawn))}
    texts = {name: "".join(part.itertext()) for name, part in parts.items() if name}
    assert texts["Transactions"] == "DynamoDBTransactions18,050 of 20,000"
    assert texts["CustomerNotify"] == "SQS, holds 1,234CustomerNotify3 of 3"
    done, busy, idle = (parts[name][0].get("stroke-width") for name in ("CustomerNotify", "Customer", "TotalNotifier"))
    assert len({done, busy, idle}) == 3
    assert alt == escape(
        "The chain: Transactions 18,050 of 20,000 (tried again 2 times: <Error> & more); TotalNotifier 0 of 200; "
        "HighBalanceAlert none is due; CustomerNotify 3 of 3, holds 1,234."
    )


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
