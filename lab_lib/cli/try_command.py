"""`lab try`: judge the function that a learner has written."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from lab_lib.cli.progress import progress_bar
from lab_lib.cli.terminal import handle_errors, out

_STYLES = {"passed": "green", "not yet": "red", "not tried": "bright_black"}


def try_(
    file: Annotated[Path, typer.Argument(help="The file with your function, such as my-lab/my_notifier.py.")],
) -> None:
    """Try your own TotalNotifier with twelve cases, such as a batch that comes twice.

    Your function is lambda_handler(event, context). It gets records of the stream of Transactions.

    It finds TOTAL_TABLE, MARKER_TABLE, TOPIC_ARN, THRESHOLD and DEAD_LETTER_QUEUE in os.environ, as TotalNotifier does.

    For each case you see which totals, alerts and dead letters the account should hold, and which it holds.

    It runs on another embedded AWS, which is deleted afterwards. Your lab is not touched.

    Your function runs on this computer, as you. Try only code that you trust.

    The exit status is 0 if all cases are passed, 1 if not, and 2 if the file has no such function.
    """
    from lab_lib.exercises import trial

    with handle_errors(stopped="Stopped. Nothing is left of the trial."):
        with progress_bar() as progress:
            bar = progress.add_task("starting another embedded AWS", total=len(trial.cases(large=True)))

            def done(result: trial.Result) -> None:
                progress.update(bar, advance=1, description=result.case.name)

            report = trial.judge(file, large=True, done=done)
        out.print(_table(report))
        out.print(report.summary, style="bold", soft_wrap=True)
        raise typer.Exit(0 if report.passed else 1)


def _table(report: Any) -> Table:
    table = Table("state", "case", "expected", "found", header_style="bold")
    table.columns[0].no_wrap = True
    for result in report.results:
        style = _STYLES[result.state]
        case = Text.assemble((result.case.name, "bold"), f"\n{result.case.sentence}")
        table.add_row(Text(result.mark, style), case, result.wanted, result.found)
    return table
