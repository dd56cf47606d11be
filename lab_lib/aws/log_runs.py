"""Read the runs of a function from its log: when each began and ended, what it reported, and how it failed.

Lambda begins and ends each run with a line of its own, as text or as JSON. The runs of one environment share a log
stream, one after the other, so what stands between two of these lines belongs to that run.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from lab_lib.aws import cloudwatch
from lab_lib.aws.json_text import json_object, moment
from lab_lib.lab import Lab

_ID = re.compile(r"(START|END|REPORT) RequestId: (\S+)")
_BILLED = re.compile(r"REPORT .*\tBilled Duration: ([0-9.]+) ms")
_KINDS = {"platform.initStart": "INIT", "platform.start": "START", "platform.report": "REPORT"}


@dataclass
class Run:
    """One run of a function. Times are milliseconds since 1970; `end` is None while it runs.

    `started` is the time at which Lambda began to start the function for it, None if the function was there already.
    `reports` and `error` are worked out once: they are asked for when all lines are read.
    """

    id: str
    begin: int
    started: int | None = None
    end: int | None = None
    billed: int = 0  # milliseconds
    lines: list[str] = field(default_factory=list)

    @cached_property
    def reports(self) -> list[dict[str, Any]]:
        """Return the JSON objects with which this workbook's functions report the run."""
        return cloudwatch.reports(self.lines)

    @cached_property
    def error(self) -> str:
        """Return the error that ended the run, or ""."""
        return next(reversed(cloudwatch.failures(self.lines)), "")


def read(lab: Lab, name: str, group: str, since: datetime | None = None) -> list[Run]:
    """Return the runs of a function, oldest first, as far as `cloudwatch.MOST` lines tell of them."""
    events = cloudwatch.log_events(lab, name, since, group)
    of_stream = groupby(sorted(events, key=lambda event: event["logStreamName"]), lambda event: event["logStreamName"])
    return sorted((run for _, lines in of_stream for run in parse(lines)), key=lambda run: run.begin)


def parse(lines: Iterable[dict[str, Any]]) -> list[Run]:
    """Return the runs in the lines of one log stream."""
    runs, started = list[Run](), None
    for line in lines:
        kind, id, time = _of_lambda(line)
        if kind == "INIT":
            started = time
        elif kind == "START":
            runs.append(Run(id, time, started))
            started = None
        elif runs:
            if kind in ("END", "REPORT"):
                runs[-1].end = runs[-1].end or time
            runs[-1].lines.append(line["message"])
            runs[-1].billed = runs[-1].billed or _billed(line["message"])
    return runs


def _of_lambda(line: dict[str, Any]) -> tuple[str, str, int]:
    """Return the kind of Lambda's own lines, the id of the run, and the time; the kind "" of other lines."""
    text, time = line["message"], int(line["timestamp"])
    if text.startswith("INIT_START"):
        return "INIT", "", time
    if match := _ID.match(text):
        return match[1], match[2], time
    event = json_object(text) if '"platform.' in text else {}
    told = moment(event.get("time"))
    kind, id = _KINDS.get(event.get("type", ""), ""), str((event.get("record") or {}).get("requestId", ""))
    return kind, id, int(told.timestamp() * 1000) if told else time


def _billed(text: str) -> int:
    """Return the billed milliseconds that a report tells, 0 if it is none."""
    if match := _BILLED.match(text):
        return int(float(match[1]))
    metrics = (json_object(text).get("record") or {}).get("metrics") or {} if "billedDurationMs" in text else {}
    return int(float(metrics.get("billedDurationMs") or 0))
