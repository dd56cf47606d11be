"""What `lab submit` writes, and that a file that it has not written is refused with a reason."""

import io
import json
import zipfile
from contextlib import suppress

import pytest

from lab_lib.classroom import handed_in, job, session, submission
from lab_lib.classroom.students import Student
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, workbook
from lab_lib.private_files import write_file
from tests.lab.commands import in_process

MANIFEST = {"format": 1, "name": "Ana", "id": "s1", "when": "2026-11-26 15:04"}
PRIVATE = {"account": "111122223333", "email": "ana@example.com", "phone": "+15555550100"}


def zipped(path, members, manifest=MANIFEST):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, "manifest.json": json.dumps(manifest)}.items():
            archive.writestr(name, content)
    return path


def test_a_submission_holds_the_learners_work_and_nothing_private(copy, tmp_path):
    first = copy / "00-start-here.ipynb"
    text = first.read_text(encoding="utf-8")
    for name, value in PRIVATE.items():
        text = text.replace(f'{name}: str = \\"\\"', f'{name}: str = \\"{value}\\"')
    write_file(first, text)
    workbook.record("answer", "keys", ["mail to ana@example.com"], True)
    write_file(copy / "my_notifier.py", "# of account 111122223333\n")

    done = in_process("submit", "--name", "Ana", "--id", "s1", "--out", tmp_path / "ana.zip")

    assert (done.exit_code, "not sent anywhere" in done.stdout) == (0, True)
    found = submission.read(tmp_path / "ana.zip")
    notebooks = {path.name for path in copies.solved()}
    assert set(found.files) == notebooks | {"my_notifier.py", "answers.jsonl", "snapshot.json", "manifest.json"}
    assert [value for value in PRIVATE.values() if any(value.encode() in text for text in found.files.values())] == []
    assert (found.name, found.id, found.snapshot) == ("Ana", "s1", (0, 0))
    assert "was not running" in json.loads(found.files["snapshot.json"])["error"]


