"""A finished lab is broken in one way after the other: the checks must find that, blame that, and nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sabotage import CASES

from lab_lib import checks
from lab_lib.aws import buckets, cleanup, triggers
from lab_lib.checks.rules import RULES
from lab_lib.errors import TimedOut
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(chain_in, new_account):
    """finished(): a lab in an account of its own, with the handout's file gone all the way through it."""

    def finished():
        lab = chain_in(new_account(), email="ana@example.com", phone="+15555550100").build().lab
        triggers.ensure_subscription(lab, "email", lab.email)
        triggers.ensure_subscription(lab, "sms", lab.phone)
        buckets.upload(lab, DATA_FILE)
        assert_whole(lab, "05")
        assert_whole(lab)
        return lab

    return finished


@pytest.fixture(scope="module")
def reports(request, finished):
    """{case: the report on it, in the future}. Most of a sabotage is waiting, so several are under way at a time."""
    own = threading.local()  # each thread has an account, as long as that is mended after each case

    def report(case):
        lab = (vars(own).pop("lab", None) if case.can_be_mended else None) or finished()
        with case.done_to(lab):
            report = checks.run(lab)
        if case.can_be_mended:  # should this break anything in the other steps, the next case will show it
            assert_whole(lab, *{check.step for check in report.checks if not check.ok})
            own.lab = lab
        else:
            list(cleanup.delete_all(lab))
        return report

    chosen = [item.callspec.params["case"] for item in request.session.items if item.name.startswith(f"{EACH_CASE}[")]
    pool = ThreadPoolExecutor(3)
    yield {case.title: pool.submit(report, case) for case in chosen}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", sorted(CASES, key=lambda case: case.step), ids=lambda case: case.title)
def test_a_sabotage_is_caught_by_exactly_the_checks_concerned(case, reports, record_property):
    record_property("table", "Sabotages")
    record_property("step", case.step)
    record_property("sabotage", case.name)
    report = reports[case.title].result()
    caught = {check.name: check for check in report.checks if check.state in ("not yet", "could be")}
    others = [check for check in report.checks if not check.ok and check.name not in caught]
    record_property("caught by", ", ".join(caught))
    record_property("hint", "".join(f"{check.found}. {check.hint}" for check in list(caught.values())[:1]))

    assert sorted(caught) == sorted(case.caught_by)
    assert next(iter(caught.values())).step == case.step
    assert [check for check in others if check.state != "waits" or not rests_on(check.name) & caught.keys()] == []
    assert [check.hint for name, check in caught.items() if case.caught_by[name] not in check.hint] == []
    assert [check.hint for check in caught.values() if not check.hint.endswith(".")] == []


EACH_CASE = test_a_sabotage_is_caught_by_exactly_the_checks_concerned.__name__


def test_no_two_sabotages_have_one_name():
    assert len({case.title for case in CASES}) == len(CASES)


def test_each_check_catches_a_sabotage():
    """Of those that are made for each table, function or queue, one does."""
    at_once = {"e-mail confirmed", "unsubscribing from the e-mail"}  # the embedded AWS confirms as the account does
    unbreakable = {*at_once, "made by this lab and still there"}
    caught = {kind_of(name) for case in CASES for name in case.caught_by}

    assert {kind_of(name) for name in RULES} - caught == unbreakable


def kind_of(name):
    """The check's name, without the table, function or queue that it is about."""
    subject = RULES[name].subject
    return name.replace(subject, "…") if subject else name


def rests_on(name):
    """The checks that a check waits for, and those that they wait for."""
    return {below for other in RULES[name].after for below in {other, *rests_on(other)}}


def assert_whole(lab, *steps):
    """Nothing is wrong in these steps, or in any; or else soon nothing is."""

    def faults():
        return {check.name: check.found for check in checks.run(lab, *steps).checks if not check.ok}

    with suppress(TimedOut):  # the faults tell more
        wait_until(lambda: not faults(), "a lab without a fault", timeout=30)
        return
    assert faults() == {}
