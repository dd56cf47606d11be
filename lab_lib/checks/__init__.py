"""Check an account after each step, by what AWS answers, whoever built it.

Each check is a function in the module of its step; the decorator `rules.check` enters it in RULES. The step "further"
holds what this workbook adds to the handout; it does not count.
"""

from collections.abc import Callable

from lab_lib import resources
from lab_lib.aws import buckets, functions, queues, roles, tables, topics, triggers
from lab_lib.checks import (  # noqa: F401  # each module enters its checks in RULES
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
from lab_lib.checks.reports import Check, Report
from lab_lib.checks.rules import FURTHER, PROBE, RULES, Account, Finding, Rule, State, refuse_unknown_ids, waits_for
from lab_lib.checks.unseen import unseen
from lab_lib.checks.visible import visible
from lab_lib.errors import CheckFailed, UsageError, is_unreachable
from lab_lib.lab import Lab

refuse_unknown_ids()
STEPS = [*sorted({rule.step for rule in RULES.values()} - {FURTHER, PROBE}), FURTHER]  # which only read
_LONGEST_HINT = 10_000  # characters: one may name all that a probe has left
CLEAN_UP = "99"  # this step wants the opposite of all others


def run(lab: Lab, *steps: str, probe: bool = False, done: Callable[[Check], None] = lambda check: None) -> Report:
    """Make the checks of these steps, such as "02" or "further"; without a step, of all but the clean-up.

    The account is only read, unless the `probe` is asked for, which uploads files. `done` is called with each
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


def some(lab: Lab, *ids: str) -> Report:
    """Make the checks with these ids only, such as "table-Customer". UsageError for an unknown id."""
    if unknown := [each for each in ids if each not in RULES]:
        raise UsageError(f"There is no check {unknown[0]!r}. docs/checks.md lists the ids of all checks.")
    account, made = Account(lab), dict[str, Check]()
    return Report([_made(account, RULES[each], made) for each in ids])


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
        f"Checks that hold: {sum(check.ok for check in report.checks)} of {len(report.checks)}"
        + (f", and {unseen} cannot be seen" if unseen else "")
    )
    if report.wrong:
        raise CheckFailed(f"{report.wrong[0].name}: {report.wrong[0].words}")


def require(lab: Lab, *steps: str) -> None:
    """Raise StepMissing if a resource of these notebooks is not there; the message names the first one."""
    for each in (each for step in steps for each in resources.RESOURCES if each.cell.notebook == step[:2]):
        resources.require(_FIND[each.kind](lab, each.name), each.kind, each.name)


def _made(account: Account, rule: Rule, made: dict[str, Check]) -> Check:
    """Return the check of a rule, made once; the checks that must hold first are made before."""
    if rule.id not in made:
        made[rule.id] = _make(account, rule, made)
    return made[rule.id]


def _make(account: Account, rule: Rule, made: dict[str, Check]) -> Check:
    first = _first_cause(account, rule, made)
    finding = _behind(first, rule.step) if first else _finding(account, rule)
    is_extra = rule.step == FURTHER and finding.state is State.NOT_YET
    state = State.COULD_BE if is_extra else finding.state
    found, wanted, hint = visible(finding.found), visible(finding.wanted), visible(finding.hint, _LONGEST_HINT)
    return Check(rule.id, rule.step, rule.name, state, found, wanted, hint, finding.counts, finding.cause)


def _behind(first: Check, step: str) -> Finding:
    """Return the finding of a check of this step that rests on another one, which does not hold."""
    where = "" if first.step == step else f" of step {first.step}"
    if first.state is State.CANNOT_SEE:
        found = f"cannot see: needs {first.name}{where}"
        return Finding(State.CANNOT_SEE, found, "to be seen", first.hint, cause=first.id)
    return waits_for(first.id, first.name + where)


def _finding(account: Account, rule: Rule) -> Finding:
    try:
        return rule.judge(account)
    except Exception as error:
        if is_unreachable(error):
            raise  # no other check can be made either
        return unseen(error)


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
        first.setdefault((rule.step, rule.subject or rule.id), place)
    rules.sort(key=lambda rule: (STEPS.index(rule.step), first[rule.step, rule.subject or rule.id]))
    return [*rules, *(rule for rule in RULES.values() if rule.probes and probe)]


_FIND: dict[str, Callable[[Lab, str], object]] = {  # by the kind of a resource
    "bucket": lambda lab, _: buckets.find_bucket(lab),
    "table": tables.find_table,
    "queue": queues.find_queue,
    "role": roles.find_role,
    "function": functions.find_function,
    "bucket trigger": lambda lab, _: triggers.find_bucket_trigger(lab),
    "stream trigger": lambda lab, _: triggers.find_stream_trigger(lab),
    "topic": topics.find_topic,
    "subscription": triggers.find_queue_subscription,
    "upload": lambda lab, _: buckets.uploads(lab),
}
