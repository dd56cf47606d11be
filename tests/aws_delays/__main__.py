"""Run the lab under each of AWS's delays and under all, and write docs/delays.md. Run by `make delays`."""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.aws_delays.lengths import ALL, DELAYS, PERSONS
from tests.aws_delays.runs import COMMANDS, ROOT, Run, what_failed
from tests.bench.page import table
from tests.own_aws import own_aws

MINUTES, USAGE = (ROOT / "lab_lib" / "run" / name for name in ("minutes.json", "usage.json"))
PAGE = ROOT / "docs" / "delays.md"
TOGETHER = "all"
HEAD = """# AWS's delays

Written by `make delays`. A layer between the lab and the embedded AWS answers as late as AWS does in its first minutes.
Each line is an account of its own, with one delay, or with all at once. Only the e-mail is not among all: a run with an
address stops at step 03 until a person confirms it, and "(2)" says that the same command went through after that. The
commands are those that a user types, one after the other. ✔ is exit status 0.
"Minutes" is the time of the first `lab run` on AWS: its waits as long as AWS makes them, its computing as long as it
took here. The embedded AWS runs the functions, and AWS may be slower.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make delays", description=__doc__)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"any of {', '.join([*DELAYS, TOGETHER])}")
    parser.add_argument("--speed", type=float, default=60, help="1 is AWS's own time; 60 by default")
    options = parser.parse_args()
    lines = {name: {name: delay.seconds} for name, delay in DELAYS.items()} | {TOGETHER: ALL}
    if unknown := set(options.lines) - set(lines):
        parser.error(f"There is no line {', '.join(sorted(unknown))}; wanted any of {', '.join(lines)}.")
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
        outcomes, seconds = _outcomes(name, run)
        if name == TOGETHER and outcomes[0] == outcomes[-1] == "✔":
            MINUTES.write_text(json.dumps(run.seconds() | seconds, indent=2) + "\n", encoding="utf-8")
            USAGE.write_text(_usage(run), encoding="utf-8")
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        about = (
            [str(DELAYS[name].seconds or "–"), DELAYS[name].what]
            if name in DELAYS
            else ["", "all of these but the e-mail"]
        )
        yield [name, *about, *outcomes, f"{sum(seconds.values()) / 60:.1f}"]


def _usage(run: Run) -> str:
    """Return the text of usage.json with the requests of a run like this. What the functions do stays as it is."""
    usage = json.loads(USAGE.read_text(encoding="utf-8"))
    for notebook, used in run.usage().items():
        usage[notebook]["lab"] = used
    lines = ",\n".join(f'  "{notebook}": {json.dumps(counts)}' for notebook, counts in usage.items())
    return f"{{\n{lines}\n}}\n"


def _outcomes(name: str, run: Run) -> tuple[list[str], dict[str, int]]:
    """Return a mark for each command, and the seconds of the first run's notebooks."""
    outcomes, seconds = [], dict[str, int]()
    for command in COMMANDS:
        done = run.lab(*command)
        stopped = name in PERSONS and command[0] == "run" and done.returncode
        if stopped:  # the recipient has two minutes now
            run.wait(DELAYS[name].seconds)
            done = run.lab(*command)
        seconds = seconds or run.seconds()
        outcomes.append("✘" if done.returncode else "✔ (2)" if stopped else "✔")
        if done.returncode:
            print(f"{name}: lab {' '.join(command)}: {what_failed(done)}", file=sys.stderr, flush=True)
    return outcomes, seconds


if __name__ == "__main__":
    main()
