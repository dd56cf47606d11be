"""Files that outgrow one call: which need the machine, which are refused, and the comparison with the account."""

import io
import random
from decimal import Decimal

import pytest
from handlers import HEADER

from lab_lib import transactions
from lab_lib.aws import functions
from lab_lib.errors import LabError, NotATransactionsFile, UsageError
from lab_lib.handlers.large_file_processor import parts
from lab_lib.handlers.transaction_processor import transactions_file
from lab_lib.run import audit, headless, large_file_step, large_files


@pytest.fixture(autouse=True)
def low_limits(monkeypatch):
    """Let a call write at most 30 rows, and a part have about 10."""
    monkeypatch.setattr(functions, "MOST_ROWS", 30)
    monkeypatch.setattr(parts, "ROWS_A_PART", 10)


@pytest.fixture
def file(tmp_path):
    """file(lines): the path of a file with these lines below the header."""

    def file(lines, header=HEADER):
        (path := tmp_path / "march.dat").write_text("\n".join([header, *lines, ""]))
        return path

    return file


def rows(count, customer=lambda number: f"C{number % 20}"):
    return [f"{customer(number)}|1 Mill Lane|T{number}|03/16/2017|1" for number in range(count)]


@pytest.mark.parametrize("lines", [rows(30), [*rows(3), *[""] * 60]], ids=["30 rows", "blank lines"])
def test_a_file_that_one_call_can_write_needs_no_machine(file, lines):
    assert large_files.find(file(lines)) is None


def test_a_larger_file_has_a_key_that_starts_nothing_and_so_many_parts_and_its_reading_is_shown(file, monkeypatch):
    monkeypatch.setattr(transactions, "_OFTEN", 10)
    seen = []

    large = large_files.find(file([*rows(31), "no row"]), lambda *read: seen.append(read))

    assert (large.rows, large.parts, large.key) == (32, 4, "large/march.csv")
    size = large.path.stat().st_size
    assert seen == [(size, size)] * 3
    assert "32 rows, and a call of TransactionProcessor writes 30" in str(large)


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        pytest.param(rows(40, lambda _: "C7"), UsageError, "40 rows, 40 of them of the customer C7", id="customer"),
        pytest.param(rows(40, lambda n: f"C{n % 2}0"), UsageError, "40 rows, 20 of them of the customer", id="part"),
        pytest.param(rows(95), UsageError, r"about \d+ rows; wanted at most 90", id="too large"),
        pytest.param([""] * 40, UsageError, "no row below it", id="empty"),
    ],
)
def test_what_the_machine_cannot_take_in_is_refused_before(file, monkeypatch, lines, error, words):
    monkeypatch.setattr(parts, "MOST_ROWS", 90)
    monkeypatch.setattr(parts, "part_of", lambda customer, of: len(customer) % of)

    with pytest.raises(error, match=words):
        large_files.find(file(lines))


def test_a_wrong_header_is_refused_before(file):
    with pytest.raises(NotATransactionsFile, match="my_id"):
        large_files.find(file(rows(31), HEADER.replace("customer_id", "my_id")))


def test_a_notebook_and_a_class_refuse_a_large_file_and_name_what_takes_it_in(file):
    with pytest.raises(UsageError, match=r"31 rows\. .*`lab run --data` takes in larger files, as notebook 07 shows"):
        headless.check_data_file(file(rows(31)))


def written(content):
    """Return the items that TransactionProcessor writes for a file, as its rules are."""
    good = [row for _, row, _, _ in transactions_file.read_lines(io.BytesIO(content)) if row]
    return list({(row["CustomerId"], row["TransactionId"]): row for row in good}.values())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_comparison_counts_as_the_recount_in_memory_does(tmp_path, end):
    chance = random.Random(end)
    lines = [
        f"C{chance.randint(1, 9)}|a|T{chance.randint(1, 9)}|3/16/2017|{chance.randint(-9, 9)}.50" for _ in range(99)
    ]
    lines += [
        "",
        "no row",
        '"C1" | a|"T""1"|3/16/2017|1e5',
        '" C1 "|"a|b"|"T""1"|3/16/2017|5',
        "\udcffC1|a|T1|3/16/2017|1",
    ]
    content = end.join([f"\ufeff{HEADER}", *lines]).encode(errors="surrogateescape")
    (path := tmp_path / "march.txt").write_bytes(content)
    file, items = transactions.recount("march.txt", content), written(content)

    with audit.opened() as counted:
        counted.read_file(path)
        counted.read_items(items)
        totals, faults = counted.compare()

    assert (counted.good, counted.rejected) == (file.good, len(file.rejected))
    assert (totals, faults) == (transactions.totals(file.amounts), [])


def test_the_comparison_names_missing_and_wrong_rows_and_counts_those_of_other_files(file):
    items = written("\n".join([HEADER, *rows(31)]).encode())
    missing, wrong = items.pop(), items[0]
    wrong["TransactionAmount"] = Decimal(7)
    other = {"CustomerId": "C1", "TransactionId": "other", "TransactionAmount": Decimal(100)}
    by_hand = {"CustomerId": "C1", "TransactionId": "by hand", "TransactionAmount": "a lot"}

    with audit.opened() as counted:
        counted.read_file(file(rows(31)))
        counted.read_items([*items, other, by_hand])
        totals, faults = counted.compare()

    assert sorted(map(str, faults)) == [
        "C0 T0 has TransactionAmount 7, not 1",
        f"{missing['CustomerId']} {missing['TransactionId']} is missing",
    ]
    assert (counted.wrong, totals["C0"], totals["C1"]) == (2, 8, 102)


def test_a_full_disk_is_one_sentence():
    long = {"CustomerId": "C", "TransactionId": "T" * 9_000, "TransactionAmount": Decimal(1)}

    def fill():
        with audit.opened() as counted:
            counted._rows.execute("PRAGMA max_page_count = 1")
            counted.read_items([long])

    with pytest.raises(LabError, match=r"temporary file: database or disk is full\. Free some space"):
        fill()


def test_an_optional_notebook_is_run_only_if_it_is_named(monkeypatch):
    optional = headless.copies.NOTEBOOKS / "07-optional.ipynb"
    paths = [path for path in headless.copies.solved_notebooks() if path.stem[:2] != "07"]
    monkeypatch.setattr(headless.copies, "solved_notebooks", lambda: sorted([*paths, optional]))

    assert (headless.notebooks(), headless.last_kept()) == (paths, "06")
    assert headless.notebooks("07") == [*paths[:-1], optional]
    assert headless.notebooks("06") == paths[:-1]


def test_a_large_file_takes_the_place_of_05_and_leaves_out_06_and_what_is_optional():
    large = large_files.LargeFile(headless.DATA_FILE, 40, 4)

    steps = {until: [name[:13] for name in headless.steps_of(until, large)] for until in (None, "06", "04")}
    assert [name[:2] for name in steps[None]] == ["00", "01", "02", "03", "04", "05", "99"]
    assert (steps["06"], steps[None][5]) == (steps[None][:-1], large_file_step.STEP)
    assert steps["04"] == steps[None][:5]
