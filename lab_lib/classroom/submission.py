"""Write a learner's own work into one file, and read such files, whoever wrote them.

The file is a zip archive: the notebooks of the copy, my_notifier.py, answers.jsonl, snapshot.json (the checks of the
learner's own account) and manifest.json (format, name, id, when, lab). Accounts, addresses and credentials are masked.
"""

import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib import checks, one_command
from lab_lib.classroom.job import now
from lab_lib.embedded import server
from lab_lib.errors import LabError, LabInUse, UsageError
from lab_lib.exercises import copies, workbook
from lab_lib.lab import Lab, is_embedded, open_lab
from lab_lib.masking import masked
from lab_lib.private_files import can_write_to
from lab_lib.sessions import keyed_session
from lab_lib.settings import DEFAULT_REGION, SETTINGS, partition

FORMAT = 1
FUNCTION = "my_notifier.py"
MOST_BYTES, MOST_BYTES_OF_FILE = 40_000_000, 10_000_000  # unpacked; a right one has 1 MB
MANIFEST, _SNAPSHOT = "manifest.json", "snapshot.json"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Submission:
    """The content of a file. The texts are the learner's, and may be anything."""

    name: str
    id: str
    when: str
    files: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def snapshot(self) -> tuple[int, int] | None:
        """Return how many checks held in the learner's own account, and of how many; None if it was not checked."""
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            found = [bool(each["ok"]) for each in json.loads(self.files[_SNAPSHOT])["checks"]]
            return sum(found), len(found)
        return None


def write(path: Path, name: str, student_id: str = "") -> list[str]:
    """Write the copy into a file; return the names of what it holds. UsageError if there is no copy.

    LabInUse if another command is at work on the learner's lab.
    """
    folder = copies.folder()
    paths = [folder / each.name for each in copies.solved()]
    paths += [folder / FUNCTION, folder / copies.STATE / workbook.ANSWERS]
    there = [each for each in paths if each.is_file()]
    if not any(each.suffix == ".ipynb" for each in there):
        raise UsageError(f"There are no notebooks in {folder}. `lab open` makes your own copy of them.")
    lab, snapshot = _snapshot()
    manifest = {
        "format": FORMAT,
        "name": name,
        "id": student_id,
        "when": now(),
        "lab": version("serverless-lab-workbook"),
    }
    texts = {each.name: each.read_text(encoding="utf-8", errors="replace") for each in there}
    texts[_SNAPSHOT] = json.dumps(snapshot, indent=2, ensure_ascii=False)
    texts = {each: masked(text, lab) for each, text in texts.items()}
    texts[MANIFEST] = json.dumps(manifest, indent=2, ensure_ascii=False)
    with can_write_to(path.parent), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, text in texts.items():
            archive.writestr(each, text)
    return list(texts)


def read(path: Path, only: str = "") -> Submission:
    """Return what the file holds, or `only` the manifest. UsageError if it is not what `lab submit` writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _verified(path, archive.infolist())
            files = {each.filename: _content(archive, each) for each in members if only in ("", each.filename)}
        manifest = json.loads(files[MANIFEST])
        texts = {name: " ".join(str(manifest.get(name, "")).split())[:200] for name in ("name", "id", "when")}
        found_format = manifest["format"]
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  # zipfile raises many kinds for a broken file
        raise UsageError(f"{path.name} is not a file of `lab submit`: {type(error).__name__}: {error}.") from None
    if found_format != FORMAT:
        raise UsageError(f"{path.name} has format {found_format!r}; wanted {FORMAT}. Use the same version of the lab.")
    return Submission(**texts, files=files)


def _verified(path: Path, members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Return the members. UsageError for a name that `lab submit` does not write, or too many bytes."""
    known = {each.name for each in copies.solved()} | {FUNCTION, workbook.ANSWERS, _SNAPSHOT, MANIFEST}
    unknown = [each.filename for each in members if each.filename not in known]
    if unknown or len({each.filename for each in members}) < len(members):
        what = f"{unknown[0][:100]!r}, which `lab submit` does not write" if unknown else "a file twice"
        raise UsageError(f"{path.name} holds {what}. Ask for what `lab submit` has written, as it is.")
    sizes = [each.file_size for each in members]
    if max(sizes, default=0) > MOST_BYTES_OF_FILE or sum(sizes) > MOST_BYTES:
        limits = f"{MOST_BYTES_OF_FILE // 1_000_000} MB in one file, and {MOST_BYTES // 1_000_000} MB in all"
        raise UsageError(f"{path.name} is too large when it is unpacked; a submission has at most {limits}.")
    if strange := [each.filename for each in members if each.compress_type not in _METHODS or each.flag_bits & 1]:
        raise UsageError(f"{path.name} is compressed or encrypted in another way than by `lab submit`: {strange[0]}.")
    return members


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, not more than it says that it has."""
    with archive.open(member) as file:
        return file.read(member.file_size)


def _snapshot() -> tuple[Lab, dict[str, Any]]:
    """Return the learner's lab, and its checks. If it cannot be checked, the reason is there instead."""
    settings = dict[str, str]()
    with suppress(UsageError):  # a copy whose settings cannot be read is checked as the lab without settings
        settings = {k: v for k, v in copies.settings().items() if k in SETTINGS and isinstance(v, str)}
    try:
        if is_embedded(settings.get("profile", "")) and not server.running():
            raise LabError("The embedded AWS was not running.")
        lab = open_lab(**settings)
        with one_command.alone(lab, "lab submit"):
            report = checks.run(lab, probe=not lab.is_real)  # on AWS, a probe may send a message to people
        return lab, {"when": now(), "checks": report.as_dicts()}
    except LabInUse:
        raise
    except (LabError, BotoCoreError, ClientError) as error:
        return _without_aws(settings), {"when": now(), "checks": [], "error": str(error)}


def _without_aws(settings: dict[str, str]) -> Lab:
    """Return a lab that knows what is to be masked, and calls nothing."""
    session = keyed_session(DEFAULT_REGION, server.ACCOUNT)
    people: dict[str, Any] = {name: settings.get(name, "") for name in ("email", "phone")}
    account = settings.get("account") or server.ACCOUNT
    return Lab(session, "nowhere", account, DEFAULT_REGION, partition(DEFAULT_REGION), **people)
