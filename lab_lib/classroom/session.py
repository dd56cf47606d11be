"""A class: the work of all its students, in parallel, each in an account of its own.

The work of a student writes to that student's folder only, and grade.json last. So a class can be stopped at any time,
and `--resume` runs the students whose folder has no grade.json.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib import one_command
from lab_lib.aws import cleanup
from lab_lib.classroom import gradebook, job, running
from lab_lib.classroom.executors import Submit, threads_for
from lab_lib.classroom.job import Record, Work
from lab_lib.classroom.students import Student
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import copies
from lab_lib.lab import is_embedded
from lab_lib.masking import without_accounts
from lab_lib.private_files import make_folder

W = TypeVar("W", bound=Work)


def plan(students: list[Student], out: Path, until: str | None = None, probe: bool = True) -> list[Work]:
    """Return the work of these students; UsageError if `out` cannot hold their results."""
    if out.resolve() == copies.NOTEBOOKS:
        raise UsageError(f"{out} holds the notebooks themselves. Name another folder.")
    make_folder(out)
    return [Work(student, out.resolve(), until, probe) for student in students]


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Lock `out`; UsageError if another class has locked it. The lock ends with this process."""
    folder = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise UsageError(f"Another class is at work in {out}. Wait for its end, or name another --out.") from None
    except OSError:
        pass  # some network file systems cannot lock a folder
    try:
        yield
    finally:
        os.close(folder)


def chosen(students: list[Student], shard: str = "", only: str = "") -> list[Student]:
    """Return the students of a shard such as "2/5", or those of them whose accounts `only` names.

    UsageError for an impossible shard, or an account that is not in the roster.
    """
    part, parts = _shard(shard)
    accounts = {each.strip() for each in only.split(",") if each.strip()}
    if unknown := sorted(accounts - {student.account for student in students}):
        raise UsageError(f"Account {unknown[0]} is not in the roster.")
    found = [each for each in students[part - 1 :: parts] if not accounts or each.account in accounts]
    if accounts and not found:
        raise UsageError(f"No account of --only is in shard {shard}.")
    return found


def set_aside(out: Path) -> Path | None:
    """Move the results in `out` to a folder of their own there, named by their time. Return it; None without results.

    The folders of the students move as a whole, so that the links of the earlier report still lead to them.
    """
    results = [path for name in gradebook.FILES if (path := out / name).exists()]
    results += [path.parent for path in out.glob("*/grade.json")]
    if not results:
        return None
    when = datetime.fromtimestamp(max(path.stat().st_mtime for path in results)).strftime("%Y-%m-%d-%H%M%S")
    names = (when if number == 1 else f"{when}-{number}" for number in count(1))
    place = next(path for name in names if not (path := out / gradebook.EARLIER / name).exists())
    make_folder(place)
    for path in results:
        path.replace(place / path.name)
    return place


def left_to_do(works: list[W], resume: bool) -> list[W]:
    """Return the work that has no record, a failed one, or one for other notebooks or settings.

    UsageError if there are results and not `resume`, or results of a student who is not in this part of the roster.
    """
    folders = {each.folder.name for each in works}
    if not resume and works and any(works[0].out.glob("*/grade.json")):
        raise UsageError(f"{works[0].out} holds results already. Go on with --resume, or name another --out.")
    for path in sorted(works[0].out.glob("*/grade.json")) if works else []:
        if path.parent.name not in folders:
            what = f"{path.parent} belongs to nobody in this part of the roster"
            raise UsageError(f"{what}. Move it away, or name another --out.")
    return [each for each in works if not _is_done(each)]


def records(works: Sequence[Work]) -> list[Record]:
    """Return the record of each student, with the roster's id; a stopped one is unfinished, another one not run."""
    found = [job.read(each) or job.record(each, "unfinished" if job.step(each) else each.not_done) for each in works]
    return [record | {"id": each.student.id} for each, record in zip(works, found, strict=True)]


def run(works: Sequence[Work], submit: Submit) -> Iterator[Record]:
    """Do all the work, and yield each student's record as soon as it is written. A failure stops nobody else."""
    if any(each.is_embedded for each in works):
        server.start()
    for each in works:
        job.forget(each)
    futures = {submit(each): each for each in works}
    for future in as_completed(futures):
        error = future.exception()
        yield job.failed(futures[future], error) if error else future.result()


@dataclass(frozen=True)
class Leak:
    """The result of a clean-up: resources deleted, resources of the lab still there, and kept resources of others."""

    deleted: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    error: str = ""


def clean(students: list[Student]) -> list[Leak]:
    """Delete what the lab made in each of these accounts."""
    with ThreadPoolExecutor(threads_for(len(students), on_aws(students))) as threads:
        return list(threads.map(_clean, students))


def on_aws(students: list[Student]) -> bool:
    """Return True if all of these accounts are on AWS."""
    return len(_real(students)) == len(students)


DELETES = "this deletes everything that the lab made there"
PROBES = "a probe is uploaded there, and those who get alerts by e-mail or SMS get one of it"


def confirm(students: list[Student], yes: bool, what: str) -> None:
    """Ask, unless `yes`, before something is done in accounts on AWS, such as DELETES."""
    if (real := _real(students)) and not yes:
        cleanup.ask(f"{len(real)} accounts on AWS: {what}. Go on?")


def _real(students: list[Student]) -> list[Student]:
    """Return the students whose accounts are on AWS."""
    if "AWS_ENDPOINT_URL" in os.environ:
        return []
    return [each for each in students if not is_embedded(each.profile, each.role_arn)]


def _clean(student: Student) -> Leak:
    try:
        lab = running.opened(student)
        with one_command.alone(lab, "lab class clean"):
            return Leak(list(cleanup.delete_all(lab)), cleanup.remaining(lab), cleanup.kept(lab))
    except (LabError, BotoCoreError, ClientError) as error:
        return Leak(error=without_accounts(f"{type(error).__name__}: {error}"))


def _shard(shard: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", shard or "1/1")
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard is {shard!r}; wanted a part and the number of parts, such as 2/5.")
    return part, parts


def _is_done(each: Work) -> bool:
    record = job.read(each)
    wanted = ("done", each.fingerprint)
    return record is not None and record["baseline"] is not None and (record["state"], record["fingerprint"]) == wanted
