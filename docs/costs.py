"""Write the table of time and money into aws.md, from the files that `lab run` estimates with: `make docs`."""

import re
from pathlib import Path

from lab_lib.aws import cloudwatch
from lab_lib.run import costs
from lab_lib.run.headless import notebooks

PAGE = Path(__file__).with_name("aws.md")
TABLE = re.compile(r"\| Notebook \| Minutes .*?\n(?=\n)", re.DOTALL)
# What there is after each notebook, and what that costs if you stop there.
LEFT = {
    "00": "an empty bucket, empty tables, a queue and two roles, which cost nothing",
    "01": "two functions, which cost nothing until they run, and their logs",
    "02": "the triggers. Lambda reads the stream for free",
    "03": "the topic, which costs nothing until something is published",
    "04": "the queues, which cost nothing until they are used. Lambda does not poll them",
    "05": f"the file, the rows, and {cloudwatch.LOG_DAYS} days' logs: less than 0.1 cents a month",
    "06": "what 05 has left",
    "99": "nothing",
}


def table() -> str:
    """Return the table, with a line for each notebook and one for all."""
    numbers = [path.stem[:2] for path in notebooks()]
    lines = ["| Notebook | Minutes | Cents | What is left if you stop here |", "|---|---:|---:|---|"]
    lines += [_row(number, [number], LEFT[number]) for number in numbers]
    return "\n".join([*lines, _row("all", numbers, "")]) + "\n"


def _row(name: str, numbers: list[str], left: str) -> str:
    return f"| {name} | {costs.minutes(numbers):.1f} | {costs.cents(numbers):.2f} | {left} |"


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
