"""Checks as such: how they are shown, put in order and made, and what the notebooks ask of them."""

from dataclasses import replace
from decimal import Decimal
from html import escape
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from made_checks import BAD, GOOD, MORE, UNSEEN, WAITING
from stub_account import LAB, run, stub

from docs.checks import page
from lab_lib import checks
from lab_lib.aws import buckets, functions, queues, roles, tables, triggers
from lab_lib.checks import STEPS
from lab_lib.checks.reading import Account
from lab_lib.checks.reports import Report
from lab_lib.checks.rules import RULES
from lab_lib.errors import CheckFailed, StepMissing
from lab_lib.exercises import made
from lab_lib.exercises.workbook import require

# Reports


@pytest.mark.parametrize(
    ("check", "mark", "words"),
    [
        (GOOD, "✔ ok", "HighBalanceAlert"),
        (BAD, "✘ not yet", "[b]not there[/]; wanted: CustomerNotify. Run the cell that makes it."),
        (UNSEEN, "? cannot see", "GetQueueAttributes is refused. Look there."),
        (WAITING, "… waits", "waits for queue"),
        (MORE, "○ could be", "for ever; wanted: some days. Set the retention."),
    ],
)
def test_each_state_has_its_mark_and_its_words(check, mark, words):
    html = Report([check])._repr_html_()

    assert repr(Report([check])) == f"{mark}  {check.name}  {words}"
    assert f">{mark}</span>" in html
    assert f">{escape(words)}</td>".replace(". ", ".<br>→ ") in html


def test_a_report_has_columns_and_begins_with_what_does_not_hold_causes_first():
    assert repr(Report([GOOD, WAITING, BAD])).splitlines() == [
        "✘ not yet  queue       [b]not there[/]; wanted: CustomerNotify. Run the cell that makes it.",
        "… waits    encryption  waits for queue",
        "✔ ok       topic       HighBalanceAlert",
    ]


def test_a_report_in_html_folds_what_holds_and_nothing_else():
    whole, folded = Report([GOOD, BAD])._repr_html_().split("<details>")

    assert ("Run the cell" in whole, "HighBalanceAlert" in whole) == (True, False)
    assert ("1 of 2 checks hold</summary>" in folded, "HighBalanceAlert" in folded) == (True, True)
    assert "<details>" not in Report([BAD])._repr_html_()


def test_a_report_in_html_shows_markup_as_text():
    html = Report([BAD._replace(**dict.fromkeys(["name", "found", "wanted", "hint"], '<script>"&'))])._repr_html_()

    assert html.count("&lt;script&gt;&quot;&amp;") == 4
    assert "<script" not in html


def test_what_goes_further_is_not_counted_as_failed():
    further = [check._replace(step="further") for check in (GOOD, BAD, UNSEEN, WAITING)]

    report = Report([GOOD, BAD, UNSEEN, WAITING, *further])
    assert (report.failed, report.wrong) == ([BAD, UNSEEN, WAITING], [BAD, WAITING])


# A run


def test_all_checks_but_the_clean_up_are_made_in_the_order_of_the_lab():
    made = [check.step for check in run().checks]

    assert made == sorted(made)
    assert set(made) == {"00", "01", "02", "03", "04", "05", "further"} == {*STEPS} - {"99"}
    assert len(made) == checks.number_of()


def test_a_check_that_waits_names_the_first_cause_and_its_step():
    nothing = {(buckets.find_bucket,): None, (buckets.candidates,): [], (tables.describe, "Transactions"): None}
    words = {check.id: check.words for check in run(nothing).checks}

    assert words["stream-view"] == "waits for table Transactions"
    assert words["upload"] == words["bucket-trigger-filter"] == "waits for bucket of step 00"


def test_in_an_empty_account_everything_is_missing_or_waits_and_each_hint_is_a_sentence(lab):
    report = checks.run(lab)

    assert {check.state for check in report.checks if check.step != "further"} == {"not yet", "waits"}
    assert {check.state for check in report.checks if check.step == "further"} == {"could be", "waits"}
    assert [check.id for check in report.checks if not (check.hint.endswith(".") and check.wanted)] == []
    assert checks.run(lab, "99").failed == []


# The bucket, which a classroom may have created, and named, beforehand

FIRST, SECOND = "a-inputs3bucketfortransact", "ana-inputs3bucketfortransact-1"
OWN = LAB.bucket


@pytest.mark.parametrize(
    ("found", "started", "given", "name"),
    [
        ([FIRST, OWN, SECOND], "", "", OWN),
        ([FIRST, OWN, SECOND], SECOND, "", SECOND),
        ([FIRST, SECOND], "my-files", "", "my-files"),
        ([FIRST], FIRST, "my-class-bucket", "my-class-bucket"),
    ],
)
def test_the_bucket_that_was_given_or_has_the_trigger_is_judged_or_else_the_labs_own(
    monkeypatch, found, started, given, name
):
    monkeypatch.setattr(buckets, "candidates", lambda lab: found)
    monkeypatch.setattr(triggers, "allowed_buckets", lambda lab: ["my-files"])
    monkeypatch.setattr(triggers, "find_bucket_trigger", lambda lab: lab.bucket == started)

    assert Account(replace(LAB, bucket_name=given)).lab.bucket == name