def test_without_a_copy_there_is_nothing_to_submit(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_COPY", str(tmp_path / "nothing"))

    done = in_process("submit", "--out", tmp_path / "x.zip")

    assert (done.exit_code, (tmp_path / "x.zip").exists()) == (2, False)
    assert "`lab open` makes your own copy" in done.stderr


BOMB = b"0" * (submission.MOST_BYTES_OF_FILE + 1)
FULL = {path.name: BOMB[:-1] for path in copies.solved()}


@pytest.mark.parametrize(
    ("members", "manifest", "why"),
    [
        ({"../../etc/passwd": b"x"}, MANIFEST, "'../../etc/passwd', which `lab submit` does not write"),
        ({"/tmp/x.ipynb": b"x"}, MANIFEST, "'/tmp/x.ipynb', which"),
        ({"my_notifier.py": BOMB}, MANIFEST, "too large when it is unpacked"),
        (FULL, MANIFEST, "too large when it is unpacked"),
        ({}, {**MANIFEST, "format": 2}, "has format 2; wanted 1"),
        ({}, ["no object"], "is not a file of `lab submit`"),
    ],
)
def test_a_file_that_lab_submit_does_not_write_is_refused_with_a_reason(tmp_path, members, manifest, why):
    with pytest.raises(UsageError, match=r"x\.zip") as refused:
        submission.read(zipped(tmp_path / "x.zip", members, manifest))

    assert why in str(refused.value)


def test_a_name_twice_is_refused(tmp_path):
    with zipfile.ZipFile(zipped(tmp_path / "x.zip", {}), "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.json", "{}")

    with pytest.raises(UsageError, match="a file twice"):
        submission.read(tmp_path / "x.zip")


def test_a_symbolic_link_is_its_text_and_leads_nowhere(tmp_path):
    member = zipfile.ZipInfo("my_notifier.py")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(zipped(tmp_path / "x.zip", {}), "a") as archive:
        archive.writestr(member, "/etc/passwd")

    assert submission.read(tmp_path / "x.zip").files["my_notifier.py"] == b"/etc/passwd"


def test_a_file_that_is_broken_anywhere_is_refused_and_breaks_nothing(tmp_path):
    whole = zipped(tmp_path / "whole.zip", {"my_notifier.py": b"x" * 1000}).read_bytes()
    broken = tmp_path / "x.zip"

    for place in range(0, len(whole), 3):
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(UsageError):  # a changed date, for instance, breaks nothing
            submission.read(broken)
        broken.write_bytes(whole[:place])
        with pytest.raises(UsageError):
            submission.read(broken)


def test_a_compression_bomb_that_lies_about_its_size_is_not_unpacked(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("my_notifier.py", BOMB)
    lie = stream.getvalue().replace(len(BOMB).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (tmp_path / "x.zip").write_bytes(lie)

    with pytest.raises(UsageError, match="is not a file of `lab submit`"):
        submission.read(tmp_path / "x.zip")


def student(name, account, school_id=""):
    return Student(1, account, name, "", "", "", {}, school_id)


CLASS = [student("Ana García", "0" * 12, "s1"), student("Bo Ray", "1" * 12), student("Bo Ray", "2" * 12, "s3")]


def match(folder, everybody=CLASS):
    works, others = handed_in.match(handed_in.find(folder), everybody, folder, trust=False, seconds=60)
    return [each.path and each.path.name for each in works], [path.name for path in others]


def test_a_student_is_found_by_id_else_by_a_name_that_only_one_has(tmp_path):
    (tmp_path / "of-moodle").mkdir()
    zipped(tmp_path / "of-moodle" / "a.zip", {}, {**MANIFEST, "name": "Nana", "id": "S1"})
    zipped(tmp_path / "b.zip", {}, {**MANIFEST, "name": "bo ray", "id": ""})
    zipped(tmp_path / "c.zip", {}, {**MANIFEST, "name": "bo ray", "id": "s3"})
    (tmp_path / "submission-who.zip").write_text("no zip")

    assert match(tmp_path) == (["a.zip", None, "c.zip"], ["b.zip", "submission-who.zip"])


def test_a_file_that_cannot_be_read_is_of_the_student_that_its_name_says(tmp_path):
    (tmp_path / "submission-ana-garcia.zip").write_text("no zip")

    assert match(tmp_path)[0][0] == "submission-ana-garcia.zip"


def test_two_files_of_one_student_are_refused_in_one_list(tmp_path):
    for name in ("a", "b"):
        zipped(tmp_path / f"{name}.zip", {})

    with pytest.raises(UsageError, match=r"two files.*\n  ana-.*a\.zip.*b\.zip"):
        match(tmp_path)
    with pytest.raises(UsageError, match=r"two files.*\n  ana-.*a\.zip.*b\.zip"):
        match(tmp_path, handed_in.students(handed_in.find(tmp_path)))


def test_a_folder_without_submissions_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no zip file"):
        handed_in.find(tmp_path)


def test_what_is_graded_is_not_graded_again_unless_the_file_has_changed(tmp_path):
    zipped(tmp_path / "a.zip", {})
    (out := tmp_path / "out").mkdir()

    def to_do(resume):
        works, _ = handed_in.match(handed_in.find(tmp_path), CLASS[:2], out, trust=False, seconds=60)
        return [each.path for each in session.left_to_do(works, resume)], works

    paths, works = to_do(resume=False)
    assert paths == [tmp_path / "a.zip", None]
    job.write(works[0], state="done")
    assert to_do(resume=True)[0] == [None]
    assert [record["state"] for record in session.records(works)] == ["done", "missing"]
    with pytest.raises(UsageError, match="--resume"):
        to_do(resume=False)
    zipped(tmp_path / "a.zip", {"my_notifier.py": "# better"})
    assert to_do(resume=True)[0] == [tmp_path / "a.zip", None]
