"""Run the lab under each of AWS's delays and under all, and write docs/delays.md. Run by `make delays`."""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.aws_delays.lengths import ALL, DELAYS
from tests.aws_delays.runs import COMMANDS, ROOT, Run
from tests.bench.page import table
from tests.own_aws import own_aws

MINUTES, USAGE = (ROOT / "lab_lib" / "run" / name for name in ("minutes.json", "usage.json"))
PAGE = ROOT / "docs" / "delays.md"
TOGETHER = "all"
HEAD = """# AWS's delays

Written by `make delays`. A layer between the lab and the embedded AWS answers as late as AWS does in its first minutes.
Each line is an account of its own, with one delay, or with all at once. The commands are those that a user types, one
after the other. ✔ is exit status 0. "Minutes" is the time of the first `lab run` on AWS: its waits as long as AWS makes
them, its computing as long as it took here. The embedded AWS runs the functions, and AWS may be slower.

A subscription by e-mail is pending until a person confirms it: a run with an address stops at step 03 until then.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make delays", description=__doc__)
    lines = {name: {name: seconds} for name, seconds in ALL.items()} | {TOGETHER: ALL}
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"any of {', '.join(lines)}")
    parser.add_argument("--speed", type=float, default=60, help="1 is AWS's own time; 60 by default")
    options = parser.parse_args()
    with own_aws("delays") as home:
        rows = list(_rows(home, {name: lines[name] for name in options.lines or lines}, options.speed))
    commands = [f"`lab {' '.join(command)}`" for command in COMMANDS]
    text = table(["Delay", "Seconds", "What AWS does", *commands, "Minutes"], rows)
    print(text)
    if not options.lines:
        PAGE.write_text(f"{HEAD}\n{text}\n", encoding="utf-8")


def _rows(home: Path, lines: dict[str, dict[str, float]], speed: float) -> Iterator[list[str]]:
    """Yield a row of the table for each line: the delay, whether each command succeeded, the minutes of a run."""
    accounts = itertools.count(500_000_000_001)
    for name, lengths in lines.items():
        begun = time.monotonic()
        run = Run(home / name, str(next(accounts)), lengths, speed)
        outcomes, seconds = _outcomes(run)
        if name == TOGETHER and outcomes[0] == outcomes[-1] == "✔":
            MINUTES.write_text(json.dumps(run.seconds() | seconds, indent=2) + "\n", encoding="utf-8")
            usage = json.loads(USAGE.read_text(encoding="utf-8"))  # what the functions do stays as it is
            for notebook, used in run.usage().items():
                usage[notebook]["lab"] = used
            USAGE.write_text(json.dumps(usage, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        about = [str(DELAYS[name].seconds or "–"), DELAYS[name].what] if name in DELAYS else ["", "all of these"]
        yield [name, *about, *outcomes, f"{sum(seconds.values()) / 60:.1f}"]


def _outcomes(run: Run) -> tuple[list[str], dict[str, int]]:
    """Return a mark for each command, and the seconds of the first run's notebooks."""
    outcomes, seconds = [], dict[str, int]()
    for command in COMMANDS:
        done = run.lab(*command)
        seconds = seconds or run.seconds()
        outcomes.append("✘" if done.returncode else "✔")
        if done.returncode:
            print(f"lab {' '.join(command)}:\n{done.stdout}{done.stderr}", file=sys.stderr, flush=True)
    return outcomes, seconds


if __name__ == "__main__":
    main()
