"""Judge a learner's function, as `lab try` does: by what the account holds after each case, which is drawn anew."""

import ast
import itertools
import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from random import Random
from typing import NamedTuple

from rich.cells import set_cell_size

from lab_lib.calls.waiting import Line
from lab_lib.checks.function_code import parsed
from lab_lib.embedded import server
from lab_lib.errors import UsageError
from lab_lib.exercises.bench import Bench
from lab_lib.exercises.cases import CASES, LARGE, Case, chosen
from lab_lib.exercises.draw import Draw
from lab_lib.exercises.proxy import Cut
from lab_lib.exercises.runner import Launch, Runner, TooMuch, launched
from lab_lib.exercises.verdict import Story
from lab_lib.lab import Lab, lab_on
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS, marked
from lab_lib.pages.tables import badge, table
from lab_lib.workspace.private_files import read_file

HANDLER = "lambda_handler"
Accounts = Callable[[str], Lab]  # opens the empty account with this number
_MOST_SLOW = 2  # cases that take too much; then the others are not tried
_MOST_CALLS = 60  # at which the function is killed in turn, for a batch of nine records at most
_LONGEST_FOUND = 1_000  # characters
_TOLD = '<div style="margin:2px 0 2px 5.5em"><i style="float:left;margin-left:-5.5em">{name}</i>{text}</div>'


class Result(NamedTuple):
    """The result of a case. Its state is passed, not yet or not tried. The texts are of its last try."""

    case: Case
    state: str
    sent: str = ""
    wanted: str = ""
    found: str = ""
    is_slow: bool = False
    was_cut: bool = False

    @property
    def told(self) -> dict[str, str]:
        """Return what was sent, expected and found, if the case is not passed. The names are marked."""
        told = {N_("sent"): self.sent, N_("expected"): self.wanted, N_("found"): self.found}
        return {name: text for name, text in told.items() if text and self.state == "not yet"}


@dataclass(frozen=True)
class Results:
    """The results of all cases, shown as a table. The same seed draws the same cases again."""

    results: list[Result]
    seed: str

    @property
    def passed(self) -> bool:
        """Return True if the function has passed all cases."""
        return all(result.state == "passed" for result in self.results)

    @property
    def summary(self) -> str:
        """Return the number of cases passed, and why others were not tried."""
        states = [result.state for result in self.results]
        passed = _("Passed: {count} of {all}.", count=states.count("passed"), all=len(states))
        why = _("{count} cases took too much, so the others were not tried.", count=_MOST_SLOW)
        return f"{passed} {why}" if "not tried" in states else passed

    @property
    def draw(self) -> str:
        """Return how to send the same transactions again."""
        return _("The same transactions again: seed {seed}.", seed=self.seed)

    def __repr__(self) -> str:
        lines = list[str]()
        for result in self.results:
            lines.append(f"{set_cell_size(marked(result.state), 11)}  {result.case.id}: {_(result.case.sentence)}")
            for name, text in result.told.items():
                lines.append(f"{'':13}{set_cell_size(_(name), 9)} " + text.replace("\n", f"\n{'':23}"))
        return "\n".join([*lines, self.summary, *([] if self.passed else [self.draw])])

    def _repr_html_(self) -> str:
        rows = [(badge(marked(result.state), LOOKS[result.state].colour), _html(result)) for result in self.results]
        said = self.summary if self.passed else f"{self.summary} {self.draw}"
        return table(rows, (_("state"), _("case"))) + f"<p>{escape(said)}</p>"


def _html(result: Result) -> str:
    """Return the words about a result as a cell of a table, with sent, expected and found indented."""
    texts = {_(name): escape(text).replace("\n", "<br>") for name, text in result.told.items()}
    told = [_TOLD.format(name=name, text=text) for name, text in texts.items()]
    return "".join([f"<b>{escape(result.case.id)}</b> {escape(_(result.case.sentence))}", *told])


