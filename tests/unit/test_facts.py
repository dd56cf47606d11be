"""What each setting of the lab must be: on a stub, the whole lab with one setting changed."""

import json
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from stub_account import (
    function,
    own_policies,
    run,
    subscription,
    whole,
)

from lab_lib import aws
from lab_lib.aws import buckets, cleanup, functions, queues, roles, tables, topics, triggers
from lab_lib.checks import CLEAN_UP, STEPS
from lab_lib.checks.rules import RULES
from lab_lib.errors import EmulatorError

LINE = re.compile(r"(?P<module>\w+)\.(?P<read>\w+)(?P<about>[^=]*?)( : (?P<place>\S+))? =(?P<value>.*)")


def cases():
    """Return the cases of settings.txt, by their first words: the lines of settings, and what is told."""
    text = Path(__file__).with_name("settings.txt").read_text("utf-8")
    lines = [paragraph.splitlines() for paragraph in text.split("\n\n")[1:]]
    told = [[line.strip() for line in case if line.startswith(" ")] for case in lines]
    return {
        (faults or case)[0]: ([LINE.match(line) for line in case], faults)
        for case, faults in zip(lines, told, strict=True)
    }


def put(document, place, value):
    """Return the document with this value at the place. A text of JSON on the way is changed as what it says."""
    if not place:
        return json.loads(value)
    if isinstance(document, str):
        return json.dumps(put(json.loads(document), place, value))
    first, *rest = place
    if first == "+":
        return [*document, json.loads(value)]
    first, copy = (int(first), [*document]) if isinstance(document, list) else (first, {**(document or {})})
    if rest or value:
        copy[first] = put(copy.get(first) if isinstance(copy, dict) else copy[first], rest, value)
    else:
        del copy[first]
    return copy


def account(settings):
    """Return the answers of the whole account that these settings change."""
    answers, changes = whole(), {}
    for setting in filter(None, settings):
        read, about = getattr(getattr(aws, setting["module"]), setting["read"]), setting["about"].split()
        place, value = (setting["place"] or "").split("."), setting["value"].strip()
        if read is roles.allowed:
            return changes | allows(**json.loads(value))
        question = (read, *about)
        answer = answers.get(question, answers.get((read,)))
        answer = answer(*about) if callable(answer) else answer
        new = put(answer, [part for part in place if part], value)
        answers[question] = new
        changes[question] = lambda *_, new=new: new
    return changes


def allows(also=(), denied=(), later=()):
    """Let IAM allow what the lab's policies do, and these actions more or less; `later` are not allowed in a year."""

    def answer(role_arn, actions, resource, days):
        gone = {*denied, *(later if days else ())}
        return own_policies(role_arn, actions, resource) - gone | {*also} & {*actions}

    return {(roles.allowed,): answer}


def subscribed(*more):
    return {(triggers.subscriptions,): [*whole()[triggers.subscriptions,], *more]}


def found(report):
    return {check.id: check for check in report.checks if not check.ok and check.state != "waits"}


def test_each_check_comes_after_checks_that_there_are():
    assert [(id, need) for id, rule in RULES.items() for need in rule.needs if need not in RULES] == []


CASES = cases()


@pytest.mark.parametrize("case", CASES)
def test_a_setting_is_told_by_its_check_and_by_no_other(case):
    settings, told = CASES[case]
    report = run(account(settings))

    made = found(report)
    wanted = dict(fault.removeprefix("could be ").split(": ", 1) for fault in told)
    assert made.keys() == wanted.keys()
    assert [check.words for check in made.values() if wanted[check.id] not in check.words] == []
    assert [check.hint for check in made.values() if not check.hint.endswith(".") or check.hint.endswith("..")] == []
    is_free = case.startswith("could be") or {check.step for check in made.values()} <= {"further"}
    assert (report.failed == [], {check.state for check in made.values()} <= {"could be"}) == (is_free, is_free)


