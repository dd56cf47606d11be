"""Write checks as JUnit XML, which the test reports of Jenkins, GitLab and others read."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from lab_lib.checks.reports import read
from lab_lib.checks.rules import State
from lab_lib.private_files import make_folder, write_file

# The result of a state; that of one which is wrong, or waits for AWS, is a failure.
_RESULTS = {State.CANNOT_SEE: Error, State.COULD_BE: Skipped}
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0


def write(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write a test suite for each of these records, which have a name, checks and maybe more: see gradebook.py."""
    report = JUnitXml()
    for record in records:
        suite = TestSuite(_legal(record["name"]))
        suite.add_testcases([*_cases(record)])
        report.append(suite)  # add_testsuite would join two students of one name
    report.update_statistics()
    make_folder(path.parent)
    write_file(path, f'<?xml version="1.0" encoding="utf-8"?>\n{report.tostring().decode()}\n')


def _cases(record: dict[str, Any]) -> Iterator[TestCase]:
    for entry in record["checks"]:
        check = read(entry)
        result = Skipped if check.is_behind else _RESULTS.get(check.state, Failure)
        yield _case(check.step, check.id, None if check.ok else result, check.said, check.hint)
    for answer in record.get("answers") or []:
        yield _case("exercises", answer["question"], None if answer["right"] else Failure, "not right yet")
    for tried in record.get("trial") or []:
        yield _case("function", tried["case"], None if tried["state"] == "passed" else Failure, tried["state"])
    if not record["checks"]:
        yield _case("lab", "graded", Error, f"not graded: {record['state']}", record["error"] or "")


def _case(step: str, name: str, kind: type[FinalResult] | None, message: str, hint: str = "") -> TestCase:
    case = TestCase(_legal(name), _legal(step))
    if kind:
        result = kind(_legal(message))
        result.text = _legal(hint)
        case.result = [result]
    return case


def _legal(text: object) -> str:
    return _FORBIDDEN.sub("\ufffd", str(text))
