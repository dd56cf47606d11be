"""`lab check`: grade one account."""

from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import lab_lib
from lab_lib import language
from lab_lib.cli.setting_options import Settings, as_options, takes
from lab_lib.cli.terminal import NOT_GRADED, FoldingTable, Yes, confirm, handle_errors, out, progress_bar
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS, marked
from lab_lib.pages.wording import clauses
from lab_lib.resources import heading
from lab_lib.settings import ALERTS, PLACE


@takes(*PLACE, *ALERTS)
def check(
    settings: Settings,
    step: Annotated[
        list[str] | None, typer.Option(help='Only this step, such as 02, or "further"; can be repeated.')
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Send files through the chain too: does it do the work?")
    ] = False,
    yes: Yes = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Grade an account that was built with the notebooks or by hand: what holds, what does not, and what to do.

    Nothing is changed, unless you ask for the probe. It uploads files of made-up customers, and compares the outcome.

    On the embedded AWS it works on a copy, and the account stays as it is. On AWS, you are asked first.

    What goes further than the handout is shown, but not counted.

    The exit status is 0 if all holds, 1 if not, 2 for a wrong request, and 3 if the account could not be graded.
    """
    from lab_lib import checks
    from lab_lib.workspace.masking import masked
    from lab_lib.workspace.one_command import alone
    from lab_lib.workspace.private_files import json_text

    if as_json:
        language.use(language.ENGLISH)  # programs read it
    steps = step or []
    with handle_errors(N_("Stopped. On AWS, what a probe has sent so far is still there."), failed=NOT_GRADED):
        lab = lab_lib.open_lab(**settings)
        total = checks.number_of(*steps, probe=probe, further=probe)
        changes_aws = probe and lab.is_real
        if changes_aws:
            warning = _(
                "In {lab}, the probe uploads files of made-up customers, and subscribers get the alerts about them. "
                "Files, rows, totals and messages stay there until `lab clean{options}` deletes them with the lab.",
                lab=lab,
                options=as_options(settings),
            )
            confirm(warning, lab.region, ["probe"], 0, yes)
        turn = alone(lab, "lab check --probe") if changes_aws else nullcontext()
        with turn, progress_bar() as progress:
            bar = progress.add_task(_("checking"), total=total)
            report = checks.run(lab, *steps, probe=probe, further=probe, done=lambda _: progress.advance(bar))
        if as_json:
            listed = [check._asdict() for check in report.checks]
            print(masked(json_text(listed), lab), end="", flush=True)
        else:
            name = str(lab)
            out.say(f"{name[0].upper()}{name[1:]}")
            if not steps:
                out.say(Text(report.picture().alt))
            out.print(_checks_table(report, every=bool(steps)))
        if all(check.state == "cannot see" for check in report.checks):
            raise typer.Exit(NOT_GRADED)
        raise typer.Exit(1 if report.failed else 0)


def _checks_table(report: Any, every: bool) -> Table:
    """Return a table of the steps, with every check if `every`, else with the checks that do not hold."""
    table = FoldingTable(_("state"), _("check"), _("found"))
    for step in dict.fromkeys(check.step for check in report.checks):
        checks = [check for check in report.checks if check.step == step]
        states = [check.state for check in checks]
        hold = states.count("ok")
        waiting = states.count("waits")
        unseen = states.count("cannot see")
        if hold + unseen < len(checks):
            look = LOOKS["could be" if step == "further" else "not yet"]
        else:
            look = LOOKS["cannot see" if unseen else "ok"]
        counts = [
            _("{hold} of {count} hold", hold=hold, count=len(checks)),
            _("{count} wait", count=waiting) if waiting else "",
            _("{count} cannot be seen", count=unseen) if unseen else "",
        ]
        title = heading(f"{step}-01") or _("going further: what this workbook adds to the handout")
        if step == "probe":
            title = _("probe: files of made-up customers")
        table.add_section()
        table.add_row(Text(look.sign, look.style), Text(title, "bold"), clauses(counts))
        for check in checks:
            is_to_do = check.state not in ("ok", "could be") and not check.is_behind
            if every or is_to_do:
                mark = Text(marked(check.state), LOOKS[check.state].style)
                style = "bright_black" if check.is_behind else ""
                found = Text("\n→ ".join(check.lines), style)
                table.add_row(mark, check.name, found)
    return table
