"""The peak memory of the function TransactionProcessor, for files of several sizes."""

import re
import sys
import tempfile
from pathlib import Path

import psutil

from lab_lib import transactions
from lab_lib.aws import cloudwatch, triggers
from lab_lib.embedded import server
from lab_lib.waiting import wait_until
from tests.bench import chain, page

MEGABYTES, ROWS = [1, 4, 16], 19_600  # rows of a file of 1 MB
FUNCTION = "TransactionProcessor"
MOST = 1.1  # times the memory for the smallest file


def measure():
    """Return the section's text."""
    peaks = [peak(size) for size in MEGABYTES]
    found = peaks[-1] / peaks[0]
    goal = f"flat: at most {MOST} times the memory at {MEGABYTES[-1]} MB", f"{found:.2f}", found <= MOST
    text = "Resident memory of the process, boto3 included. The trigger of the stream is off."
    return "\n\n".join(
        [
            page.table(
                ["File", "Peak"],
                [(f"{size} MB", f"{each:.0f} MB") for size, each in zip(MEGABYTES, peaks, strict=True)],
            ),
            text,
            page.goals(goal),
        ]
    )


def peak(size):
    with tempfile.TemporaryDirectory() as folder, chain.built() as built:
        triggers.switch_stream_triggers([built.lab], on=False)
        before = cloudwatch.runs(cloudwatch.log_lines(built.lab, FUNCTION))
        with (path := Path(folder, "large.txt")).open("w") as stream:
            transactions.write(stream, transactions.make_up(size * ROWS, 200))
        built.lab.client("s3").upload_file(str(path), built.lab.bucket, path.name)

        def ended():
            return cloudwatch.runs(cloudwatch.log_lines(built.lab, FUNCTION)) > before

        wait_until(ended, f"a file of {size} MB", timeout=900, say_after=900)
        found = resident(FUNCTION)
    print(f"  {size:3} MB: {found:.0f} MB", file=sys.stderr)
    return found


def resident(function):
    """Return the largest resident memory, in MB, that the process of this function has had."""
    workers = psutil.Process(server.running().pid).children()
    worker = next(each for each in workers if f"-{function}-" in " ".join(each.cmdline()))
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{worker.pid}/status").read_text())[1]) / 1024
