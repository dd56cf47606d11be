"""`lab submit`: write a learner's own work into one file."""

from pathlib import Path
from typing import Annotated

import typer

from lab_lib.cli.terminal import handle_errors, out, relative_to_cwd
from lab_lib.language import N_, _


def submit(
    name: Annotated[str, typer.Option(help="Your name, as your instructor knows it.")] = "",
    student_id: Annotated[
        str, typer.Option("--id", help="Your id or login at the school; by default that of `lab open`.")
    ] = "",
    out_file: Annotated[
        Path | None, typer.Option("--out", help="The file; by default submission-NAME-ID.zip in this folder.")
    ] = None,
) -> None:
    """Write your own work into one file, for your instructor. Nothing is sent.

    It holds your notebooks, your function (all my_*.py) and your answers.

    Accounts, addresses and credentials are masked.
    """
    from lab_lib.classroom import submission
    from lab_lib.classroom.roster import slug
    from lab_lib.exercises import copies

    with handle_errors(N_("Stopped. To write the file, run the command again.")):
        student_id = student_id or copies.data_id(copies.folder())
        parts = [slug(part) for part in (name, student_id) if part]
        path = out_file or Path(f"{'-'.join(['submission', *parts])}.zip")
        held = submission.write(path, name, student_id)
        out.say(
            _(
                "Written: {path} ({size:,.0f} kB). It was not sent anywhere.",
                path=relative_to_cwd(path),
                size=path.stat().st_size / 1000,
            )
        )
        out.say(_("It holds: {names}", names=_(", ").join(held)))
        if submission.FUNCTION not in held:
            out.say(
                _("It lacks {name}, which notebook 06 writes, and which gives points too.", name=submission.FUNCTION)
            )
        if not any(part in slug(path.stem) for part in parts):
            out.say(_("The file's name must say whose it is: give --name and --id, and no --out."))
        out.say(_("Hand in this file."))
