"""What each step must show, read from the account itself: not from what our own code did.

Each check is a function in the module of its step; `rules.check` enters it in the list. What this workbook adds to
the handout is a step of its own, "further", without which an account is whole.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from html import escape
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.aws import buckets, functions, queues, roles, tables, topics, triggers
from lab_lib.checks import (  # noqa: F401, enters them
    further,
    hardening,
    step_00,
    step_01,
    step_02,
    step_03,
    step_04,
    step_05,
    step_99,
)
from lab_lib.checks.rules import CANNOT_SEE, FURTHER, RULES, WAITS, Account, Rule
from lab_lib.errors import CheckFailed, EmulatorError, LabError, StepMissing, UsageError, is_access_denied
from lab_lib.lab import Lab
from lab_lib.transactions import TransactionsFile, read_amounts

STEPS = [*sorted({rule.step for rule in RULES.values()} - {FURTHER}), FURTHER]
CLEAN_UP = "99"  # what it asks for is the opposite of all the others
_COLOURS = {"ok": "#1a7f37", "not yet": "#b42318", "cannot see": "#8a5a00", "waits": "#57606a", "could be": "#57606a"}
_MARKS = {"ok": "✔", "not yet": "✘", "cannot see": "?", "waits": "…", "could be": "○"}


@dataclass(frozen=True)
class Check:
    """One thing that must hold after a step; `hint` says what to do if it does not."""

    step: str
    name: str
    ok: bool
    found: str
    wanted: str
    hint: str

    @property
    def state(self) -> str:
        """In a word or two: ok, not yet, waits (for another check), cannot see, could be (going further)."""
        if self.ok:
            return "ok"
        if self.found.startswith((WAITS, CANNOT_SEE)):
            return "waits" if self.found.startswith(WAITS) else "cannot see"
        return "could be" if self.step == FURTHER else "not yet"

    @property
    def mark(self) -> str:
        """The state with a sign before it, for those who do not see its colour."""
        return f"{_MARKS[self.state]} {self.state}"

    @property
    def words(self) -> str:
        """What was found and, if it is not right, what was wanted and what to do."""
        if self.ok:
            return self.found
        wanted = "" if self.state in ("waits", "cannot see") else f"; wanted: {self.wanted}"
        return f"{self.found.removesuffix('.')}{wanted}. {self.hint}"


@dataclass(frozen=True)
class Report:
    """Checks, shown as a small table."""

    checks: list[Check]

    @property
    def failed(self) -> list[Check]:
        """What does not hold; what only goes further than the handout is not counted."""
        return [check for check in self.checks if not check.ok and check.step != FURTHER]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Each check as a dict, for JSON: step, name, ok, found, wanted, hint."""
        return [asdict(check) for check in self.checks]

    def __repr__(self) -> str:
        marks = max((len(check.mark) for check in self.checks), default=0)
        names = max((len(check.name) for check in self.checks), default=0)
        return "\n".join(f"{check.mark:{marks}}  {check.name:{names}}  {check.words}" for check in self.checks)

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        style = "color:white;padding:1px 6px;border-radius:3px;white-space:nowrap;background:"
        rows = [
            f'<tr><td {left}><span style="{style}{_COLOURS[check.state]}">{check.mark}</span></td>'
            f"<td {left}>{escape(check.name)}</td>"
            f"<td {left}>{escape(check.words)}</td></tr>"
            for check in self.checks
        ]
        head = "".join(f'<th scope="col" {left}>{title}</th>' for title in ("state", "check", "found"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def run(lab: Lab, *steps: str, done: Callable[[Check], None] = lambda check: None) -> Report:
    """The checks of these steps, such as "02" or "further"; without a step, of all but the clean-up.

    The account is only read. `done` is called with each check when it was made. UsageError for an unknown step.
    """
    if unknown := set(steps) - set(STEPS):
        raise UsageError(f"There is no step {min(unknown)!r}. The steps are {', '.join(STEPS)}.")
    account, made, report = Account(lab), dict[str, Check](), []
    for rule in _in_order(steps or tuple(step for step in STEPS if step != CLEAN_UP)):
        report.append(_made(account, rule, made))
        done(report[-1])
    return Report(report)


def number_of(*steps: str) -> int:
    """How many checks `run` makes for these steps."""
    return len(_in_order(steps or tuple(step for step in STEPS if step != CLEAN_UP)))


def checkpoint(lab: Lab, step: str) -> None:
    """Show the checks of a step, and how many hold; CheckFailed after that if one does not."""
    from IPython.display import display

    report = run(lab, step)
    display(report)  # type: ignore[no-untyped-call]
    print(f"Checks that hold: {len(report.checks) - len(report.failed)} of {len(report.checks)}")
    if report.failed:
        raise CheckFailed(f"{report.failed[0].name}: {report.failed[0].words}")


def require(lab: Lab, *steps: str) -> None:
    """StepMissing, with its name, for the first of these steps that was not done."""
    for step in steps:
        for what, find in _MADE_BY[step]:
            if not find(lab):
                raise StepMissing(f"{what} is not there yet. Run {step} first, then run this notebook again.")


def settled(lab: Lab, file: TransactionsFile) -> bool:
    """True when an upload has gone all the way: its rows are in, totals and alerts agree with them."""
    account, made = Account(lab), dict[str, Check]()
    amounts = read_amounts(account.ask(tables.items, "Transactions"))
    return (
        all(amounts.get(key) == amount for key, amount in file.amounts().items())
        and len(account.ask(buckets.rejected_rows, file.key)) == len(file.rejected)
        and all(_made(account, RULES[name], made).ok for name in _SETTLED)
    )


def _made(account: Account, rule: Rule, made: dict[str, Check]) -> Check:
    """The check of a rule, and of those that it rests on; each is made once."""
    if rule.name not in made:
        made[rule.name] = _make(account, rule, made)
    return made[rule.name]


def _make(account: Account, rule: Rule, made: dict[str, Check]) -> Check:
    if root := _waits_for(account, rule, made):
        where = "" if root.step == rule.step else f" of step {root.step}"
        return Check(
            rule.step, rule.name, False, f"{WAITS} {root.name}{where}", f"{root.name} first", "See to that first."
        )
    try:
        return Check(rule.step, rule.name, *rule.judge(account))
    except ClientError as error:
        if not is_access_denied(error):
            raise
        why, call = f"{error.operation_name} is refused", error.operation_name
        hint = f"It may be right or wrong. Ask for the permission to call {call}, or look in the console."
    except EmulatorError:
        raise  # then nothing at all can be seen
    except LabError as error:
        why, hint = str(error), "It may be right or wrong. Look in the console."
    return Check(rule.step, rule.name, False, f"{CANNOT_SEE}: {why}", "to be seen", hint)


def _waits_for(account: Account, rule: Rule, made: dict[str, Check]) -> Check | None:
    """The check that has to hold first, at the bottom of what the rule rests on."""
    for below in (RULES[other] for other in rule.after):
        check = _made(account, below, made)
        if not check.ok:
            return _waits_for(account, below, made) or check
    return None


def _in_order(steps: tuple[str, ...]) -> list[Rule]:
    """The rules of these steps, those of one table, function or queue beside each other."""
    rules = [rule for rule in RULES.values() if rule.step in steps]
    first: dict[tuple[str, str], int] = {}
    for place, rule in enumerate(rules):
        first.setdefault((rule.step, rule.subject or rule.name), place)
    return sorted(rules, key=lambda rule: (STEPS.index(rule.step), first[rule.step, rule.subject or rule.name]))


_SETTLED = ["rows in Transactions", "totals", *(f"alerts in {name}" for name in queues.ALERT_QUEUES)]

_MADE_BY: dict[str, list[tuple[str, Callable[[Lab], Any]]]] = {
    "00-start-here": [
        ("The bucket", buckets.find_bucket),
        *((f"Table {name}", partial(tables.find_table, name=name)) for name in tables.KEYS),
        *((f"Role {name}", partial(roles.find_role, name=name)) for name in functions.ROLES.values()),
        (f"Queue {queues.DEAD_LETTERS}", partial(queues.find_queue, name=queues.DEAD_LETTERS)),
    ],
    "01-create-functions": [
        (f"Function {name}", partial(functions.find_function, name=name)) for name in functions.SOURCES
    ],
    "02-add-triggers": [
        ("The bucket trigger", triggers.find_bucket_trigger),
        ("The stream trigger", triggers.find_stream_trigger),
    ],
    "03-create-topic": [("The topic", topics.find_topic)],
    "04-create-queues": [
        (f"The subscription of {name}", partial(triggers.find_queue_subscription, queue=name))
        for name in queues.ALERT_QUEUES
    ],
    "05-upload-and-verify": [("An upload", buckets.uploads)],
}
