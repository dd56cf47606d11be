"""Judge a learner's function, as `lab try` does: by what the account holds after each case, which is drawn anew."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from lab_lib.calls.waiting import Line
from lab_lib.checks.documents import parsed
from lab_lib.embedded import server
from lab_lib.errors import UsageError
from lab_lib.exercises.bench import Bench
from lab_lib.exercises.cases import CASES, LARGE, Case, chosen
from lab_lib.exercises.draw import Draw
from lab_lib.exercises.results import Result, Results
from lab_lib.exercises.runner import MODULE, Runner, TooMuch, function_files
from lab_lib.exercises.short_errors import wrong_mark
from lab_lib.exercises.verdict import Fault, Story
from lab_lib.lab import Lab, lab_on
from lab_lib.language import _
from lab_lib.pages.wording import shortened
from lab_lib.workspace.private_files import read_file

HANDLER = "lambda_handler"
Accounts = Callable[[str], Lab]  # opens the empty account with this number
_MOST_SLOW = 2  # cases that take too much; then the others are not tried
_MOST_CALLS = 60  # at which the function is killed in turn; a right one makes fewer for nine records


def watch(path: str | Path, only: Iterable[str] = (), seed: str = "") -> Results:
    """Judge the function in a notebook, by default without the LARGE case. A line shows the case tried last."""
    ids = [*only] or [case.id for case in CASES if case.id != LARGE]
    with Line() as line:
        line.show(_("starting another embedded AWS") + " …")
        return judge(path, ids, seed, lambda result: line.show(f"{result.case} …"))


def judge(
    path: str | Path,
    only: Iterable[str] = (),
    seed: str = "",
    done: Callable[[Result], None] = lambda result: None,
    accounts: Accounts | None = None,
) -> Results:
    """Try the function in this file with these cases, by default all. Each try has an account of its own.

    By default the accounts are on another embedded AWS. A `seed` draws what it drew before. `done` is called with each
    result as soon as it is there. UsageError if the file holds no function, or for an unknown case.
    """
    why = _("{count} cases took too much, so the others were not tried.", count=_MOST_SLOW)
    files, results, seed = read(Path(path)), list[Result](), seed or secrets.token_hex(8)
    with ExitStack() as stack:
        runner = stack.enter_context(Runner(files))  # its program loads boto3 while the embedded AWS starts
        if not accounts:
            running = stack.enter_context(server.another())
            accounts = partial(lab_on, running.endpoint, running.secret)
        trial = _Trial(runner, seed, accounts)
        for case in chosen(only):
            is_over = sum(result.is_slow for result in results) >= _MOST_SLOW
            results.append(untried(case, why) if is_over else trial.try_case(case))
            done(results[-1])
    return Results(results, seed)


def read(path: Path) -> dict[str, bytes]:
    """Return the files of the function, this one as MODULE. Nothing is run here.

    UsageError if this one, or one that it imports, is not Python, or this one names no handler.
    """
    code = read_file(path, bytes, "Name the file that holds your function.")
    others = {file.name: read_file(file, bytes, "Move it away.") for file in function_files(path.parent)}
    for name, content in {**others, path.name: code}.items():
        if content is code or Path(name).stem.encode() in code:  # which imports it
            _require_python(path.with_name(name), content)
    if HANDLER.encode() not in code:
        raise UsageError(
            "{path} has no {name}. Lambda calls `def {name}(event, context):`; write that function.",
            path=path,
            name=HANDLER,
        )
    return {**others, MODULE: code}


def _require_python(path: Path, code: bytes) -> None:
    """Raise UsageError if this is not Python."""
    try:
        parsed(code)
    except SyntaxError as error:
        problem = _("{file}, line {line}: {error}", file=path, line=error.lineno or 1, error=error.msg)
        told = wrong_mark(error)
        raise UsageError(f"{path}{_(': ')}{told}" if told else problem) from None


def untried(case: Case, why: str) -> Result:
    """Return the result of a case that is not tried."""
    return Result(case.id, _(case.sentence), "not tried", why)


class _Trial(NamedTuple):
    """Tries cases, each try in an account of its own."""

    runner: Runner
    seed: str
    accounts: Accounts

    def try_case(self, case: Case) -> Result:
        """Try a case. One with a crash is tried again for each call at which the function is killed, up to the most."""
        for call in range(1, _MOST_CALLS + 1):
            result = self._try(case, call)
            if result.state != "passed" or not result.was_cut:
                break
        return result

    def _try(self, case: Case, last: int) -> Result:
        """Try a case once, in an empty account with a random number."""
        bench = Bench(self.accounts(str(10**11 + secrets.randbelow(9 * 10**11))))
        # The same for each cut, so that each call of one history is cut off. No case tells of another one.
        draw = Draw(Random(f"{self.seed} {case.id}"), bench.lab)  # noqa: S311  # a seed of chance is long
        steps = draw.starts(case.draw(draw))
        story, is_slow, notes = Story(steps), False, list[str]()
        self.runner.begin(case.limits)
        try:
            held = bench.play(steps, self.runner, last)
            faults, cuts = [*story.faults(held)], [failure.cut for failure in held.failures if failure.cut]
            notes = [_("killed at the call {call}, and started again", call=call) for call in cuts]
        except TooMuch as error:
            why, *work = error.args
            cause = _("it takes too many {what}", what=work[0]) if work else _("it takes too much")
            faults, is_slow = [Fault(cause, _("stopped, because {error}", error=why))], True
        if not faults:
            return Result(case.id, _(case.sentence), "passed", sent=story.sent, was_cut=bool(notes))
        cause = faults[0].cause
        found = _("; ").join([*notes, *shortened(map(str, faults))])
        return Result(case.id, _(case.sentence), "not yet", cause, story.sent, found, is_slow)
