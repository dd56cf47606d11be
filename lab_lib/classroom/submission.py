"""Write a learner's own work into one file; read such files, whoever wrote them, and find out whose they are.

The file is a zip archive: the notebooks of the copy, my_notifier.py and other my_*.py, and manifest.json
(name, id, when, and data_id, from which the transactions were drawn). What is private is masked.

With a roster, the names of files and folders say whose they are: a file can claim to be of anybody, so its claim
decides nothing. Without a roster, the name and the id that a file claims are a student.
"""

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.classroom.roster import Student, slug
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import copies, runner
from lab_lib.lab import Lab, is_embedded, lab_on, open_lab
from lab_lib.language import N_, _, sentences
from lab_lib.pages.wording import now, visible
from lab_lib.settings import DEFAULT_ACCOUNT, SETTINGS, setting
from lab_lib.workspace.masking import masked
from lab_lib.workspace.private_files import can_write_to, draft_of, json_text

FUNCTION = runner.MODULE
MOST_BYTES = 10_000_000  # of a file, packed or unpacked; a right one has 1 MB
MANIFEST = "manifest.json"
_LONGEST = 200  # characters of what a file says itself
_ASK = N_("Ask for what `lab submit` has written, as it is.")


@dataclass(frozen=True)
class Submission:
    """A file as it was handed in. It can claim to be of anybody: the texts are the learner's, and may be anything."""

    place: Path  # below the folder of all submissions
    content: bytes = field(repr=False)
    handed_in: datetime  # the file's own time
    fault: str = ""  # why it cannot be graded; then it says nothing of itself
    name: str = ""  # this and the rest are what the file says itself
    id: str = ""
    when: str = ""
    data_id: str = ""  # that its transactions were drawn from, as the learner wrote it; "" if they are the handout's

    @property
    def claim(self) -> str:
        """Return whose the file claims to be, such as "Ana García (ana1)"; "" if it claims nothing."""
        id = f" ({self.id})" if self.id else ""
        return f"{self.name}{id}".strip()


def write(path: Path, name: str, student_id: str = "") -> list[str]:
    """Write the copy into a file; return the names of its members.

    UsageError if a notebook of the copy is missing, or if something cannot be read or graded. An earlier file stays.
    """
    copy = copies.folder()
    sources = [copies.existing(path.name) for path in copies.solved_notebooks()]
    sources += runner.function_files(copy)
    lab = _lab()
    texts = {source.name: masked(source.read_text("utf-8-sig", "replace"), lab) for source in sources}
    said = {"name": name, "id": student_id, "when": now(), "data_id": copies.data_id(copy)}
    with can_write_to(path, "Free some space there, or name another file."), draft_of(path) as draft:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in texts.items():
                archive.writestr(member, text)
            archive.writestr(MANIFEST, json_text(said))
        unpack(draft.read_bytes(), path.name)  # or it is too large
    return [*texts]


def read(path: Path, folder: Path) -> Submission:
    """Read a file in the folder of the submissions. Its fault says why it is not what `lab submit` writes."""
    name = visible(path.name)
    content = b""
    fault = ""
    said = {}
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(sentences(_("{name} is too large.", name=name), _(_ASK)))
        content = path.read_bytes()
        manifest = json.loads(unpack(content, name)[MANIFEST])
        texts = {part: str(manifest.get(part, "")) for part in ("name", "id", "when")}
        said = {part: visible(" ".join(text.split()), _LONGEST) for part, text in texts.items()}
        said["data_id"] = str(manifest.get("data_id", ""))
    except UsageError as error:
        fault = str(error)
    except Exception as error:  # noqa: BLE001  # zipfile raises many kinds for a broken file
        why = visible(f"{type(error).__name__}: {error}")
        fault = _("{name} is not a file of `lab submit`: {why}.", name=name, why=why)
    handed_in = datetime.fromtimestamp(path.stat().st_mtime)
    return Submission(path.relative_to(folder), content, handed_in, fault, **said)


def unpack(content: bytes, name: str = "") -> dict[str, bytes]:
    """Return the files in an archive. UsageError if `lab submit` does not pack so, another error if it is broken."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member.filename: member for member in archive.infolist()}
        _refuse_strange(name, members)
        # At most as many bytes as the header says.
        return {member: archive.open(info).read(info.file_size) for member, info in members.items()}


def _refuse_strange(name: str, members: dict[str, zipfile.ZipInfo]) -> None:
    """Raise UsageError for a name or a way of packing that `lab submit` does not use, or too many bytes."""
    known = {path.name for path in copies.solved_notebooks()} | {MANIFEST}
    usual = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others are unpacked without a bound
    for member, info in members.items():
        is_known = member in known or runner.is_part(member)
        if not is_known or info.compress_type not in usual:
            told = _(
                "{name} holds {member!r}, which `lab submit` does not write in this way.",
                name=name,
                member=member[:100],
            )
            raise UsageError(sentences(told, _(_ASK)))
    if sum(info.file_size for info in members.values()) > MOST_BYTES:
        largest = max(members.values(), key=lambda info: info.file_size)
        raise UsageError(
            "{largest} has {size:.1f} MB; a submission has at most {most:.0f} MB in all. Make it smaller, a notebook "
            "with the menu Edit > Clear Outputs of All Cells, and save it.",
            largest=largest.filename,
            size=largest.file_size / 10**6,
            most=MOST_BYTES / 10**6,
        )


def _lab() -> Lab:
    """Return the learner's lab, whose private values are masked. UsageError if the settings of the copy are wrong."""
    settings = {name: value for name, value in copies.settings().items() if name in SETTINGS}
    with suppress(LabError, BotoCoreError, ClientError):
        if not is_embedded(settings.get("profile", "")) or server.running():
            return open_lab(**settings)
    account = setting("account", settings.get("account", ""))
    email = setting("email", settings.get("email", ""))
    phone = setting("phone", settings.get("phone", ""))
    return replace(lab_on("", "", account or DEFAULT_ACCOUNT), email=email, phone=phone)  # it is never called


