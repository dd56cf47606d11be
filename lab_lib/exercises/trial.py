"""Judge a learner's function, as `lab try` does: by what the account holds after each case, which is drawn anew."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from random import Random

from lab_lib.calls.waiting import Line
from lab_lib.checks.documents import parsed
from lab_lib.embedded import server
from lab_lib.errors import UsageError
from lab_lib.exercises import verdict, workbook
from lab_lib.exercises.bench import Bench
from lab_lib.exercises.cases import CASES, LARGE, Case, Draw, chosen
from lab_lib.exercises.results import Result, Results
from lab_lib.exercises.runner import MODULE, Runner, TooMuch, function_files
from lab_lib.exercises.short_errors import wrong_mark
from lab_lib.lab import Lab, lab_on
from lab_lib.language import _
from lab_lib.pages.wording import shortened, visible
from lab_lib.workspace.private_files import read_file

HANDLER = "lambda_handler"
Accounts = Callable[[str], Lab]  # opens the empty account with this number
_MOST_SLOW = 2  # cases that take too much; then the others are not tried
_LONGEST_FAULT = 200  # characters
_MOST_CALLS = 60  # at which the function is killed in turn; a right one makes fewer for nine records


def try_function(file: str | Path, *only: str, seed: str = "") -> Results | None:
    """Return how the function in this file does in these cases, by default in all but the LARGE one.

    A line shows the case tried last. None where nobody looks at the notebook.
    """
    if workbook.is_headless():
        return None
    ids = [*only] or [case.id for case in CASES if case.id != LARGE]
    with closing(Line()) as line:
        line.show(_("starting another embedded AWS") + " …")
        return judge(file, ids, seed, lambda result: line.show(f"{result.case} …"))


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
    files = read(Path(path))
    seed = seed or secrets.token_hex(8)
    results = list[Result]()
    with Runner(files) as runner, ExitStack() as stack:
        if not accounts:
            running = stack.enter_context(server.another())
            accounts = partial(lab_on, running.endpoint, running.secret)
        for case in chosen(only):
            if sum(result.is_slow for result in results) < _MOST_SLOW:
                result = _try(case, runner, seed, accounts)
            else:
                why = _("{count} cases took too much, so the others were not tried.", count=_MOST_SLOW)
                result = untried(case, why)
            results.append(result)
            done(result)
    return Results(results, seed)


def read(path: Path) -> dict[str, bytes]:
    """Return the files of the function in this one, by name; the handler's is called MODULE.

    UsageError if this one, or one that it imports, is not Python, or this one names no handler.
    """
    code = read_file(path, bytes, "Name the file that holds your function.")
    others = {file.name: read_file(file, bytes, "Move it away.") for file in function_files(path.parent)}
    for name, content in {path.name: code, **others}.items():
        is_imported = Path(name).stem.encode() in code
        if name == path.name or is_imported:
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
        if mark := wrong_mark(error):
            problem = f"{path}{_(': ')}{mark}"
        raise UsageError(problem) from None


def untried(case: Case, why: str) -> Result:
    """Return the result of a case that is not tried."""
    return Result(case.id, _(case.sentence), "not tried", why)


def _try(case: Case, runner: Runner, seed: str, accounts: Accounts) -> Result:
    """Try a case. One with a crash is tried again for each call at which the function is killed, up to a fault.

    Each try has an empty account with a random number.
    """
    result = Result(case.id, _(case.sentence), "not yet")
    for call in range(1, _MOST_CALLS + 1):
        number = 10**11 + secrets.randbelow(9 * 10**11)  # with twelve digits
        bench = Bench(accounts(str(number)))
        # The same for each call, so that each call of one history is cut off. No case tells of another one.
        draw = Draw(Random(f"{seed} {case.id}"), bench.lab)  # noqa: S311  # a seed of chance is long
        history = case.history(draw)
        result = result._replace(sent=verdict.describe(history))
        runner.begin(case.calls)
        try:
            held = bench.play(history, runner, call)
        except TooMuch as error:
            cause, why = error.args
            return result._replace(cause=cause, found=_("stopped, because {error}", error=why), is_slow=True)
        cuts = [outcome.cut for _batch, outcome in held.deliveries if outcome.cut]
        faults = [*verdict.find_faults(history, held)]
        if faults:
            notes = [_("killed at the call {call}, and started again", call=cut) for cut in cuts]
            told = [visible(fault.found or fault.cause, _LONGEST_FAULT) for fault in faults]
            found = _("; ").join([*notes, *shortened(told)])
            return result._replace(cause=faults[0].cause, found=found)
        if not cuts:  # no start of this case crashes, or none makes so many calls
            break
    return result._replace(state="passed")
