"""`lab result`: the result of notebooks that papermill has executed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lab_lib.cli.run_command import steps_table
from lab_lib.cli.terminal import handle_errors, out, relative_to_cwd
from lab_lib.language import N_, _


def result(
    folder: Annotated[Path, typer.Argument(help="The folder that papermill has written the notebooks to.")],
    out_file: Annotated[Path | None, typer.Option("--out", help="The file; by default result.json in FOLDER.")] = None,
) -> None:
    """Write the result of notebooks that papermill has executed: how each ended, its seconds, and what it printed.

    Execute each with `papermill notebooks/NAME.ipynb FOLDER/NAME.ipynb -f SETTINGS.yaml`: README has the loop.

    The notebooks' pictures are put beside them. Accounts, addresses and numbers are masked in the file.

    Ends with status 1 if a notebook has failed, or has not come to its end.
    """
    from lab_lib.exercises import copies
    from lab_lib.private_files import write_file
    from lab_lib.run import executed

    with handle_errors(N_("Stopped. To write the file, run the command again.")):
        steps, record = executed.read(folder)
        path = out_file or folder / "result.json"
        copies.give_pictures(folder)
        write_file(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        out.print(steps_table(steps, [step.notebook for step in steps]))
        out.print(_("Result: {path}", path=relative_to_cwd(path)), soft_wrap=True)
        if not record["ok"]:
            raise typer.Exit(1)
