"""Judge one submission, from outside of the sandbox in which it runs.

The judge reads the account in the sandbox, whose content is the student's, and believes nothing that is said there.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from lab_lib import checks
from lab_lib.aws import tables
from lab_lib.checks.reports import Report
from lab_lib.checks.visible import visible
from lab_lib.classroom import job, sandbox, submission
from lab_lib.classroom.gate import Gate
from lab_lib.classroom.sandbox import Ended, Limits, Sandbox
from lab_lib.embedded.server import ACCOUNT, HOST
from lab_lib.errors import UsageError
from lab_lib.exercises import cases, copies, made, questions, runner, trial, workbook
from lab_lib.lab import Lab, lab_on
from lab_lib.masking import masked
from lab_lib.private_files import write_file
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_THRESHOLD

T = TypeVar("T")
_MOST_TOLD = 1_500  # characters of each text about a case
_MOST_TEXT = 500  # characters of what is kept of a sentence that comes from the sandbox
_MOST_TOTALS, _LONGEST_NAME = 1_000, 100  # totals that are kept, and the characters of each name and amount


@dataclass
class Judge:
    """The findings so far about a submission."""

    given: submission.Submission
    limits: Limits
    trust: bool
    work: job.Work  # its draft takes the executed notebooks
    lab: Lab | None = None
    faults: list[str] = field(default_factory=list)  # why a part of it could not be run or judged
    steps: list[dict[str, Any]] = field(default_factory=list)
    looked: dict[str, bool] = field(default_factory=dict)  # by question: whether all was as asked, when it was
    said: dict[str, Any] = field(default_factory=dict)  # by question: the last answer
    rows: list[dict[str, Any]] = field(default_factory=list)  # of TransactionTotal, as the student saw it
    report: Report = field(default_factory=lambda: Report([]))
    totals: dict[str, str] = field(default_factory=dict)
    trial: list[dict[str, Any]] | None = None

    def run(self) -> None:
        """Run the notebooks in a sandbox, and judge what they leave."""
        self._hear_answers(self.given.files.get(workbook.ANSWERS, b"").decode("utf-8", "replace"))
        names = [path.name for path in copies.solved()]
        try:
            with sandbox.opened(self.limits, self.trust) as box:
                box.say(self._request(box.port, names))
                self._converse(box, names)
        except Ended as error:
            self.faults.append(str(error))
        job.note(self.work, job.STEP, "function")
        try:
            self.trial = self._safely("the function", self._tried, None)
        except Ended as error:  # of its own sandbox
            self.faults.append(str(error))

    def answers(self) -> list[dict[str, Any]]:
        """Return for each question of the lab whether its answer is right."""
        return [{"question": each.question, "right": self._is_right(each)} for each in questions.asked()]

    def _is_right(self, each: questions.Asked) -> bool:
        if each.is_made:
            return self.looked.get(each.question, False)
        return each.question in self.said and questions.is_right(
            each.question, self.said[each.question], self.rows, DEFAULT_THRESHOLD
        )

    def _request(self, port: int, names: list[str]) -> dict[str, Any]:
        """Return what the program in the sandbox needs. It stops after these cells, and after the notebook `last`."""
        files, limits = self.given.files, self.limits
        return {
            "port": port,
            "files": {name: files[name].decode("utf-8", "replace") for name in names if name in files},
            "notebooks": names,
            "last": next((name for name in names if name.startswith("05")), ""),
            "stops": [each.cell for each in questions.asked() if each.is_made],
            "limits": {"cell": limits.cell, "notebook": limits.notebook, "whole": limits.whole},
        }

    def _converse(self, box: Sandbox, names: list[str]) -> None:
        """Hear what became of each notebook, and look at the account whenever the program waits for that."""
        left, begun = list(names), time.monotonic()
        job.note(self.work, job.STEP, Path(left[0]).stem)
        while not (heard := box.hear()).get("is_done"):
            if left and heard.get("notebook") == left[0]:
                self._take(left.pop(0), heard, time.monotonic() - begun)
                job.note(self.work, job.STEP, Path(left[0]).stem if left else "")
                begun = time.monotonic()
            else:
                asked = time.monotonic()
                self._look(box, heard)
                begun += time.monotonic() - asked
                box.say({})

    def _look(self, box: Sandbox, heard: dict[str, Any]) -> None:
        """Open the lab, judge an exercise, or judge the whole account."""
        if "is_open" in heard and not self.lab:
            self.lab = _accounts(box, heard)(ACCOUNT)
        elif "cell" in heard and self.lab:
            self._judge_exercise(self.lab, heard["cell"])
        elif "is_built" in heard and self.lab and not self.report.checks:
            job.note(self.work, job.STEP, "checks")
            self._judge_account(self.lab)
        else:
            raise Ended("The process that ran the notebooks said what it never says. A cell may have changed it.")

    def _judge_exercise(self, lab: Lab, cell: Any) -> None:
        for each in questions.asked():
            if each.is_made and each.cell == cell:
                self._look_at(lab, each.question)

    def _look_at(self, lab: Lab, exercise: str) -> None:
        found = self._safely("an exercise", partial(made.report, lab, exercise), None)
        self.looked[exercise] = found is not None and not found.failed

    def _take(self, name: str, heard: dict[str, Any], seconds: float) -> None:
        """Keep an executed notebook, and the answers until now."""
        stem = Path(name).stem
        stopped, failed = (visible(str(heard.get(each, ""))[:_MOST_TEXT]) for each in ("stopped", "failed"))
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
                found = json.loads(line)
                if found["kind"] == "answer":
                    self.said[str(found["question"])] = found["answer"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue

    def _judge_account(self, lab: Lab) -> None:
        """Check the account, and what an exercise has made whose notebook did not get there."""
        for each in questions.asked():
            if each.is_made and each.question not in self.looked:
                self._look_at(lab, each.question)
        self.rows = self._safely("the totals", lambda: tables.items(lab, "TransactionTotal"), [])
        totals = self._safely("the totals", lambda: headless.totals(lab), dict[str, str]())
        self.totals = {
            name[:_LONGEST_NAME]: amount[:_LONGEST_NAME] for name, amount in islice(totals.items(), _MOST_TOTALS)
        }
        probed = self._safely("the checks with a probe", lambda: checks.run(lab, probe=True), None)
        self.report = probed or self._safely("the checks", lambda: checks.run(lab), Report([]))
        found = {"checks": self.report.as_dicts(), "totals": self.totals, "graded": job.now()}
        job.note(self.work, job.GRADED, masked(json.dumps(found), lab))

    def _tried(self) -> list[dict[str, Any]]:
        """Try the function in a sandbox of its own, on an embedded AWS in another one, which no student's code has."""
        code, why = self.given.files.get(submission.FUNCTION), "There is no my_notifier.py."
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
                    return [_entry(each) for each in tried.results]
            except UsageError as error:
                why = str(error).replace(f"{folder}/", "")
        return [_entry(trial.Result(case, "not tried", found=why)) for case in cases.chosen(large=True)]

    def _safely(self, what: str, look: Callable[[], T], otherwise: T) -> T:
        try:
            return look()
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001  # what the student's server answers may break anything
            self.faults.append(visible(f"Cannot judge {what}: {type(error).__name__}: {error}"[:300]))
            return otherwise


def _accounts(box: Sandbox, heard: dict[str, Any]) -> trial.Accounts:
    """Return what opens the accounts of the sandbox's embedded AWS. Each request goes through the gate."""
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
