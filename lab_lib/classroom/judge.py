"""Judge one submission, from outside of its sandbox.

The judge reads the account in the sandbox. It trusts no message from there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from lab_lib import checks
from lab_lib.checks.reports import Report
from lab_lib.checks.rules import FURTHER
from lab_lib.classroom import gate, lab_cells, safe_cells, sandbox, submission
from lab_lib.classroom.own_work import OwnWork
from lab_lib.classroom.record import Case, Record, Step
from lab_lib.classroom.sandbox import Ended, Sandbox
from lab_lib.classroom.work import Work
from lab_lib.errors import UsageError
from lab_lib.exercises import cases, copies, questions, runner, trial, workbook
from lab_lib.exercises.questions import Text
from lab_lib.exercises.trial import Accounts
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.lookalikes import visible
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_ACCOUNT
from lab_lib.workspace.masking import without_names
from lab_lib.workspace.private_files import write_file

T = TypeVar("T")


@dataclass
class Judge:
    """Judge a submission, and fill in its record. There, what was not judged yet counts as wrong."""

    files: dict[str, bytes]  # that were handed in
    seconds: int  # that the cells may spend until the lab is built
    trust: bool
    work: Work  # its draft takes the executed notebooks, and the record so far
    record: Record
    faults: list[str] = field(default_factory=list)  # why a part of it could not be run or judged
    own: OwnWork = field(default_factory=OwnWork)

    def run(self) -> None:
        """Run the notebooks in a sandbox, and judge what they make and leave. Then judge the function."""
        self.own.solved = questions.solved(self._submitted_text(workbook.ANSWERS))
        names = [path.name for path in headless.notebooks()]
        try:
            with self._sandbox(names) as (box, accounts):
                lab = replace(accounts(DEFAULT_ACCOUNT), **self.work.student.settings_in_sandbox)
                for name in names:
                    self._begin(name)
                    self._run_notebook(box, lab, name)
        except Ended as error:
            self._blame(self.work.step, error)
        self._begin(_("function"))
        self.record.trial = self._safely(_("the function"), self._try_function, list[Case]())
        self._begin(_("the end"))

    def _submitted_text(self, name: str) -> str:
        return self.files.get(name, b"").decode("utf-8", "replace")

    def _begin(self, step: str) -> None:
        """Note the step that runs now, and what was found before it: if this process dies, that counts."""
        self.work.note(Path(step).stem)
        self.record.answers = self.own.verdicts
        self.work.keep(self.record)

    @contextmanager
    def _sandbox(self, names: list[str]) -> Iterator[tuple[Sandbox, Accounts]]:
        """Open a sandbox that runs these notebooks, and its accounts. It waits after each, and after these cells."""
        request = {
            "files": {name: self._submitted_text(name) for name in names},
            "settings": {name: str(value) for name, value in self.work.student.settings_in_sandbox.items()},
            "course": {name: lab_cells.course(copies.NOTEBOOKS / name) for name in names},
            "data_id": self.own.data_id,
            "asked": {asked.cell: (asked.question, asked.answer) for asked in questions.asked().values()},
            "seconds": self.seconds,
        }
        with sandbox.opened(self.seconds, self.trust) as box:
            box.say(request)
            yield box, gate.accounts(box, box.hear()["secret"])  # no code of the student runs yet

    def _run_notebook(self, box: Sandbox, lab: Lab, name: str) -> None:
        """Let the program in the sandbox run this notebook to its end. Judge what it makes, and keep it."""
        box.say({})
        while (heard := box.hear()).get("notebook") != name:
            asked = questions.asked().get(str(heard.get("exercise")))
            if not asked:
                raise Ended(
                    _("The process that ran the notebooks said what it never says. A cell may have changed it.")
                )
            self._judge(lab, asked, heard)
            box.say({})
        for asked in questions.asked().values():
            if asked.is_made and asked.cell[:2] == name[:2]:
                self._judge(lab, asked, {})  # if its cell was not reached
        if text := str(heard.get("text", "")):
            write_file(self.work.draft / name, without_names(text).encode("utf-8", "replace").decode())
        if stopped := visible(str(heard.get("stopped", ""))):
            if name not in self.files:
                stopped = submission.missing(self.files)
            self._blame(self.work.step, stopped)
        errors = safe_cells.errors(self.work.draft / name)
        step = Step(notebook=Path(name).stem, ok=not stopped, error=stopped or None, errors=errors)
        self.record.steps.append(step)
        if name < headless.BREAK_IT:
            self._check(lab, name[:2])

    def _judge(self, lab: Lab, asked: Text, heard: dict[str, Any]) -> None:
        """Judge an exercise where the sandbox has stopped for it."""
        answer, is_before = str(heard.get("answer", "")), bool(heard.get("is_before"))
        self._safely(asked.question, lambda: self.own.judge(lab, asked, answer, is_before), None)

    def _check(self, lab: Lab, step: str) -> None:
        """Check the settings of a step when its notebook has run, and the chain when all is built."""
        steps, is_built = [step], step == "05"
        if is_built:
            self._begin(_("checks"))
            steps.append(FURTHER)
        report = self._safely(_("the checks"), lambda: checks.run(lab, *steps, probe=is_built), Report([]))
        self.record.checks = [*self.record.checks, *report.checks]
        self.record.graded = now()

    def _try_function(self) -> list[Case]:
        """Try the function in one sandbox, on an embedded AWS in another one, where no code of the student runs."""
        path = self.work.draft / submission.FUNCTION
        for name, content in {path.name: b"", **self.files}.items():
            if runner.is_part(name):
                path.with_name(name).write_bytes(content)
        try:
            trial.read(path)  # so that no sandbox is started in vain
            with self._sandbox([]) as (_box, accounts):
                tried = trial.judge(path, seed=self.work.seed, accounts=accounts).results
        except (UsageError, Ended) as error:
            why = str(error).replace(f"{path.parent}/", "")
            tried = [trial.untried(case, why) for case in cases.CASES]
            if isinstance(error, Ended):  # its own sandbox has ended
                self._blame(submission.FUNCTION, error)
        return [Case.model_validate(result._asdict()) for result in tried]

    def _safely(self, task: str, judge: Callable[[], T], otherwise: T) -> T:
        try:
            return judge()
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001  # what the student's server answers may break anything
            why = f"{type(error).__name__}: {error}"
            self.faults.append(visible(_("Cannot judge {task}: {why}", task=task, why=why)))
            return otherwise

    def _blame(self, part: str | None, why: object) -> None:
        self.faults.append(_(": ").join([str(part), str(why)]))
