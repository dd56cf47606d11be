"""A file that outgrows one call: it is uploaded in parts, and followed. A low limit keeps it small."""

from decimal import Decimal

import pytest

from lab_lib import transactions
from lab_lib.aws import buckets, tables, triggers
from lab_lib.checks.chain import following
from lab_lib.errors import LabError
from lab_lib.handlers.transaction_processor import transactions_file
from lab_lib.resources import ALERTS, REJECTED, ROWS, TOTALS


@pytest.fixture(autouse=True)
def low_limit(monkeypatch):
    monkeypatch.setattr(transactions_file, "MOST_ROWS", 60)


@pytest.fixture
def march(tmp_path):
    """march(rows, seed, *more): a file of so many rows and more lines; one total reaches the threshold."""

    def march(rows, seed, *more):
        made = [row | {"CustomerId": f"M{row['CustomerId']}"} for row in transactions.make_up(rows, 20, seed)]
        made[0]["TransactionAmount"] = Decimal(3000)
        made += [made[4] | {"TransactionAmount": Decimal("7.50")}]  # the later one counts
        with (path := tmp_path / "march.txt").open("w") as stream:
            transactions.write(stream, made)
            stream.writelines(f"{line}\n" for line in more)
        return path

    return march


def send(lab, path):
    """Upload the file and follow it; return how much is there and due of each link at the end."""
    shown = []
    with following(lab, path, lambda links, last: shown.append(links)):
        buckets.upload(lab, path)
    return {link.name: (link.have, link.want) for link in shown[-1]}


def held(lab):
    return {
        (row["CustomerId"], row["TransactionId"]): row["TransactionAmount"] for row in tables.items(lab, "Transactions")
    }


def objects(lab):
    return {item["Key"]: item["LastModified"] for item in buckets.uploads(lab)}


def test_a_large_file_goes_all_the_way_in_parts_and_again_changes_nothing_and_a_newer_one_counts(chain, march):
    lab = chain.lab
    path = march(130, 1, "", "MC1|1 Mill Lane|T1|no day|1", "nothing")
    first = transactions.recount(path.name, path.read_bytes())

    links = send(lab, path)

    totals = transactions.totals(first.amounts)
    assert (held(lab), chain.totals()) == (first.amounts, totals)
    ((name, alerted),) = chain.alerts()  # its total after the batch that crosses: more may come in a later one
    assert (name, 1500 <= alerted <= totals[name]) == (max(totals, key=totals.get), True)
    rejected = {row["line"]: row["code"] for row in buckets.rejected_rows(lab, path.name)}
    assert rejected == first.rejected == {134: "date-not-day", 135: "fields-count"}
    assert [links[name] for name in (ROWS, REJECTED, TOTALS, ALERTS)] == [(131, 131), (2, 2), (20, 20), (1, 1)]
    before = objects(lab)
    assert [*before] == [f"march.part-{number}-of-3.txt" for number in (1, 2, 3)]

    assert send(lab, path)[ALERTS] == (0, 0)
    assert objects(lab) == before
    tables.delete_item(
        lab,
        "Transactions",
        {
            "CustomerId": "MC1",
            "TransactionId": next(transaction for customer, transaction in first.amounts if customer == "MC1"),
        },
    )
    send(lab, path)
    assert held(lab) == first.amounts
    assert sum(objects(lab)[key] == time for key, time in before.items()) == 2

    path = march(190, 2)
    send(lab, path)
    second = transactions.recount(path.name, path.read_bytes())
    assert held(lab) == first.amounts | second.amounts
    assert chain.totals() == transactions.totals(first.amounts | second.amounts)
    assert [*objects(lab)] == [f"march.part-{number}-of-4.txt" for number in (1, 2, 3, 4)]
    assert buckets.rejected_rows(lab, path.name) == []


@pytest.mark.slow
def test_parts_that_start_nothing_end_the_wait(chain, march):
    triggers.delete_bucket_trigger(chain.lab)

    with pytest.raises(LabError, match=r"^0 of 131 rows of march\.txt are there, and nothing more comes\. `lab check`"):
        send(chain.lab, march(130, 1))
