"""Judge one submission, from outside of its sandbox.

The judge reads the account in the sandbox. It trusts no message from there.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from lab_lib import checks
from lab_lib.aws import tables
from lab_lib.checks.lookalikes import visible
from lab_lib.checks.reports import Report
from lab_lib.classroom import sandbox, submission
from lab_lib.classroom.gate import Gate
from lab_lib.classroom.sandbox import Ended, Limits, Sandbox
from lab_lib.classroom.work import GRADED, STEP, Work, now
from lab_lib.embedded.server import ACCOUNT, HOST
from lab_lib.errors import UsageError
from lab_lib.exercises import cases, copies, made, questions, runner, trial, workbook
from lab_lib.lab import Lab, lab_on
from lab_lib.masking import masked
from lab_lib.private_files import write_file
from lab_lib.run import headless
from lab_lib.settings import setting

T = TypeVar("T")
_MOST_TOLD = 1_500  # characters of each text about a case
_MOST_TEXT = 500  # characters that are kept of a sentence from the sandbox
_MOST_TOTALS, _LONGEST_NAME = 1_000, 100  # totals that are kept, and the characters of each name and amount


@dataclass
class Judge:
    """The findings so far about a submission."""

    submitted: submission.Submission
    limits: Limits
    trust: bool
    work: Work  # its draft takes the executed notebooks
    lab: Lab | None = None
    faults: list[str] = field(default_factory=list)  # why a part of it could not be run or judged
    steps: list[dict[str, Any]] = field(default_factory=list)
    looked: dict[str, bool] = field(default_factory=dict)  # by question: whether all was as asked, when it was
    said: dict[str, Any] = field(default_factory=dict)  # by question: the last answer
    rows: list[dict[str, Any]] = field(default_factory=list)  # of TransactionTotal, as the student saw it
    report: Report = field(default_factory=lambda: Report([]))
    totals: dict[str, str] = field(default_factory=dict)
    trial: list[dict[str, Any]] | None = None
    step: str = "getting ready"  # what runs now: a notebook, the checks, or the function

    def run(self) -> None:
        """Run the notebooks in a sandbox, and judge what they leave.

        If a notebook ends the sandbox before the account is judged, the notebooks before it run once more, alone.
        """
        self._hear_answers(self.submitted.files.get(workbook.ANSWERS, b"").decode("utf-8", "replace"))
        names = [path.name for path in copies.solved_notebooks()]
        if not self._run_notebooks(names) and not self.report.checks and self.steps:
            before, self.steps, self.lab = self.steps, [], None
            self._run_notebooks([f"{step['notebook']}.ipynb" for step in before])
        self._begin("function")
        self.trial = self._safely("the function", self._tried, None)

    def _run_notebooks(self, names: list[str]) -> bool:
        """Run these notebooks; return False if the sandbox has ended before them, which becomes a fault."""
        try:
            with sandbox.opened(self.limits, self.trust) as box:
                box.say(self._request(box.port, names))
                self._converse(box, names)
            return True
        except Ended as error:
            self.faults.append(f"{self.step}: {error}")
            return False

    def answers(self) -> list[dict[str, Any]]:
        """Return for each question of the lab whether its answer is right, and its points in its notebook."""
        return [
            {"question": asked.question, "right": self._is_right(asked), "points": asked.points}
            for asked in questions.asked()
        ]

    def _is_right(self, asked: questions.Asked) -> bool:
        if asked.is_made:
            return self.looked.get(asked.question, False)
        return asked.question in self.said and questions.is_right(
            asked.question, self.said[asked.question], self.rows, self._settings["threshold"]
        )

    @property
    def _settings(self) -> dict[str, Any]:
        """Return the settings that the roster gives the student."""
        return {name: setting(name, self.work.student.parameters.get(name, "")) for name in ("prefix", "threshold")}

    def _request(self, port: int, names: list[str]) -> dict[str, Any]:
        """Return what the program in the sandbox needs. It stops after these cells, and after the notebook `last`."""
        files, limits = self.submitted.files, self.limits
        return {
            "port": port,
            "files": {name: files[name].decode("utf-8", "replace") for name in names if name in files},
            "settings": self.work.student.parameters,
            "notebooks": names,
            "last": next((name for name in names if name.startswith("05")), names[-1] if names else ""),
            "stops": [asked.cell for asked in questions.asked() if asked.is_made],
            "limits": {"cell": limits.cell, "notebook": limits.notebook, "whole": limits.whole},
        }

    def _converse(self, box: Sandbox, names: list[str]) -> None:
        """Hear how each notebook ended, and look at the account whenever the program waits for that."""
        notebooks, begun = list(names), time.monotonic()
        self._begin(notebooks[0])
        while not (heard := box.hear()).get("is_done"):
            if notebooks and heard.get("notebook") == notebooks[0]:
                self._take(notebooks.pop(0), heard, time.monotonic() - begun)
                self._begin(notebooks[0] if notebooks else "the end")
                begun = time.monotonic()
            else:
                asked, step = time.monotonic(), self.step
                self._look(box, heard)
                self._begin(step)
                begun += time.monotonic() - asked
                box.say({})

    def _begin(self, step: str) -> None:
        """Note the step that runs now."""
        self.step = Path(step).stem
        self.work.note(STEP, self.step)

    def _look(self, box: Sandbox, heard: dict[str, Any]) -> None:
        """Open the lab, judge an exercise, or judge the whole account."""
        if "is_open" in heard and not self.lab:
            self.lab = replace(_accounts(box, heard)(ACCOUNT), **self._settings)
        elif "cell" in heard and self.lab:
            self._judge_exercise(self.lab, heard["cell"])
        elif "is_built" in heard and self.lab and not self.report.checks:
            self._begin("checks")
            self._judge_account(self.lab)
        else:
            raise Ended("The process that ran the notebooks said what it never says. A cell may have changed it.")

    def _judge_exercise(self, lab: Lab, cell: Any) -> None:
        for asked in questions.asked():
            if asked.is_made and asked.cell == cell:
                self._look_at(lab, asked.question)

    def _look_at(self, lab: Lab, exercise: str) -> None:
        report = self._safely("an exercise", partial(made.run_checks, lab, exercise), None)
        self.looked[exercise] = report is not None and not report.failed

    def _take(self, name: str, heard: dict[str, Any], seconds: float) -> None:
        """Keep an executed notebook, and the answers until now."""
        stem = Path(name).stem
        stopped, failed = (visible(str(heard.get(key, ""))[:_MOST_TEXT]) for key in ("stopped", "failed"))
        if stopped:
            self.faults.append(f"{stem}: {stopped}")
        error = stopped or failed or None
        self.steps.append({"notebook": stem, "ok": not error, "seconds": round(seconds, 2), "error": error})
        self._hear_answers(str(heard.get("answers", "")))
        if self.lab and (text := str(heard.get("text", ""))):
            write_file(self.work.draft / name, masked(text.encode("utf-8", "replace").decode(), self.lab))

    def _hear_answers(self, text: str) -> None:
        """Note the last answer to each question. A line that cannot be read is passed over."""
        for line in text.splitlines():
            try:
                answer = json.loads(line)
                if answer["kind"] == "answer":
                    self.said[str(answer["question"])] = answer["answer"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue

    def _judge_account(self, lab: Lab) -> None:
        """Check the account, and the exercises that no notebook has reached."""
        for asked in questions.asked():
            if asked.is_made and asked.question not in self.looked:
                self._look_at(lab, asked.question)
        self.rows = self._safely("the totals", lambda: tables.items(lab, "TransactionTotal"), [])
        totals = self._safely("the totals", lambda: headless.totals(lab), dict[str, str]())
        self.totals = {
            name[:_LONGEST_NAME]: amount[:_LONGEST_NAME] for name, amount in islice(totals.items(), _MOST_TOTALS)
        }
        probed = self._safely("the checks with a probe", lambda: checks.run(lab, probe=True), None)
        self.report = probed or self._safely("the checks", lambda: checks.run(lab), Report([]))
        graded = {"checks": self.report.as_dicts(), "totals": self.totals, "graded": now()}
        self.work.note(GRADED, masked(json.dumps(graded), lab))

    def _tried(self) -> list[dict[str, Any]]:
        """Try the function in one sandbox, on an embedded AWS in another one, where no code of the student runs."""
        code, why = self.submitted.files.get(submission.FUNCTION), "There is no my_notifier.py."
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / submission.FUNCTION
            try:
                if code is not None:
                    path.write_bytes(code)
                    launch = runner.launched if self.trust else sandbox.launched
                    with sandbox.opened(self.limits, self.trust) as box:
                        box.say(self._request(box.port, []))
                        accounts = _accounts(box, box.hear())
                        tried = trial.judge(path, large=True, seed=self.work.seed, accounts=accounts, launch=launch)
                    return [_entry(result) for result in tried.results]
            except UsageError as error:
                why = str(error).replace(f"{folder}/", "")
            except Ended as error:  # its own sandbox
                why = str(error)
                self.faults.append(f"{submission.FUNCTION}: {error}")
        untried = [_entry(trial.Result(case, "not tried")) for case in cases.chosen(large=True)]
        untried[0]["found"] = why
        return untried

    def _safely(self, task: str, look: Callable[[], T], otherwise: T) -> T:
        try:
            return look()
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001  # what the student's server answers may break anything
            self.faults.append(visible(f"Cannot judge {task}: {type(error).__name__}: {error}"[:300]))
            return otherwise


def _accounts(box: Sandbox, heard: dict[str, Any]) -> trial.Accounts:
    """Return a function that opens the accounts of the sandbox's embedded AWS. Each request goes through the gate."""
    endpoint = f"http://{HOST}:{box.port}"
    gate = Gate(endpoint, box.require)

    def opened(account: str) -> Lab:
        lab = lab_on(endpoint, str(heard.get("secret"))[:100], account)
        lab.session.events.register("before-send", gate.send)
        return lab

    return opened


def _entry(result: trial.Result) -> dict[str, Any]:
    """Return the entry of a record about one case of the student's function."""
    told = {name: "\n".join(map(visible, text[:_MOST_TOLD].splitlines())) for name, text in result.told.items()}
    return {"case": result.case.id, "sentence": result.case.sentence, "state": result.state, **told}
