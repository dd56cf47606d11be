"""Check step 05: the rows, addresses and totals that the uploads lead to."""

from decimal import Decimal

from lab_lib import transactions
from lab_lib.aws import buckets, tables
from lab_lib.checks.causes import OBJECTS, WRITE, by_upload, correct_code, fix_chain
from lab_lib.checks.expected import Fault, Item, Row, address_faults, row_faults, total_faults
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, fitting_key
from lab_lib.checks.rules import Account, Finding, check, judged, none_of, waits_for
from lab_lib.checks.uploads import due, files, once, read_all, taken
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import listing
from lab_lib.resources import CHANGES, ROWS, TOTALS

_ITEMS = N_("Explore items")  # in the console of DynamoDB


@check("05", "upload", "upload", after="bucket", of="upload")
def upload(account: Account) -> Finding:
    keys = [item["Key"] for item in account.ask(buckets.uploads)]
    fitting = taken(account)
    hint = by_upload(account, _("Upload transactions.txt to the bucket {bucket}", bucket=account.lab.bucket))
    if keys and not fitting:
        hint = _(
            "{hint} The trigger takes only keys that fit its filter, and {key} does not: name the object {fitting}, "
            "for instance.",
            hint=hint,
            key=keys[-1],
            fitting=fitting_key(account, "transactions"),
        )
    return judged(fitting, listing(fitting or keys), _("a transactions file"), hint)


@check("05", "readable-uploads", "readable uploads", after="upload")
def readable(account: Account) -> Finding:
    """Each upload is a transactions file: not a picture, and not saved as UTF-16 by a spreadsheet. One has a row."""
    read = read_all(account)
    hint = _(
        "Save the file as UTF-8 text with the header and | between the fields, and upload it again under its key. Or "
        "delete the object"
    )
    hint = account.how_to_fix(hint, N_("put_object or delete_object"), OBJECTS)
    if faults := [text for text in read.values() if isinstance(text, str)]:
        return none_of(faults, hint, wanted=_("transactions files"))
    _raise_unread(account)
    if not files(account):
        hint = by_upload(account, N_("Upload a file with a good row, such as transactions.txt"))
        return judged(False, _("no good row in {files}", files=listing(read)), _("a file with a good row"), hint)
    good = {key: file.good for key, file in read.items() if isinstance(file, transactions.Recount)}
    rows = (ngettext("{key}: {count:,} row", "{key}: {count:,} rows", count, key=key) for key, count in good.items())
    found = listing(rows)
    if older := len(taken(account)) - len(read):
        found = ngettext(
            "{files}; {count:,} older upload not read", "{files}; {count:,} older uploads not read", older, files=found
        )
    return judged(True, found, _("transactions files"), hint)


@check("05", "rows", "rows in Transactions", after="upload table-Transactions key-Transactions", weight=3)
def rows(account: Account) -> Finding:
    if not files(account):
        _raise_unread(account)
        return waits_for("readable-uploads", _("readable uploads"))
    wanted = len(due(account).amounts)
    missing = sorted(fault.key for fault in _row_faults(account) if not fault.attribute)
    arrived = _("{count} of {wanted}", count=wanted - len(missing), wanted=wanted)
    if missing:
        arrived = _("{arrived}, without {missing}", arrived=arrived, missing=listing(missing))
    hint = _write_again(account) if missing else by_upload(account)
    return judged(not missing, arrived, _("all {wanted}", wanted=wanted), hint)


@check("05", "amounts", "amounts in Transactions", after="rows")
def amounts(account: Account) -> Finding:
    """Each item has its amount as a number."""
    wrong = [row for row, item in _held(account).items() if not isinstance(item.get("TransactionAmount"), Decimal)]
    if by_hand := [row for row in wrong if row not in due(account).amounts]:
        named = listing(map(" ".join, by_hand))
        hint = _("{rows}: in no upload. Make TransactionAmount a Number, or delete the item", rows=named)
        hint = account.how_to_fix(hint, N_("put_item or delete_item"), _ITEMS)
    else:
        hint = _write_again(account) if wrong else by_upload(account)
    return none_of((_("{row} has no number", row=" ".join(row)) for row in wrong), hint, right=_("all numbers"))


@check("05", "contents", "contents of Transactions", after="amounts")
def contents(account: Account) -> Finding:
    """Each row of the uploads has the amount and the day of its file. Of two files, the later one counts.

    Items that no file names are not judged: somebody may add one by hand.
    """
    faults = _row_faults(account)
    hint = by_upload(account)
    if faults:
        hint = _write_again(account)
        hint = _("{hint} To keep what you changed by hand, upload a file that has the change instead.", hint=hint)
    return none_of(map(str, faults), hint, right=_("as in the files"))


@check("05", "customers", "customers in Customer", after="rows table-Customer key-Customer")
def customers(account: Account) -> Finding:
    """Each customer of the uploads is there with the address of the last row about them."""
    held = _by_customer(account, "Customer")
    faults = list(address_faults(due(account), held))
    missing = [fault for fault in faults if not fault.attribute]
    hint = _write_again(account) if faults else by_upload(account)
    wanted = _("each with the address of its last row")
    return none_of(map(str, missing or faults), hint, listing(sorted(held)), wanted)


@check("05", "totals", "totals", after="amounts table-TransactionTotal key-TransactionTotal", weight=3)
def totals(account: Account) -> Finding:
    """Each total is the sum of the customer's transactions: 0 if all of them were deleted."""
    held = _by_customer(account, "TransactionTotal")
    wanted = {customer: Decimal(0) for customer, item in held.items() if "accountBalance" in item} | sums_of(account)
    faults = list(total_faults(wanted, held))
    right = listing(f"{customer} {total:f}" for customer, total in sorted(wanted.items()))
    hint = _about_totals(account, faults) if faults else by_upload(account)
    return none_of(map(str, faults), hint, right, wanted=_("each the sum of its transactions"))


@once
def sums_of(account: Account) -> dict[str, Decimal]:
    """Return each customer's total, counted again from the table Transactions."""
    return transactions.totals(transactions.read_amounts(account.ask(tables.items, "Transactions")))


def _about_totals(account: Account, faults: list[Fault]) -> str:
    """Return the hint for totals that differ from the sums. Changes may still be on their way."""
    right = listing(f"{fault.key} {fault.wanted:f}" for fault in faults)
    hint = _(
        "Wait a moment, since changes may be on their way. If a total stays wrong, set accountBalance in {table} to "
        "the sum, as a Number ({right})",
        table=account.name("TransactionTotal"),
        right=right,
    )
    repair = account.how_to_fix(hint, "update_item", _ITEMS)
    so_that = N_(" so that a change counts once, and a correction as the difference")
    code = correct_code(account, NOTIFIER, so_that, first=N_("If that happens again, correct"))
    fix = fix_chain(account, NOTIFIER, CHANGES, TOTALS)
    return f"{fix} {repair}" if fix else f"{repair} {code}"


def _write_again(account: Account) -> str:
    """Return the hint for items that TransactionProcessor must write or correct: an upload writes all anew."""
    again = by_upload(account, N_("Upload the file once more, which writes all its items anew"))
    if fix := fix_chain(account, PROCESSOR, ROWS):
        return f"{fix} {again}"
    code = correct_code(account, PROCESSOR, WRITE, first=N_("If nothing changes, correct"))
    return f"{again} {code}"


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
