"""Judge one submission, from outside of its sandbox.

The judge reads the account in the sandbox. It trusts no message from there.
"""

import json
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
from lab_lib.classroom.points import Record
from lab_lib.classroom.sandbox import Ended, Sandbox
from lab_lib.classroom.work import GRADED, STEP, Work
from lab_lib.errors import UsageError
from lab_lib.exercises import cases, made, questions, runner, trial, workbook
from lab_lib.exercises.trial import Accounts
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_ACCOUNT
from lab_lib.workspace.private_files import write_file

T = TypeVar("T")
Entries = list[dict[str, Any]]


@dataclass
class Judge:
    """The findings so far about a submission."""

    submitted: submission.Submission
    seconds: float  # in which the notebooks must build the lab
    trust: bool
    work: Work  # its draft takes the executed notebooks, and the findings
    faults: list[str] = field(default_factory=list)  # why a part of it could not be run or judged
    steps: Entries = field(default_factory=list)
    exercises: dict[str, bool] = field(default_factory=dict)  # whether all was as asked, when it was looked at
    answers: dict[str, Any] = field(default_factory=dict)  # by question: the last answer
    rows: Entries = field(default_factory=list)  # of TransactionTotal, as the student saw it
    account: Record = field(default_factory=dict)  # entries of the record; empty until the account is judged
    trial: Entries = field(default_factory=list)

    def run(self) -> None:
        """Run the notebooks in a sandbox, and judge what they leave. Then judge the function.

        If a notebook ends the sandbox before the account is judged, the notebooks before it run once more, alone.
        """
        self.answers = questions.last_answers(self._submitted_text(workbook.ANSWERS))
        names = [path.name for path in headless.notebooks()]
        if not self._run_notebooks(names) and not self.account and self.steps:
            before, self.steps = self.steps, []
            self._run_notebooks([f"{step['notebook']}.ipynb" for step in before])
        self._begin("function")
        self.trial = self._safely("the function", self._try_function, [])
        self._begin("the end")

    def findings(self) -> Record:
        """Return the entries of the record. They count what was not judged yet as wrong."""
        answers = [
            {"question": asked.question, "right": self._is_right(asked), "points": asked.points}
            for asked in questions.asked()
        ]
        return self.account | {"steps": self.steps, "answers": answers, "trial": self.trial}

    def _is_right(self, asked: questions.Asked) -> bool:
        if asked.is_made:
            return self.exercises.get(asked.question, False)
        return questions.judge_again(
            asked.question, self.answers.get(asked.question), self.rows, self.settings["threshold"]
        )

    @property
    def settings(self) -> dict[str, Any]:
        return self.work.student.settings_in_sandbox

    def _submitted_text(self, name: str) -> str:
        return self.submitted.files.get(name, b"").decode("utf-8", "replace")

    def _begin(self, step: str) -> None:
        """Note the step that runs now, and what was found before it: if this process dies, that counts."""
        self.work.note(STEP, Path(step).stem)
        self.work.note(GRADED, json.dumps(self.findings()))

    def _run_notebooks(self, names: list[str]) -> bool:
        """Run these notebooks; return False if the sandbox has ended before them, which becomes a fault."""
        last = max(name for name in names if name < headless.BREAK_IT)  # then the lab is built
        try:
            with self._sandbox(names) as (box, accounts):
                lab = replace(accounts(DEFAULT_ACCOUNT), **self.settings)
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
            "settings": {name: str(value) for name, value in self.settings.items()},
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
            if name not in self.submitted.files:
                stopped = submission.missing(self.submitted.files)
            self.faults.append(f"{self.work.step}: {stopped}")
        self.steps.append({"notebook": self.work.step, "ok": not stopped, "error": stopped or None})
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
        self.account = {"checks": report.as_dicts(), "graded": now()}

    def _try_function(self) -> Entries:
        """Try the function in one sandbox, on an embedded AWS in another one, where no code of the student runs."""
        path = self.work.draft / submission.FUNCTION
        path.write_bytes(self.submitted.files.get(submission.FUNCTION, b""))
        launch = runner.launched if self.trust else sandbox.launched
        try:
            trial.read(path)  # so that no sandbox is started in vain
            with self._sandbox([]) as (_, accounts):
                tried = trial.judge(path, seed=self.work.seed, accounts=accounts, launch=launch)
            return [_entry(result) for result in tried.results]
        except UsageError as error:
            why = str(error).replace(f"{path.parent}/", "")
        except Ended as error:  # its own sandbox
            why = str(error)
            self.faults.append(f"{submission.FUNCTION}: {error}")
        first, *others = [_entry(trial.Result(case, "not tried")) for case in cases.chosen()]
        return [first | {"found": why}, *others]

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


def _entry(result: trial.Result) -> dict[str, Any]:
    """Return the entry of a record about one case of the student's function."""
    told = {name: "\n".join(map(visible, text.splitlines())) for name, text in result.told.items()}
    return {"case": result.case.id, "sentence": _(result.case.sentence), "state": result.state, **told}