def find(folder: Path) -> list[Submission]:
    """Return the zip files in the folder and in the folders in it, without links. UsageError if there are none."""
    paths = sorted(path for path in folder.rglob("*.zip") if path.is_file() and not path.is_symlink())
    if not paths:
        raise UsageError(
            "{folder} holds no zip file. Put what `lab submit` writes there, a file a student.", folder=folder
        )
    return [read(path, folder) for path in paths]


Match = tuple[Student, Submission | None, tuple[str, ...]]  # the file that counts, and what the instructor should know


def match(files: list[Submission], roster: list[Student]) -> tuple[list[Match], list[Submission]]:
    """Return each student with the file that counts, if there is one, and remarks; and the files of nobody.

    Without a roster, each claim of a file is a student. Of several files of one student the latest counts.
    """
    everybody = {student.folder: student for student in roster}
    theirs = defaultdict[str, list[Submission]](list)  # by the student's folder
    others = []
    names = _names(roster)
    for file in files:
        student = _owner(file, names) if roster else _claimed(file)
        if student:
            everybody.setdefault(student.folder, student)
            theirs[student.folder].append(file)
        else:
            others.append(file)
    are_drawn = any(file.data_id for file in files)
    matched = []
    for folder, student in everybody.items():
        in_order = sorted(theirs[folder], key=lambda file: (file.handed_in, file.when, file.place))
        latest = in_order[-1] if in_order else None
        remarks = tuple(map(visible, _remarks(student, in_order, are_drawn)))
        matched.append((student, latest, remarks))
    return matched, others


def _names(roster: list[Student]) -> dict[str, list[Student]]:
    """Return the students by each name that a file of theirs may have: their name, their id, or both."""
    students = defaultdict[str, list[Student]](list)
    for student in roster:
        both = [slug(text) for text in (student.name, student.id) if text]
        for name in {*both, "-".join(both), "-".join(reversed(both))}:
            students[name].append(student)
    return students


def _owner(file: Submission, students: dict[str, list[Student]]) -> Student | None:
    """Return the only student whom the file's own names name.

    The outermost name that fits counts: a school's platform puts its own before the student's.
    """
    for name in (*file.place.parent.parts, file.place.stem):
        for part in _parts(name):
            if part in students:
                namesakes = students[part]
                return namesakes[0] if len(namesakes) == 1 else None
    return None


def _parts(name: str) -> list[str]:
    """Return the parts of a name that may be a student's, longest first: from "submission-" to a number or the end."""
    words = slug(name).split("-")
    starts = [0]
    ends = [len(words)]
    for place, word in enumerate(words):
        if word == "submission":
            starts.append(place + 1)
        if word.isdecimal():
            ends.append(place)
    parts = set[str]()
    for start in starts:
        for end in ends:
            if start < end:
                parts.add("-".join(words[start:end]))
    return sorted(parts, key=len, reverse=True)


def _claimed(file: Submission) -> Student:
    """Return the student whom a file claims to be of. Without a name, the file's place is taken."""
    return Student(visible(file.name or str(file.place)), id=visible(file.id))


def _remarks(student: Student, files: list[Submission], are_drawn: bool) -> Iterator[str]:
    """Yield what the instructor should know about the files of a student, of which the last one counts.

    Where transactions `are_drawn` for anybody, those of an id are expected from each student who has one.
    """
    if not files:
        return
    file = files[-1]
    if len(files) > 1:
        names = _(", ").join(str(each.place) for each in files)
        yield _(
            "{count} files: {names}. The latest counts: {latest}.", count=len(files), names=names, latest=file.place
        )
    name = file.name or student.name
    id = file.id or student.id
    has_name = slug(name) == slug(student.name)
    has_id = id.casefold() == student.id.casefold()
    if not has_name and not has_id:
        yield _(
            "{file} claims to be from {claim}. It counts for {name}, as its name says.",
            file=file.place,
            claim=file.claim,
            name=student.name,
        )
    has_own_data = file.data_id.casefold() == student.id.casefold()
    if are_drawn and student.id and not file.fault and not has_own_data:
        yield _(
            "{file} was made with the transactions of {made_with}, not of {wanted}. It was judged by them.",
            file=file.place,
            made_with=file.data_id or _("the handout"),
            wanted=student.id,
        )
