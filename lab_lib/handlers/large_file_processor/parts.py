"""How a large transactions file is cut into parts. Calls no AWS service.

All rows of a customer are in one part, in the order of the file. So the last row of a transaction
counts, and the last address of a customer, whichever part is written first.
"""

import csv
import hashlib
import heapq
import io
import math
import zlib

# A part is written in five minutes, at 500 rows a second: a third of what a call has time for.
ROWS_A_PART = 145_000
# Each call reads the whole object, and skips what is not its own: for so many rows in two minutes.
MOST_ROWS = 100_000_000
SAMPLE = 65_536  # bytes, of the beginning of a file
MOST_PARTS = 1_000  # their reports must fit into 256 KiB, the most that a state may hand on


def part_of(customer, parts):
    """Return the number of the part, from 0 on, that all rows of this customer are in."""
    return zlib.crc32(customer.encode(errors="replace")) % parts


def parts_for(rows):
    """Return how many parts a file of so many rows needs."""
    return max(math.ceil(rows / ROWS_A_PART), 1)


def rows_in(size, sample):
    """Return about how many rows a file of so many bytes has, by the lines at its beginning."""
    return math.ceil(size * max(sample.count(b"\n"), 1) / max(len(sample), 1))


def mark_of(bucket, key, etag, last_modified):
    """Return a name for this upload. Another one has another name, also with the same content."""
    text = "\n".join([bucket, key, etag, last_modified.strftime("%Y-%m-%dT%H:%M:%SZ")])
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def place(key, part):
    """Return the key under whose name the rejected lines of a part are kept until the end."""
    return f"{key} part {part}"


def first_lines(tables, most):
    """Return the first rejected lines (number, reason, text) of the tables of all parts."""
    kept = []
    for table in tables:  # one after the other, since each may have megabytes
        _, *rows = csv.reader(io.StringIO(table, newline=""))
        kept = heapq.nsmallest(most, kept + [(int(number), *rest) for number, *rest in rows])
    return kept
