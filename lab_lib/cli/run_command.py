"""`lab run`: the notebooks, in order, for one account."""

from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from lab_lib.cli.setting_options import Settings, as_options, takes
from lab_lib.cli.terminal import FoldingTable, Yes, confirm, out, progress_bar, relative_to_cwd
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.wording import listing
from lab_lib.resources import RESOURCES
from lab_lib.settings import ALERTS, PLACE
from lab_lib.workspace.places import workspace


@takes(*PLACE, *ALERTS, "boundary")
def run(
    settings: Settings,
    data: Annotated[Path | None, typer.Option(help="The file to upload; data/transactions.txt by default.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="The folder for the executed notebooks; runs/<time> by default.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Stop after this notebook, such as 04, and delete nothing.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Skip 99: leave everything in the account.")] = False,
    mine: Annotated[
        bool, typer.Option("--mine", help="Run your own copy, which `lab open` made, with its settings. Skips 99.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Run the notebooks in order, and write the result to result.json.

    The last one deletes everything that the lab made. On AWS you are asked before the first one.

    With --until you continue by hand: after `lab run --until 04` the whole chain exists, and 05 is the next notebook.

    Account, addresses, credentials, and the names of users and of the profile are masked in all files.
    """
    from lab_lib.run import headless

    if (keep or mine) and until is None:
        until = headless.BREAK_IT
    parameters = {**settings, "data_file": str(data or ""), "yes": True}
    prepared = headless.prepare(parameters, until, mine)
    lab = prepared.lab
    options = as_options(prepared.parameters)
    names = [path.stem for path in prepared.notebooks]
    if lab.is_real:
        numbers = [name[:2] for name in names]
        confirm(_makes(prepared, numbers, options), lab.region, numbers, prepared.rows, yes)
    folder = out_dir or workspace() / "runs" / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    with progress_bar() as progress:
        bar = progress.add_task(_("starting"), total=len(names))
        steps, result = headless.run(
            prepared, folder, lambda name: progress.update(bar, description=name, completed=names.index(name))
        )
    out.print(_steps_table(steps, names))
    if "totals" in result:
        out.say(_summary(result))
    out.say(_("Executed notebooks and result.json: {path}", path=relative_to_cwd(folder)))
    if not result["ok"]:
        out.say(_("Everything made so far is still there. `lab clean` deletes it."), style="bold")
        raise typer.Exit(1)
    if not prepared.cleans_up:
        told = _(
            "Everything up to {last} is there now. Go on with {following} in `lab open{options}`. "
            "`lab clean{options}` deletes it.",
            last=names[-1],
            following=headless.notebooks()[len(names)].stem,
            options=options,
        )
        out.say(told, style="bold")


def _makes(prepared: Any, numbers: list[str], options: str) -> str:
    """Return what these notebooks make, and how it goes away."""
    made = [resource.title for resource in RESOURCES if resource.cell.notebook in numbers]
    told = _("In {lab}, this run makes what is not there yet: {names}.", lab=prepared.lab, names=_(", ").join(made))
    end = N_("At the end, it deletes all that the lab has there. If it stops earlier, `lab clean{options}` deletes it.")
    if not prepared.cleans_up:
        end = N_("`lab clean{options}` deletes it.")
    return f"{told}\n{_(end, options=options)}"


def _steps_table(steps: list[Any], names: list[str]) -> Table:
    """Return a line for each notebook, and their seconds."""
    table = FoldingTable(_("step"), _("seen"), _("seconds"))
    table.columns[2].justify = "right"
    for name, step in zip_longest(names, steps):
        if step:
            look = LOOKS["done" if step.ok else "failed"]
            mark = Text.assemble((look.sign, look.style), f" {name}")
            warnings = step.printed(stream="stderr")
            end = step.error or step.printed("checkpoint")
            seen = "\n".join(filter(None, [warnings, end]))
            table.add_row(mark, seen, f"{step.seconds:.1f}")
        else:
            table.add_row(f"{LOOKS['not run'].sign} {name}", _("not run"), "")
    table.add_section()
    seconds = sum(step.seconds for step in steps)
    table.add_row(_("all"), "", f"{seconds:.1f}")
    return table


def _summary(result: dict[str, Any]) -> str:
    """Return a few lines on what the account holds."""

    def listed(amounts: dict[str, Any]) -> str:
        return listing((f"{name} {amount}" for name, amount in amounts.items()), most=8)

    alerts = {alert["customerID"]: alert["accountBalance"] for alert in result["alerts"]}
    return _(
        "Totals:    {totals} ({transactions})\nAlerts:    {alerts}\nMessages:  {messages}\nRejected:  {rows}",
        totals=listed(result["totals"]),
        transactions=ngettext("{count:,} transaction", "{count:,} transactions", result["transactions"]),
        alerts=listed(alerts),
        messages=listed(result["queues"]),
        rows=ngettext("{count:,} row", "{count:,} rows", len(result["rejected"])),
    )
