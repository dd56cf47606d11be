"""`lab trace`: what became of one transaction."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import lab_lib
from lab_lib.cli.setting_options import Settings, takes
from lab_lib.cli.terminal import FoldingTable, handle_errors, out, relative_to_cwd
from lab_lib.errors import UsageError
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS
from lab_lib.settings import PLACE
from lab_lib.workspace.private_files import write_file


@takes(*PLACE)
def trace(
    settings: Settings,
    customer: Annotated[str, typer.Argument(help="The id of a customer.", show_default=False)] = "",
    transaction: Annotated[str, typer.Argument(help="The id of a transaction.", show_default=False)] = "",
    file: Annotated[str, typer.Option(help="With --line, in their place: the key of an upload.")] = "",
    line: Annotated[int, typer.Option(min=1, help="A line of it; the header is line 1.", show_default=False)] = 1,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that plays it too.")] = None,
) -> None:
    """Follow one transaction through the chain: `lab trace CUSTOMER TRANSACTION`.

    Or one line of a file: `lab trace --file march.txt --line 7`.

    It begins with the file, and ends with the messages, or with what stopped it, why, and what to do.

    All is read from the account: bucket, tables, queues, logs (14 days), stream (24 hours) and markers (48 hours).
    """
    from lab_lib import trace
    from lab_lib.workspace.masking import masked

    with handle_errors(N_("Stopped. Nothing was changed.")):
        if bool(customer) != bool(transaction) or bool(customer) == bool(file):
            raise UsageError("Name a customer and a transaction, or --file and --line.")
        lab = lab_lib.open_lab(**settings)
        shown = trace.follow_line(lab, file, line) if file else trace.follow(lab, customer, transaction)
        shown = shown.mapped(lambda text: masked(text, lab))
        out.say(shown.heading, style="bold")
        for change in shown.changes:
            out.print(_table(change))
        if html:
            write_file(html, shown.page)
            out.say(_("Page: {path}", path=relative_to_cwd(html)))


def _table(change: Any) -> Table:
    """Return the table of one change."""
    from lab_lib.trace.trace import TITLES

    table = FoldingTable(*map(_, TITLES))
    for event in change:
        mark = Text(event.mark, LOOKS[event.state].style)
        table.add_row(mark, Text(event.words("\n→ ")), event.clock)
    return table
