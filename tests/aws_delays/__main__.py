"""Run the lab under each of AWS's delays and under all, and write docs/delays.md. Run by `make delays`."""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.aws_delays.behaviours import ALL, DELAYS, USUAL
from tests.aws_delays.runs import ALONE, COMMANDS, ROOT, Run
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
`no-bucket` never ends: a run has to stop there, and to say why in one line.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make delays", description=__doc__)
    names = [name for name in DELAYS if name != "e-mail"] + [TOGETHER]
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"any of {', '.join(names)}")
    parser.add_argument("--speed", type=float, default=60, help="1 is AWS's own time; 60 by default")
    options = parser.parse_args()
    wanted = options.lines or names
    accounts = itertools.count(500_000_000_001 + 1000 * os.getpid())  # a second `make delays` has others
    with own_aws("delays") as home:

        def tried_alone(name: str) -> list[str]:
            return _alone(name, home / name, str(next(accounts)), options.speed)

        with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
            alone = list(side_by_side.map(tried_alone, [name for name in wanted if name != TOGETHER]))
        together = [_together(home, str(next(accounts)), options.speed)] if TOGETHER in wanted else []
        if together and "✘" not in together[0]:
            estimate(Run(home / "usual", str(next(accounts)), USUAL, options.speed))
    text = "\n\n".join(
        table([*about, *(f"`lab {' '.join(command)}`" for command in commands), "Minutes"], rows)
        for about, commands, rows in (
            (["Delay", "Seconds", "What AWS does", "Where from"], ALONE, alone),
            (["Delay"], COMMANDS, together),
        )
        if rows
    )
    print(text)
    if not options.lines:
        PAGE.write_text(f"{HEAD}\n{text}\n", encoding="utf-8")


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _alone(name: str, folder: Path, account: str, speed: float) -> list[str]:
    """Return the row of a delay: what it is, whether each command succeeded, the minutes of a run."""
    delay = DELAYS[name]
    outcomes, seconds = _outcomes(Run(folder, account, {name: delay.seconds}, speed), ALONE)
    return [name, str(delay.seconds or "–"), delay.what, delay.source, *outcomes, _minutes(seconds)]


def _together(home: Path, account: str, speed: float) -> list[str]:
    """Return the row of all delays at once."""
    outcomes, seconds = _outcomes(Run(home / TOGETHER, account, ALL, speed), COMMANDS)
    return [TOGETHER, *outcomes, _minutes(seconds)]


def estimate(run: Run) -> None:
    """Keep what a run of all notebooks takes and uses, as the estimate for AWS."""
    used, minutes = run.usage(), json.loads(MINUTES.read_text(encoding="utf-8"))
    MINUTES.write_text(json.dumps(minutes | run.seconds(), indent=2) + "\n", encoding="utf-8")
    usage = json.loads(USAGE.read_text(encoding="utf-8"))  # what the functions do stays as it is
    for notebook, amounts in used.items():
        usage[notebook]["lab"] = amounts
    lines = ",\n".join(f"  {json.dumps(notebook)}: {json.dumps(amounts)}" for notebook, amounts in usage.items())
    USAGE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _outcomes(run: Run, commands: Iterable[list[str]]) -> tuple[list[str], dict[str, int]]:
    """Return a mark for each command, and the seconds of the first run's notebooks."""
    outcomes, seconds, begun = [], dict[str, int](), time.monotonic()
    for command in commands:
        done = run.lab(*command)
        seconds = seconds or run.seconds()
        outcomes.append("✘" if done.returncode else "✔")
        if done.returncode:
            print(f"lab {' '.join(command)}:\n{done.stdout}{done.stderr}", file=sys.stderr, flush=True)
    print(f"{run.folder.name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return outcomes, seconds


def _minutes(seconds: dict[str, int]) -> str:
    return f"{sum(seconds.values()) / 60:.1f}"


if __name__ == "__main__":
    main()
