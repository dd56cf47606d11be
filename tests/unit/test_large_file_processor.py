"""LargeFileProcessor in process. test_properties shows for any file that its parts read each line once."""

import io
import itertools
import re

import large_file_processor
import parts
import pytest
import transaction_processor
from handlers import HEADER, LargeProcessor, Processor, Stopped, stop
from transactions_file import Unreadable

from lab_lib.aws import buckets, tables

KEY = "large/march.csv"
ROWS = [f"C{number % 7}|home {number}|T{number % 20}|03/16/2017|{number}" for number in range(60)]
BAD = ["C1|home|T1|03/16/2017", "C2|Z\udcfcrich|T1|03/16/2017|1", 'C3|"open', "\0|", "", "x" * 2_000, "|,|\n", "ten"]
MIXED = [row for pair in itertools.zip_longest(ROWS, BAD, fillvalue="") for row in pair]


@pytest.fixture
def processor(lab, monkeypatch):
    return LargeProcessor(lab, monkeypatch)


def rejected(lab, key=KEY):
    """Return the file of rejected lines, and all keys under rejected/."""
    keys = [item["Key"] for item in buckets.objects(lab, "rejected/")]
    return buckets.content(lab, buckets.rejected_key(key)), keys


@pytest.mark.parametrize(("of", "most_kept"), [(1, 10_000), (3, 3), (30, 10_000)])
def test_a_file_in_parts_leaves_what_one_call_of_transaction_processor_leaves(lab, monkeypatch, of, most_kept):
    for module in (transaction_processor, large_file_processor):
        monkeypatch.setattr(module, "MOST_KEPT", most_kept)
    single = Processor(lab, monkeypatch)
    wanted, held = single.process(*MIXED, key=KEY), [*single.held()[:2], rejected(lab)]
    single.empty()
    processor = LargeProcessor(lab, monkeypatch)
    processor.upload(*MIXED, key=KEY)

    report = processor.take_in(KEY, of)

    assert {name: report[name] for name in wanted} == wanted
    assert [*map(by_key, processor.held()[:2]), rejected(lab)] == [*map(by_key, held[:2]), held[2]]


def by_key(items):
    return sorted(items, key=lambda item: (item["CustomerId"], item.get("TransactionId")))


def test_a_customer_is_in_one_part_however_the_id_is_written():
    columns = HEADER.split("|")
    written = ["C1", " C1\t", '"C1"', '" C1 "']
    for order in itertools.permutations(range(5)):
        row = ["C1", "a", "T1", "03/16/2017", "1"]
        rows = [[customer, *row[1:]] for customer in written]
        lines = ["|".join(line[place] for place in order) for line in [columns, *rows]]
        read = [
            list(large_file_processor.lines_of(part, 9, io.BytesIO("\n".join(lines).encode()))) for part in range(9)
        ]
        assert sorted(map(len, read)) == [*[0] * 8, 4]


def test_the_parts_are_as_many_as_asked_for_or_as_the_rows_need(processor, monkeypatch):
    processor.upload(*ROWS, key=KEY)
    assert (processor.plan(KEY)["parts"], processor.plan(KEY, of=3)["parts"]) == ([0], [0, 1, 2])

    monkeypatch.setattr(parts, "ROWS_A_PART", 10)
    assert len(processor.plan(KEY)["parts"]) == 7  # 60 rows and the header, by the size
    monkeypatch.setattr(parts, "MOST_PARTS", 2)
    assert (processor.plan(KEY)["parts"], processor.plan(KEY, of=3)["parts"]) == ([0, 1], [0, 1])


def test_what_is_no_transactions_file_or_too_large_fails_before_a_part_is_written(processor, monkeypatch):
    for content, reason in ((b"a|b\n1|2\n", "line 1 is 'a|b'"), (b"\n", "line 1 is ''"), (b"\xff", "it is not UTF-8")):
        processor.upload(content, key=KEY)
        with pytest.raises(Unreadable, match=re.escape(f"{KEY}: {reason}")):
            processor.plan(KEY)

    processor.upload(*ROWS, key=KEY)
    monkeypatch.setattr(parts, "MOST_ROWS", 50)
    with pytest.raises(Unreadable, match=r"^large/march\.csv: about 61 rows; wanted at most 50$"):
        processor.plan(KEY)


def test_an_upload_that_was_taken_in_has_no_parts_any_more_and_another_one_has(processor):
    processor.upload(*ROWS, key=KEY)
    assert processor.take_in(KEY, 2)["written"] == 60

    again = processor.take_in(KEY, 2)
    assert (processor.plan(KEY, 2)["parts"], again["rows"], again["replaced"]) == ([], 0, False)

    processor.upload(*ROWS[:5], key=KEY)
    assert processor.take_in(KEY, 2)["written"] == 5


def test_a_part_of_a_replaced_or_deleted_object_writes_nothing_and_says_so(processor):
    processor.upload(*ROWS, key=KEY)
    plan = processor.plan(KEY, 2)
    first = processor.write(plan, 0)
    held = processor.held()

    for change in (lambda: processor.upload("bad", key=KEY), lambda: buckets.delete_object(processor.lab, KEY)):
        change()
        second = processor.write(plan, 1)
        assert second == {"part": 1, "written": 0, "rejected": 0, "replaced": True}
        assert (processor.held(), processor.finish(plan, [first, second])["replaced"]) == (held, True)


@pytest.mark.parametrize("replaced", [["between"], ["after"], ["between", "after by the same content"]], ids=str)
def test_an_object_that_is_replaced_meanwhile_is_not_marked_and_is_planned_again(processor, replaced):
    processor.upload(*ROWS, "bad", key=KEY)
    plan = processor.plan(KEY, 2)
    reports = [processor.write(plan, 0)]
    if "between" in replaced:
        processor.upload(*ROWS[:5], key=KEY)
    reports += [processor.write(plan, 1)]
    if "after" in replaced:
        processor.upload(*ROWS[:5], key=KEY)
    if "after by the same content" in replaced:
        processor.upload(*ROWS, "bad", key=KEY)

    assert processor.finish(plan, reports)["replaced"] is True

    assert (tables.items(processor.lab, "ProcessedRecords"), processor.held()[2]) == ([], [])
    assert processor.take_in(KEY, 2)["written"] == (60 if len(replaced) == 2 else 5)


def test_a_finish_that_died_at_any_moment_is_done_again_to_its_end(processor):
    ends = 0
    for moment in itertools.count():
        processor.empty()
        processor.upload(*ROWS[:4], "bad", "worse", key=KEY)
        plan = processor.plan(KEY, 2)
        reports = [processor.write(plan, part) for part in plan["parts"]]
        try:
            processor.finish(plan, reports, fault=stop(moment))
            ends = moment
        except Stopped:
            pass

        report = processor.finish(plan, reports)

        assert (report["rows"], report["rejected"], report["replaced"]) == (6, 2, False)
        assert [row["row"] for row in buckets.rejected_rows(processor.lab, KEY)] == ["bad", "worse"]
        assert processor.held()[2] == [buckets.rejected_key(KEY)]
        assert processor.plan(KEY)["parts"] == []
        if ends:
            break
    assert ends > 10
