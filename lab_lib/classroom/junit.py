"""Write checks as JUnit XML, which the test reports of Jenkins, GitLab and others read."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from lab_lib.checks.reports import read
from lab_lib.checks.rules import State
from lab_lib.private_files import make_folder, write_file

# The element for a state; that of one which is wrong, or waits for AWS, is a failure.
_ELEMENTS = {State.CANNOT_SEE: "error", State.COULD_BE: "skipped"}
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0
Case = tuple[str, str, str, str, str]  # step, name, the element or "", its message, its text


def write(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write a test suite for each of these records, which have a name, checks and maybe more: see gradebook.py."""
    root = Element("testsuites")
    for record in records:
        _add_suite(root, record)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    make_folder(path.parent)
    write_file(path, ElementTree.tostring(root, "utf-8", xml_declaration=True).decode() + "\n")


def _add_suite(root: Element, record: dict[str, Any]) -> None:
    cases = list(_cases(record))
    count = {f"{kind}s": sum(case[2] == kind for case in cases) for kind in ("failure", "error")}
    count |= {"tests": len(cases), "skipped": sum(case[2] == "skipped" for case in cases)}
    numbers = {name: str(number) for name, number in count.items()}
    seconds = f"{record.get('seconds', 0):.3f}"
    suite = SubElement(root, "testsuite", {"name": _legal(record["name"]), **numbers, "time": seconds})
    for step, name, element, message, text in cases:
        case = SubElement(suite, "testcase", {"classname": _legal(step), "name": _legal(name), "time": "0"})
        if element:
            SubElement(case, element, {"message": _legal(message)}).text = _legal(text)


def _cases(record: dict[str, Any]) -> Iterable[Case]:
    for each in record["checks"]:
        check = read(each)
        element = "" if check.ok else "skipped" if check.is_behind else _ELEMENTS.get(check.state, "failure")
        yield check.step, check.id, element, "" if check.ok else check.said, "" if check.ok else check.hint
    for each in record.get("answers") or []:
        yield "exercises", each["question"], "" if each["right"] else "failure", "not right yet", ""
    for each in record.get("trial") or []:
        yield "function", each["case"], "" if each["state"] == "passed" else "failure", each["state"], ""
    if not record["checks"]:
        yield "lab", "graded", "error", f"not graded: {record['state']}", record["error"] or ""


def _legal(text: object) -> str:
    return _FORBIDDEN.sub("\ufffd", str(text))
