"""Grade one submission: run its notebooks in a sandbox, and judge from outside of it.

The judge reads the account in the sandbox. It trusts no message from there.
"""

import resource
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib import checks
from lab_lib.checks.rules import FURTHER
from lab_lib.classroom import gate, lab_cells, safe_cells, sandbox, submission
from lab_lib.classroom.own_work import OwnWork
from lab_lib.classroom.record import Record, Step, Submitted
from lab_lib.classroom.roster import moment
from lab_lib.classroom.sandbox import Ended, Sandbox
from lab_lib.classroom.submission import Submission
from lab_lib.classroom.work import Work, in_words
from lab_lib.errors import UsageError
from lab_lib.exercises import cases, copies, questions, runner, trial
from lab_lib.exercises.questions import Text
from lab_lib.exercises.results import Result
from lab_lib.exercises.trial import Accounts
from lab_lib.lab import Lab
from lab_lib.language import N_, _, sentences
from lab_lib.pages.wording import now, visible
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_ACCOUNT
from lab_lib.workspace.masking import without_names
from lab_lib.workspace.private_files import write_file

_MOST_MEMORY = 1_500_000_000  # bytes of the judge and, since they inherit it, of each process in the sandbox
_MOST_TEXT = 1000  # characters of the reasons
_MISSING = N_("It was not handed in.")


@dataclass(frozen=True)
class Grading(Work):
    """Judge the submission of one student, and write the results below `out`."""

    submitted: Submission | None = None  # None if there is no submission
    due: datetime | None = None
    trust: bool = False
    seconds: int = 120  # a cell may spend a fifth

    is_embedded = False  # each sandbox has an embedded AWS of its own

    @property
    def settings(self) -> list[Any]:
        content = self.submitted.content if self.submitted else b""
        return [self.student.name, self.student.settings_in_sandbox, self.seed, sha256(content).hexdigest()]

    def record(self, state: str = "failed") -> Record:
        record = super().record(state)
        if file := self.submitted:
            when = self.student.handed_in or f"{file.handed_in:%Y-%m-%d %H:%M}"
            late = days_late(when, self.due) if self.due else 0
            record.submitted = Submitted(when=when, claim=file.when, late=late)
        return record

    def results(self) -> Record:
        """Judge the submission in bounded memory and time, and return the record of it.

        Processor time bounds the judge: one that waits for a sandbox ends with it.
        """
        assert self.submitted  # noqa: S101
        longest = sandbox.longest(self.seconds)
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (longest, longest))
        record = self.record()
        record.answers = []  # what is not judged gives no points
        record.trial = []
        self.keep(record)
        if self.submitted.fault:
            record.error = in_words(UsageError(self.submitted.fault))
            return record
        files = submission.unpack(self.submitted.content)
        judge = Judge(self, record, files, OwnWork(self.submitted.data_id))
        judge.run()
        record.state = "failed" if judge.faults else "done"
        record.error = sentences(*judge.faults)[:_MOST_TEXT] or None
        return record


def days_late(handed_in: str, due: datetime) -> int:
    """Return how many days after the due date have begun."""
    days_left = (due - moment(handed_in, "handed_in")) // timedelta(days=1)  # rounded down: -1 a minute after
    return max(-days_left, 0)


def note_files(works: Iterable[Grading]) -> None:
    """Write for `lab class report` who has handed in nothing, and when the others did whose record is there."""
    for work in works:
        record = work.read()
        if record and record.fingerprint == work.fingerprint:  # the time may have changed, in the roster or by --due
            record.submitted = work.record().submitted
            record.write(work.folder / "grade.json")
        elif not record and not work.submitted:
            work.write(work.record(N_("missing")))


def seed_of(out: Path) -> str:
    """Return the seed of the records there; a new one if there are none."""
    for path in sorted(out.glob("*/grade.json")):
        if seed := Record.read(path).seed:
            return seed
    return secrets.token_hex(8)


