"""`lab try`: judge the function that a learner has written."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lab_lib.cli.progress import progress_bar
from lab_lib.cli.terminal import FoldingTable, handle_errors, out
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS, marked


def try_(
    file: Annotated[Path, typer.Argument(help="The file with your function, such as my-lab/my_notifier.py.")],
    seed: Annotated[
        str, typer.Option(help="Draw the same transactions again: the seed that an earlier try named.")
    ] = "",
    only: Annotated[str, typer.Option(help="The cases to try, such as poison,crash. By default all.")] = "",
) -> None:
    """Try your own TotalNotifier with seventeen cases, such as a batch that comes twice.

    Your function is lambda_handler(event, context). It gets records of the stream of Transactions.

    It finds TOTAL_TABLE, MARKER_TABLE, TOPIC_ARN, THRESHOLD and DEAD_LETTER_QUEUE in os.environ, as TotalNotifier does.

    Customers, amounts and batches are drawn anew each time. --seed draws those of an earlier try again.

    Cases that fail for one cause stand together. For the first cause you see what was sent, and what differed.

    --only shows that of another case, such as --only poison.

    It runs on another embedded AWS, which is deleted afterwards. Your lab is not touched.

    Your function runs in a box. Where none can be made, it runs as you: try only code that you trust.

    The exit status is 0 if all cases are passed, 1 if not, and 2 if the file has no such function.
    """
    from lab_lib.exercises import cases, trial

    ids = only.replace(",", " ").split()
    with handle_errors(stopped=N_("Stopped. Nothing is left of the trial.")):
        with progress_bar() as progress:
            bar = progress.add_task(_("starting another embedded AWS"), total=len(cases.chosen(ids)))
            tried = trial.judge(
                file, ids, seed, lambda result: progress.update(bar, advance=1, description=result.case)
            )
        table = FoldingTable(_("state"), _("case"))
        for state, title, text in tried.rows:
            table.add_row(Text(marked(state), LOOKS[state].style), Text.assemble((title, "bold"), _(": ") + text))
        out.print(table)
        out.say(tried.summary, style="bold")
        raise typer.Exit(0 if tried.passed else 1)
