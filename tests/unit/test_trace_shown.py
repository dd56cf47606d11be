"""A trace with plain values: times and gaps, runs in a log, the line of time, the picture and the page."""

import re
import time

import pytest

from lab_lib.aws import log_runs, queues
from lab_lib.checks.rules import State
from lab_lib.pages import chain_picture
from lab_lib.trace import page, times
from lab_lib.trace.events import PARTS, Change, Event
from lab_lib.trace.timeline import Axis
from lab_lib.trace.times import Span
from lab_lib.trace.trace import Trace

NOON = 1_795_780_800_000  # 2026-11-27 12:00:00 in UTC
ODD = "<script>alert(\"1\")</script> & 'x' 取引"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (times.at(NOON), 176, "run 176 ms, 12:00:00.176"),
        (times.second(NOON / 1000), 948, "run 0 to 948 ms, 12:00:00.948"),  # not -51 ms
        (times.at(NOON), 185_000, "run 3 min 5 s, 12:03:05.000"),
    ],
)
def test_a_gap_is_as_exact_as_its_two_moments(before, after, words):
    moment = times.at(NOON + after)
    assert f"{times.gap('run', before, moment).words}, {moment.words}" == words


def test_a_span_is_written_without_what_repeats():
    assert times.second(NOON / 1000).words == "12:00:00.000 to .999"
    assert Span(NOON + 900, NOON + 1_200).words == "12:00:00.900 to 12:00:01.200"


@pytest.mark.parametrize("minutes", [9, 11])
def test_a_log_of_aws_may_come_ten_minutes_late(minutes):
    late = Event("TotalNotifier", "", is_late=True)
    known = events(int(time.time() - 60 * minutes) * 1000)

    assert Trace("", [Change("", [late, *known])]).is_settled is (minutes > 10)


def test_the_runs_of_one_environment_follow_each_other_and_only_the_first_one_was_started():
    texts = [
        "said before",
        "INIT_START Runtime Version: python:3.13",
        "START RequestId: one Version: $LATEST",
        '{"records": 3, "first": "1", "last": "3"}',
        "END RequestId: one",
        "REPORT RequestId: one\tDuration: 9.10 ms",
        "START RequestId: two Version: $LATEST",
        "[ERROR] KeyError: 'amount'\nTraceback (most recent call last):",
    ]
    runs = log_runs.parse({"message": text, "timestamp": NOON + place} for place, text in enumerate(texts))

    first, second = ((run.id, run.started, run.begin, run.end, run.records, run.error) for run in runs)
    assert first == ("one", NOON + 1, NOON + 2, NOON + 4, 3, "")
    assert second == ("two", None, NOON + 6, None, 0, "KeyError: 'amount'")


def events(*moments):
    return [Event("bucket", "", when=times.at(moment)) for moment in moments]


def test_a_long_stretch_is_left_out_and_all_others_keep_their_proportions():
    axis = Axis(events(NOON, NOON + 100, NOON + 300, NOON + 7_200_300, NOON + 7_200_400))

    assert [*axis.places.values()] == pytest.approx([0, 0.2375, 0.7125, 0.7625, 1])


def test_a_page_has_no_code_of_others_and_names_parts_that_the_picture_has():
    known = [Event(lane, ODD, State.CANNOT_SEE, source=ODD) for lane in (*PARTS, *queues.ALERT_QUEUES)]
    text = page.page(Trace(ODD, [Change(ODD, known)], [ODD]))

    assert "<script>alert" not in text
    named = {part for parts in re.findall(r'data-parts="([^"]*)"', text) for part in parts.split("|")}
    assert named <= {*chain_picture.PARTS}
