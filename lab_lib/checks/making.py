"""Make checks, each after those that must hold first, and find the one that breaks the chain."""

from collections.abc import Callable

from lab_lib.calls.refusals import why as why_refused
from lab_lib.checks.reading import Account
from lab_lib.checks.reports import Check
from lab_lib.checks.rules import FURTHER, RULES, Finding, Rule, State, cannot_see, waits_for
from lab_lib.errors import LabError, is_unreachable
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import visible

_LONGEST_HINT = 10_000  # characters: one may repeat what another check has found


def made(account: Account, rule: Rule) -> Check:
    """Return the check of a rule, made once for the account; the checks that must hold first are made before."""
    if rule.id not in account.made:
        account.made[rule.id] = _make(account, rule)
    check: Check = account.made[rule.id]
    return check


def settled(lab: Lab, make: Callable[[Account], list[Check]]) -> tuple[Account, list[Check]]:
    """Make checks of an account. Make them again while one waits for AWS, or has read what was just changed.

    On AWS, such an answer may be older than the change. A thing that was just made is as it was made, or not there yet,
    which the call itself waits for. So what is wrong with it is told at once.
    """

    def look() -> tuple[Account, list[Check]] | None:
        account = Account(lab)
        checks = make(account)
        for check in checks:
            if not check.ok and check.id in account.unsettled:
                return None
        return account, checks

    longest = 2 * lab.patience  # after one, no change is recent
    what = _("AWS to show the last changes")
    return lab.wait_until(look, what, timeout=longest, on_aws=_("a few seconds"), first_pause=1, longest_pause=5)


def first_broken(account: Account, *links: str, is_over: bool = True) -> Check | None:
    """Return the first check of steps 00 to 04 by which one of these links is broken; None if all hold.

    A check that waits, for instance for AWS, breaks nothing. With `is_over`, what "could be" counts too, and the checks
    of the step "further" come last: a filter may break a link.
    """
    rules = []
    for rule in sorted(RULES.values(), key=lambda rule: rule.step):
        if rule.step < "05" or (is_over and rule.step == FURTHER):
            rules.append(rule)
    states = (State.NOT_YET, State.COULD_BE) if is_over else (State.NOT_YET,)
    for link in links:
        for rule in rules:
            if rule.link == link:
                check = made(account, rule)
                if check.state in states:
                    return check
    return None


def waits_for_link(account: Account, found: str, *links: str) -> Finding | None:
    """Return what was found, waiting for the first check by which one of these links is broken; None if all hold."""
    broken = first_broken(account, *links, is_over=False)
    if not broken:
        return None
    waits = _behind(broken, "")
    return waits._replace(found=_("{found}; {waits}", found=found, waits=waits.found))


def _make(account: Account, rule: Rule) -> Check:
    first = _first_cause(account, rule)
    before = account.maybe_old
    finding = _behind(first, rule.step) if first else _finding(account, rule)
    is_recent = account.lab.journal is not None and not account.lab.journal.is_empty
    waits_for_aws = finding.state is State.WAITS and not finding.cause and is_recent
    if account.maybe_old > before or waits_for_aws:
        account.unsettled.add(rule.id)
    is_extra = rule.step == FURTHER and finding.state is State.NOT_YET
    state = State.COULD_BE if is_extra else finding.state
    texts = visible(finding.found), visible(finding.wanted), visible(finding.hint, _LONGEST_HINT)
    return Check(rule.id, rule.step, rule.name, state, *texts, finding.counts, finding.cause)


def _behind(first: Check, step: str) -> Finding:
    """Return the finding of a check of this step that rests on another one, which does not hold."""
    name = first.name if first.step == step else _("{check.name} of step {check.step}", check=first)
    if first.state is State.CANNOT_SEE:
        return cannot_see(_("needs {check}", check=name), first.hint, cause=first.id)
    return waits_for(first.id, name)


def _finding(account: Account, rule: Rule) -> Finding:
    try:
        about = [rule.subject] if rule.subject else []
        finding: Finding = rule.judge(account, *about)
        return finding
    except Exception as error:
        if is_unreachable(error):
            raise  # no other check can be made either
        return unseen(error)


def unseen(error: Exception) -> Finding:
    """Return the finding of a check that met an error: neither right nor wrong, with the reason."""
    why = str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
    hint = _(
        "Run the check again in a minute. If the answer stays, `lab check --probe` sends files through the chain, and "
        "shows whether it works."
    )
    if reason := why_refused(error):
        why, hint = reason
    return cannot_see(" ".join(why.split()), _("It may be right or wrong. {hint}", hint=hint))


def _first_cause(account: Account, rule: Rule) -> Check | None:
    """Return the check that keeps this one waiting and does not wait itself; None if all in `after` hold."""
    for other in rule.needs:
        check = made(account, RULES[other])
        if not check.ok:
            return made(account, RULES[check.cause or other])
    return None
