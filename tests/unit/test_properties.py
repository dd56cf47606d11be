"""What must hold for every file and every order of events: hypothesis looks for those for which it does not."""

import io
import itertools
import json
from collections import Counter, defaultdict
from contextlib import suppress
from decimal import Decimal
from functools import partial

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lab_lib import transactions
from lab_lib.aws import buckets, tables, topics
from lab_lib.cli import main
from lab_lib.errors import NotATransactionsFile
from lab_lib.handlers import total_notifier as notifier
from lab_lib.handlers import transaction_processor as processor

HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"
THRESHOLD = 1500
# The same examples in each run: a test that fails here fails everywhere. The fixtures are made once for all examples.
every_example = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# Files


def fields(text):
    """Text that may stand between two delimiters without quotes."""
    return text.map(lambda value: value.replace("|", " ").replace('"', " "))


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)
amounts = st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(lambda number: f"{number:f}")
good_rows = st.tuples(
    st.sampled_from(["C1", "C2", "Zoë 李", "<script>alert(1)</script>", "back\\slash", "O'Hara"]),
    fields(anything),
    st.sampled_from([f"T{number}" for number in range(40)]),
    st.dates().map(lambda day: f"{day.month:02}/{day.day:02}/{day.year:04}"),
    amounts,
).map("|".join)
bad_rows = st.one_of(
    st.sampled_from(['C9|"an open quote|T1|03/16/2017|1', 'C9|"a" b|T1|03/16/2017|1', '"']),
    anything,
    st.lists(anything, max_size=7).map("|".join),
    st.sampled_from(
        [
            "C9|home|T1|02/30/2017|1",
            "C9|home|T1|03/16/2017|1e5",
            f"C9|home|T1|03/16/2017|{'9' * 39}",
            "|home|T1|03/16/2017|1",
            "C9|home||03/16/2017|1",
            f"{'C' * 2049}|home|T1|03/16/2017|1",
            "C9|home|T1|03/16/2017",
            "=cmd()|+1|-1|@x|1",
        ]
    ),
)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])
texts = st.builds(
    lambda rows, end: end.join([HEADER, *rows, ""]), st.lists(st.one_of(good_rows, bad_rows), max_size=30), line_ends
)
no_files = st.one_of(  # what cannot be read as a transactions file at all
    st.binary(max_size=200),
    st.text(max_size=200).map(str.encode),
    texts.map(lambda text: text.encode("utf-16")),
    texts.map(lambda text: text.replace("|", ",").encode()),
    texts.map(lambda text: text.partition("\n")[2].encode()),
    st.tuples(texts, st.sampled_from([b"\xff", b"\0", b"\xc3"])).map(lambda parts: parts[0].encode() + parts[1]),
    st.permutations(HEADER.split("|")).map(lambda names: "|".join(names[:-1]).encode()),
)


@settings(every_example, max_examples=300)
@given(content=st.one_of(texts.map(str.encode), no_files))
def test_any_bytes_are_read_or_refused_in_one_line(content):
    refusal, file = "", None
    try:
        file = transactions.parse("my.txt", content)
    except NotATransactionsFile as error:
        refusal = str(error)
    if file is None:
        assert refusal.startswith("my.txt is no transactions file: ")
        assert "\n" not in refusal
        return
    lines = [each["line"] for each in file.rejected]
    assert lines == sorted(set(lines))
    assert all(each["reason"] for each in file.rejected)


@settings(every_example, max_examples=300)
@given(text=texts)
def test_no_character_of_a_file_is_lost_between_its_records(text):
    stream = processor.decoded(io.BytesIO(text.encode()))

    read = "".join(raw for _, _, raw in processor.records(stream))

    assert without_line_ends(read) == without_line_ends(text.removeprefix("\ufeff"))


@settings(every_example, max_examples=200)
@given(
    rows=st.lists(st.tuples(good_rows, st.booleans()), max_size=30), noise=st.lists(bad_rows, min_size=31, max_size=31)
)
def test_a_good_row_counts_whatever_stands_around_it(rows, noise):
    wanted, lines = {}, [HEADER]
    for (row, noisy), other in zip(rows, noise, strict=False):
        customer, _, transaction, _, amount = row.split("|")
        wanted[customer, transaction] = Decimal(amount)
        lines += [row, other] if noisy else [row]

    file = transactions.parse("my.txt", "\n".join(lines).encode())

    assert wanted.items() <= file.amounts().items()
    assert len(file.rows) + len(file.rejected) == sum(
        bool(line.strip("| \t")) and not blank(line) for line in lines[1:]
    )


