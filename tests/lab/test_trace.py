"""One transaction, followed through the chain on the embedded AWS: what is there, what is not, what cannot be told."""

import itertools
import re
from dataclasses import replace

import pytest
from chains import Chain, stop
from commands import in_process

from lab_lib import trace
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.checks.rules import State
from lab_lib.errors import LabError, UsageError
from lab_lib.pages.shown_calls import Calls, recorded

REGION = "cn-north-1"
PROCESSOR, NOTIFIER = functions.SOURCES
LANES = ["file", "bucket", PROCESSOR, "Transactions", "stream", NOTIFIER, "TransactionTotal", "HighBalanceAlert"]
QUEUES = ["CustomerNotify", "CreditCollection"]


def rest(chain):
    """Wait until the functions have ended: only then do their logs tell of them."""
    wait_until(lambda: chain.lab.work() == (0, 0), "the functions to end", timeout=30)


def upload(chain, key, *rows):
    """Upload rows, and wait until their changes are counted and TotalNotifier has ended."""
    before = chain.changes()
    chain.put(key, rows)
    chain.wait_for_changes(before + len(rows))
    rest(chain)


def follow(chain, customer, transaction="T1"):
    """Return the only change of a transaction."""
    (change,) = trace.follow(chain.lab, customer, transaction).changes
    return change


def told(change):
    """Return what the events of a change tell, by their lane; of two in a lane, the last."""
    return {event.lane: event.what for event in change.events}


def states(change):
    return {event.lane: event.state for event in change.events if event.state is not State.OK}


def test_each_link_of_a_row_is_found_with_its_time_and_none_cannot_be_seen(busy):
    rows = [f"W1|1 Street|T{number}|03/16/2017|100" for number in range(20)]
    triggers.switch_stream_triggers([busy.lab], on=False)  # so that all changes come in one batch
    busy.put("whole.txt", [*rows, "W1|1 Street|T99|03/16/2017|-400.50"])
    busy.wait_for_file("whole.txt")
    triggers.switch_stream_triggers([busy.lab], on=True)
    busy.wait_for_totals(W1="1599.5")
    rest(busy)

    calls = Calls()
    with recorded(busy.lab, calls):
        change = follow(busy, "W1", "T7")

    assert [event.lane for event in change.events] == [*LANES, *QUEUES]
    assert states(change) == {}
    words = told(change)
    assert words["TransactionTotal"] == "0 → 1599.5, +100 by this record"
    assert words["CreditCollection"] == "a message waits, with the balance 1599.5"
    times = [event.when for event in change.events[1:]]
    assert all(later.latest >= earlier.earliest for earlier, later in itertools.pairwise(times))
    assert all(gap.longest >= 0 for event in change.events for gap in event.gaps)
    assert len(calls.made) < 40
    assert busy.alerts() == busy.alerts()  # a look takes nothing away


def test_both_changes_of_a_corrected_row_and_its_deletion_are_shown(busy):
    upload(busy, "first.txt", "K1|s|T1|03/16/2017|100", "K1|s|T2|03/16/2017|1500")
    upload(busy, "second.txt", "K1|s|T1|03/16/2017|250")
    tables.delete_item(busy.lab, "Transactions", {"CustomerId": "K1", "TransactionId": "T1"})
    busy.wait_for_totals(K1="1500")
    rest(busy)

    new, corrected, deleted = trace.follow(busy.lab, "K1", "T1").changes

    titles = new.title, corrected.title, deleted.title
    assert titles == ("new: 100", "corrected: 100 → 250", "deleted: 250")
    assert told(new)["TransactionTotal"] in ("0 → 1600, +100 by this record", "0 → 100")
    assert told(corrected)["TransactionTotal"] == "1600 → 1750"
    assert told(corrected)["bucket"] == "uploaded as second.txt"
    assert told(corrected)["HighBalanceAlert"] == "none is due: the total had reached 1500 before"
    assert told(deleted)["TransactionTotal"] == "1750 → 1500"
    assert "file" not in told(deleted)
    assert states(new) == states(corrected) == states(deleted) == {}


@pytest.mark.slow
def test_a_replaced_file_hides_no_change_and_only_its_line(busy):
    upload(busy, "again.txt", "R1|s|T1|03/16/2017|10", "R1|s|T2|03/16/2017|20")
    upload(busy, "again.txt", "R1|s|T1|03/16/2017|15")

    first, second = trace.follow(busy.lab, "R1", "T1").changes
    other = follow(busy, "R1", "T2")

    assert states(first) == states(other) == {"file": State.CANNOT_SEE}
    assert told(other)["file"] == "cannot see again.txt: it was replaced since"
    assert told(first)["bucket"] == "uploaded as again.txt"
    assert states(second) == {}


