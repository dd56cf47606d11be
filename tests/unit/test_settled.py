"""On AWS, a check that read what was just changed is made again before it says that something is wrong."""

import time

import pytest

from lab_lib.calls import waiting
from lab_lib.calls.recent import Call, Journal
from lab_lib.checks import making, reading, rules
from lab_lib.checks.making import made, settled
from lab_lib.checks.rules import State, judged
from lab_lib.lab import Lab


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on only when somebody sleeps; it returns the seconds so far."""
    now = [time.monotonic()]
    begun = now[0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sleep = {"sleep": lambda seconds: now.__setitem__(0, now[0] + seconds), "clock": lambda: now[0]}
    monkeypatch.setattr(waiting.wait_until, "__kwdefaults__", waiting.wait_until.__kwdefaults__ | sleep)
    return lambda: now[0] - begun


@pytest.fixture
def look(monkeypatch, clock):
    """look(patience, late): settle a check of a policy which AWS shows so many seconds late, and count its looks."""
    monkeypatch.setattr(rules, "RULES", {})
    monkeypatch.setattr(reading, "_with_its_bucket", lambda lab: lab)
    looks = []

    def look(patience, late, operation="PutRolePolicy", state=State.NOT_YET):
        journal = Journal(patience)
        monkeypatch.setattr(Lab, "journal", journal if patience else None)
        lab = Lab(None, "AWS", "111122223333", "us-east-1", "aws", patience=patience)
        journal.read(Call("iam", operation, {"RoleName": "R"}, {}))

        def allowed(lab):
            looks.append(clock())
            journal.read(Call("iam", "SimulatePrincipalPolicy", {"PolicySourceArn": "arn:aws:iam::1:role/R"}, {}))
            return "allowed" if clock() >= late else "denied"

        def judge(account):
            answer = account.ask(allowed)
            finding = judged(answer == "allowed", answer, "allowed", "Wait.")
            return finding if finding.state is State.OK else finding._replace(state=state)

        rules.Rule("00", "role", "role").enter(judge)
        _, (check,) = settled(lab, lambda account: [made(account, rules.RULES["role"])])
        return check.ok, len(looks)

    monkeypatch.setattr(making, "RULES", rules.RULES)
    return look


@pytest.mark.parametrize("change", [{}, {"operation": "CreateRole", "state": State.WAITS}])
def test_a_change_that_aws_shows_late_is_waited_for_and_a_check_that_waits_for_aws(look, clock, change):
    ok, _ = look(60, late=15, **change)

    assert ok
    assert 15 <= clock() <= 20


def test_a_fault_that_stays_is_told_after_a_minute(look, clock):
    ok, _ = look(60, late=1_000)

    assert not ok
    assert 60 <= clock() <= 66


@pytest.mark.parametrize("change", [{"patience": 60, "operation": "CreateRole"}, {"patience": 0}])
def test_what_is_wrong_with_a_thing_that_was_just_made_or_on_the_embedded_aws_is_told_at_once(look, clock, change):
    assert look(late=1_000, **change) == (False, 1)
    assert clock() == 0
