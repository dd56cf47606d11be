"""Read the uploads of an account again, with none of the code of its functions."""

from datetime import UTC, datetime
from functools import lru_cache

from lab_lib import transactions
from lab_lib.aws import buckets
from lab_lib.checks.reading import UPLOAD, is_taken
from lab_lib.checks.rules import Account
from lab_lib.checks.upload import Expected, Snapshot, expect
from lab_lib.errors import NotATransactionsFile, is_unreachable
from lab_lib.lab import Lab

MOST = 100  # uploads that are read: the newest
once = lru_cache(maxsize=8)  # keeps what is worked out about an account for its other checks; a class checks several


def read_upload(lab: Lab, key: str) -> transactions.Recount | str | Exception:
    """Return the recount of the transactions file that an object holds, what is wrong with it, or why it is not read.

    One object that is archived, or has a key of its own, hides no other.
    """
    try:
        return transactions.recount(key, buckets.content(lab, key))
    except NotATransactionsFile as error:
        return str(error)
    except Exception as error:
        if is_unreachable(error):
            raise
        return error


@once
def read_all(account: Account) -> dict[str, transactions.Recount | str | Exception]:
    """Return the newest uploads that match a trigger, as `read_upload` reads them; all, while none can match."""
    keys = [upload["Key"] for upload in account.ask(buckets.uploads)]
    fitting = [key for key in keys if is_taken(account, key)]
    keys = fitting if fitting or is_taken(account, UPLOAD) else keys
    return {key: account.ask(read_upload, key) for key in keys[-MOST:]}


def files(account: Account) -> list[transactions.Recount]:
    """Return the transactions files with good rows, oldest first. The check of the upload tells of the others."""
    return [file for file in read_all(account).values() if isinstance(file, transactions.Recount) and file.good]


@once
def due(account: Account) -> Expected:
    """Return what the uploads must have led to, whatever stood there before."""
    return expect(Snapshot(), files(account), account.lab.threshold)


@once
def newest(account: Account) -> datetime:
    """Return the time of the last upload."""
    time: datetime = account.ask(buckets.uploads)[-1]["LastModified"]
    return time.astimezone(UTC)