def test_the_lines_of_a_file_are_followed_and_a_rejected_one_has_its_reason(busy):
    rows = ["L1|s|T1|03/16/2017|10", "L1|s|T2|02/30/2017|10", "", "L1|s|T3|03/16/2017|7"]
    before = busy.changes()
    busy.put("lines.txt", rows)
    busy.wait_for_changes(before + 2)
    rest(busy)

    (rejected,) = trace.follow_line(busy.lab, "somewhere/lines.txt", 3).changes
    good = trace.follow_line(busy.lab, "lines.txt", 5)

    assert [event.lane for event in rejected.events] == ["file", "bucket", PROCESSOR, "rejected lines"]
    assert rejected.events[-1].what.startswith("trn_date is '02/30/2017'")
    assert (good.title, told(good.changes[0])["file"]) == ("lines.txt, line 5: L1 T3", f"line 5: {rows[3]}")
    for line, why in {1: "is the header", 4: "is blank", 9: "fewer lines"}.items():
        with pytest.raises(UsageError, match=why):
            trace.follow_line(busy.lab, "lines.txt", line)
    with pytest.raises(LabError, match=r"names no upload with the key other\.txt"):
        trace.follow_line(busy.lab, "other.txt", 2)
    with pytest.raises(LabError, match="Nothing tells of the transaction T9 of L1"):
        trace.follow(busy.lab, "L1", "T9")


@pytest.mark.slow
def test_an_unreadable_file_says_how_often_it_was_tried_and_why(busy):
    busy.put("picture.txt", b"\x89PNG")
    wait_until(lambda: [letter for letter in busy.letters() if "picture.txt" in str(letter)], "the letter", timeout=30)
    rest(busy)

    ((event,),) = (change.events for change in trace.follow_line(busy.lab, "picture.txt", 2).changes)

    assert (event.lane, event.state) == (PROCESSOR, State.NOT_YET)
    assert re.match("tried 3 times: .*picture.txt: it is not UTF-8 text", event.what)


@pytest.mark.slow
def test_what_was_written_by_hand_and_what_is_parked_are_shown_as_that(busy):
    row = {"CustomerId": "P1", "TransactionId": "T1", "TransactionDate": "03/16/2017", "TransactionAmount": "a lot"}
    tables.put_item(busy.lab, "Transactions", row)
    wait_until(lambda: [letter for letter in busy.letters() if "P1" in str(letter)], "the letter", timeout=30)
    rest(busy)

    change = follow(busy, "P1")

    assert "written by hand" in told(change)["file"]
    assert told(change)[NOTIFIER] == "parked: TransactionAmount is no number"


@pytest.mark.slow
def test_a_mapping_that_stands_still_is_named(busy):
    triggers.switch_stream_triggers([busy.lab], on=False)
    busy.put("still.txt", ["S1|s|T1|03/16/2017|5"])
    busy.wait_for_file("still.txt")
    change = follow(busy, "S1")
    triggers.switch_stream_triggers([busy.lab], on=True)

    assert states(change) == {NOTIFIER: State.WAITS}
    assert "its mapping is Disabled, and stands still" in told(change)[NOTIFIER]


@pytest.fixture
def followed(chain):
    """Return a chain of which one row has brought a total to the threshold."""
    upload(chain, "a.txt", "A|s|T1|03/16/2017|1600")
    return chain


def empty(chain):
    queues.delete_messages(chain.lab, "CustomerNotify", lambda body: True)


def no_stream(chain):
    off = {"StreamEnabled": False}
    chain.lab.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=off)


def no_marker(chain):
    for item in tables.items(chain.lab, "ProcessedRecords"):
        if not item["EventId"].startswith(chain.lab.bucket):
            tables.delete_item(chain.lab, "ProcessedRecords", item)


TAKEN_AWAY = {  # what is taken away, the lane that cannot be seen, and how that is said
    "messages": (empty, "CustomerNotify", "taken by a consumer, or never delivered"),
    "object": (lambda chain: buckets.delete_object(chain.lab, "a.txt"), "file", "a.txt: it was deleted"),
    "log": (lambda chain: cloudwatch.delete_log_group(chain.lab, PROCESSOR), PROCESSOR, "there is no log"),
    "stream": (no_stream, "stream", "it keeps a change for 24 hours"),
    "marker": (no_marker, NOTIFIER, "its marker is gone"),
}


