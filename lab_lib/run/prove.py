"""Prove the lab on AWS: run it, check it, send it a large file, delete it, and run it again.

Anywhere else this is a rehearsal. It tries the code of the proof, and says nothing about AWS.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lab_lib import checks, one_command, transactions, waited
from lab_lib.aws import buckets, cleanup
from lab_lib.checks.chain import following
from lab_lib.errors import LabError, UsageError
from lab_lib.lab import Lab
from lab_lib.private_files import file_named_by, make_folder
from lab_lib.run import costs, headless
from lab_lib.run.executed import Step
from lab_lib.run.proof import Proof, write
from lab_lib.waiting import wait_until

ROWS, CUSTOMERS = 10_000, 100  # of the large file: every total reaches the usual threshold
PAUSE = 300  # seconds, on AWS


def numbers() -> list[str]:
    """Return what a proof runs, as `costs` takes it: the notebooks without the clean-up, all of them, and the rest."""
    notebooks = [path.stem[:2] for path in headless.notebooks()]
    return [*notebooks[:-1], *notebooks, costs.PROOF]


def number_of_steps() -> int:
    """Return how many steps a proof has in which nothing fails: one for each notebook, and six others."""
    return len(numbers()) - 1 + 6


def prove(
    parameters: dict[str, Any],
    out: Path,
    started: Callable[[str], None],
    finished: Callable[[Step], None],
) -> dict[str, Any]:
    """Do all steps, and return what is then in proof.json. Writes it to `out`, with proof.html and the notebooks.

    After an error the clean-up follows at once. A check that does not hold is entered, and the proof goes on. Ctrl-C
    ends the proof and deletes nothing; both files have what was seen until then.

    UsageError, before anything is made, if resources of the lab are there. LabInUse if another command works on it.
    """
    lab = headless.prepare(parameters)[1]
    with (
        one_command.alone(lab, "lab prove"),
        file_named_by(waited.FILE) as file,
        file.open(encoding="utf-8") as notes,
        costs.counted() as requests,
    ):
        if there := cleanup.remaining(lab):
            raise UsageError(
                f"Resources of the lab are there already: {len(there)}. A proof begins with none, and deletes all in "
                "the end. Delete them with `lab clean`, or name another account or prefix."
            )
        make_folder(out)
        proof = Proof(lab, notes, finished)
        try:
            _Steps({**parameters, "yes": True}, out, started, proof, cleanup.kept(lab)).do_all()
        finally:
            write(result := proof.as_dict(numbers(), requests()), out)
    return result


@dataclass
class _Steps:
    """The steps of a proof. Each enters what it has seen, and raises an error if the next one cannot follow."""

    parameters: dict[str, Any]
    out: Path
    started: Callable[[str], None]
    proof: Proof
    others: list[str]  # that the clean-up keeps, since they are not of the lab

    def do_all(self) -> None:
        """Do the steps up to the first error, then see what is left."""
        steps: dict[str, Callable[[str], None]] = {
            "run": partial(self._run, until=headless.last_kept()),
            "check": self._check,
            "check after five minutes": self._check_again,
            "check --probe": partial(self._check, probe=True),
            f"{ROWS:,} rows": self._upload,
            "clean": self._clean,
            "run again": self._run,
        }
        if not all(self._is_done(name, step) for name, step in steps.items()):
            self._is_done("clean after the error", self._clean)
        self._is_done("what is left", self._look)

    def _is_done(self, name: str, step: Callable[[str], None]) -> bool:
        """Do a step, and return whether it came to its end."""
        self.started(name)
        self.proof.begin()
        try:
            step(name)
        except Exception as error:  # noqa: BLE001  # whatever it is: what was made costs money until it is deleted
            self.proof.enter(name, f"{type(error).__name__}: {error}", ok=False)
            return False
        return True

    def _lab(self) -> Lab:
        """Return the lab as it is now: a run may have given its bucket another name."""
        return headless.prepare(self.parameters)[1]

    def _run(self, name: str, until: str | None = None) -> None:
        def finished(step: Step) -> None:
            self.proof.enter(f"{name}: {step.notebook}", step.error or step.seen, step.ok, step.seconds)

        result = headless.run(
            self.parameters,
            self.out / name.replace(" ", "-"),
            until,
            started=lambda notebook: self.started(f"{name}: {notebook}"),
            finished=finished,
            command="",
        )
        if not result["ok"]:
            raise LabError("A notebook has failed. The executed one shows the cell.")

    def _check(self, name: str, probe: bool = False) -> None:
        report = checks.run(self._lab(), probe=probe)
        held = f"Checks that hold: {sum(check.ok for check in report.checks)} of {len(report.checks)}"
        others = [f"{check.mark}: {check.name}: {check.found}" for check in report.checks if not check.ok]
        self.proof.enter(name, "; ".join([held, *others]), ok=not report.failed)

    def _check_again(self, name: str) -> None:
        self._pause()
        self._check(name)

    def _upload(self, name: str) -> None:
        lab = self._lab()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.txt"
            with path.open("w", encoding="utf-8") as stream:
                transactions.write(stream, transactions.make_up(ROWS, CUSTOMERS))
            with following(lab, path):
                buckets.upload(lab, path)
        self.proof.enter(name, "All rows, totals and alerts are there")

    def _clean(self, name: str) -> None:
        deleted = list(cleanup.delete_all(self._lab()))
        self.proof.enter(name, f"Resources deleted: {len(deleted)}")

    def _look(self, name: str) -> None:
        """Look for what is left. AWS shows a deleted queue for a minute, and a function may write its log late."""
        self._pause()
        lab = self._lab()
        new = [label for label in cleanup.kept(lab) if label not in self.others]  # such as a bucket that lost its tag
        self.proof.left = left = cleanup.remaining(lab) + new
        seen = [f"Left: {', '.join(left)}" if left else "Nothing of the lab is left"]
        if self.others:
            seen.append(f"Kept, since it was there before: {', '.join(self.others)}")
        self.proof.enter(name, ". ".join(seen), ok=not left)

    def _pause(self) -> None:
        """Wait five minutes on AWS. They are no wait for AWS, and no part of a step."""
        end = time.monotonic() + (PAUSE if self._lab().is_real else 0)
        wait_until(lambda: time.monotonic() >= end, "five minutes to pass", timeout=2 * PAUSE)
        self.proof.begin()
