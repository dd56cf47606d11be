"""One transaction, followed through the chain on the embedded AWS: what is there, what is not, what cannot be told."""

import itertools
import json
import re
from functools import partial

import pytest
from commands import in_process

from lab_lib import trace
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.errors import LabError, UsageError

REGION = "cn-north-1"
PROCESSOR, NOTIFIER = functions.SOURCES
NO_FILE = "no file in the bucket has this row: the file was replaced or deleted, or the row was written by hand"
WHOLE = """\
W1 T7
✔ file                  line 9: W1|1 Street|T7|03/16/2017|100
✔ bucket                uploaded as whole.txt
✔ TransactionProcessor  21 rows written, 0 rejected
✔ Transactions          new: 100
✔ stream                INSERT, record …N
✔ TotalNotifier         counted, with 20 others
✔ TransactionTotal      0 → 1599.5, +100 by this record
✔ HighBalanceAlert      published: W1
✔ CustomerNotify        a message waits, with the balance 1599.5
✔ CreditCollection      a message waits, with the balance 1599.5"""


def rest(chain):
    """Wait until the functions have ended: only then do their logs tell of them."""
    wait_until(lambda: chain.lab.work() == 0, "the functions to end", timeout=30)


def upload(chain, key, *rows):
    """Upload rows, and wait until their changes are counted and TotalNotifier has ended."""
    before = chain.changes()
    chain.put(key, rows)
    chain.wait_for_changes(before + len(rows))
    rest(chain)


def shown(chain, customer, transaction="T1"):
    return re.sub(r"…\d+", "…N", repr(trace.follow(chain.lab, customer, transaction)))


def missing(chain, customer, transaction="T1"):
    """Return the lines of what is not there, or cannot be seen."""
    lines = shown(chain, customer, transaction).splitlines()
    return [" ".join(line.split()) for line in lines if line[0] in "✘○…?"]


def test_each_link_of_a_row_is_found_with_its_time_and_a_mapping_that_stands_still(busy):
    rows = [f"W1|1 Street|T{number}|03/16/2017|100" for number in range(20)]
    triggers.switch_mappings([busy.lab], on=False)  # so that all changes come in one batch
    busy.put("whole.txt", [*rows, "W1|1 Street|T99|03/16/2017|-400.50"])
    busy.wait_for_file("whole.txt")
    (stopped,) = missing(busy, "W1", "T7")
    assert stopped.startswith("✘ TotalNotifier state of the stream trigger: Disabled; wanted: Enabled. → Enable the")
    heading = "W1 T7 stops at TotalNotifier: state of the stream trigger: Disabled; wanted: Enabled.\n"
    assert shown(busy, "W1", "T7").startswith(heading)
    triggers.switch_mappings([busy.lab], on=True)
    busy.wait_for_totals(W1="1599.5")

    (change,) = trace.watch(busy.lab, "W1", "T7").changes

    assert shown(busy, "W1", "T7") == WHOLE

    times = [event.when for event in change[1:]]
    assert all(later >= earlier - 1000 for earlier, later in itertools.pairwise(times))  # S3 tells the second


def test_both_changes_of_a_corrected_row_and_its_deletion_are_shown(busy):
    upload(busy, "first.txt", "K1|s|T1|03/16/2017|1600")
    queues.delete_messages(busy.lab, "CustomerNotify", bool)
    upload(busy, "second.txt", "K1|s|T1|03/16/2017|1750")
    tables.delete_item(busy.lab, "Transactions", {"CustomerId": "K1", "TransactionId": "T1"})
    busy.wait_for_totals(K1="0")
    upload(busy, "third.txt", "K1|s|T1|03/16/2017|1700")

    _new, corrected = shown(busy, "K1").split("\nchange 2\n")

    assert missing(busy, "K1") == ["○ CustomerNotify no message: taken by a consumer, or never delivered"]
    assert (
        corrected
        == """\
✔ file                  line 2: K1|s|T1|03/16/2017|1750
✔ bucket                uploaded as second.txt
✔ TransactionProcessor  1 row written, 0 rejected
✔ Transactions          corrected: 1600 → 1750
✔ stream                MODIFY, record …N
✔ TotalNotifier         counted alone
✔ TransactionTotal      1600 → 1750
✔ HighBalanceAlert      none is due: the total had reached 1500 before
change 3
✔ Transactions      deleted: 1750
✔ stream            REMOVE, record …N
✔ TotalNotifier     counted alone
✔ TransactionTotal  1750 → 0
✔ HighBalanceAlert  none is due: 0 is below 1500
change 4
✔ file                  line 2: K1|s|T1|03/16/2017|1700
✔ bucket                uploaded as third.txt
✔ TransactionProcessor  1 row written, 0 rejected
✔ Transactions          new: 1700
✔ stream                INSERT, record …N
✔ TotalNotifier         counted alone
✔ TransactionTotal      0 → 1700
✔ HighBalanceAlert      published: K1
✔ CustomerNotify        a message waits, with the balance 1700
✔ CreditCollection      a message waits, with the balance 1700"""
    )


