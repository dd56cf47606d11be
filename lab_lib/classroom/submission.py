"""Write a learner's own work into one file, and read such files, whoever wrote them.

The file is a zip archive: the notebooks of the copy, my_notifier.py and other my_*.py, and manifest.json
(name, id, when, and data_id, from which the transactions were drawn). What is private is masked.
"""

import io
import json
import zipfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import copies, runner
from lab_lib.lab import Lab, is_embedded, lab_on, open_lab
from lab_lib.language import N_, _, sentences
from lab_lib.pages.lookalikes import visible
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_ACCOUNT, SETTINGS, setting
from lab_lib.workspace.masking import masked
from lab_lib.workspace.private_files import can_write_to, draft_of, exists, read_file

FUNCTION = runner.MODULE
MOST_BYTES, MOST_BYTES_OF_FILE = 40_000_000, 10_000_000  # unpacked; a right one has 1 MB
_MEMBER, _MOST_MEMBERS = b"PK\x01\x02", 1_000  # begins each entry of the list of members
MANIFEST = "manifest.json"
_EARLIER = "answers.jsonl"  # of an earlier lab
_ASK = N_("Ask for what `lab submit` has written, as it is.")


@dataclass(frozen=True)
class Submission:
    """A file as it was handed in. It can claim to be of anybody: the texts are the learner's, and may be anything."""

    path: Path
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
        return f"{self.name}{f' ({self.id})' if self.id else ''}".strip()


def write(path: Path, name: str, student_id: str = "") -> list[str]:
    """Write the copy into a file; return the names of its members.

    UsageError if a notebook of the copy is missing, or if something cannot be read or graded. An earlier file stays.
    """
    copy = copies.folder()
    found = {path.name for path in copy.glob("*.ipynb")}
    if lack := missing(found):
        raise UsageError(sentences(lack, _("Give yours that name in {copy}, or let `lab open` make it.", copy=copy)))
    sources = [copies.existing(path.name) for path in copies.solved_notebooks()]
    sources += filter(exists, runner.function_files(copy))
    lab, texts = _lab(), dict[str, str]()
    for source in sources:
        text = read_file(source, _text, "Correct that, or move it away, then run `lab submit` again.")
        texts[source.name] = masked(text, lab)
    said = {"name": name, "id": student_id, "when": now(), "data_id": copies.data_id(copy)}
    manifest = json.dumps(said, indent=2, ensure_ascii=False)
    with can_write_to(path, "Free some space there, or name another file."), draft_of(path) as draft:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in {**texts, MANIFEST: manifest}.items():
                archive.writestr(member, text)
        unpack(draft.read_bytes(), path.name)  # or it is too large
    return [*texts]


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


def missing(found: Collection[str]) -> str:
    """Return which notebooks are missing among these files, and which were found; "" if none is missing."""
    lacking = [path.name for path in headless.notebooks() if path.name not in found]
    notebooks = sorted(name for name in found if name.endswith(".ipynb"))
    told = N_("Missing notebooks: {missing}; found: {found}.")
    said = _(told, missing=_(", ").join(lacking), found=_(", ").join(notebooks) or _("none"))
    return visible(said) if lacking else ""


def read(path: Path, folder: Path) -> Submission:
    """Read a file in the folder of the submissions. Its fault says why it is not what `lab submit` writes."""
    name, content, fault, said = visible(path.name), b"", "", dict[str, str]()
    try:
        if path.stat().st_size > MOST_BYTES or (content := path.read_bytes()).count(_MEMBER) > _MOST_MEMBERS:
            raise UsageError(sentences(_("{name} is too large.", name=name), _(_ASK)))
        manifest = json.loads(unpack(content, name)[MANIFEST])
        said = {part: visible(" ".join(str(manifest.get(part, "")).split()), 200) for part in ("name", "id", "when")}
        said["data_id"] = str(manifest.get("data_id", ""))
    except UsageError as error:
        fault = str(error)
    except Exception as error:  # noqa: BLE001  # zipfile raises many kinds for a broken file
        why = visible(f"{type(error).__name__}: {error}")
        fault = _("{name} is not a file of `lab submit`: {why}.", name=name, why=why)
    handed_in = datetime.fromtimestamp(path.stat().st_mtime)
    return Submission(path, path.relative_to(folder), content, handed_in, fault, **said)


def unpack(content: bytes, name: str = "") -> dict[str, bytes]:
    """Return the files in an archive. UsageError if `lab submit` does not pack so, another error if it is broken."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member.filename: member for member in archive.infolist()}
        _refuse_strange(name, members)
        # At most as many bytes as the header says.
        return {member: archive.open(info).read(info.file_size) for member, info in members.items()}


def _refuse_strange(name: str, members: dict[str, zipfile.ZipInfo]) -> None:
    """Raise UsageError for a name or a way of packing that `lab submit` does not use, or too many bytes."""
    known = {path.name for path in copies.solved_notebooks()} | {_EARLIER, MANIFEST}
    usual = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others are unpacked without a bound
    for member, info in members.items():
        is_known = member in known or runner.is_part(member)
        if not is_known or info.compress_type not in usual:
            told = _(
                "{name} holds {member!r}, which `lab submit` does not write in this way.",
                name=name,
                member=member[:100],
            )
            raise UsageError(sentences(told, missing(members), _(_ASK)))
    largest = max(members.values(), key=lambda info: info.file_size)
    whole = sum(info.file_size for info in members.values())
    if largest.file_size > MOST_BYTES_OF_FILE or whole > MOST_BYTES:
        told = N_(
            "{largest} has {size:.1f} MB; a submission has at most {most:.0f} MB in one file, and {in_all:.0f} MB in "
            "all. Make it smaller, a notebook with the menu Edit > Clear Outputs of All Cells, and save it."
        )
        size, most, in_all = (count / 10**6 for count in (largest.file_size, MOST_BYTES_OF_FILE, MOST_BYTES))
        raise UsageError(told, largest=largest.filename, size=size, most=most, in_all=in_all)


def _lab() -> Lab:
    """Return the learner's lab, whose private values are masked. UsageError if the settings of the copy are wrong."""
    settings = {name: value for name, value in copies.settings().items() if name in SETTINGS}
    with suppress(LabError, BotoCoreError, ClientError):
        if not is_embedded(settings.get("profile", "")) or server.running():
            return open_lab(**settings)
    account, email, phone = (setting(name, settings.get(name, "")) for name in ("account", "email", "phone"))
    return replace(lab_on("", "", account or DEFAULT_ACCOUNT), email=email, phone=phone)  # it is never called
