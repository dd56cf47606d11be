"""Read the runs of a function from its log: when each began and ended, what it reported, and how it failed.

Lambda begins and ends each run with a line of its own. The runs of one environment share a log stream, one after the
other, so what stands between two of these lines belongs to that run. Logs in Lambda's JSON format are not read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from lab_lib.aws import cloudwatch
from lab_lib.aws.json_text import count, json_object
from lab_lib.lab import Lab

_OF_RUN = re.compile(r"(START|END|REPORT) RequestId: (\S+)")
# An error that is raised or logged, a timeout, or an exit. The embedded AWS has a traceback only.
_FAILURE = re.compile(
    r"^\[ERROR\]\s+(?:\S+Z\t\S*\t)?(.+)(?:\nTraceback .*)?"
    r"|^\S+Z \S+ (Task timed out after [0-9.]+ seconds)$"
    r"|^RequestId: \S+ Error: (Runtime exited .*)"
    r"|^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(.+)",
    re.MULTILINE,
)


@dataclass
class Run:
    """One run of a function. Times are milliseconds since 1970; `end` is None while it runs.

    `reports` and `error` are worked out once: they are asked for when all lines are read.
    """

    id: str
    begin: int
    end: int | None = None
    lines: list[str] = field(default_factory=list)

    @cached_property
    def reports(self) -> list[dict[str, Any]]:
        """Return the JSON objects with which this workbook's functions report the run."""
        reports = []
        for line in self.lines:
            report = json_object(line)
            is_of_notifier = isinstance(report.get("records"), int)
            is_of_processor = isinstance(report.get("key"), str)
            if is_of_notifier or is_of_processor:
                reports.append(report)
        return reports

    @property
    def records(self) -> int:
        """Return how many records TotalNotifier reports."""
        return sum(count(report.get("records")) or 0 for report in self.reports)

    @property
    def alerted(self) -> list[Any]:
        """Return the customers of whom TotalNotifier reports an alert."""
        customers = []
        for report in self.reports:
            alerted = report.get("alerted")
            if isinstance(alerted, list):
                customers.extend(alerted)
        return customers

    @cached_property
    def error(self) -> str:
        """Return the last error of the run, such as "KeyError: 'amount'", or ""."""
        failures = _FAILURE.findall("\n".join(self.lines))
        errors = ["".join(groups) for groups in failures]  # one group has the error, the others are empty
        return errors[-1] if errors else ""


def read(lab: Lab, group: str, since: datetime | None = None) -> list[Run]:
    """Return the runs in a function's log group, oldest first, as far as `cloudwatch.MOST` lines tell of them."""
    return parse(cloudwatch.log_lines(lab, group, since))


def parse(lines: Iterable[dict[str, Any]]) -> list[Run]:
    """Return the runs in the lines of a log, oldest first."""
    runs = []
    last = {}  # the run of each stream
    for line in lines:
        message = line["message"]
        time = int(line["timestamp"])
        stream = line["logStreamName"]
        marker = _OF_RUN.match(message)
        if marker and marker[1] == "START":
            run = Run(marker[2], time)
            last[stream] = run
            runs.append(run)
        elif stream in last:
            run = last[stream]
            run.lines.append(message)
            if marker:  # END or REPORT: the first of them counts
                run.end = run.end or time
    return runs
