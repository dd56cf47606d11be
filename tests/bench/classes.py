"""Print the seconds an account of `lab class`, for several accounts at a time."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.own_aws import own_aws

LAB = Path(sys.executable).with_name("lab")
FIRST = 700_000_000_001  # account


def main():
    for jobs in (1, 2, 4):
        accounts = range(FIRST + 10 * jobs, FIRST + 10 * jobs + max(2, jobs))
        with tempfile.TemporaryDirectory() as folder:
            roster = Path(folder) / "roster.csv"
            roster.write_text("\n".join(["account,name", *(f"{account},Student {account}" for account in accounts)]))
            begun = time.monotonic()
            command = [LAB, "class", roster, "--out", f"{folder}/class", f"--jobs={jobs}"]
            subprocess.run(command, check=True, capture_output=True)
        print(f"{jobs} at a time: {(time.monotonic() - begun) / len(accounts):.1f} s", flush=True)


if __name__ == "__main__":
    with own_aws("bench"):
        main()