def test_a_row_in_two_versions_of_a_file_came_with_the_first_and_its_correction_with_the_second(busy):
    upload(busy, "twice.txt", "V1|s|T1|03/16/2017|10", "V1|s|T2|03/16/2017|10")
    before = busy.changes()
    busy.put("twice.txt", ["V1|s|T1|03/16/2017|10", "V1|s|T2|03/16/2017|15", "V1|s|T3|03/16/2017|20"])
    busy.wait_for_changes(before + 2)
    rest(busy)

    (unchanged,), (_, corrected), (new,) = (trace.follow(busy.lab, "V1", name).changes for name in ("T1", "T2", "T3"))

    for change in (unchanged, corrected, new):
        times = [event.when for event in change if event.when]
        assert times == sorted(times)
    assert [change[2].what[:6] for change in (unchanged, corrected, new)] == ["2 rows", "3 rows", "3 rows"]


def test_the_lines_of_a_file_are_followed_and_a_rejected_one_has_its_reason(busy):
    before = busy.changes()
    busy.put("lines.txt", ["L1|s|T1|03/16/2017|10", "L1|s|T2|02/30/2017|10", "", "L1|s|T3|03/16/2017|7"])
    busy.wait_for_changes(before + 2)
    rest(busy)

    assert (
        repr(trace.follow_line(busy.lab, "somewhere/lines.txt", 3))
        == """\
lines.txt, line 3 stops at rejected lines: trn_date is '02/30/2017'; wanted a day as MM/DD/YYYY, in the digits 0-9
✔ file                  line 3: L1|s|T2|02/30/2017|10
✔ bucket                uploaded as lines.txt
✔ TransactionProcessor  2 rows written, 1 rejected
✘ rejected lines        trn_date is '02/30/2017'; wanted a day as MM/DD/YYYY, in the digits 0-9"""
    )
    assert repr(trace.follow_line(busy.lab, "lines.txt", 5)).startswith("lines.txt, line 5: L1 T3\n✔ file")
    for line in (1, 4):
        with pytest.raises(UsageError, match="no row in line"):
            trace.follow_line(busy.lab, "lines.txt", line)
    with pytest.raises(LabError, match=r"no upload with the key other\.txt: it has .*lines\.txt"):
        trace.follow_line(busy.lab, "other.txt", 2)
    assert shown(busy, "L1", "T2").startswith("L1 T2 stops at rejected lines: trn_date is '02/30/2017'")
    with pytest.raises(LabError, match="Nothing tells of the transaction T9 of L1"):
        shown(busy, "L1", "T9")


@pytest.mark.slow
def test_what_was_written_by_hand_is_parked_or_cannot_be_read_is_shown_as_that(chain):
    row = {"CustomerId": "P1", "TransactionId": "T1", "TransactionDate": "03/16/2017", "TransactionAmount": "a lot"}
    tables.put_item(chain.lab, "Transactions", row)
    wait_until(chain.letters, "the letter", timeout=30)
    assert missing(chain, "P1") == [f"○ file {NO_FILE}", "✘ TotalNotifier parked: TransactionAmount is no number"]

    chain.put("picture.txt", b"\x89PNG")
    rest(chain)
    (file, *_others) = repr(trace.follow_line(chain.lab, "picture.txt", 2)).splitlines()
    assert file == "picture.txt, line 2 stops at TransactionProcessor: cannot read the file: it is not UTF-8 text"


