"""Judge one submission, from outside of its sandbox.

The judge reads the account in the sandbox. It trusts no message from there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from lab_lib import checks
from lab_lib.aws import tables
from lab_lib.checks.lookalikes import visible
from lab_lib.checks.reports import Report
from lab_lib.classroom import gate, sandbox, submission
from lab_lib.classroom.record import Answer, Case, Record, Step
from lab_lib.classroom.sandbox import Ended, Sandbox
from lab_lib.classroom.work import Work
from lab_lib.errors import UsageError
from lab_lib.exercises import cases, made, questions, runner, trial, workbook
from lab_lib.exercises.trial import Accounts
from lab_lib.lab import Lab
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_ACCOUNT
from lab_lib.workspace.private_files import write_file

T = TypeVar("T")


@dataclass
class Judge:
    """Judge a submission, and fill in its record. There, what was not judged yet counts as wrong."""

    files: dict[str, bytes]  # that were handed in
    seconds: float  # in which the notebooks must build the lab
    trust: bool
    work: Work  # its draft takes the executed notebooks, and the record so far
    record: Record
    faults: list[str] = field(default_factory=list)  # why a part of it could not be run or judged
    exercises: dict[str, bool] = field(default_factory=dict)  # whether all was as asked, when it was looked at
    answers: dict[str, Any] = field(default_factory=dict)  # by question: the last answer
    rows: list[dict[str, Any]] = field(default_factory=list)  # of TransactionTotal, as the student saw it

    def run(self) -> None:
        """Run the notebooks in a sandbox, and judge what they leave. Then judge the function.

        If a notebook ends the sandbox before the account is judged, the notebooks before it run once more, alone.
        """
        self.answers = questions.last_answers(self._submitted_text(workbook.ANSWERS))
        names = [path.name for path in headless.notebooks()]
        if not self._run_notebooks(names) and not self.record.graded and self.record.steps:
            before, self.record.steps = self.record.steps, []
            self._run_notebooks([f"{step.notebook}.ipynb" for step in before])
        self._begin("function")
        self.record.trial = self._safely("the function", self._try_function, list[Case]())
        self._begin("the end")

    def _is_right(self, asked: questions.Asked) -> bool:
        if asked.is_made:
            return self.exercises.get(asked.question, False)
        return questions.judge_again(
            asked.question,
            self.answers.get(asked.question),
            self.rows,
            self.work.student.settings_in_sandbox["threshold"],
        )

    def _submitted_text(self, name: str) -> str:
        return self.files.get(name, b"").decode("utf-8", "replace")

    def _begin(self, step: str) -> None:
        """Note the step that runs now, and what was found before it: if this process dies, that counts."""
        self.work.note(Path(step).stem)
        self.record.answers = [
            Answer(question=asked.question, right=self._is_right(asked), points=asked.points)
            for asked in questions.asked()
        ]
        self.work.keep(self.record)

    def _run_notebooks(self, names: list[str]) -> bool:
        """Run these notebooks; return False if the sandbox has ended before them, which becomes a fault."""
        last = max(name for name in names if name < headless.BREAK_IT)  # then the lab is built
        try:
            with self._sandbox(names) as (box, accounts):
                lab = replace(accounts(DEFAULT_ACCOUNT), **self.work.student.settings_in_sandbox)
                for name in names:
                    self._begin(name)
                    self._run_notebook(box, lab, name)
                    if name == last:
                        self._begin("checks")
                        self._judge_account(lab)
            return True
        except Ended as error:
            self.faults.append(f"{self.work.step}: {error}")
            return False

    @contextmanager
    def _sandbox(self, names: list[str]) -> Iterator[tuple[Sandbox, Accounts]]:
        """Open a sandbox that runs these notebooks, and its accounts. It waits after each, and after these cells."""
        request = {
            "files": {name: self._submitted_text(name) for name in names},
            "settings": {name: str(value) for name, value in self.work.student.settings_in_sandbox.items()},
            "stops": [*_exercises()],
            "seconds": self.seconds,
        }
        with sandbox.opened(self.seconds, self.trust) as box:
            box.say(request)
            yield box, gate.accounts(box, box.hear()["secret"])  # no code of the student runs yet

    def _run_notebook(self, box: Sandbox, lab: Lab, name: str) -> None:
        """Let the program in the sandbox run this notebook to its end. Judge its exercises, and keep it."""
        box.say({})
        while (heard := box.hear()).get("notebook") != name:
            if not (exercise := _exercises().get(str(heard.get("cell")))):
                raise Ended("The process that ran the notebooks said what it never says. A cell may have changed it.")
            self._judge_exercise(lab, exercise)
            box.say({})
        if stopped := visible(str(heard.get("stopped", ""))):
            if name not in self.files:
                stopped = submission.missing(self.files)
            self.faults.append(f"{self.work.step}: {stopped}")
        self.record.steps.append(Step(notebook=Path(name).stem, ok=not stopped, error=stopped or None))
        self.answers |= questions.last_answers(str(heard.get("answers", "")))
        if text := str(heard.get("text", "")):
            write_file(self.work.draft / name, text.encode("utf-8", "replace").decode())

    def _judge_exercise(self, lab: Lab, exercise: str) -> None:
        """Judge an exercise by what the student has made."""
        self.exercises[exercise] = self._safely("an exercise", lambda: not made.run_checks(lab, exercise).failed, False)

    def _judge_account(self, lab: Lab) -> None:
        """Check the account, and the exercises that no notebook has reached."""
        for exercise in made.EXERCISES.keys() - self.exercises.keys():
            self._judge_exercise(lab, exercise)
        self.rows = self._safely("the totals", lambda: tables.items(lab, "TransactionTotal"), [])
        report = self._safely("the checks", lambda: checks.run(lab, probe=True), Report([]))
        self.record.checks, self.record.graded = report.checks, now()

    def _try_function(self) -> list[Case]:
        """Try the function in one sandbox, on an embedded AWS in another one, where no code of the student runs."""
        path = self.work.draft / submission.FUNCTION
        path.write_bytes(self.files.get(submission.FUNCTION, b""))
        launch = runner.launched if self.trust else sandbox.launched
        try:
            trial.read(path)  # so that no sandbox is started in vain
            with self._sandbox([]) as (_, accounts):
                tried = trial.judge(path, seed=self.work.seed, accounts=accounts, launch=launch).results
        except (UsageError, Ended) as error:
            why = str(error).replace(f"{path.parent}/", "")
            tried = [trial.untried(case, why) for case in cases.CASES]
            if isinstance(error, Ended):  # its own sandbox has ended
                self.faults.append(f"{submission.FUNCTION}: {error}")
        return [Case.model_validate(result._asdict()) for result in tried]

    def _safely(self, task: str, judge: Callable[[], T], otherwise: T) -> T:
        try:
            return judge()
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001  # what the student's server answers may break anything
            self.faults.append(visible(f"Cannot judge {task}: {type(error).__name__}: {error}"))
            return otherwise


def _exercises() -> dict[str, str]:
    """Return each exercise in which something is made, by the cell that judges it."""
    return {asked.cell: asked.question for asked in questions.asked() if asked.is_made}