@pytest.fixture
def upload(lab, monkeypatch):
    """The bucket and the tables of TransactionProcessor; upload(content) runs it for that file."""
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    for name in ("Customer", "Transactions"):
        tables.ensure_table(lab, name)
        monkeypatch.setenv(f"{name.upper()}_TABLE", name)
    processor.aws.cache_clear()

    def upload(content):
        for row in tables.items(lab, "Transactions"):
            key = {name: {"S": row[name]} for name in tables.KEYS["Transactions"]}
            lab.client("dynamodb").delete_item(TableName="Transactions", Key=key)
        lab.client("s3").put_object(Bucket=lab.bucket, Key="my.txt", Body=content)
        record = {"s3": {"bucket": {"name": lab.bucket}, "object": {"key": "my.txt"}}}
        return processor.lambda_handler({"Records": [record]}, None)["files"][0]

    yield upload
    processor.aws.cache_clear()


@settings(every_example, max_examples=60)
@given(content=st.one_of(texts.map(str.encode), no_files))
def test_the_function_does_with_a_file_what_the_lab_foretells(lab, upload, content):
    try:
        foretold = transactions.parse("my.txt", content)
    except NotATransactionsFile:
        with pytest.raises(processor.UnreadableFile):
            upload(content)
        assert tables.items(lab, "Transactions") == []
        return

    report = upload(content)

    rejected = buckets.rejected_rows(lab, "my.txt")
    written = {(row["CustomerId"], row["TransactionId"]): row for row in tables.items(lab, "Transactions")}
    assert {key: row["TransactionAmount"] for key, row in written.items()} == foretold.amounts()
    assert [{"line": row["line"], "reason": row["reason"]} for row in rejected] == foretold.rejected
    assert (report["written"], report["rejected"]) == (len(written), len(rejected))


@settings(every_example, max_examples=200)
@given(content=no_files)
def test_the_command_refuses_a_file_that_is_none_in_one_line(tmp_path, content):
    (tmp_path / "my.txt").write_bytes(content)

    said = CliRunner().invoke(main.app, ["run", "--data", str(tmp_path / "my.txt"), "--out", str(tmp_path / "out")])

    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("NotATransactionsFile: ")
    assert len(said.stderr.splitlines()) == 1


def without_line_ends(text):
    return text.replace("\r", "").replace("\n", "")


def blank(line):
    return not any(field.strip() for field in line.split("|"))


# Sequences of changes


class Stream:
    """The transactions of one example, and the records that the stream of their table carries."""

    def __init__(self, changes):
        self.amounts, self.records = {}, []
        for change in changes:
            self._change(*change)

    def _change(self, customer, transaction, amount):
        """Write the transaction, or delete it (None); a write that changes nothing gives no record."""
        old = self.amounts.pop((customer, transaction), None)
        if amount is not None:
            self.amounts[customer, transaction] = amount
        if old == amount:
            return
        key = {"CustomerId": {"S": customer}, "TransactionId": {"S": transaction}}
        images = {"Keys": key}
        for name, value in (("NewImage", amount), ("OldImage", old)):
            if value is not None:
                images[name] = key | {"TransactionAmount": {"N": str(value)}}
        self.records.append({"eventID": str(len(self.records)), "dynamodb": images})

    def mixed(self, chance):
        """The records with those of different items mixed: the stream orders only the records of one item."""
        of_item = defaultdict(list)
        for record in self.records:
            of_item[json.dumps(record["dynamodb"]["Keys"])].append(record)
        waiting, mixed = list(of_item.values()), []
        while waiting:
            records = chance.choice(waiting)
            mixed.append(records.pop(0))
            waiting = [records for records in waiting if records]
        return mixed


class Recount:
    """The totals in cents, and each customer's crossings from below, as the records come; its own arithmetic."""

    def __init__(self):
        self.cents, self.high, self.crossings = defaultdict(int), set(), defaultdict(int)

    def add(self, batch):
        for images in (record["dynamodb"] for record in batch):
            new, old = (
                round(float(images[name]["TransactionAmount"]["N"]) * 100) if name in images else 0
                for name in ("NewImage", "OldImage")
            )
            self.cents[images["Keys"]["CustomerId"]["S"]] += new - old
        now = {customer for customer, cents in self.cents.items() if cents >= THRESHOLD * 100}
        for customer in now - self.high:
            self.crossings[customer] += 1
        self.high = now


class Crash(Exception):
    """Lambda ends the function here."""


