"""Run the notebooks of one student in a process of its own, or grade the account as it is, and write the record."""

import json
import time
from contextlib import nullcontext
from typing import Any

from lab_lib import checks
from lab_lib.classroom import feedback, job
from lab_lib.classroom.job import Record, Work
from lab_lib.classroom.students import Student
from lab_lib.lab import Lab, open_lab
from lab_lib.masking import masked
from lab_lib.one_command import alone
from lab_lib.run import headless
from lab_lib.settings import SETTINGS


def do(work: Work, watched: int) -> Record:
    """Run the notebooks of one student, and grade the account, in a new process; return the record.

    The process stops when the pipe `watched` closes, as it does when the process that holds its other end dies.
    LabError if the process dies before it has written a record.
    """
    return job.do_in_process(work, watched, __name__, _settings(work.student))


def main() -> None:
    """Run the notebooks of one student in this process."""
    job.do_given_work(lambda given: _run(Work(**given)))


def _run(work: Work) -> None:
    """Run the notebooks, grade the account, and write all results. After Ctrl-C the draft stays as it is."""
    begun, steps = time.monotonic(), list[headless.Step]()
    student = work.student
    parameters = {"account": student.account, "profile": student.profile, "data_file": str(headless.DATA_FILE)}
    job.begin(work)
    try:
        result = headless.run(
            parameters | student.parameters | {"yes": True},
            work.draft,
            work.until,
            started=lambda notebook: job.note(work, job.STEP, notebook),
            finished=steps.append,
            complete=lambda lab: job.note(work, job.GRADED, json.dumps(_graded(lab, work.probe))),
            command="lab class",
        )
    except Exception as error:  # noqa: BLE001  # whatever failed, the instructor reads it in the report
        job.failed(work, error)
        return
    job.write(
        work,
        state="done" if result["ok"] else "failed",
        seconds=round(time.monotonic() - begun, 1),
        error=next((f"{step.notebook}: {step.error}" for step in steps if not step.ok), None),
        steps=result["steps"],
    )
    job.ignore_stop()
    feedback.render(work.folder)


def grade(work: Work) -> Record:
    """Grade the account as it is; no notebook is run. Its record counts as other work than a run's."""
    begun, lab = time.monotonic(), opened(work.student)
    with alone(lab, "lab class check") if work.probe else nullcontext():
        found = _graded(lab, work.probe)
    return job.write(work, state="done", seconds=round(time.monotonic() - begun, 1), fingerprint="", **found)


def _graded(lab: Lab, probe: bool) -> dict[str, Any]:
    """Return what the account has earned, with private values masked."""
    report = checks.run(lab, probe=probe)
    found = {"graded": job.now(), "checks": report.as_dicts(), "totals": headless.totals(lab)}
    return dict(json.loads(masked(json.dumps(found, ensure_ascii=False), lab)))


def opened(student: Student) -> Lab:
    """Open the lab in a student's account."""
    known = {name: student.parameters[name] for name in SETTINGS if name in student.parameters}
    where = {"account": student.account, "profile": student.profile}
    return open_lab(**known, **where, role_arn=student.role_arn, external_id=student.external_id)


def _settings(student: Student) -> dict[str, str]:
    """Return the environment that opens the student's lab; it holds no credentials, as each kernel assumes the role."""
    names = ("region", "prefix", "processor_role", "notifier_role", "bucket", "boundary")
    settings = {name: student.parameters.get(name, "") for name in names}
    settings |= {name: getattr(student, name) for name in ("account", "profile", "role_arn", "external_id")}
    return {f"LAB_{name.upper()}": value for name, value in settings.items()}


if __name__ == "__main__":
    main()