def watch(path: str | Path, only: Iterable[str] = (), seed: str = "") -> Results:
    """Judge the function in a notebook, by default without the LARGE case. A line shows how many cases are tried."""
    tried, ids = itertools.count(1), [*only] or [case.id for case in CASES if case.id != LARGE]
    with Line() as line:
        line.show(_("starting another embedded AWS") + " …")

        def done(result: Result) -> None:
            line.show(_("tried {count} of {all} cases …", count=next(tried), all=len(ids)))

        return judge(path, ids, seed, done)


def judge(
    path: str | Path,
    only: Iterable[str] = (),
    seed: str = "",
    done: Callable[[Result], None] = lambda result: None,
    accounts: Accounts | None = None,
    launch: Launch = launched,
) -> Results:
    """Try the function in this file with these cases, by default all. Each try has an account of its own.

    By default the accounts are on another embedded AWS. A `seed` draws what it drew before. `done` is called with each
    result as soon as it is there. `launch` starts the program that runs the function. UsageError if the file holds no
    function, or for an unknown case; Busy if the computer is too busy.
    """
    code, results, seed = read(Path(path)), list[Result](), seed or secrets.token_hex(8)
    with ExitStack() as stack:
        runner = stack.enter_context(Runner(code, launch))  # its program loads boto3 while the embedded AWS starts
        if not accounts:
            running = stack.enter_context(server.another())
            accounts = partial(lab_on, running.endpoint, running.secret)
        trial = _Trial(runner, seed, accounts)
        for case in chosen(only):
            is_over = sum(result.is_slow for result in results) >= _MOST_SLOW
            results.append(Result(case, "not tried") if is_over else trial.try_case(case))
            done(results[-1])
    return Results(results, seed)


def read(path: Path) -> bytes:
    """Return the file's content, which is not run here. UsageError if it is not Python, or defines no handler."""
    code = read_file(path, bytes, "Name the file that holds your function.")
    try:
        names = {getattr(node, "name", getattr(node, "id", "")) for node in ast.walk(parsed(code))}
    except SyntaxError as error:
        place = _("{name}, line {number}", name=path, number=error.lineno) if error.lineno else path
        raise UsageError(
            _("{place}: {problem}. Correct that, then try again.", place=place, problem=error.msg)
        ) from None
    if HANDLER not in names:
        raise UsageError(
            _(
                "{path} has no {name}. Lambda calls `def {name}(event, context):`; write that function.",
                path=path,
                name=HANDLER,
            )
        )
    return code


class _Trial:
    """Tries cases, each try in an account of its own."""

    def __init__(self, runner: Runner, seed: str, accounts: Accounts) -> None:
        self._runner, self._seed, self._accounts = runner, seed, accounts

    def try_case(self, case: Case) -> Result:
        """Try a case. One with a crash is tried until the function was killed at each of its calls."""
        for call in range(1, _MOST_CALLS + 1):
            result = self._try(case, Cut(call))
            if result.state != "passed":
                return result
            if not result.was_cut:
                break
        else:
            return result._replace(
                state="not yet",
                found=_("stopped, because it made more than {most} AWS calls for one small batch", most=_MOST_CALLS),
                is_slow=True,
            )
        last = Random(f"{self._seed} {case.id} last").randrange(1, max(call, 2))  # noqa: S311
        return self._try(case, Cut(last, has_effect=False)) if call > 1 else result

    def _try(self, case: Case, cut: Cut) -> Result:
        """Try a case once, in an empty account with a random number."""
        bench = Bench(self._accounts(str(10**11 + secrets.randbelow(9 * 10**11))))
        # The same for each cut, so that each call of one history is cut off. No case tells of another one.
        draw = Draw(Random(f"{self._seed} {case.id}"), bench.lab)  # noqa: S311  # a seed of chance is long
        steps = case.draw(draw)
        story, is_slow, was_cut = Story(steps), False, False
        self._runner.begin(case.limits)
        try:
            held = bench.play(steps, self._runner, cut)
            faults, was_cut = story.differences(held), any(failure.cut for failure in held.failures)
        except TooMuch as error:
            faults, is_slow = [_("stopped, because {error}", error=error)], True
        outcome = _("; ").join(faults)[:_LONGEST_FOUND]
        state = "not yet" if faults else "passed"
        return Result(case, state, story.sent, story.wanted, outcome, is_slow, was_cut)
