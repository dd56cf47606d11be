"""A trace with plain values: times and gaps, runs in a log, the line of time, the picture and the page."""

import base64
import hashlib
import itertools
import re
import time
from xml.etree import ElementTree as ET

import pytest

from lab_lib.aws import log_runs, queues
from lab_lib.checks.rules import State
from lab_lib.pages import chain_picture
from lab_lib.trace import page, timeline, times
from lab_lib.trace.events import PARTS, Change, Event
from lab_lib.trace.timeline import Axis
from lab_lib.trace.times import Span
from lab_lib.trace.trace import Trace

NOON = 1_795_780_800_000  # 2026-11-27 12:00:00 in UTC
ODD = "<script>alert(\"1\")</script> & 'x' 取引"


def test_a_gap_is_as_exact_as_its_two_moments_and_a_span_is_written_without_what_repeats():
    noon, second = times.at(NOON), times.second(NOON / 1000)

    assert times.gap("run", noon, times.at(NOON + 176)).words == "run 176 ms"
    assert times.gap("run", second, times.at(NOON + 948)).words == "run 0 to 948 ms"  # not -51 ms
    assert times.gap("run", noon, times.at(NOON + 185_000)).words == "run 3 min 5 s"
    assert times.gap("run", noon, times.at(NOON + 76 * 3_600_000)).words == "run 3 d 4 h"
    assert (noon.words, second.words) == ("12:00:00.000", "12:00:00.000 to .999")
    assert Span(NOON + 900, NOON + 1_200).words == "12:00:00.900 to 12:00:01.200"
    assert (Span(0, 10).within(Span(5, 20)), Span(0, 10).within(Span(11, 20))) == (Span(5, 10), Span(0, 10))


@pytest.mark.parametrize(("minutes", "is_settled"), [(9, False), (11, True)])
def test_a_log_of_aws_may_come_ten_minutes_late(minutes, is_settled):
    moment = times.at(int(time.time() - minutes * 60) * 1000)
    change = Change("", [Event("stream", "", when=moment), Event("TotalNotifier", "", is_late=True)])

    assert Trace("", [change]).is_settled is is_settled
    assert Trace("", [Change("", change.events[:1])]).is_settled


def lines(*texts):
    numbered = enumerate(texts)
    return [{"message": text, "timestamp": NOON + 10 * place, "logStreamName": "a"} for place, text in numbered]


def test_the_runs_of_one_environment_follow_each_other_and_only_the_first_one_was_started():
    first, second = log_runs.parse(
        lines(
            "said before",
            "INIT_START Runtime Version: python:3.13",
            "START RequestId: one Version: $LATEST",
            '{"records": 3, "first": "1", "last": "3"}',
            "END RequestId: one",
            "REPORT RequestId: one\tDuration: 9.10 ms",
            "START RequestId: two Version: $LATEST",
            "[ERROR] KeyError: 'amount'\nTraceback (most recent call last):",
        ),
    )

    assert (first.id, first.started, first.begin, first.end) == ("one", NOON + 10, NOON + 20, NOON + 40)
    assert (second.id, second.started, second.begin, second.end) == ("two", None, NOON + 60, None)
    assert (first.records, first.error, second.reports, second.error) == (3, "", [], "KeyError: 'amount'")


def events(*moments):
    return [Event("bucket", "", when=times.at(moment)) for moment in moments]


def test_a_long_stretch_is_left_out_and_all_others_keep_their_proportions():
    axis = Axis(events(NOON, NOON + 100, NOON + 300, NOON + 7_200_300, NOON + 7_200_400))

    places = [axis.places[moment] for moment in axis.moments]
    first, second, left_out, last = (later - earlier for earlier, later in itertools.pairwise(places))
    assert second == pytest.approx(2 * first)
    assert last == pytest.approx(first)
    assert (places[0], places[-1], left_out) == (0, pytest.approx(1), pytest.approx(0.05))
    assert axis.breaks == [pytest.approx(places[2] + 0.025)]


@pytest.mark.parametrize("apart", [1, 9_000, 10**9])
def test_no_label_of_the_timeline_overlaps_another_or_leaves_the_picture(apart):
    changes, begin = [], NOON
    for length in (1, 900, 3, 40_000, 2):  # of the runs of five changes
        run = Event("TotalNotifier", "", when=times.at(begin), end=begin + length)
        changes.append(Change("", [*events(begin), run]))
        begin += length + apart

    drawn = [element for element in ET.fromstring(timeline.svg("", changes)).iter() if element.tag.endswith("text")]

    rows = {}
    for label in drawn:
        x, width = float(label.get("x")), float(label.get("textLength"))
        left = x - {"middle": width / 2, "end": width}.get(label.get("text-anchor"), 0)
        rows.setdefault(label.get("y"), [0]).extend((left, left + width))
    for row in rows.values():
        assert row == sorted(row)
        assert row[-1] <= timeline.WIDTH


def test_a_page_loads_nothing_runs_only_its_own_script_and_names_parts_that_the_picture_has():
    run = Event("TotalNotifier", ODD, when=times.at(NOON + 40), source=ODD, started=NOON + 20, end=NOON + 90)
    other = [Event(lane, ODD, State.CANNOT_SEE, source=ODD) for lane in (*PARTS, *queues.ALERT_QUEUES)]
    text = page.page(Trace(ODD, [Change(ODD, [run, *other])], [ODD]))

    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "<script>alert" not in text
    assert not re.findall(r"""(?:src|href)=["']?(?:http|//|data)""", text)
    named = {part for parts in re.findall(r'data-parts="([^"]*)"', text) for part in parts.split("|")}
    assert {*named, *(part for parts in PARTS.values() for part in parts)} <= {*chain_picture.PARTS}
