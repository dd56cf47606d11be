"""Judge a learner's function, as `lab try` does: by what the account holds after each case."""

import ast
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from lab_lib.checks.function_code import parsed
from lab_lib.errors import LabError, StepMissing, UsageError, is_unreachable
from lab_lib.exercises.bench import Bench, OutOfTime
from lab_lib.exercises.cases import CASES, Case, many_records
from lab_lib.html_tables import GREEN, GREY, RED, badge, table
from lab_lib.lab import Lab, open_another
from lab_lib.private_files import read_file

HANDLER = "lambda_handler"
_MOST_SLOW = 2  # cases that take too long; then the others are not tried
_MOST_CRASHES = 20
_LONGEST = 12  # seconds for all small cases together
_TOO_LATE = "took too long, with the cases before it"
_LONGEST_FOUND = 1_000  # characters
_MARKS = {"passed": "✔", "not yet": "✘", "not tried": "–"}
_COLOURS = {"passed": GREEN, "not yet": RED, "not tried": GREY}


@dataclass(frozen=True)
class Result:
    """The result of a case. Its state is passed, not yet or not tried."""

    case: Case
    state: str
    found: str = ""
    is_slow: bool = False

    @property
    def mark(self) -> str:
        """Return a sign and the state, for readers who do not see its colour."""
        return f"{_MARKS[self.state]} {self.state}"

    @property
    def wanted(self) -> str:
        """Return what the account should hold."""
        return f"{self.case.wanted}{', or more' if self.case.crashes else ''}"


@dataclass(frozen=True)
class Report:
    """Results, shown as a table."""

    results: list[Result]

    @property
    def passed(self) -> bool:
        """Return True if the function has passed all cases."""
        return all(result.state == "passed" for result in self.results)

    @property
    def summary(self) -> str:
        """Return the number of cases passed, and why others were not tried."""
        count = sum(result.state == "passed" for result in self.results)
        ended = any(result.state == "not tried" for result in self.results)
        why = f" {_MOST_SLOW} cases took too long, so the others were not tried." if ended else ""
        return f"Passed: {count} of {len(self.results)}.{why}"

    def __repr__(self) -> str:
        lines = []
        for result in self.results:
            lines.append(f"{result.mark:11}  {result.case.name}: {result.case.sentence}")
            if result.state == "not yet":
                lines += [f"{'':13}expected: {result.wanted}", f"{'':13}found:    {result.found}"]
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        rows = [
            (
                badge(result.mark, _COLOURS[result.state]),
                f"<b>{escape(result.case.name)}</b><br>{escape(result.case.sentence)}",
                escape(result.wanted),
                escape(result.found),
            )
            for result in self.results
        ]
        return f"{table(rows, ('state', 'case', 'expected', 'found'))}<p>{escape(self.summary)}</p>"


def judge(
    path: str | Path,
    large: bool = False,
    done: Callable[[Result], None] = lambda result: None,
    lab: Lab | None = None,
    patience: float = 1,
) -> Report:
    """Try the function in this file with each case, in the empty account of `lab`, by default on another embedded AWS.

    `large` adds the case of 10,000 records. `patience` multiplies the seconds that a case may take. `done` is called
    with each result as soon as it is there.
    UsageError if the file holds no function.
    """
    code, results = read(Path(path)), list[Result]()
    with nullcontext(lab) if lab else open_another() as lab:
        bench, end = Bench(lab, code), time.monotonic() + _LONGEST * patience
        for number, case in enumerate(cases(large)):
            if sum(result.is_slow for result in results) >= _MOST_SLOW:
                results.append(Result(case, "not tried"))
            else:
                results.append(_try(bench, case, f"{number:02}", end if case in CASES else math.inf, patience))
            done(results[-1])
    return Report(results)


def cases(large: bool = False) -> list[Case]:
    """Return the cases in the order in which they are tried."""
    return [*CASES, many_records()] if large else CASES


def read(path: Path) -> bytes:
    """Return the file's content, which is not run here. UsageError if it is not Python, or defines no handler."""
    code = read_file(path, bytes, "Name the file that holds your function.")
    try:
        names = {getattr(node, "name", getattr(node, "id", "")) for node in ast.walk(parsed(code))}
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise UsageError(f"{path}{line}: {error.msg}. Mend that, then try again.") from None
    if HANDLER not in names:
        raise UsageError(
            f"{path} has no {HANDLER}. Lambda calls `def {HANDLER}(event, context):`; write that function."
        )
    return code


def _try(bench: Bench, case: Case, name: str, end: float, patience: float) -> Result:
    """Try one case. Its result is "not yet" too if the function has left an account that cannot be read."""
    try:
        result = _tried(bench, case, name, end, patience)
    except Exception as error:
        if is_unreachable(error) or (isinstance(error, LabError) and not isinstance(error, StepMissing)):
            raise
        result = Result(case, "not yet", f"the account cannot be read: {type(error).__name__} {error}")
    return replace(result, found=result.found[:_LONGEST_FOUND])


def _tried(bench: Bench, case: Case, name: str, end: float, patience: float) -> Result:
    """Try one case; one that crashes, until the function was killed after each of its calls."""
    found, killed, longest = "", "", case.seconds * patience
    for call in range(1, _MOST_CRASHES + 1) if case.crashes else [0]:
        seconds = min(longest, end - time.monotonic())
        bench.begin(f"{name}-{call:02}-", seconds, kill_after=call)
        try:
            case.run(bench, bench.records)
        except OutOfTime:
            bench.holding()  # empties the queues
            why = f"did not end within {longest:g} s" if seconds == longest else _TOO_LATE
            return Result(case, "not yet", f"{killed}{why}", is_slow=True)
        holding = bench.holding()
        killed = f"killed after call {call}, {bench.killed}: " if bench.killed else ""
        found = f"{killed}{holding}"
        if not case.holds(holding):
            return Result(case, "not yet", found)
        if not bench.killed:
            break
    return Result(case, "passed", found)
