import pytest
from botocore.exceptions import ClientError

from lab_lib.errors import TimedOut
from lab_lib.waiting import retry_while, wait_until


class Clock:
    """A clock that goes on only when someone sleeps."""

    def __init__(self):
        self.now, self.pauses = 1000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def probe_of():
    """A probe that gives these answers, one after the other, and the last one for ever."""

    def probe_of(*answers):
        left = list(answers)
        return lambda: left.pop(0) if len(left) > 1 else left[0]

    return probe_of


@pytest.fixture
def failing():
    """A call that fails with this code so many times, then answers "made"."""

    def failing(times, code="NotReady", message="the role is not ready"):
        left = [times]

        def call():
            if left[0] > 0:
                left[0] -= 1
                raise ClientError({"Error": {"Code": code, "Message": message}}, "CreateThing")
            return "made"

        return call

    return failing


def test_wait_until_gives_the_answer_at_once_without_sleeping(clock, probe_of):
    answer = wait_until(probe_of("here"), "it", sleep=clock.sleep, clock=clock)

    assert answer == "here"
    assert clock.pauses == []


def test_wait_until_asks_again_until_the_answer_is_true(clock, probe_of):
    answer = wait_until(probe_of(None, "", 0, "here"), "it", sleep=clock.sleep, clock=clock)

    assert answer == "here"
    assert len(clock.pauses) == 3


def test_wait_until_doubles_its_pause_up_to_the_longest(clock, probe_of):
    probe = probe_of(*[None] * 8, "here")

    wait_until(probe, "it", first_pause=0.5, longest_pause=2, sleep=clock.sleep, clock=clock)

    assert clock.pauses == [0.5, 1, 2, 2, 2, 2, 2, 2]


def test_wait_until_times_out_after_exactly_the_timeout(clock, probe_of):
    with pytest.raises(TimedOut):
        wait_until(probe_of(None), "it", timeout=7, sleep=clock.sleep, clock=clock)

    assert clock.now - 1000 == pytest.approx(7, abs=0.01)


def test_wait_until_looks_once_more_when_the_time_is_up(clock):
    answer = wait_until(lambda: clock.now >= 1007, "it", timeout=7, sleep=clock.sleep, clock=clock)

    assert answer is True


def test_timed_out_says_how_long_for_what_and_what_to_do_in_one_line(clock, probe_of):
    with pytest.raises(TimedOut) as caught:
        wait_until(probe_of(None), "the queue", timeout=5, hint="Run it again.", sleep=clock.sleep, clock=clock)

    assert str(caught.value) == "Waited 5 s for the queue, and it did not happen. Run it again."


def test_a_short_wait_says_nothing(clock, probe_of, capsys):
    wait_until(probe_of(None, None, "here"), "it", sleep=clock.sleep, clock=clock)

    assert capsys.readouterr() == ("", "")


def test_a_long_wait_shows_itself_and_ends_its_line(clock, probe_of, capsys):
    wait_until(probe_of(*[None] * 9, "here"), "the queue", say_after=2, sleep=clock.sleep, clock=clock)

    shown = capsys.readouterr()
    assert "waiting for the queue" in shown.err
    assert shown.err.endswith("\n")
    assert shown.out == ""


def test_an_error_of_the_probe_goes_up(clock):
    def probe():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        wait_until(probe, "it", sleep=clock.sleep, clock=clock)


def test_retry_while_calls_again_while_it_is_not_ready(clock, failing):
    answer = retry_while({"NotReady": "not ready"}, failing(3), "the role", sleep=clock.sleep, clock=clock)

    assert answer == "made"
    assert len(clock.pauses) == 3


@pytest.mark.parametrize("answer", [None, 0, "", []])
def test_retry_while_gives_an_answer_that_is_not_true_as_it_is(clock, answer):
    assert retry_while({}, lambda: answer, "it", sleep=clock.sleep, clock=clock) == answer
    assert clock.pauses == []


def test_retry_while_takes_any_message_for_an_empty_word(clock, failing):
    answer = retry_while({"NotReady": ""}, failing(1, message="whatever"), "it", sleep=clock.sleep, clock=clock)

    assert answer == "made"


def test_retry_while_lets_another_code_go_up_at_once(clock, failing):
    with pytest.raises(ClientError, match="AccessDenied"):
        retry_while({"NotReady": ""}, failing(1, code="AccessDenied"), "it", sleep=clock.sleep, clock=clock)

    assert clock.pauses == []


def test_retry_while_lets_another_message_of_the_same_code_go_up_at_once(clock, failing):
    with pytest.raises(ClientError, match="no such runtime"):
        retry_while({"NotReady": "role"}, failing(1, message="no such runtime"), "it", sleep=clock.sleep, clock=clock)

    assert clock.pauses == []


def test_retry_while_lets_the_last_error_go_up_after_its_timeout(clock, failing):
    with pytest.raises(ClientError, match="not ready"):
        retry_while({"NotReady": ""}, failing(10**6), "it", timeout=20, sleep=clock.sleep, clock=clock)

    assert 20 <= clock.now - 1000 < 30