def test_the_policy_of_the_function_names_buckets_too(monkeypatch):
    sources = {"Condition": {"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::my-files", "arn:aws:s3:::*"]}}}
    monkeypatch.setattr(triggers, "statements", lambda lab, name: [{}, sources])

    assert triggers.allowed_buckets(LAB) == ["my-files"]


def test_with_a_prefix_only_a_bucket_with_the_prefix_is_judged(lab):
    for name in (FIRST, SECOND):
        lab.client("s3").create_bucket(Bucket=name)

    assert Account(replace(lab, prefix="Ana-")).lab.bucket == SECOND


# What the notebooks ask


def test_a_checkpoint_shows_what_the_learner_made_and_fails_with_the_first_fault(monkeypatch, capsys, lab):
    stub(monkeypatch)
    checks.checkpoint(lab, "03")
    number = checks.number_of("03")
    topic = f"✔ ok  topic HighBalanceAlert  HighBalanceAlert\nand {number - 1} other checks hold\n"
    assert capsys.readouterr().out.endswith(f"{topic}Checks that hold: {number} of {number}\n")

    stub(monkeypatch, {(queues.attributes, "CustomerNotify"): lambda _: {}})
    with pytest.raises(CheckFailed, match=r"queue CustomerNotify: not there; wanted: CustomerNotify. Create"):
        checks.checkpoint(lab, "04")

    assert "✘ not yet  queue CustomerNotify" in capsys.readouterr().out


def test_a_checkpoint_shows_what_is_wrong_before_it_and_what_comes_later(monkeypatch, capsys, lab):
    short = {"Configuration": {"Timeout": 3}}
    change = {(queues.attributes, "CreditCollection"): lambda _: {}, (functions.describe, "TotalNotifier"): short}
    stub(monkeypatch, change)

    checks.checkpoint(lab, "03")

    chain = capsys.readouterr().out.splitlines()[0]
    later = "subscription of CreditCollection, CreditCollection – later"
    assert chain == f"The chain: TotalNotifier ✘ wrong; {later}; all else ✔ there."


def test_what_cannot_be_seen_fails_no_checkpoint_and_is_never_called_right(monkeypatch, capsys, lab):
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "SimulatePrincipalPolicy")
    stub(monkeypatch, {(roles.allowed,): denied})

    checks.checkpoint(lab, "00")
    number = checks.number_of("00")
    assert f"Checks that hold: {number - 4} of {number}, and 4 cannot be seen\n" in capsys.readouterr().out


def test_an_exercise_that_cannot_be_seen_is_never_called_right(refuse, capsys, lab):
    tables.ensure_table(lab, "TransactionTotal")
    refuse("dynamodb", "list_tags_of_resource")

    assert made.judge(lab, "create-table")  # what AWS does not show is no fault

    assert capsys.readouterr().out.endswith("\nIt cannot be seen.\n")


@pytest.mark.parametrize(
    ("step", "missing", "heading"),
    [
        ("01-create-functions", "The function TransactionProcessor", "Create TransactionProcessor"),
        ("02-add-triggers", "The bucket trigger", "Let the bucket start TransactionProcessor"),
        ("05-upload-and-verify", "The upload", "Upload the file"),
    ],
)
def test_a_step_that_was_not_done_is_named_with_the_first_thing_that_is_missing(lab, step, missing, heading):
    with pytest.raises(
        StepMissing, match=rf"^{missing} is not there yet. Run notebook {step[:2]} .*\"{heading}\" makes it"
    ):
        require(lab, step[:2])


def test_a_threshold_that_was_changed_in_notebook_00_names_the_notebook_that_takes_it_up(prepared):
    lab = prepared
    for name in functions.SOURCES:
        functions.ensure_function(lab, name)
    require(lab, "01")
    require(replace(lab, threshold=Decimal("1500.00")), "01")

    with pytest.raises(
        StepMissing, match=r"TotalNotifier alerts at 1500, and this lab's threshold is 900\. Run notebook 01"
    ):
        require(replace(lab, threshold=Decimal(900)), "01")


def test_a_refusal_is_never_a_missing_step(refuse, lab):
    refuse("s3", "head_bucket", code="403", message="Forbidden")

    with pytest.raises(ClientError, match="403"):
        require(lab, "00")


def test_the_page_of_all_checks_is_what_they_are_now():
    written = (Path(__file__).parents[2] / "docs" / "checks.md").read_text("utf-8")

    assert written == page()
    assert [rule for rule in RULES if f"`{rule}`" not in written] == []
