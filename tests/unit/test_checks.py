"""Checks as such: how they are shown, registered, put in order and made, and what the notebooks ask of them."""

import json
import runpy
from collections import Counter
from dataclasses import fields, replace
from decimal import Decimal
from functools import partial
from graphlib import TopologicalSorter
from itertools import groupby
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab_lib import checks, transactions
from lab_lib.aws import buckets, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import STEPS, Check, Report, rules
from lab_lib.checks.rules import RULES, Account, few, none_of
from lab_lib.errors import CheckFailed, StepMissing, UsageError

FIRST_MADE = {  # by each step
    "00-start-here": "The bucket",
    "01-create-functions": "Function TransactionProcessor",
    "02-add-triggers": "The bucket trigger",
    "03-create-topic": "The topic",
    "04-create-queues": "The subscription of CustomerNotify",
}
GOOD = Check("03", "topic", True, "HighBalanceAlert", "HighBalanceAlert", "Create the topic.")
BAD = Check("04", "a long name", False, "not there", "CustomerNotify", "Run the cell that makes it.")
UNSEEN = replace(BAD, found="cannot see: GetQueueUrl is refused", wanted="to be seen", hint="Ask for it.")
WAITING = replace(BAD, found="waits for topic", wanted="topic first", hint="See to that first.")
MORE = replace(BAD, step="further", found="for ever", wanted="some days", hint="Set the retention.")
STATES = {  # the state of each, its mark, its colour and its words
    GOOD: ("ok", "✔ ok", "#1a7f37", "HighBalanceAlert"),
    BAD: ("not yet", "✘ not yet", "#b42318", "not there; wanted: CustomerNotify. Run the cell that makes it."),
    UNSEEN: ("cannot see", "? cannot see", "#8a5a00", "cannot see: GetQueueUrl is refused. Ask for it."),
    WAITING: ("waits", "… waits", "#57606a", "waits for topic. See to that first."),
    MORE: ("could be", "○ could be", "#57606a", "for ever; wanted: some days. Set the retention."),
}
TEXT = (
    "customer_id|customer_address|trn_id|trn_date|trn_amount\n"
    "C1|a|T1|03/16/2017|598\nC2|b|T2|03/16/2017|1000\nC2|b|T3|03/16/2017|750\nbad\n"
)
SMALL = transactions.parse("small.txt", TEXT.encode())
KEYS = ["step", "name", "ok", "found", "wanted", "hint"]


@pytest.fixture
def started(lab):
    """What 00-start-here leaves."""
    _start(lab)
    return lab


@pytest.fixture
def with_functions(started):
    for name in functions.SOURCES:
        functions.ensure_function(started, name)
    return started


@pytest.fixture
def with_queues(started):
    """What 03-create-topic and 04-create-queues leave."""
    _add_queues(started)
    return started


@pytest.fixture
def put(lab):
    """put("Customer", CustomerId="C1"): an item as a function would write it."""
    return partial(_put, lab)


@pytest.fixture
def uploaded(lab):
    """The whole chain ran for a small file with one bad row; gives the file as the lab reads it."""
    _settle(lab)
    return SMALL


def _start(lab):
    buckets.ensure_bucket(lab)
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    queues.ensure_queue(lab, queues.DEAD_LETTERS)


def _add_queues(lab):
    topics.ensure_topic(lab)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, name)
        triggers.ensure_queue_subscription(lab, name)


def _settle(lab):
    _start(lab)
    _add_queues(lab)
    lab.client("s3").put_object(Bucket=lab.bucket, Key=SMALL.key, Body=TEXT)
    for row in SMALL.rows:
        _put(lab, "Transactions", **{name: value for name, value in row.items() if name != "Address"})
    _put(lab, "TransactionTotal", CustomerId="C1", accountBalance=Decimal(598))
    _put(lab, "TransactionTotal", CustomerId="C2", accountBalance=Decimal(1750))
    kept = b"line,reason,row\r\n5,1 fields; wanted 5,bad\r\n"
    lab.client("s3").put_object(Bucket=lab.bucket, Key="rejected/small.txt.csv", Body=kept)
    message = json.dumps({"customerID": "C2", "accountBalance": "1750"})
    lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=message)


def _put(lab, table, **item):
    values = {key: {"N": str(value)} if isinstance(value, Decimal) else {"S": value} for key, value in item.items()}
    lab.client("dynamodb").put_item(TableName=table, Item=values)


@pytest.fixture
def operations(lab):
    """The names of all that AWS is asked for from now on."""
    asked, clients = (
        set(),
        [lab.client(service) for service in ("s3", "dynamodb", "lambda", "iam", "sns", "sqs", "logs")],
    )

    def note(model, **_):
        asked.add(model.name)

    for client in clients:
        client.meta.events.register("before-call", note)
    yield asked
    for client in clients:
        client.meta.events.unregister("before-call", note)


