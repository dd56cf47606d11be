"""Check step 05: the rows and totals of the uploads, counted again."""

from decimal import Decimal
from typing import Any

from lab_lib import transactions
from lab_lib.aws import buckets, tables
from lab_lib.checks.rules import Account, Finding, check, judged, listing, none_of, number, waits_for
from lab_lib.checks.uploads import files, read_all, taken
from lab_lib.resources import cell

_LONGEST = 60  # characters of an address in a finding


@check("05", "upload", "upload", after="bucket")
def upload(account: Account) -> Finding:
    keys = [each["Key"] for each in account.ask(buckets.uploads)]
    found = taken(account)
    hint = f"Upload transactions.txt to the bucket {account.lab.bucket}{_upload_again(account)}"
    if keys and not found:
        hint += f" The trigger takes only keys that fit its filter, and {keys[-1]} does not."
    return judged(bool(found), ", ".join(found or keys) or "none", "a transactions file", hint)


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
    return judged(True, listing(found), "transactions files", hint)


@check("05", "rows", "rows in Transactions", after="upload table-Transactions key-Transactions", weight=3)
def rows(account: Account) -> Finding:
    if not files(account):
        _raise_unread(account)
        return waits_for("readable-uploads", "readable uploads")
    wanted = {key for file in files(account) for key in file.amounts}
    missing = wanted - _held(account).keys()
    counted, name = f"{len(wanted) - len(missing)} of {len(wanted)}", account.lab.name("TransactionProcessor")
    named = listing(f"{customer} {transaction}" for customer, transaction in sorted(missing))
    hint = f"{name} has left out these rows, or ended too early: its log says why. Correct it, then upload the file "
    if missing == wanted:
        hint = f"{name} has not taken in the file: see to its checks of steps 01 and 02. Then upload the file "
    hint += f"once more{_upload_again(account)}"
    return judged(not missing, f"{counted}, without {named}" if missing else counted, f"all {len(wanted)}", hint)


@check("05", "amounts", "amounts in Transactions", after="rows")
def amounts(account: Account) -> Finding:
    """Each item has its amount as a number."""
    found = account.ask(tables.items, "Transactions")
    wrong = [row for row in found if not isinstance(row.get("TransactionAmount"), Decimal)]
    faults = (f"{row['CustomerId']} {row['TransactionId']} has no number" for row in wrong)
    name = account.lab.name("Transactions")
    hint = f"TransactionAmount must be a Number in each item of {name}. Correct or delete these items"
    hint += account.mend("put_item or delete_item")
    return none_of(faults, hint, right="all numbers")


@check("05", "contents", "contents of Transactions", after="amounts")
def contents(account: Account) -> Finding:
    """Each row of the uploads has the amount and the day of its file. Of two files, the later one counts.

    Items that no file names are not judged: somebody may add one by hand.
    """
    held, name = _held(account), account.lab.name("TransactionProcessor")
    amounts = {row: amount for file in files(account) for row, amount in file.amounts.items()}
    days = {row: day for file in files(account) for row, day in file.days.items()}
    other = {row for row, amount in amounts.items() if held[row]["TransactionAmount"] != amount}
    shown = {row: held[row].get("TransactionDate") for row in days}
    late = {row for row, day in shown.items() if transactions.day(str(day).strip()) != days[row]}
    faults = [f"{' '.join(row)} is {held[row]['TransactionAmount']:f}, not {amounts[row]:f}" for row in other]
    faults += [f"{' '.join(row)} has the date {shown[row]!r}, not {days[row]!r}" for row in late]
    cause = "TransactionDate as the file has it" if not other else "TransactionAmount as the file has it, cents too"
    hint = f"{name} must write {cause}. Correct it, then upload the file once more. If you changed the items by hand, "
    return none_of(faults, f"{hint}upload a file that has the change{_upload_again(account)}", right="as in the files")


@check("05", "customers", "customers in Customer", after="rows table-Customer key-Customer")
def customers(account: Account) -> Finding:
    """Each customer of the uploads is there with the address of the last row about them."""
    held = {item["CustomerId"]: item for item in account.ask(tables.items, "Customer")}
    wanted = {name: address for file in files(account) for name, address in file.addresses.items()}
    processor, table = account.lab.name("TransactionProcessor"), account.lab.name("Customer")
    if missing := wanted.keys() - held.keys():
        hint = f"{processor} must write each customer to {table}: its log says why it did not. Then upload the file "
        return none_of((f"{name} is missing" for name in missing), f"{hint}once more{_upload_again(account)}")
    found = {name: str(held[name].get("Address") or "").strip() for name in wanted}
    faults = [
        f"{name} has the Address {found[name][:_LONGEST]!r}, not {address[:_LONGEST]!r}"
        for name, address in wanted.items()
        if found[name] != address
    ]
    hint = f"{processor} must write customer_address as Address. Correct it, then upload the file once more"
    finding = none_of(faults, hint + _upload_again(account), right=listing(sorted(held)))
    return finding._replace(wanted="each with the address of its last row")


@check("05", "totals", "totals", after="amounts table-TransactionTotal key-TransactionTotal", weight=3)
def totals(account: Account) -> Finding:
    """Each total is the sum of the customer's transactions: 0 if all of them were deleted."""
    sums, held = sums_of(account), _balances(account)
    wrong = {name for name in sums.keys() | held.keys() if held.get(name, 0) != sums.get(name, 0)}
    missing = sums.keys() - held.keys()
    faults = [
        f"{name} {'missing' if name in missing else _shown(held[name])} instead of {_shown(sums.get(name, Decimal(0)))}"
        for name in wrong | missing
    ]
    right = listing(f"{name} {_shown(balance)}" for name, balance in sorted(held.items()))
    differences = [(held.get(name), sums.get(name, Decimal(0))) for name in wrong | missing]
    return none_of(faults, _about_totals(account, differences), right)._replace(
        wanted="each the sum of its transactions"
    )


def sums_of(account: Account) -> dict[str, Decimal]:
    """Return each customer's total, counted again from the table Transactions."""
    return transactions.totals(transactions.read_amounts(account.ask(tables.items, "Transactions")))


def _about_totals(account: Account, differences: list[tuple[Any, Decimal]]) -> str:
    """Return the hint for totals that differ from the sums: (what the table holds, the sum)."""
    name, table = account.lab.name("TotalNotifier"), account.lab.name("TransactionTotal")
    see = f"read its log, and run {cell('stream trigger')}."
    numbers = [(held, total) for held, total in differences if isinstance(held, Decimal)]
    if any(held is not None for held, _ in differences if not isinstance(held, Decimal)):
        return f"{name} must keep accountBalance as a Number. Correct these items of {table}{account.mend('put_item')}"
    if len(numbers) < len(differences):
        return f"Wait a moment. If nothing changes, {name} has not added these rows up: {see}"
    if any(held > total for held, total in numbers):
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


def _held(account: Account) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["CustomerId"], row["TransactionId"]): row for row in account.ask(tables.items, "Transactions")}


def _balances(account: Account) -> dict[str, Any]:
    return {item["CustomerId"]: item.get("accountBalance", 0) for item in account.ask(tables.items, "TransactionTotal")}


def _shown(balance: Any) -> str:
    """Return the balance as a number, or in quotes if it is text in the table."""
    return f"{balance:f}" if isinstance(balance, Decimal) else repr(balance)
