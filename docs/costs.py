"""Write the table of time and money into aws.md, from the files that `lab run` estimates with: `make docs`."""

import re
from pathlib import Path

from lab_lib.run import costs
from lab_lib.run.headless import notebooks

PAGE = Path(__file__).with_name("aws.md")
TABLE = re.compile(r"\| Notebook \| Minutes .*?\n(?=\n)", re.DOTALL)


def table() -> str:
    """Return the table, with a line for each notebook and one for all. Figures alone need no translation."""
    numbers = [path.stem[:2] for path in notebooks()]
    lines = ["| Notebook | Minutes | Cents |", "|---|---:|---:|", *(_row(number, [number]) for number in numbers)]
    return "\n".join([*lines, _row(f"{numbers[0]}–{numbers[-1]}", numbers)]) + "\n"


def _row(name: str, numbers: list[str]) -> str:
    return f"| {name} | {costs.minutes(numbers):.1f} | {costs.cents(numbers):.2f} |"


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
