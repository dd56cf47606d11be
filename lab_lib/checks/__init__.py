"""Check an account: its settings, and what comes of files that are sent through it. It may have been built by hand.

A setting is a fact, in facts.toml. Any other check is a function, which `Rule.enter` enters in RULES. The step
"further" holds what this workbook adds to the handout; it does not count.
"""

from collections.abc import Callable

from lab_lib.checks import (  # noqa: F401  # these read what the facts are about, or enter their checks in RULES
    documents,
    facts,
    hazards,
    permissions,
    step_05,
)
from lab_lib.checks import probe as _probe  # noqa: F401
from lab_lib.checks.making import first_broken, made, settled
from lab_lib.checks.reading import Account
from lab_lib.checks.reports import Check, Report
from lab_lib.checks.rules import ASKED, FURTHER, PROBE, RULES, Rule
from lab_lib.errors import CheckFailed, UsageError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.resources import ALL_LINKS

STEPS = [*sorted({rule.step for rule in RULES.values()} - {ASKED, FURTHER, PROBE}), FURTHER]  # which only read
WHOLE = "04", "05"  # after these, the chain is whole
CLEAN_UP = "99"  # this step wants the opposite of all others


def run(
    lab: Lab,
    *steps: str,
    probe: bool = False,
    further: bool = False,
    done: Callable[[Check], None] = lambda check: None,
) -> Report:
    """Make the checks of these steps, such as "02" or "further"; without a step, of all but the clean-up.

    The account is only read, unless the `probe` is asked for, which uploads files. It goes `further` than the handout
    if that is asked for too, which takes as long again. `done` is called with each check as soon as it is made. An
    error in one check does not stop the others. Raises UsageError for an unknown step, and what `is_unreachable` names
    if nothing can be read.
    """
    if unknown := set(steps) - set(STEPS):
        raise UsageError(
            "There is no step {step!r}. The steps are {steps}.", step=min(unknown), steps=_(", ").join(STEPS)
        )
    account = Account(lab)
    checks = []
    for rule in _in_order(steps, probe, further):
        check = made(account, rule)
        checks.append(check)
        done(check)
    return Report(checks)


def some(lab: Lab, *ids: str) -> Report:
    """Make the checks with these ids only, such as "table-Customer"."""
    _account, checks = settled(lab, lambda account: [made(account, RULES[id]) for id in ids])
    return Report(checks)


def number_of(*steps: str, probe: bool = False, further: bool = False) -> int:
    """Return the number of checks that `run` makes for these steps."""
    return len(_in_order(steps, probe, further))


def checkpoint(lab: Lab, step: str) -> None:
    """Show the chain as it is, the checks of a step and how many hold. Then raise CheckFailed if one is wrong.

    The picture is drawn from the checks of the earlier steps too, and shows what there is of the later ones. The
    clean-up leaves nothing to draw, and the step "further" adds nothing to it.

    From step 04 on, the chain must be whole: a link that an earlier step made may not be broken.
    A check that cannot be seen ends nothing: in a managed account, the learner cannot change what may be read.
    """
    from IPython.display import display

    rules = _in_order((step,), probe=False)
    account, made_checks = settled(lab, lambda account: [made(account, rule) for rule in rules])
    if step in WHOLE:
        broken = first_broken(account, *ALL_LINKS, is_over=False)
        if broken and broken.step < step:
            made_checks.insert(0, broken)
    report = Report(made_checks, checkpoint=True)
    if step not in (CLEAN_UP, FURTHER):
        drawn = [made(account, rule) for rule in RULES.values() if rule.step <= step or rule.finds]
        display(Report(drawn).picture(step))  # type: ignore[no-untyped-call]
    display(report)  # type: ignore[no-untyped-call]
    held = sum(check.ok for check in report.checks)
    unseen = len(report.failed) - len(report.wrong)
    counted = _("Checks that hold: {held} of {all}", held=held, all=len(report.checks))
    if unseen:
        counted = _("{counted}, and {unseen} cannot be seen", counted=counted, unseen=unseen)
    print(counted)
    if report.wrong:
        first = report.wrong[0]
        raise CheckFailed(made(account, RULES[first.cause or first.id]).in_one_line)


def _in_order(steps: tuple[str, ...], probe: bool, further: bool = False) -> list[Rule]:
    """Return the rules of these steps, or of all but the clean-up.

    The rules of the probe come last: the others judge what was there before it.
    """
    chosen = steps or [step for step in STEPS if step != CLEAN_UP]
    is_asked = {PROBE: probe, FURTHER: further}
    rules = []
    for rule in RULES.values():
        is_chosen = is_asked[rule.step] if rule.probes else rule.step in chosen
        if is_chosen:
            rules.append(rule)
    return sorted(rules, key=lambda rule: (rule.probes, rule.step))
