"""Check step 05: the rows, addresses and totals that the uploads lead to."""

from decimal import Decimal

from lab_lib import transactions
from lab_lib.aws import buckets, tables
from lab_lib.checks.causes import WRITE, by_upload, correct_code, fix_chain
from lab_lib.checks.expected import Fault, Item, Row, address_faults, row_faults, total_faults
from lab_lib.checks.rules import Account, Finding, check, judged, none_of, waits_for
from lab_lib.checks.step_02 import NOTIFIER, PROCESSOR, fitting_key
from lab_lib.checks.uploads import due, files, once, read_all, taken
from lab_lib.resources import CHANGES, ROWS, TOTALS
from lab_lib.wording import listing, number

_STILL = "If nothing changes, correct"


@check("05", "upload", "upload", after="bucket", of="upload")
def upload(account: Account) -> Finding:
    keys = [item["Key"] for item in account.ask(buckets.uploads)]
    fitting = taken(account)
    hint = by_upload(account, f"Upload transactions.txt to the bucket {account.lab.bucket}")
    if keys and not fitting:
        hint += f" The trigger takes only keys that fit its filter, and {keys[-1]} does not: name the object "
        hint += f"{fitting_key(account, 'transactions')}, for instance."
    return judged(bool(fitting), listing(fitting or keys), "a transactions file", hint)


@check("05", "readable-uploads", "readable uploads", after="upload")
def readable(account: Account) -> Finding:
    """Each upload is a transactions file: not a picture, and not saved as UTF-16 by a spreadsheet. One has a row."""
    read = read_all(account)
    hint = "Save the file as UTF-8 text with the header and | between the fields, and upload it again under its key. "
    hint += f"Or delete the object{account.how_to_fix('put_object or delete_object', console='Objects of the bucket')}"
    if faults := [text for text in read.values() if isinstance(text, str)]:
        return none_of(faults, hint)._replace(wanted="transactions files")
    _raise_unread(account)
    if not files(account):
        hint = by_upload(account, "Upload a file with a good row, such as transactions.txt")
        return none_of([f"no good row in {listing(read)}"], hint)._replace(wanted="a file with a good row")
    counts = [
        f"{key}: {number(file.good, 'row')}" for key, file in read.items() if isinstance(file, transactions.Recount)
    ]
    older = len(taken(account)) - len(read)
    more = f"; {number(older, 'older upload')} not read" if older else ""
    return judged(True, listing(counts) + more, "transactions files", hint)


@check("05", "rows", "rows in Transactions", after="upload table-Transactions key-Transactions", weight=3)
def rows(account: Account) -> Finding:
    if not files(account):
        _raise_unread(account)
        return waits_for("readable-uploads", "readable uploads")
    wanted = len(due(account).amounts)
    missing = sorted(fault.key for fault in _row_faults(account) if not fault.attribute)
    counted = f"{wanted - len(missing)} of {wanted}"
    arrived = f"{counted}, without {listing(missing)}" if missing else counted
    return judged(not missing, arrived, f"all {wanted}", _write_again(account) if missing else by_upload(account))


@check("05", "amounts", "amounts in Transactions", after="rows")
def amounts(account: Account) -> Finding:
    """Each item has its amount as a number."""
    wrong = [row for row, item in _held(account).items() if not isinstance(item.get("TransactionAmount"), Decimal)]
    if by_hand := [row for row in wrong if row not in due(account).amounts]:
        hint = f"{listing(map(' '.join, by_hand))}: in no upload. Make TransactionAmount a Number, or delete the item"
        hint += account.how_to_fix("put_item or delete_item", console="Explore items")
    else:
        hint = _write_again(account) if wrong else by_upload(account)
    return none_of((f"{' '.join(row)} has no number" for row in wrong), hint, right="all numbers")


@check("05", "contents", "contents of Transactions", after="amounts")
def contents(account: Account) -> Finding:
    """Each row of the uploads has the amount and the day of its file. Of two files, the later one counts.

    Items that no file names are not judged: somebody may add one by hand.
    """
    faults = _row_faults(account)
    hint = by_upload(account)
    if faults:
        hint = f"{_write_again(account)} To keep what you changed by hand, upload a file that has the change instead."
    return none_of(map(str, faults), hint, right="as in the files")


@check("05", "customers", "customers in Customer", after="rows table-Customer key-Customer")
def customers(account: Account) -> Finding:
    """Each customer of the uploads is there with the address of the last row about them."""
    held = _by_customer(account, "Customer")
    faults = list(address_faults(due(account), held))
    missing = [fault for fault in faults if not fault.attribute]
    hint = _write_again(account) if faults else by_upload(account)
    finding = none_of(map(str, missing or faults), hint, right=listing(sorted(held)))
    return finding._replace(wanted="each with the address of its last row")


@check("05", "totals", "totals", after="amounts table-TransactionTotal key-TransactionTotal", weight=3)
def totals(account: Account) -> Finding:
    """Each total is the sum of the customer's transactions: 0 if all of them were deleted."""
    held = _by_customer(account, "TransactionTotal")
    wanted = {customer: Decimal(0) for customer, item in held.items() if "accountBalance" in item} | sums_of(account)
    faults = list(total_faults(wanted, held))
    right = listing(f"{customer} {total:f}" for customer, total in sorted(wanted.items()))
    hint = _about_totals(account, faults) if faults else by_upload(account)
    finding = none_of(map(str, faults), hint, right)
    return finding._replace(wanted="each the sum of its transactions")


@once
def sums_of(account: Account) -> dict[str, Decimal]:
    """Return each customer's total, counted again from the table Transactions."""
    return transactions.totals(transactions.read_amounts(account.ask(tables.items, "Transactions")))


def _about_totals(account: Account, faults: list[Fault]) -> str:
    """Return the hint for totals that differ from the sums. Changes may still be on their way."""
    right = listing(f"{fault.key} {fault.wanted:f}" for fault in faults)
    repair = f"set accountBalance in {account.name('TransactionTotal')} to the sum, as a Number ({right})"
    repair += account.how_to_fix("update_item", console="Explore items")
    wait = "Wait a moment, since changes may be on their way. If a total stays wrong, "
    so_that = " so that a change counts once, and a correction as the difference"
    code = correct_code(account, NOTIFIER, so_that, first="If that happens again, correct")
    fix = fix_chain(account, NOTIFIER, CHANGES, TOTALS)
    return f"{fix} {wait}{repair}" if fix else f"{wait}{repair} {code}"


def _write_again(account: Account) -> str:
    """Return the hint for items that TransactionProcessor must write or correct: an upload writes all anew."""
    fix = fix_chain(account, PROCESSOR, ROWS)
    do = f"{'Then upload' if fix else 'Upload'} the file once more, which writes all its items anew"
    again = by_upload(account, do)
    return f"{fix} {again}" if fix else f"{again} {correct_code(account, PROCESSOR, WRITE, first=_STILL)}"


def _raise_unread(account: Account) -> None:
    """Raise the error of the first upload that cannot be read, if there is one: the check cannot see it."""
    for file in read_all(account).values():
        if isinstance(file, Exception):
            raise file


@once
def _row_faults(account: Account) -> list[Fault]:
    return list(row_faults(due(account), _held(account)))


def _held(account: Account) -> dict[Row, Item]:
    return {(item["CustomerId"], item["TransactionId"]): item for item in account.ask(tables.items, "Transactions")}


def _by_customer(account: Account, table: str) -> dict[str, Item]:
    return {item["CustomerId"]: item for item in account.ask(tables.items, table)}