@pytest.mark.slow
@pytest.mark.parametrize("evidence", TAKEN_AWAY)
def test_of_the_evidence_that_is_taken_away_exactly_that_is_named(followed, evidence):
    take, lane, words = TAKEN_AWAY[evidence]
    assert states(follow(followed, "A")) == {}

    take(followed)

    change = follow(followed, "A")
    assert [link for link, state in states(change).items() if state is State.CANNOT_SEE] == [lane]
    assert words in told(change)[lane]


@pytest.mark.slow
def test_a_run_that_fails_after_adding_is_named_by_its_marker_and_the_alert_by_a_later_run(chain, tmp_path):
    chain.let_fail(NOTIFIER).fail("TransactWriteItems", "killed after", "F1")
    upload(chain, "failing.txt", "F1|s|T1|03/16/2017|1600")

    change = follow(chain, "F1")

    assert told(change)[NOTIFIER].startswith("counted by a run that failed then")
    assert told(change)["TransactionTotal"] == "0 → 1600"
    assert told(change)["HighBalanceAlert"] == "published: F1, by a later run"
    assert states(change) == {}


@pytest.mark.slow
def test_a_row_that_a_failed_run_has_written_is_not_taken_for_one_by_hand(chain, tmp_path):
    chain.let_fail(PROCESSOR).fail("BatchWriteItem", "killed after", "H1", times=2)
    upload(chain, "half.txt", "H1|s|T1|03/16/2017|1")
    chain.wait_for_file("half.txt")
    rest(chain)

    change = follow(chain, "H1")

    assert told(change)["file"] == "line 2: H1|s|T1|03/16/2017|1"
    assert told(change)["bucket"] == "uploaded as half.txt"
    assert states(change) == {}


@pytest.mark.slow
def test_a_function_of_somebody_else_leaves_candidates_and_no_guess(chain):
    code = b"def lambda_handler(event, context):\n    print('mine')\n"
    archive = functions.zipped({"total_notifier.py": code})
    chain.lab.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive)
    chain.put("own.txt", ["O1|s|T1|03/16/2017|5"])
    wait_until(lambda: cloudwatch.runs(cloudwatch.log_lines(chain.lab, NOTIFIER)), "its run", timeout=20)
    rest(chain)

    change = follow(chain, "O1")

    assert states(change) == {NOTIFIER: State.COULD_BE}
    assert told(change)[NOTIFIER] == "1 run came after that, of which the log names no records"


@pytest.mark.slow
def test_a_lab_that_was_built_by_hand_is_followed_in_a_bucket_of_another_name(lab):
    with pytest.raises(LabError, match="Nothing tells of the transaction T1 of B1"):
        trace.follow(lab, "B1", "T1")

    chain = Chain(replace(lab, bucket_name=f"files-of-ana-{lab.account}"))
    lab.client("s3").create_bucket(Bucket=chain.lab.bucket)
    chain.build()
    upload(chain, "hers.txt", "B1|s|T1|03/16/2017|5")

    (change,) = trace.follow(lab, "B1", "T1").changes
    assert states(change) == {}
    stop(lab)


def test_the_command_prints_the_trace_writes_the_page_and_masks_the_account(busy, tmp_path):
    upload(busy, f"{busy.lab.account}.txt", "M1|s|T1|03/16/2017|5", f"{busy.lab.account}|s|T2|03/16/2017|5")
    settings = ("--account", busy.lab.account, "--region", REGION)
    page = tmp_path / "page.html"

    shown = in_process("trace", "M1", "T1", "--html", page, *settings)
    masked = in_process("trace", busy.lab.account, "T2", "--html", page, *settings)

    assert (shown.exit_code, masked.exit_code) == (0, 0)
    assert [lane for lane in LANES if lane not in shown.stdout] == []
    assert busy.lab.account not in masked.stdout + page.read_text()
    for arguments, why in {
        ("M1",): "Name a customer and a transaction",
        ("M1", "T1", "--file", "a.txt"): "Name a customer and a transaction",
        ("M1", "T1", "--html", tmp_path / "none" / "page.html"): "Cannot write to",
    }.items():
        refused = in_process("trace", *arguments, *settings)
        assert why in refused.stderr
        assert refused.exit_code in (1, 2)
