"""`lab prove`: the whole lab on AWS, measured."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from lab_lib import language
from lab_lib.cli.progress import step_bar
from lab_lib.cli.run_command import steps_table
from lab_lib.cli.setting_options import MANAGED, PLACE, Settings, takes
from lab_lib.cli.terminal import Yes, err, handle_errors, out, relative_to_cwd
from lab_lib.places import workspace

_STOPPED = (
    "Stopped. What was made so far is still there: `lab clean` with the same options deletes it. "
    "proof.html says what was seen until now."
)


@takes(*PLACE, *MANAGED, "boundary")
def prove(
    settings: Settings,
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", help="The folder for proof.json and proof.html; runs/proof-<time> by default."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Prove that the whole lab works on AWS, and measure how long AWS takes. You are asked first.

    All notebooks are run, the account is checked at once and after five minutes, and then probed.

    A file of 10,000 rows is sent, all is deleted, and all notebooks are run again. It takes an hour and a half.

    proof.html shows what was seen, each wait, each call that AWS refused at first, and what differs from the estimates.

    proof.json has the same as data. Accounts, addresses, ARNs and the names of buckets are masked in both.

    After an error, what was made is deleted at once. After Ctrl-C it stays until you run `lab clean`.

    Without --profile this is a rehearsal on the embedded AWS, of a minute. It says nothing about AWS.

    The exit status is 0 if all was as expected and nothing is left, 1 if not, and 2 for a wrong request.
    """
    from lab_lib.aws import cleanup
    from lab_lib.run import costs, headless
    from lab_lib.run import prove as proof

    language.use(language.ENGLISH)  # of the proof, which has words of the notebooks
    folder = out_dir or workspace() / "runs" / datetime.now().strftime("proof-%Y-%m-%d-%H%M%S")
    parameters: dict[str, Any] = dict(settings)
    with handle_errors():
        lab = headless.prepare(parameters)[1]
        if lab.is_real:
            err.print(costs.before(proof.numbers()), soft_wrap=True)
        if lab.is_real and not yes:
            cleanup.ask(f"The proof runs the lab twice in {lab}, and deletes all that it has made. Begin?")
    with handle_errors(_STOPPED):
        with step_bar(proof.number_of_steps()) as bar:
            result = proof.prove(parameters, folder, bar.started, bar.finished)
        out.print(steps_table(bar.done, [step.notebook for step in bar.done]))
        out.print(result["what"], style="bold")
        out.print(f"What was seen: {relative_to_cwd(folder / 'proof.html')}, and proof.json beside it", soft_wrap=True)
        if result["left"] != []:
            out.print("`lab clean` with the same options deletes what is left.", style="bold", soft_wrap=True)
        if not result["ok"]:
            raise typer.Exit(1)