class Notifier:
    """TotalNotifier with empty tables, and a crash where one is wanted."""

    def __init__(self, lab):
        for table in ("TransactionTotal", "ProcessedRecords"):
            tables.delete_table(lab, table)
            tables.ensure_table(lab, table)
        self.lab, self.told, self.steps, self.crash_at = lab, [], itertools.count(), None

    def deliver(self, batch, crash_at=None):
        """Run it; False if it crashed. A crash at 2k is one before its k-th call to AWS, one at 2k + 1 after it."""
        self.steps, self.crash_at = itertools.count(), crash_at
        with suppress(Crash):
            notifier.lambda_handler({"Records": batch}, None)
            return True
        return False

    def call(self, call, **arguments):
        self._step()
        answer = call(**arguments)
        if "Message" in arguments:
            self.told.append(json.loads(arguments["Message"]))
        self._step()
        return answer

    def totals(self):
        held = tables.items(self.lab, "TransactionTotal")
        return {item["CustomerId"]: int(item["accountBalance"] * 100) for item in held}

    def alerts(self):
        """{customer: how many alerts were published}; each tells of a balance at or above the threshold."""
        assert all(Decimal(alert["accountBalance"]) >= THRESHOLD for alert in self.told)
        return Counter(alert["customerID"] for alert in self.told)

    def _step(self):
        if next(self.steps) == self.crash_at:
            raise Crash


@pytest.fixture
def new_notifier(lab, monkeypatch):
    """new_notifier(): a Notifier, for one example."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", lab.session)
    monkeypatch.setenv("TOTAL_TABLE", "TransactionTotal")
    monkeypatch.setenv("MARKER_TABLE", "ProcessedRecords")
    monkeypatch.setenv("TOPIC_ARN", topics.ensure_topic(lab))
    monkeypatch.setenv("THRESHOLD", str(THRESHOLD))
    notifier.aws.cache_clear()
    present = []
    for service, names in {
        "dynamodb": ["transact_write_items", "batch_get_item", "update_item"],
        "sns": ["publish"],
    }.items():
        for name in names:
            original = getattr(notifier.aws(service), name)
            answer = partial(lambda original, **arguments: present[-1].call(original, **arguments), original)
            monkeypatch.setattr(notifier.aws(service), name, answer)

    def new_notifier():
        present.append(Notifier(lab))
        return present[-1]

    yield new_notifier
    notifier.aws.cache_clear()


changes = st.lists(
    st.tuples(
        st.sampled_from(["A", 'B "quoted"\n<b>', "C"]),
        st.sampled_from(["T1", "T2", "T3"]),
        st.one_of(st.none(), st.integers(-90_000, 190_000).map(lambda cents: Decimal(cents) / 100)),
    ),
    min_size=1,
    max_size=12,
)


def one_each(of):
    """A list with one for each batch that there may be."""
    return st.lists(of, min_size=12, max_size=12)


def batches(records, sizes):
    """The records cut into batches of these sizes."""
    records = iter(records)
    cut = (list(itertools.islice(records, size)) for size in sizes)
    return [batch for batch in cut if batch]


@settings(every_example, max_examples=50)
@given(
    made=changes,
    chance=st.randoms(use_true_random=False),
    sizes=one_each(st.integers(1, 6)),
    again=one_each(st.sampled_from(["never", "never", "whole", "its end"])),
)
def test_totals_and_alerts_are_exact_however_the_stream_is_mixed_cut_and_delivered_again(
    new_notifier, made, chance, sizes, again
):
    function, recount = new_notifier(), Recount()

    for batch, part in zip(batches(Stream(made).mixed(chance), sizes), again, strict=False):
        recount.add(batch)
        assert function.deliver(batch)
        if part != "never":
            assert function.deliver(batch if part == "whole" else batch[len(batch) // 2 :])

    assert function.totals() == recount.cents
    assert function.alerts() == recount.crossings


@settings(every_example, max_examples=50)
@given(made=changes, sizes=one_each(st.integers(1, 6)), stops=one_each(st.one_of(st.none(), st.integers(0, 9))))
def test_a_crash_anywhere_costs_no_amount_and_no_alert_when_the_batch_comes_again(new_notifier, made, sizes, stops):
    function, recount, crashed = new_notifier(), Recount(), 0

    for batch, stop in zip(batches(Stream(made).records, sizes), stops, strict=False):
        recount.add(batch)
        crashed += not function.deliver(batch, stop)
        assert function.deliver(batch)

    told = function.alerts()
    assert function.totals() == recount.cents
    assert told.keys() == recount.crossings.keys()
    assert all(count <= told[name] <= count + crashed for name, count in recount.crossings.items())
