"""Judge the exercises of a submission while its notebooks run, each when its cell has run.

What is missing or wrong is made then, as the solution does, so that the rest can be judged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab_lib import transactions
from lab_lib.aws import tables
from lab_lib.checks import bank
from lab_lib.checks.reports import Check
from lab_lib.classroom.record import Answer
from lab_lib.exercises import made, questions
from lab_lib.exercises.questions import Text
from lab_lib.lab import Lab
from lab_lib.language import _, sentences
from lab_lib.pages.wording import visible

_LONGEST_ANSWER = 200  # characters


@dataclass
class OwnWork:
    """The verdicts on what a student has made and answered so far."""

    data_id: str = ""  # that the student's transactions were drawn from; "" if they are the handout's
    _before: dict[str, bool] = field(default_factory=dict)  # by exercise, whether another cell had made it
    _answers: dict[str, Answer] = field(default_factory=dict)  # by question

    @property
    def verdicts(self) -> list[Answer]:
        """Return a verdict on each question. One that no cell has reached is wrong."""
        return [self._answers.get(id, _verdict(asked)) for id, asked in questions.asked().items()]

    def judge(self, lab: Lab, asked: Text, answer: str, is_before: bool) -> None:
        """Judge an exercise, after its cell. The first verdict counts.

        The `answer` to a question is as `reading.as_text` gives it. Where something is to be made, what is there before
        the cell is deleted, and what is not right after it is made.
        """
        if asked.question in self._answers:
            return
        if not asked.is_made:
            self._answers[asked.question] = self._read(lab, asked, answer)
            return
        if asked.question not in self._before:
            self._before[asked.question] = _delete(lab, asked.question)
        if not is_before:
            self._answers[asked.question] = self._look(lab, asked)

    def _read(self, lab: Lab, asked: Text, answer: str) -> Answer:
        """Judge an answer. Where it is about totals, those of the student's own transactions are drawn again."""
        items = tables.items(lab, "TransactionTotal") if asked.question == "room" else []
        totals = {item["CustomerId"]: item.get("accountBalance") for item in items}
        if self.data_id:
            drawn = transactions.recount("", bank.plain_file(self.data_id))
            totals |= transactions.totals(drawn.amounts)
        is_right = questions.judge_again(asked.question, answer, totals, lab.threshold)
        return _verdict(asked, is_right, visible(answer, _LONGEST_ANSWER))

    def _look(self, lab: Lab, asked: Text) -> Answer:
        """Judge what an exercise has made; if it is not right, make it."""
        checks = made.run_checks(lab, asked.question).checks
        wrong = [check for check in checks if not check.ok]
        verdict = _verdict(asked, is_right=not wrong)
        if wrong:
            is_there = _delete(lab, asked.question)
            made.EXERCISES[asked.question].make(lab)
            held = round(1 - len(wrong) / len(checks), 4)
            verdict.held = held if is_there else 0
            verdict.note = sentences(*self._notes(asked.question, wrong, is_there))
        return verdict

    def _notes(self, exercise: str, wrong: list[Check], is_there: bool) -> Iterable[str]:
        if is_there:
            yield from (check.in_one_line for check in wrong if not check.is_behind)
        else:
            yield _("Its own cell did not make it.")
        if self._before[exercise]:
            yield _("Another cell had made it, which gives no points.")
        yield _("The grader made it, so that the rest could be judged.")


def _verdict(asked: Text, is_right: bool = False, answer: str = "") -> Answer:
    held = float(is_right) if asked.is_made else None
    return Answer(question=asked.question, right=is_right, points=asked.points, answer=answer, held=held)


def _delete(lab: Lab, exercise: str) -> bool:
    """Delete what an exercise makes; return whether it was there."""
    resource = made.EXERCISES[exercise]
    is_there = bool(resource.find(lab))
    if is_there:
        resource.delete(lab)
    return is_there
