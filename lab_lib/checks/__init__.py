"""Check an account after each step, by what AWS answers, whoever built it.

Each check is a function in the module of its step; the decorator `rules.check` enters it in RULES. The step "further"
holds what this workbook adds to the handout; it does not count.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from lab_lib.aws import buckets, functions, queues, roles, tables, topics, triggers
from lab_lib.checks import (  # noqa: F401  # each module enters its checks in RULES
    cells,
    further,
    hardening,
    losses,
    step_00,
    step_01,
    step_02,
    step_02_stream,
    step_03,
    step_04,
    step_05,
    step_05_alerts,
    step_05_runs,
    step_99,
    step_probe,
)
from lab_lib.checks.cells import Cell
from lab_lib.checks.reports import Check, Report
from lab_lib.checks.rules import CANNOT_SEE, FURTHER, PROBE, RULES, WAITS, Account, Rule
from lab_lib.checks.unseen import unseen
from lab_lib.checks.visible import visible
from lab_lib.errors import CheckFailed, StepMissing, UsageError, is_unreachable
from lab_lib.lab import Lab

STEPS = [*sorted({rule.step for rule in RULES.values()} - {FURTHER, PROBE}), FURTHER]  # which only read
CLEAN_UP = "99"  # this step wants the opposite of all others


def run(lab: Lab, *steps: str, probe: bool = False, done: Callable[[Check], None] = lambda check: None) -> Report:
    """Make the checks of these steps, such as "02" or "further"; without a step, of all but the clean-up.

    The account is only read, unless the `probe` is asked for, which uploads two small files. `done` is called with each
    check as soon as it is made. Whatever a check meets, the others are made. Raises UsageError for an unknown step, and
    what `is_unreachable` names if nothing can be read.
    """
    if unknown := set(steps) - set(STEPS):
        raise UsageError(f"There is no step {min(unknown)!r}. The steps are {', '.join(STEPS)}.")
    account, made, report = Account(lab), dict[str, Check](), []
    for rule in _in_order(steps, probe):
        report.append(_made(account, rule, made))
        done(report[-1])
    return Report(report)


def some(lab: Lab, *names: str) -> Report:
    """Make the checks of these names only, such as "table Customer"."""
    account, made = Account(lab), dict[str, Check]()
    return Report([_made(account, RULES[name], made) for name in names])


def number_of(*steps: str, probe: bool = False) -> int:
    """Return the number of checks that `run` makes for these steps."""
    return len(_in_order(steps, probe))


def checkpoint(lab: Lab, step: str) -> None:
    """Show the checks of a step and how many hold. Then raise CheckFailed if one is wrong.

    A check that cannot be seen ends nothing: in a managed account, the learner cannot change what may be read.
    """
    from IPython.display import display

    report = run(lab, step)
    display(report)  # type: ignore[no-untyped-call]
    unseen = len(report.failed) - len(report.wrong)
    print(
        f"Checks that hold: {len(report.checks) - len(report.failed)} of {len(report.checks)}"
        + (f", and {unseen} cannot be seen" if unseen else "")
    )
    if report.wrong:
        raise CheckFailed(f"{report.wrong[0].name}: {report.wrong[0].words}")


def require(lab: Lab, *steps: str) -> None:
    """Raise StepMissing if a resource of these notebooks is not there; the message names the first one."""
    for step in steps:
        for resource, find, cell in _MADE_BY[step]:
            if not find(lab):
                raise StepMissing(
                    f"{resource} is not there yet. Run notebook {cell.notebook} first, where "
                    f'"{cell.heading}" makes it, then run this notebook again.'
                )


def _made(account: Account, rule: Rule, made: dict[str, Check]) -> Check:
    """Return the check of a rule, made once; the checks that must hold first are made before."""
    if rule.name not in made:
        made[rule.name] = _make(account, rule, made)
    return made[rule.name]


def _make(account: Account, rule: Rule, made: dict[str, Check]) -> Check:
    if first := _first_cause(account, rule, made):
        where = "" if first.step == rule.step else f" of step {first.step}"
        if first.state == "cannot see":
            return Check(
                rule.step, rule.name, False, f"{CANNOT_SEE}: needs {first.name}{where}", "to be seen", first.hint
            )
        found, wanted = f"{WAITS} {first.name}{where}", f"{first.name} first"
        return Check(rule.step, rule.name, False, found, wanted, "See to that first.")
    try:
        finding = rule.judge(account)
    except Exception as error:
        if is_unreachable(error):
            raise  # no other check can be made either
        finding = unseen(error)
    return Check(rule.step, rule.name, finding.ok, *map(visible, finding[1:]))


def _first_cause(account: Account, rule: Rule, made: dict[str, Check]) -> Check | None:
    """Return the check that keeps this one waiting and does not wait itself; None if all in `after` hold."""
    for before in (RULES[other] for other in rule.after):
        check = _made(account, before, made)
        if not check.ok:
            return _first_cause(account, before, made) or check
    return None


def _in_order(steps: tuple[str, ...], probe: bool) -> list[Rule]:
    """Return the rules of these steps, or of all but the clean-up; those of one subject are beside each other.

    The rules of the probe come last: the others judge what was there before it.
    """
    chosen = [rule for rule in RULES.values() if (rule.step in steps if steps else rule.step != CLEAN_UP)]
    rules = [rule for rule in chosen if not rule.probes]
    first: dict[tuple[str, str], int] = {}
    for place, rule in enumerate(rules):
        first.setdefault((rule.step, rule.subject or rule.name), place)
    rules.sort(key=lambda rule: (STEPS.index(rule.step), first[rule.step, rule.subject or rule.name]))
    return [*rules, *(rule for rule in RULES.values() if rule.probes and probe)]


_MADE_BY: dict[str, list[tuple[str, Callable[[Lab], Any], Cell]]] = {
    "00-start-here": [
        ("The bucket", buckets.find_bucket, cells.BUCKET),
        *((f"Table {name}", partial(tables.find_table, name=name), cells.TABLES[name]) for name in tables.KEYS),
        *((f"Role {name}", partial(roles.find_role, name=name), cells.ROLES) for name in functions.ROLES.values()),
        (
            f"Queue {queues.DEAD_LETTERS}",
            partial(queues.find_queue, name=queues.DEAD_LETTERS),
            cells.QUEUES[queues.DEAD_LETTERS],
        ),
    ],
    "01-create-functions": [
        (f"Function {name}", partial(functions.find_function, name=name), cell)
        for name, cell in cells.FUNCTIONS.items()
    ],
    "02-add-triggers": [
        ("The bucket trigger", triggers.find_bucket_trigger, cells.BUCKET_TRIGGER),
        ("The stream trigger", triggers.find_stream_trigger, cells.STREAM_TRIGGER),
    ],
    "03-create-topic": [("The topic", topics.find_topic, cells.TOPIC)],
    "04-create-queues": [
        (
            f"The subscription of {name}",
            partial(triggers.find_queue_subscription, queue=name),
            cells.SUBSCRIPTIONS[name],
        )
        for name in queues.ALERT_QUEUES
    ],
    "05-upload-and-verify": [("An upload", buckets.uploads, cells.UPLOAD)],
}
