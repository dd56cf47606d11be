"""What is shown while a notebook waits: the chain at work."""

import base64
import re
from xml.etree import ElementTree

import pytest

from lab_lib.calls.waiting import QUIET
from lab_lib.pages import live
from lab_lib.pages.chain_picture import svg
from lab_lib.pages.live import Link, Progress
from lab_lib.resources import ALERTS, CHANGES, ROWS, messages

LINKS = [
    Link(ROWS, 18_050, 20_000, note="tried again 2 times: <Error> & more"),
    Link(CHANGES, 0, 200),
    Link(ALERTS, 0, 0, "no total reaches 1500"),
    Link(messages("CustomerNotify"), 3, 3),
]


@pytest.fixture
def shown(monkeypatch):
    """Collect all that a notebook would show, one after the other: data, or "clear"."""
    shown = []
    monkeypatch.setattr("IPython.display.clear_output", lambda wait: shown.append("clear"))
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    return shown


def test_each_link_is_a_line_in_the_place_of_the_one_before(shown, monkeypatch):
    monkeypatch.delenv(QUIET)

    live.chain(Progress(LINKS))

    cleared, data = shown
    assert cleared == "clear"
    assert data["text/plain"].splitlines() == [
        "… rows written                18,050 of 20,000: tried again 2 times: <Error> & more",
        "· changes counted             0 of 200",
        "✔ alerts out                  none is due: no total reaches 1500",
        "✔ messages in CustomerNotify  3 of 3",
    ]
    assert "&lt;Error&gt; &amp; more\n" in data["text/html"]


def test_the_picture_fills_with_the_links_and_where_nobody_looks_only_the_last_is_kept(shown):
    live.chain(Progress(LINKS))
    live.chain(Progress(LINKS, True, broken="TotalNotifier→HighBalanceAlert"))

    (data,) = shown
    alt, drawn = re.search(r'alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)"', data["text/html"]).groups()
    parts = {part.get("data-part"): part for part in ElementTree.fromstring(base64.b64decode(drawn)).iter()}
    texts = {name: "".join(part.itertext()) for name, part in parts.items() if name}
    assert texts["Transactions"] == "DynamoDBTransactions18,050 of 20,000"
    states = ("bucket", "Customer", "TotalNotifier", "CustomerNotify", "TotalNotifier→HighBalanceAlert")
    assert [parts[name].get("data-state") for name in states] == ["right", "moving", "", "right", "wrong"]
    assert alt == (
        "The chain: Transactions 18,050 of 20,000; TotalNotifier 0 of 200; HighBalanceAlert none is due; "
        "CustomerNotify 3 of 3."
    )


def test_it_plays_what_came_in_its_order():
    timed = [Link(ROWS, 2, 2, when=1_040), Link(CHANGES, 2, 2, when=1_040), Link(ALERTS, 0, 1)]
    drawn = svg(live.picture(Progress(timed, True, uploaded=1_000)).looks)
    order = ["bucket", "TransactionProcessor", "Transactions", "Transactions→TotalNotifier", "TotalNotifier"]
    moments = [int(re.search(f'data-part="{part}" data-state="right" data-at="([0-9]+)"', drawn)[1]) for part in order]

    assert moments == sorted({*moments})  # each after the one before, also of the same millisecond