def test_a_hint_says_why_where_and_how_to_the_letter():
    places = {"on AWS": None, "embedded": "http://localhost"}
    reports = {place: run(function(Timeout=3), endpoint=end, prefix="ana-") for place, end in places.items()}
    on_aws, embedded = (
        next(check for check in report.checks if check.id == "timeout-TotalNotifier") for report in reports.values()
    )

    how = 'Look over your call under "Create TotalNotifier" in notebook 01 and run that section again, or call '
    how += 'lambda_.update_function_configuration(FunctionName="ana-TotalNotifier", Timeout=20).'
    assert embedded.hint == f"Set the timeout of ana-TotalNotifier to 20 s. {how}"
    assert on_aws.hint == f"{embedded.hint} In the console it is under General configuration."


ANA = subscription("email", "ana@example.com")
PENDING = ANA | {"SubscriptionArn": "PendingConfirmation"}
BY_TOKEN = {(triggers.subscription_settings, "arn:ana@example.com"): {"ConfirmationWasAuthenticated": "true"}}


@pytest.mark.parametrize(
    ("email", "subscriptions", "faults"),
    [
        ("bob@example.com", [ANA], {"email": "another address is subscribed"}),
        ("ana@example.com", [PENDING], {"email-confirmed": "pending"}),
        ("ana@example.com", [ANA], {}),
        ("", [PENDING], {}),
    ],
)
def test_the_address_that_was_named_or_else_any_must_be_confirmed(email, subscriptions, faults):
    checks = run(subscribed(*subscriptions) | BY_TOKEN, email=email).checks

    assert {check.id: check.found for check in checks if check.state not in ("ok", "waits")} == faults
    assert "example.com" not in repr(checks)
    assert {check.counts for check in checks if check.id in ("email", "email-confirmed")} == {email != ""}


def test_what_the_lab_created_and_is_still_there_is_named():
    (check,) = run({(cleanup.remaining,): ["topic HighBalanceAlert", "log"]}, steps=[CLEAN_UP]).failed

    assert check.found == "log, topic HighBalanceAlert"


def test_what_aws_has_not_finished_waits_without_a_cause_and_what_rests_on_it_names_it():
    made = [check for check in run({(tables.describe, "Customer"): {"TableStatus": "CREATING"}}).checks if not check.ok]

    assert [(check.id, check.state) for check in made if not check.is_behind] == [("table-Customer", "waits")]
    assert {check.cause for check in made if check.is_behind} <= {"table-Customer"}


# What cannot be seen is neither right nor wrong

REFUSED = ClientError({"Error": {"Code": "AccessDenied"}}, "GetTopicAttributes")
HELPFUL = {buckets.candidates, tables.names, topics.names, queues.names, functions.names}


@pytest.mark.parametrize("question", whole(), ids=lambda question: " ".join([question[0].__name__, *question[1:]]))
def test_what_may_not_be_read_is_never_called_missing(question):
    made = run({question: REFUSED}, steps=STEPS).checks

    unseen = {check.id for check in made if check.state == "cannot see"}
    assert {check.state for check in made if check.id not in unseen} <= {"ok"}
    assert bool(unseen) == (question[0] not in HELPFUL)
    assert {check.id for check in made if {*RULES[check.id].needs} & unseen} <= unseen
    assert all("GetTopicAttributes" in check.found + check.hint for check in made if check.id in unseen)


def test_variables_that_are_set_stay_hidden_and_only_a_wrong_one_is_told():
    assert "hunter2" not in repr(run(function(Environment={"Variables": {"SECRET": "hunter2"}})))


def test_a_bucket_that_was_given_and_is_gone_is_named():
    (gone, *_) = run({(buckets.find_bucket,): None}, steps=["00"], bucket_name="my-class-bucket").failed

    assert "not there; wanted: my-class-bucket" in gone.words
    assert "name it in the setting bucket" in gone.hint


@pytest.mark.parametrize("error", [EmulatorError("gone"), KeyboardInterrupt()])
def test_what_makes_the_whole_account_unreachable_ends_the_checks(error):
    def interrupted(*_):
        raise error

    with pytest.raises(type(error)):
        run({(roles.describe, "TotalNotifierRole"): interrupted})