@dataclass
class Judge:
    """Judge a submission, and fill in its record. There, what was not judged yet counts as wrong."""

    work: Grading  # its draft takes the executed notebooks, and the record so far
    record: Record
    files: dict[str, bytes]  # that were handed in
    own: OwnWork
    faults: list[str] = field(default_factory=list)  # why a part of it could not be run or judged

    def run(self) -> None:
        """Run the notebooks in a sandbox, and judge what they make and leave. Then judge the function.

        Of one that was not handed in, the lab's own cells build what those behind it need. Behind 05, none needs any.
        """
        all_names = [path.name for path in headless.notebooks()]
        names = [name for name in all_names if name in self.files or name < headless.BREAK_IT]
        name = ""  # of the notebook under way
        try:
            with self._sandbox(names) as (box, accounts):
                lab = replace(accounts(DEFAULT_ACCOUNT), **self.work.student.settings_in_sandbox)
                for name in names:
                    self._keep()
                    self._run_notebook(box, lab, name)
        except Ended as error:
            self._blame(Path(name).stem or _("getting ready"), error)
        for name in all_names:
            if name not in names:
                self._end(name, _(_MISSING), [])
        self._keep()
        with self._safely(_("the function")):
            self.record.trial = self._try_function()
        self._keep()

    def _keep(self) -> None:
        """Keep what was found so far: if this process dies, that counts."""
        self.record.answers = self.own.verdicts
        self.work.keep(self.record)

    @contextmanager
    def _sandbox(self, names: list[str]) -> Iterator[tuple[Sandbox, Accounts]]:
        """Open a sandbox that runs these notebooks, and its accounts. It waits after each, and after these cells."""
        settings = self.work.student.settings_in_sandbox
        files = dict[str, str]()
        course = dict[str, lab_cells.Course]()
        for name in names:
            files[name] = self.files.get(name, b"").decode("utf-8", "replace")
            course[name] = lab_cells.course(copies.NOTEBOOKS / name)
        request = {
            "files": files,
            "settings": {name: str(value) for name, value in settings.items()},
            "course": course,
            "data_id": self.own.data_id,
            "asked": {asked.cell: (asked.question, asked.answer) for asked in questions.asked().values()},
            "seconds": self.work.seconds,
        }
        with sandbox.opened(self.work.seconds, self.work.trust) as box:
            box.say(request)
            yield box, gate.accounts(box, box.hear()["secret"])  # no code of the student runs yet

    def _run_notebook(self, box: Sandbox, lab: Lab, name: str) -> None:
        """Let the program in the sandbox run this notebook to its end. Judge what it makes, and keep it."""
        box.say({})  # go on
        heard = box.hear()
        while heard.get("notebook") != name:  # it has stopped at an exercise
            if asked := questions.asked().get(str(heard.get("exercise"))):
                self._judge(lab, asked, heard)
            box.say({})
            heard = box.hear()
        for asked in questions.asked().values():
            if asked.is_made and asked.cell[:2] == name[:2]:
                self._judge(lab, asked, {})  # if its cell was not reached
        written = self.work.draft / name
        text = str(heard.get("text", ""))
        if text:
            write_file(written, without_names(text))
        stopped = visible(str(heard.get("stopped", "")))
        if stopped and name not in self.files:
            stopped = _(_MISSING)
        self._end(name, stopped, safe_cells.errors(written))
        if name < headless.BREAK_IT:  # which breaks the lab; 99 deletes it
            self._check(lab, name[:2])

    def _end(self, name: str, stopped: str, errors: list[str]) -> None:
        """Note how a notebook has ended: what has stopped it, if anything, and the errors of its cells."""
        stem = Path(name).stem
        if stopped:
            self._blame(stem, stopped)
        self.record.steps.append(Step(notebook=stem, ok=not stopped, error=stopped or None, errors=errors))

    def _judge(self, lab: Lab, asked: Text, heard: dict[str, Any]) -> None:
        """Judge an exercise where the sandbox has stopped for it."""
        with self._safely(asked.question):
            answer = str(heard.get("answer", ""))
            is_before = bool(heard.get("is_before"))
            self.own.judge(lab, asked, answer, is_before)

    def _check(self, lab: Lab, step: str) -> None:
        """Check the settings of a step when its notebook has run, and the chain when all is built."""
        steps = [step]
        is_built = step == "05"
        if is_built:
            self._keep()
            steps.append(FURTHER)
        with self._safely(_("the checks")):
            found = checks.run(lab, *steps, probe=is_built).checks
            self.record.checks = [*self.record.checks, *found]
        self.record.graded = now()

    def _try_function(self) -> list[Result]:
        """Try the function in one sandbox, on an embedded AWS in another one, where no code of the student runs."""
        path = self.work.draft / submission.FUNCTION
        files = {path.name: b"", **self.files}  # an empty one if it was not handed in
        for name, content in files.items():
            if runner.is_part(name):
                path.with_name(name).write_bytes(content)
        try:
            trial.read(path)  # so that no sandbox is started in vain
            with self._sandbox([]) as (_box, accounts):
                return trial.judge(path, seed=self.work.seed, accounts=accounts).results
        except (UsageError, Ended) as error:
            if isinstance(error, Ended):  # its own sandbox has ended
                self._blame(path.name, error)
            why = str(error).replace(f"{path.parent}/", "")
            return [trial.untried(case, why) for case in cases.CASES]

    @contextmanager
    def _safely(self, task: str) -> Iterator[None]:
        """Note an error in the block as a fault, and go on: any answer of the student's server may cause one."""
        try:
            yield
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001  # any answer may cause any error
            why = f"{type(error).__name__}: {error}"
            self.faults.append(visible(_("Cannot judge {task}: {why}", task=task, why=why)))

    def _blame(self, part: str, why: object) -> None:
        self.faults.append(_(": ").join([part, str(why)]))
