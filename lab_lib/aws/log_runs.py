"""Read the runs of a function from its log: when each began and ended, what it reported, and how it failed.

Lambda begins and ends each run with a line of its own. The runs of one environment share a log stream, one after the
other, so what stands between two of these lines belongs to that run. A log has Lambda's text format or its JSON format.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from lab_lib.aws import cloudwatch
from lab_lib.aws.json_text import count, json_object
from lab_lib.lab import Lab

_OF_RUN = re.compile(r"(START|END|REPORT) RequestId: (\S+)")
_IN_JSON = {"platform.start": "START", "platform.report": "REPORT"}


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
        return cloudwatch.reports(self.lines)

    @property
    def records(self) -> int:
        """Return how many records TotalNotifier reports."""
        return sum(count(report.get("records")) or 0 for report in self.reports)

    @property
    def alerted(self) -> list[Any]:
        """Return the customers of whom TotalNotifier reports an alert."""
        alerted = [report.get("alerted") for report in self.reports]
        return [customer for customers in alerted if isinstance(customers, list) for customer in customers]

    @cached_property
    def error(self) -> str:
        """Return the error that ended the run, or ""."""
        return next(reversed(cloudwatch.failures(self.lines)), "")


def read(lab: Lab, name: str, group: str, since: datetime | None = None) -> list[Run]:
    """Return the runs of a function, oldest first, as far as `cloudwatch.MOST` lines tell of them."""
    events = cloudwatch.log_events(lab, name, since, group)
    stream = itemgetter("logStreamName")
    of_stream = groupby(sorted(events, key=stream), stream)
    return sorted((run for _, lines in of_stream for run in parse(lines)), key=attrgetter("begin"))


def parse(lines: Iterable[dict[str, Any]]) -> list[Run]:
    """Return the runs in the lines of one log stream."""
    runs = list[Run]()
    for line in lines:
        message, time = line["message"], int(line["timestamp"])
        kind, run = _read_own_line(message)
        if kind == "START":
            runs.append(Run(run, time))
        elif runs:
            runs[-1].lines.append(message)
            if kind:
                runs[-1].end = runs[-1].end or time
    return runs


def _read_own_line(message: str) -> tuple[str, str]:
    """Return what a line of Lambda tells, such as START, and the id of its run; "" for a line of a function."""
    if match := _OF_RUN.match(message):
        return match[1], match[2]
    entry = json_object(message)
    record = entry.get("record")
    if not isinstance(record, dict):
        return "", ""
    return _IN_JSON.get(str(entry.get("type")), ""), str(record.get("requestId"))
