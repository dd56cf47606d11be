"""Tell which files outgrow one call of TransactionProcessor, and refuse those that outgrow the machine too.

The machine writes a file in parts. All rows of a customer are in one part, so their order stays.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import functions
from lab_lib.errors import UsageError
from lab_lib.handlers.large_file_processor import parts
from lab_lib.language import N_, _, ngettext
from lab_lib.private_files import open_file


@dataclass(frozen=True)
class LargeFile:
    """A file that one call cannot write, and the number of its parts."""

    path: Path
    rows: int
    parts: int

    @property
    def key(self) -> str:
        """Return the key of its object, for which no trigger starts a function."""
        return f"large/{self.path.stem}.csv"

    def __str__(self) -> str:
        told = N_(
            "{file.path.name} has {file.rows:,} rows, and a call of TransactionProcessor writes {most:,}. In the place "
            "of notebook 05, a state machine writes them in {parts}. Notebook 06 is not run."
        )
        in_parts = ngettext("{count:,} part", "{count:,} parts", self.parts)
        return _(told, file=self, most=functions.MOST_ROWS, parts=in_parts)


def find(path: Path, progress: Callable[[int, int], None] = lambda read, of: None) -> LargeFile | None:
    """Return the file if it needs the machine; None if it needs none, or is not there. The `progress` is in bytes.

    UsageError if the machine cannot take it in either.
    """
    lines = _lines(path)  # far quicker than to read the rows
    if lines <= functions.MOST_ROWS:
        return None
    if lines > parts.MOST_ROWS:
        raise UsageError(f"{path} has about {lines:,} rows; wanted at most {parts.MOST_ROWS:,}. Split it.")
    size = path.stat().st_size
    preview = transactions.preview(path, lambda read: progress(read, size))
    if preview.rows <= functions.MOST_ROWS:
        return None
    file = LargeFile(path, preview.rows, parts.parts_for(preview.rows))
    _check_parts(file, preview.customers)
    return file


def _lines(path: Path) -> int:
    """Return how many lines a file has, however they end; 0 if it cannot be read, as the run itself will say."""
    ends = Counter[bytes]()
    with suppress(OSError), open_file(path) as stream:
        while block := stream.read(1 << 20):
            ends.update({end: block.count(end) for end in (b"\n", b"\r")})
    return max(ends.values(), default=0)


def _check_parts(file: LargeFile, customers: Counter[str]) -> None:
    """Raise UsageError if a part has more rows than a call writes."""
    of_parts = Counter[int]()
    for customer, count in customers.items():
        of_parts[parts.part_of(customer, file.parts)] += count
    [(part, count)] = of_parts.most_common(1) or [(0, 0)]  # of a file without a good row
    if count > functions.MOST_ROWS:
        named = {name: rows for name, rows in customers.items() if parts.part_of(name, file.parts) == part}
        most = max(named, key=named.__getitem__)
        raise UsageError(
            f"{file.path} has a part of {count:,} rows, {named[most]:,} of them of the customer {most}, and a call "
            f"writes {functions.MOST_ROWS:,}. All rows of a customer are in one part. Split the file."
        )
