"""Check step 05: the rows, addresses and totals that the uploads lead to."""

from decimal import Decimal

from lab_lib import transactions
from lab_lib.aws import buckets, tables
from lab_lib.checks.expected import Fault, Item, Row, address_faults, row_faults, total_faults
from lab_lib.checks.rules import Account, Finding, check, judged, listing, none_of, number, waits_for
from lab_lib.checks.uploads import due, files, once, read_all, taken
from lab_lib.resources import cell


@check("05", "upload", "upload", after="bucket")
def upload(account: Account) -> Finding:
    keys = [each["Key"] for each in account.ask(buckets.uploads)]
    found = taken(account)
    hint = f"Upload transactions.txt to the bucket {account.lab.bucket}{_upload_again(account)}"
    if keys and not found:
        hint += f" The trigger takes only keys that fit its filter, and {keys[-1]} does not."
    return judged(bool(found), listing(found or keys), "a transactions file", hint)


@check("05", "readable-uploads", "readable uploads", after="upload")
def readable(account: Account) -> Finding:
    """Each upload is a transactions file: not a picture, and not saved as UTF-16 by a spreadsheet. One has a row."""
    read = read_all(account)
    hint = "Save the file as UTF-8 text with the header and | between the fields, and upload it again, or delete it."
    if faults := [found for found in read.values() if isinstance(found, str)]:
        return none_of(faults, hint)
    _raise_unread(account)
    if not files(account):
        hint = f"Upload a file with a good row, such as transactions.txt{_upload_again(account)}"
        return none_of([f"no good row in {listing(read)}"], hint)
    found = [
        f"{key}: {number(file.good, 'row')}" for key, file in read.items() if isinstance(file, transactions.Recount)
    ]
    older = len(taken(account)) - len(read)
    more = f"; {number(older, 'older upload')} not read" if older else ""
    return judged(True, listing(found) + more, "transactions files", hint)


@check("05", "rows", "rows in Transactions", after="upload table-Transactions key-Transactions", weight=3)
def rows(account: Account) -> Finding:
    if not files(account):
        _raise_unread(account)
        return waits_for("readable-uploads", "readable uploads")
    wanted, missing = len(due(account).amounts), sorted(each.key for each in _row_faults(account) if not each.attribute)
    counted, name = f"{wanted - len(missing)} of {wanted}", account.lab.name("TransactionProcessor")
    hint = f"{name} has left out these rows, or ended too early: its log says why. Correct it, then upload the file "
    if len(missing) == wanted:
        hint = f"{name} has not taken in the file: see to its checks of steps 01 and 02. Then upload the file "
    found = f"{counted}, without {listing(missing)}" if missing else counted
    return judged(not missing, found, f"all {wanted}", f"{hint}once more{_upload_again(account)}")


@check("05", "amounts", "amounts in Transactions", after="rows")
def amounts(account: Account) -> Finding:
    """Each item has its amount as a number."""
    wrong = [row for row, item in _held(account).items() if not isinstance(item.get("TransactionAmount"), Decimal)]
    name = account.lab.name("Transactions")
    hint = f"TransactionAmount must be a Number in each item of {name}. Correct or delete these items"
    hint += account.mend("put_item or delete_item")
    return none_of((f"{' '.join(row)} has no number" for row in wrong), hint, right="all numbers")


@check("05", "contents", "contents of Transactions", after="amounts")
def contents(account: Account) -> Finding:
    """Each row of the uploads has the amount and the day of its file. Of two files, the later one counts.

    Items that no file names are not judged: somebody may add one by hand.
    """
    faults, name = _row_faults(account), account.lab.name("TransactionProcessor")
    wrong = {fault.attribute for fault in faults}
    cause = "TransactionAmount as the file has it, cents too" if "TransactionAmount" in wrong else ""
    hint = f"{name} must write {cause or 'TransactionDate as the file has it'}. Correct it, then upload the file "
    hint += "once more. If you changed the items by hand, upload a file that has the change"
    return none_of(map(str, faults), hint + _upload_again(account), right="as in the files")


@check("05", "customers", "customers in Customer", after="rows table-Customer key-Customer")
def customers(account: Account) -> Finding:
    """Each customer of the uploads is there with the address of the last row about them."""
    held = _by_customer(account, "Customer")
    faults = list(address_faults(due(account), held))
    missing = [fault for fault in faults if not fault.attribute]
    processor, table = account.lab.name("TransactionProcessor"), account.lab.name("Customer")
    hint = f"{processor} must write customer_address as Address. Correct it, then upload the file once more"
    if missing:
        hint = f"{processor} must write each customer to {table}: its log says why it did not. Then upload the file "
        hint += "once more"
    finding = none_of(map(str, missing or faults), hint + _upload_again(account), right=listing(sorted(held)))
    return finding._replace(wanted="each with the address of its last row")


@check("05", "totals", "totals", after="amounts table-TransactionTotal key-TransactionTotal", weight=3)
def totals(account: Account) -> Finding:
    """Each total is the sum of the customer's transactions: 0 if all of them were deleted."""
    held = _by_customer(account, "TransactionTotal")
    wanted = {customer: Decimal(0) for customer, item in held.items() if "accountBalance" in item} | sums_of(account)
    faults = list(total_faults(wanted, held))
    right = listing(f"{customer} {total:f}" for customer, total in sorted(wanted.items()))
    finding = none_of(map(str, faults), _about_totals(account, faults), right)
    return finding._replace(wanted="each the sum of its transactions")


@once
def sums_of(account: Account) -> dict[str, Decimal]:
    """Return each customer's total, counted again from the table Transactions."""
    return transactions.totals(transactions.read_amounts(account.ask(tables.items, "Transactions")))


def _about_totals(account: Account, faults: list[Fault]) -> str:
    """Return the hint for totals that differ from the sums."""
    name, table = account.lab.name("TotalNotifier"), account.lab.name("TransactionTotal")
    see = f"read its log, and run {cell('stream trigger')}."
    numbers = [fault for fault in faults if isinstance(fault.found, Decimal)]
    if any(fault.attribute and not isinstance(fault.found, Decimal) for fault in faults):
        return f"{name} must keep accountBalance as a Number. Correct these items of {table}{account.mend('put_item')}"
    if len(numbers) < len(faults):
        return f"Wait a moment. If nothing changes, {name} has not added these rows up: {see}"
    if any(fault.found > fault.wanted for fault in numbers):
        hint = f"{name} has counted a change twice, or a correction without taking off the old amount. Mend it, then "
        return f"{hint}correct accountBalance in {table}{account.mend('update_item')}"
    return f"Wait a moment. If nothing changes, {name} has left changes out: {see}"


def _upload_again(account: Account) -> str:
    return account.mend("put_object", cell("upload"))


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
