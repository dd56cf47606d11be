from functools import partial
from types import SimpleNamespace

import pytest

from lab_lib.calls import waiting
from lab_lib.errors import TimedOut
from lab_lib.lab import Lab
from lab_lib.processes import stopwatch


class Clock:
    """A clock that goes on only when someone sleeps."""

    def __init__(self):
        self.now, self.pauses = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def seen(monkeypatch):
    """Let somebody look at the terminal or notebook."""
    monkeypatch.delenv(waiting.QUIET)


@pytest.fixture
def in_notebook(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=...))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def wait_until(clock):
    return partial(waiting.wait_until, what="the queue", sleep=clock.sleep, clock=clock)


def test_wait_until_returns_the_first_true_answer_after_growing_pauses(wait_until, clock):
    answers = iter([None, "", 0, None, None, "here"])

    assert wait_until(lambda: next(answers), first_pause=0.5, longest_pause=2) == "here"
    assert clock.pauses == [0.5, 1, *[1] * 6]  # a pause of 2 s is two of 1 s, so that the line goes on


def test_a_long_wait_shows_itself_and_ends_with_what_to_do(wait_until, clock, capsys):
    wait_until(lambda: clock.now >= 1)
    assert capsys.readouterr() == ("", "")

    with pytest.raises(TimedOut, match=r"^Waited 5 s for the queue, and it did not happen\. Run it again\.$"):
        wait_until(lambda: None, timeout=5, hint="Run it again.")

    shown = capsys.readouterr()
    assert ("waiting for the queue" in shown.err, shown.err[-1], shown.out) == (True, "\n", "")


def test_a_wait_for_aws_does_not_stretch_on_a_busy_computer_and_others_fourfold(clock, monkeypatch):
    monkeypatch.setattr("time.monotonic", clock)
    monkeypatch.setattr(stopwatch, "_waited", lambda _: {"a thread": clock.now})  # it always waits for a processor

    for address, told in ((None, "6 s"), ("http://127.0.0.1:4566", "23 s")):
        lab = Lab(None, "", "", "", "", endpoint=address)
        with pytest.raises(TimedOut, match=f"^Waited {told}"):
            lab.wait_until(lambda: None, "the queue", timeout=6, sleep=clock.sleep)


def test_a_slow_probe_is_called_less_often_and_the_wait_shows_what_has_come_so_far(wait_until, clock, capsys):
    def probe():
        clock.now += 10
        return clock.now >= 100

    wait_until(probe, so_far=lambda: f"{clock.now:.0f} rows", timeout=200)

    assert clock.now == 110  # six answers of 10 s, and a pause of 10 s after five of them
    assert capsys.readouterr().err == "waiting for the queue … 10 s, 10 rows\n"  # in a pipe, which gets one line


def test_in_a_notebook_a_wait_writes_one_line_to_stdout_and_blanks_it_at_the_end(
    wait_until, clock, capsys, in_notebook
):
    wait_until(lambda: clock.now >= 5)

    shown = capsys.readouterr()
    *waits, blanks, end = shown.out.split("\r")
    assert (shown.err, end, blanks) == ("", "", " " * len(waits[-1]))
    assert waits[-1] == "waiting for the queue … 4 s"


def test_nothing_is_shown_where_nobody_looks(wait_until, clock, capsys, in_notebook, monkeypatch):
    monkeypatch.setenv(waiting.QUIET, "1")

    wait_until(lambda: clock.now >= 5)

    assert capsys.readouterr() == ("", "")
