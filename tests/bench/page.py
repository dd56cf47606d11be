"""Write docs/performance.md: a section for each line that was measured, and the others as they were."""

import os
import platform
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import psutil

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
HEAD = """# Performance

Written by `make bench`, which measures each way beside the others, on one embedded AWS. `make bench LINES=totals`
measures one section again. A figure is a median; its range is in brackets if it was measured more than once.
"""


def write(measured: dict[str, str], titles: list[str]) -> None:
    """Replace the sections, {title: text}, that were measured; `titles` are those of all sections, in order."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    kept = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=\n## |\Z)", old, re.MULTILINE | re.DOTALL))
    stamped = {title: f"{_machine()}\n\n{text}\n" for title, text in measured.items()}
    texts = kept | stamped
    sections = [f"\n## {title}\n\n{texts[title]}" for title in titles if title in texts]
    PAGE.write_text("".join([HEAD, *sections]), encoding="utf-8")


def table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def goal(wanted: str, measured: str, is_met: bool) -> str:
    return table(["Goal", "Measured", "Met"], [[wanted, measured, "yes" if is_met else "**no**"]])


def spread(values: list[float], form: str = ",.0f") -> str:
    """Return the median, and the range if there are several values."""
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}–{max(values):{form}})"


def rounds(ways: dict[str, Callable[[], float]], count: int = 3, longest: float = 20) -> dict[str, list[float]]:
    """Measure each way in turn, `count` times; only once what takes longer than `longest` seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(count):
        for name, way in ways.items():
            if sum(seconds[name]) < longest:
                seconds[name].append(way())
                print(f"  {name:24} {seconds[name][-1]:8.2f} s  ({number + 1} of {count})", file=sys.stderr, flush=True)
    return seconds


def _machine() -> str:
    information = Path("/proc/cpuinfo")
    models = re.findall("model name\\s*: (.+)", information.read_text()) if information.exists() else []
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    model = models[0] if models else platform.machine()
    return f"Measured on {date.today()}: {cores} cores ({model}), {memory:.0f} GB, Python {platform.python_version()}."