class OnlyOnce(dict):
    """A dict that takes each key once."""

    def __setitem__(self, key, value):
        assert key not in self, f"{key} is there already"
        super().__setitem__(key, value)


@pytest.mark.parametrize(("check", "told"), STATES.items(), ids=lambda value: value[0] if type(value) is tuple else "")
def test_each_state_has_its_mark_its_colour_and_its_words(check, told):
    state, mark, colour, words = told

    html = Report([check])._repr_html_()

    assert (check.state, check.mark, check.words) == (state, mark, words)
    assert repr(Report([check])) == f"{mark}  {check.name}  {words}"
    assert f"background:{colour}" in html
    assert f">{mark}</span>" in html
    assert f">{words}</td>" in html


def test_the_marks_of_all_states_differ():
    assert len({told[1] for told in STATES.values()}) == len(checks._MARKS) == len(checks._COLOURS) == 5


def test_what_cannot_be_seen_or_waits_is_no_better_for_going_further():
    further = [replace(check, step="further") for check in (UNSEEN, WAITING)]

    assert [check.state for check in further] == ["cannot see", "waits"]


def test_a_report_in_text_has_a_line_for_each_check_in_columns():
    assert repr(Report([GOOD, BAD])).splitlines() == [
        "✔ ok       topic        HighBalanceAlert",
        "✘ not yet  a long name  not there; wanted: CustomerNotify. Run the cell that makes it.",
    ]


def test_a_report_in_html_is_a_table_with_a_row_for_each_check():
    html = Report([GOOD, BAD])._repr_html_()

    assert html.count("<tr>") == 3
    assert html.count('scope="col"') == 3
    assert html.index("✔ ok") < html.index("✘ not yet")


@pytest.mark.parametrize("field", ["name", "found", "wanted", "hint"])
def test_a_report_in_html_shows_markup_as_text(field):
    odd = replace(BAD, **{field: '<script>"&'})

    html = Report([odd])._repr_html_()

    assert "&lt;script&gt;&quot;&amp;" in html
    assert "<script" not in html


def test_a_report_of_nothing_is_empty():
    assert repr(Report([])) == ""
    assert "<tbody></tbody>" in Report([])._repr_html_()
    assert (Report([]).failed, Report([]).as_dicts()) == ([], [])


def test_a_report_knows_which_checks_failed_and_counts_nothing_that_goes_further():
    further = [replace(check, step="further") for check in STATES]

    assert Report([*STATES, *further]).failed == [BAD, UNSEEN, WAITING]


def test_a_report_as_dicts_has_these_six_keys_in_this_order():
    first, second = Report([GOOD, BAD]).as_dicts()

    assert [field.name for field in fields(Check)] == list(first) == list(second) == KEYS
    assert list(first.values()) == ["03", "topic", True, "HighBalanceAlert", "HighBalanceAlert", "Create the topic."]
    assert json.loads(json.dumps(second)) == second


def test_faults_are_named_in_order_and_no_more_than_five():
    finding = none_of("gfedcba", "Mend it.")

    assert (finding.ok, finding.found, finding.wanted) == (False, "a, b, c, d, e and 2 more", "none")
    assert few("abcde") == "a, b, c, d, e"
    assert few([]) == "none"


def test_the_steps_are_those_of_the_lab_and_further():
    assert STEPS == ["00", "01", "02", "03", "04", "05", "99", "further"]


def test_no_name_is_given_to_two_checks(monkeypatch):
    """One would take the other's place, unseen."""
    folder = Path(checks.__file__).parent
    monkeypatch.setattr(rules, "RULES", OnlyOnce())

    for path in [*folder.glob("step_*.py"), folder / "further.py", folder / "hardening.py"]:
        runpy.run_path(str(path))

    assert set(rules.RULES) == set(RULES)
    assert [name for name, rule in RULES.items() if rule.name != name] == []


def test_each_check_rests_on_checks_of_its_own_step_or_an_earlier_one():
    pairs = [(rule, RULES[other]) for rule in RULES.values() for other in rule.after]

    assert [(rule.name, other.name) for rule, other in pairs if STEPS.index(other.step) > STEPS.index(rule.step)] == []


def test_no_check_rests_on_itself_by_way_of_others():
    order = TopologicalSorter({name: rule.after for name, rule in RULES.items()}).static_order()

    assert set(order) == set(RULES)


def test_the_name_of_each_check_tells_its_subject_and_has_no_gap_left():
    assert [name for name, rule in RULES.items() if rule.subject not in name or "{" in name] == []
    assert {"table Customer", "function TotalNotifier", "queue CreditCollection"} <= set(RULES)