@pytest.mark.slow
def test_of_the_evidence_that_is_taken_away_exactly_that_is_named(chain):
    lab = chain.lab
    upload(chain, "a.txt", "A|s|T1|03/16/2017|1600")
    target = {"deadLetterTargetArn": queues.queue_arn(lab, queues.DEAD_LETTERS), "maxReceiveCount": "3"}
    change_queue = partial(lab.client("sqs").set_queue_attributes, QueueUrl=queues.find_queue(lab, "CreditCollection"))
    change_table, off = partial(lab.client("dynamodb").update_table, TableName="Transactions"), {"StreamEnabled": False}
    takes = {
        "CustomerNotify no message: taken by a consumer": partial(queues.delete_messages, lab, "CustomerNotify", bool),
        "CreditCollection cannot see: it has a redrive policy, fo": partial(
            change_queue, Attributes={"RedrivePolicy": json.dumps(target)}
        ),
        "TransactionProcessor cannot see: there is no log": partial(cloudwatch.delete_log_group, lab, PROCESSOR),
        f"file {NO_FILE}": partial(buckets.delete_object, lab, "a.txt"),
        "stream stream of Transactions: off; wanted: on. → Turn on the stream": partial(
            change_table, StreamSpecification=off
        ),
    }
    for line, take in takes.items():
        before = missing(chain, "A")
        take()
        (now,) = [now for now in missing(chain, "A") if now not in before]
        assert now[2:].startswith(line)


@pytest.mark.slow
def test_failed_runs_are_told_from_those_that_counted_and_published(chain):
    def let_fail(step):
        pure, calling = functions.source_files(NOTIFIER)
        code = f"{calling.read_text()}\ndef {step}(*_):\n    raise ValueError\n"
        archive = functions.zipped({pure.name: pure.read_bytes(), calling.name: code.encode()})
        chain.lab.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive)

    let_fail("alert")
    chain.put("half.txt", ["F1|s|T1|03/16/2017|1600"])
    chain.wait_for_file("half.txt")
    wait_until(
        lambda: "✘ HighBalanceAlert TotalNotifier fails: ValueError" in str(missing(chain, "F1")), "it", timeout=30
    )
    functions.ensure_function(chain.lab, NOTIFIER)
    chain.wait_for_changes(1)
    rest(chain)
    for queue in queues.ALERT_QUEUES:
        queues.delete_messages(chain.lab, queue, bool)
    told = "uploaded as half.txt.*counted.*published: F1"
    assert re.search(told, shown(chain, "F1"), re.DOTALL)

    let_fail("add")
    chain.put("never.txt", ["F2|s|T1|03/16/2017|1"])
    chain.wait_for_file("never.txt")
    wait_until(lambda: "✘ TotalNotifier TotalNotifier fails: ValueError" in str(missing(chain, "F2")), "it", timeout=30)


@pytest.mark.slow
def test_of_a_function_of_somebody_else_nothing_is_guessed(chain):
    archive = functions.zipped({"total_notifier.py": b"def lambda_handler(event, context):\n    print('mine')\n"})
    chain.lab.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive)
    chain.put("own.txt", ["O1|s|T1|03/16/2017|5"])
    chain.wait_for_file("own.txt")
    rest(chain)

    assert missing(chain, "O1") == ["○ TotalNotifier it ran after that, and its log does not tell of it"]


def test_the_command_prints_the_trace_writes_the_page_and_masks_the_account(busy, tmp_path):
    upload(busy, f"{busy.lab.account}.txt", "M1|s|T1|03/16/2017|5")
    settings = ("--account", busy.lab.account, "--region", REGION)
    page = tmp_path / "page.html"

    told = in_process("trace", "M1", "T1", "--html", page, *settings)

    assert "0 → 5" in told.stdout
    assert "counted alone" in page.read_text()
    assert busy.lab.account not in told.stdout + page.read_text()
    refused = in_process("trace", "M1", "T1", "--file", "a.txt", *settings)
    assert "Name a customer and a transaction" in refused.stderr
