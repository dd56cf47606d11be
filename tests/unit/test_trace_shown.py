"""A trace with plain values: runs in a log, the picture and the page."""

from lab_lib.aws import log_runs
from lab_lib.checks.rules import State
from lab_lib.pages.chain_picture import BOXES, Look
from lab_lib.trace.trace import Trace, TraceEvent

NOON = 1_795_780_800_000  # 2026-11-27 12:00:00 in UTC
ODD = "<script>alert(\"1\")</script> & 'x' 取引"


def test_the_runs_of_one_environment_follow_each_other():
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
    runs = log_runs.parse(
        {"message": text, "timestamp": NOON + place, "logStreamName": "a"} for place, text in enumerate(texts)
    )

    first, second = ((run.id, run.begin, run.end, run.records, run.error) for run in runs)
    assert first == ("one", NOON + 2, NOON + 4, 3, "")
    assert second == ("two", NOON + 6, None, 0, "KeyError: 'amount'")


def test_the_last_change_is_drawn_and_its_first_stop_is_the_heading():
    first = [TraceEvent("bucket", "uploaded", when=NOON)]
    last = [
        *first,
        TraceEvent("TotalNotifier", "no trigger", State.NOT_YET),
        TraceEvent("HighBalanceAlert", "", State.WAITS),
    ]
    trace = Trace("C1 T1", [first, last])

    assert trace.heading == "C1 T1 stops at TotalNotifier: no trigger"
    looks = trace.picture.looks
    assert looks["bucket"] == looks["transactions.txt→bucket"] == Look("right", "✔", NOON)
    assert looks["Transactions→TotalNotifier"].state == "wrong"
    assert first[0].clock == "12:00:00.000"


def test_a_page_has_no_code_of_others():
    text = Trace(ODD, [[TraceEvent(where, ODD, State.CANNOT_SEE, hint=ODD) for where in BOXES]]).page

    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") > 10
