"""A class: the work of all its students, in parallel, each in an account of its own.

Each student's work is done in another process, here or on a Dask cluster, and none has to do with another's: what
one leaves is in its own folder, and grade.json is the last thing that goes there. So a class can be stopped at any
moment, and goes on with what has no grade.json yet.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.aws import cleanup
from lab_lib.classroom import job
from lab_lib.classroom.executors import THREADS
from lab_lib.classroom.job import Record, Work
from lab_lib.classroom.roster import Student
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.lab import is_embedded
from lab_lib.masking import without_accounts
from lab_lib.run import headless


def plan(students: list[Student], out: Path, until: str | None = None) -> list[Work]:
    """The work of these students; UsageError if `out` is no folder for it."""
    if out.resolve() == headless.NOTEBOOKS:
        raise UsageError(f"{out} holds the notebooks themselves. Name another folder.")
    headless.make_folder(out)
    return [Work(student, out.resolve(), until) for student in students]


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Let no other class write to `out` meanwhile; UsageError if one does already. A kill leaves no lock behind."""
    folder = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise UsageError(f"Another class is at work in {out}. Wait for its end, or name another --out.") from None
    except OSError:
        pass  # a network's file system may know no lock of a folder
    try:
        yield
    finally:
        os.close(folder)


def chosen(students: list[Student], shard: str = "", only: str = "") -> list[Student]:
    """Those of a shard, such as "2/5", and of the accounts that are named; UsageError for one that is not there."""
    part, parts = _shard(shard)
    accounts = {each.strip() for each in only.split(",") if each.strip()}
    if unknown := sorted(accounts - {student.account for student in students}):
        raise UsageError(f"Account {unknown[0]} is not in the roster.")
    found = [each for each in students[part - 1 :: parts] if not accounts or each.account in accounts]
    if accounts and not found:
        raise UsageError(f"No account of --only is in shard {shard}.")
    return found


def refuse_results(works: list[Work], what_to_do: str) -> None:
    """UsageError, with what to do, if there are results already where this work's are to go."""
    if works and any(works[0].out.glob("*/grade.json")):
        raise UsageError(f"{works[0].out} holds results already. {what_to_do}")


def left_to_do(works: list[Work], resume: bool) -> list[Work]:
    """What has no grade yet, or one for something else; UsageError if there are results and `resume` is not meant."""
    folders = {each.folder.name for each in works}
    if not resume:
        refuse_results(works, "Go on with --resume, or name another --out.")
    for path in sorted(works[0].out.glob("*/grade.json")) if works else []:
        if path.parent.name not in folders:
            what = f"{path.parent} is of nobody in this part of the roster"
            raise UsageError(f"{what}. Take it away, or name another --out.")
    return [each for each in works if not _is_done(each)]


def records(works: list[Work]) -> list[Record]:
    """The record of each student: what is in the folder, or that the work has not come to an end; the roster's id."""
    found = [job.read(each) or job.record(each, "unfinished" if job.step(each) else "not run") for each in works]
    return [record | {"id": each.student.id} for each, record in zip(works, found, strict=True)]


def run(works: list[Work], workers: Executor, do: Callable[[Work], Record] = job.do) -> Iterator[Record]:
    """Do all the work; each student's record as soon as it is there. Nothing that fails stops the others.

    LabError if those who do the work are gone.
    """
    if any(is_embedded(each.student.profile, each.student.role_arn) for each in works):
        server.start()
    for each in works:
        job.forget(each)
    futures = {workers.submit(do, each): each for each in works}
    for future in as_completed(futures):
        if future.cancelled():
            raise LabError("The Dask cluster has given up what is left to do. Start it again, and go on with --resume.")
        error = future.exception()
        yield job.failed(futures[future], error) if error else future.result()


@dataclass(frozen=True)
class Leak:
    """What the clean-up of an account came to; `left` was made by the lab and is still there."""

    deleted: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    error: str = ""


def clean(students: list[Student]) -> list[Leak]:
    """Delete what the lab made in each of these accounts."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(_clean, students))


def confirm(students: list[Student], yes: bool, what: str = "At its end, this class deletes") -> None:
    """On AWS, ask whether all that the lab has in these accounts may be deleted, unless `yes`."""
    real = [each for each in students if not is_embedded(each.profile, each.role_arn)]
    if real and not yes and "AWS_ENDPOINT_URL" not in os.environ:
        cleanup.ask(f"{what} all that the lab has in {len(real)} accounts on AWS. Go on?")


def _clean(student: Student) -> Leak:
    try:
        lab = job.opened(student)
        return Leak(list(cleanup.delete_all(lab)), cleanup.remaining(lab), cleanup.kept(lab))
    except (LabError, BotoCoreError, ClientError) as error:
        return Leak(error=without_accounts(f"{type(error).__name__}: {error}"))


def _shard(shard: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", shard or "1/1")
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard is {shard!r}; wanted which part of how many, such as 2/5.")
    return part, parts


def _is_done(each: Work) -> bool:
    record = job.read(each)
    return record is not None and (record["state"], record["fingerprint"]) == ("done", each.fingerprint)
