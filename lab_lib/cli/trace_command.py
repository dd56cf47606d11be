"""`lab trace`: what became of one transaction."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import lab_lib
from lab_lib.cli.setting_options import MANAGED, PLACE, Settings, takes
from lab_lib.cli.terminal import folding_table, handle_errors, out, relative_to_cwd
from lab_lib.errors import UsageError
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.wording import clauses
from lab_lib.workspace.private_files import write_file


@takes(*PLACE, *MANAGED)
def trace(
    settings: Settings,
    customer: Annotated[str, typer.Argument(help="The id of a customer.", show_default=False)] = "",
    transaction: Annotated[str, typer.Argument(help="The id of a transaction.", show_default=False)] = "",
    file: Annotated[str, typer.Option(help="With --line, in their place: the key of an upload.")] = "",
    line: Annotated[int, typer.Option(min=1, help="A line of it; the header is line 1.", show_default=False)] = 1,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that steps through it too.")] = None,
) -> None:
    """Follow one transaction through the chain: `lab trace CUSTOMER TRANSACTION`.

    Or one line of a file: `lab trace --file march.txt --line 7`.

    Each event has its time, how exactly that is known, the gap before it, and where the evidence is.

    Nothing is changed. All is read from what the account still has: the logs of the functions keep 14 days, the stream
    of Transactions 24 hours, the markers 48 hours. What is over, or cannot be seen, is said.
    """
    from lab_lib import trace
    from lab_lib.workspace.masking import masked

    with handle_errors(N_("Stopped. Nothing was changed.")):
        if bool(customer) != bool(transaction) or bool(customer) == bool(file):
            raise UsageError("Name a customer and a transaction, or --file and --line.")
        lab = lab_lib.open_lab(**settings)
        shown = trace.follow_line(lab, file, line) if file else trace.follow(lab, customer, transaction)
        shown = shown.mapped(lambda text: masked(text, lab))
        out.say(clauses([shown.title, shown.day]), style="bold")
        for change in shown.changes:
            out.print(_table(shown, change, change.title if len(shown.changes) > 1 else None))
        for note in shown.notes:
            out.say(note)
        if html:
            from lab_lib.trace import page  # its templates take a while to load

            write_file(html, page.page(shown))
            out.say(_("Page: {path}", path=relative_to_cwd(html)))


def _table(shown: Any, change: Any, title: str | None) -> Table:
    """Return the table of one change; all tables of a trace have the same line of time."""
    from lab_lib.trace.timeline import Axis, bar

    axis = Axis(shown.events)
    columns = _("where"), _("what"), _("timeline"), _("when (UTC)")
    table = folding_table(*columns, title=title, title_justify="left")
    table.columns[2].no_wrap = True
    for event in change.events:
        where = Text.assemble((event.sign, LOOKS[event.state].style), f" {event.where}")
        words = Text.assemble(event.what, ("\n" + _("seen in {source}", source=event.source), "bright_black"))
        when = [event.when.words, *(gap.words for gap in change.gaps(event))] if event.when else []
        table.add_row(where, words, bar(event, axis), "\n".join(when))
    return table