@pytest.mark.parametrize("step", STEPS)
def test_the_checks_of_one_subject_stand_together(lab, step):
    report = checks.run(lab, step)

    subjects = [subject for subject, _ in groupby(RULES[check.name].subject or check.name for check in report.checks)]
    assert [subject for subject, count in Counter(subjects).items() if count > 1] == []


def test_a_check_stands_below_those_that_it_rests_on(lab):
    places = {check.name: place for place, check in enumerate(checks.run(lab).checks)}

    assert [name for name in places if any(places[other] > places[name] for other in RULES[name].after)] == []


def test_without_a_step_all_are_checked_but_the_clean_up(lab):
    steps = [step for step, _ in groupby(check.step for check in checks.run(lab).checks)]

    assert steps == ["00", "01", "02", "03", "04", "05", "further"]


def test_several_steps_are_checked_in_the_order_of_the_lab_and_each_once(lab):
    report = checks.run(lab, "further", "03", "03")

    assert [step for step, _ in groupby(check.step for check in report.checks)] == ["03", "further"]
    assert len({check.name for check in report.checks}) == len(report.checks)


@pytest.mark.parametrize("steps", [(), ("03",), ("03", "99")])
def test_done_is_called_with_each_check_that_the_report_has(lab, steps):
    seen = []

    report = checks.run(lab, *steps, done=seen.append)

    assert seen == report.checks
    assert checks.number_of(*steps) == len(seen) > 0


def test_an_unknown_step_is_named_beside_the_steps_that_there_are(lab):
    with pytest.raises(UsageError, match=r"no step '06'. The steps are 00, 01, .*, 99, further\."):
        checks.run(lab, "03", "06")


def test_a_check_that_rests_on_one_of_another_step_names_its_step(lab):
    waiting = {check.name: check.found for check in checks.run(lab, "02", "05").checks}

    assert waiting["upload"] == "waits for bucket of step 00"
    assert waiting["filter of the bucket trigger"] == waiting["bucket trigger"]


def test_a_check_that_rests_on_one_of_another_step_by_way_of_others_names_its_step(lab):
    waiting = {check.name: check.found for check in checks.run(lab, "02").checks}

    assert waiting["bucket trigger"] == "waits for bucket of step 00"
    assert waiting["permission of the bucket"] == "waits for bucket of step 00"


def test_a_check_that_waits_names_what_is_to_be_mended_first_not_what_waits_itself(lab):
    waiting = {check.name: check for check in checks.run(lab, "00").checks}["view of the stream"]

    assert waiting.found == "waits for table Transactions"
    assert waiting.words == "waits for table Transactions. See to that first."


def test_a_check_on_which_others_rest_is_made_once(lab, monkeypatch):
    seen, rule = [], RULES["bucket"]
    monkeypatch.setitem(RULES, "bucket", replace(rule, judge=lambda account: seen.append(1) or rule.judge(account)))

    checks.run(lab)

    assert seen == [1]


def test_the_account_is_asked_each_question_once(lab):
    asked, account = [], Account(lab)

    def read(lab, *about):
        asked.append(about)
        return about

    assert [account.ask(read, name) for name in ("a", "b", "a")] == [("a",), ("b",), ("a",)]
    assert asked == [("a",), ("b",)]


def test_the_account_is_only_read(with_queues, operations, monkeypatch):
    monkeypatch.setattr(with_queues.client("iam"), "simulate_principal_policy", lambda **_: {"EvaluationResults": []})

    checks.run(with_queues)

    assert {"HeadBucket", "DescribeTable", "GetQueueAttributes"} <= operations
    assert {name for name in operations if not name.startswith(("Get", "List", "Describe", "Head"))} == set()


@pytest.mark.parametrize("step", ["00", "01", "02", "03", "04", "05"])
def test_in_an_empty_account_no_check_of_a_step_holds(lab, step):
    report = checks.run(lab, step)

    assert report.failed == report.checks != []
    assert {check.step for check in report.checks} == {step}
    assert {check.state for check in report.checks} <= {"not yet", "waits"}


def test_in_an_empty_account_each_hint_is_a_sentence(lab):
    report = checks.run(lab)

    assert [check.name for check in report.checks if not check.ok and not check.hint.endswith(".")] == []
    assert [check.name for check in report.checks if not check.ok and not (check.found and check.wanted)] == []


def test_in_an_empty_account_what_goes_further_is_missing_and_not_counted(lab):
    report = checks.run(lab, "further")

    assert {check.state for check in report.checks} == {"could be", "waits"}
    assert report.failed == []


def test_in_an_empty_account_nothing_is_left(lab):
    (check,) = checks.run(lab, "99").checks

    assert (check.ok, check.found) == (True, "nothing")


