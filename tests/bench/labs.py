"""A lab in an account of its own, and a file that goes through its chain."""

import io
import itertools

from lab_lib.aws import buckets, functions
from lab_lib.calls.waiting import wait_until
from lab_lib.checks.evidence import at_rest
from lab_lib.lab import LONGEST_TIMEOUT, open_lab
from tests.bench.rows import write
from tests.lab.chains import Chain

ACCOUNTS = map(str, itertools.count(700_000_000_001))


def build():
    """Build a lab whose functions have all the time there is."""
    lab = Chain(open_lab(account=next(ACCOUNTS))).build().lab
    for name in functions.SOURCES:
        functions.ensure_function(lab, name, timeout=LONGEST_TIMEOUT)
    return lab


def take_in(lab, key, rows):
    """Upload a file with these rows, and wait until the chain is at rest."""
    text = io.StringIO()
    write(text, rows)
    buckets.put(lab, key, text.getvalue().encode())
    wait_until(lambda: at_rest(lab), "the chain", timeout=1800, longest_pause=0.2)