def test_what_the_lab_made_and_is_still_there_is_named(lab):
    topics.ensure_topic(lab)

    (check,) = checks.run(lab, "99").failed

    assert check.found == "topic HighBalanceAlert"


def test_the_names_of_a_prefix_are_in_what_is_wanted_and_in_the_hints(lab):
    report = checks.run(replace(lab, prefix="ana-"), "00", "01", "03", "04")

    missing = [check for check in report.checks if check.found == "not there" and check.name != "bucket"]
    assert missing
    assert all("ana-" in check.wanted and check.wanted in check.hint for check in missing)


def test_a_checkpoint_shows_the_report_and_how_many_checks_hold(lab, capsys):
    topics.ensure_topic(lab)

    checks.checkpoint(lab, "03")

    shown = capsys.readouterr().out
    assert "✔ ok  topic HighBalanceAlert" in shown
    assert shown.endswith("Checks that hold: 4 of 4\n")


def test_a_checkpoint_fails_with_the_first_check_that_does_not_hold_after_showing_all(with_queues, capsys):
    with_queues.client("sqs").delete_queue(QueueUrl=queues.find_queue(with_queues, "CustomerNotify"))

    with pytest.raises(CheckFailed) as caught:
        checks.checkpoint(with_queues, "04")

    assert str(caught.value).startswith("queue CustomerNotify: not there; wanted: CustomerNotify. Create the standard")
    shown = capsys.readouterr().out
    assert "✘ not yet  queue CustomerNotify" in shown
    assert shown.endswith("Checks that hold: 8 of 15\n")


@pytest.mark.parametrize(("step", "what"), list(FIRST_MADE.items()))
def test_a_step_that_was_not_done_is_named_with_the_first_thing_that_is_missing(lab, step, what):
    with pytest.raises(StepMissing) as caught:
        checks.require(lab, step)

    assert str(caught.value) == f"{what} is not there yet. Run {step} first, then run this notebook again."


def test_of_several_steps_the_first_that_was_not_done_is_named(started):
    topics.ensure_topic(started)

    with pytest.raises(StepMissing, match=r"Run 01-create-functions first"):
        checks.require(started, "00-start-here", "03-create-topic", "01-create-functions", "04-create-queues")


def test_steps_that_were_done_are_not_missed(with_functions, with_queues):
    triggers.ensure_bucket_trigger(with_functions)
    triggers.ensure_stream_trigger(with_functions)

    assert checks.require(with_functions, *FIRST_MADE) is None


@pytest.mark.parametrize("table", list(tables.KEYS))
def test_a_step_of_which_one_table_is_missing_is_not_done(started, table):
    started.client("dynamodb").delete_table(TableName=table)

    with pytest.raises(StepMissing, match=f"Table {table} is not there yet. Run 00-start-here first"):
        checks.require(started, "00-start-here")


def test_a_refusal_is_never_a_missing_step(refuse, lab):
    refuse("s3", "head_bucket", code="403", message="Forbidden")

    with pytest.raises(ClientError, match="403"):
        checks.require(lab, "00-start-here")


def test_an_upload_that_has_gone_all_the_way_is_settled(uploaded, lab):
    assert checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_while_a_row_is_missing(uploaded, lab):
    key = {"CustomerId": {"S": "C1"}, "TransactionId": {"S": "T1"}}
    lab.client("dynamodb").delete_item(TableName="Transactions", Key=key)
    lab.client("dynamodb").delete_item(TableName="TransactionTotal", Key={"CustomerId": {"S": "C1"}})

    assert not checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_while_a_row_has_its_old_amount(uploaded, lab, put):
    put("Transactions", CustomerId="C1", TransactionId="T1", TransactionAmount=Decimal(1))
    put("TransactionTotal", CustomerId="C1", accountBalance=Decimal(1))

    assert not checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_while_a_total_lags_behind(uploaded, lab, put):
    put("TransactionTotal", CustomerId="C2", accountBalance=Decimal(1000))

    assert not checks.settled(lab, uploaded)


def test_an_upload_is_not_settled_before_its_rejected_rows_are_kept(uploaded, lab):
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="rejected/small.txt.csv")

    assert not checks.settled(lab, uploaded)


@pytest.mark.parametrize("queue", queues.ALERT_QUEUES)
def test_an_upload_is_not_settled_while_an_alert_is_missing_in_a_queue(uploaded, lab, queue):
    lab.client("sqs").purge_queue(QueueUrl=queues.find_queue(lab, queue))

    assert not checks.settled(lab, uploaded)


def test_what_an_earlier_step_lacks_does_not_keep_an_upload_from_being_settled(uploaded, lab):
    lab.client("s3").delete_public_access_block(Bucket=lab.bucket)
    lab.client("dynamodb").delete_table(TableName="Customer")

    assert checks.settled(lab, uploaded)
