"""What `lab submit` writes, and that a file that it has not written is refused with a reason."""

import io
import json
import os
import zipfile
from contextlib import suppress

import pytest

from lab_lib.classroom import grading, handed_in, job, points, sandbox, session, submission
from lab_lib.classroom.judge import Judge
from lab_lib.classroom.sandbox import Ended, Limits
from lab_lib.classroom.students import Student
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import copies, workbook
from lab_lib.private_files import write_file
from tests.classes import check
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
    given = {path.name for path in [*copies.solved(), *copies.pictures()]}
    assert set(found.files) == given | {"my_notifier.py", "answers.jsonl", "manifest.json"}
    assert [value for value in PRIVATE.values() if any(value.encode() in text for text in found.files.values())] == []
    assert (found.name, found.id) == ("Ana", "s1")


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
ANA, BO = {**MANIFEST, "name": "Ana García"}, {**MANIFEST, "name": "bo ray", "id": ""}


def match(folder, roster=CLASS):
    """Return the file of each student and its remarks, and the files of nobody."""
    works, others = handed_in.match(handed_in.find(folder), roster, folder, trust=False, seconds=60, seed="s")
    found = {f"{each.student.name}{each.student.id}": (each.path and each.path.name, *each.remarks) for each in works}
    return found, [each.path.name for each in others]


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("submission-ana-garcia.zip", "Ana Garcías1"),
        ("submission-ana-garcia-s1.zip", "Ana Garcías1"),
        ("s1.zip", "Ana Garcías1"),
        ("Ana García_4242_assignsubmission_file/submission-bo-ray-s3.zip", "Ana Garcías1"),  # as Moodle names folders
        ("garciaana_LATE_4242_99_submission-ana-garcia-1.zip", "Ana Garcías1"),  # as Canvas names files
        ("submission-bo-ray-s3 (1).zip", "Bo Rays3"),
        ("week-1/S3.zip", "Bo Rays3"),
        ("submission-bo-ray.zip", None),  # two have this name
        ("ana-garcia-lopez.zip", None),
        ("class-s1.zip", None),
        ("homework.zip", None),
    ],
)
def test_the_names_of_a_file_and_its_folders_say_whose_it_is_and_its_claim_does_not(tmp_path, name, owner):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    zipped(tmp_path / name, {}, {**MANIFEST, "name": "Bo Ray", "id": "s3"})

    found, others = match(tmp_path)

    assert {each: files[0] for each, files in found.items() if files[0]} == (
        {owner: name.split("/")[-1]} if owner else {}
    )
    assert len(others) == (owner is None)


def test_a_file_that_claims_to_be_of_somebody_else_is_remarked(tmp_path):
    zipped(tmp_path / "ana-garcia.zip", {}, ANA)
    zipped(tmp_path / "bo-ray-s3.zip", {}, {**ANA, "name": "Ana\x1b[2J García"})

    found, _ = match(tmp_path)

    assert found["Ana Garcías1"] == ("ana-garcia.zip",)
    claim = "Ana[U+001B][2J García (s1)"
    assert found["Bo Rays3"][1:] == (
        f"bo-ray-s3.zip claims to be from {claim}. It counts for Bo Ray, as its name says.",
    )


@pytest.mark.parametrize("roster", [CLASS, []])
def test_the_latest_of_two_files_counts_and_both_are_named(tmp_path, roster):
    for number, name in enumerate(["submission-ana-garcia (1).zip", "submission-ana-garcia.zip"]):
        zipped(tmp_path / name, {}, ANA)
        os.utime(tmp_path / name, (number, number))

    [found] = [files for files in match(tmp_path, roster)[0].values() if files[0]]

    latest = "submission-ana-garcia.zip"
    assert found == (latest, f"2 files: submission-ana-garcia (1).zip, {latest}. The latest counts: {latest}.")


def test_without_a_roster_each_name_is_a_student_and_a_number_only_beside_the_same_name_a_second_try(tmp_path):
    for name in ("submission-ana-garcia", "submission-ana-garcia-2", "student-1", "student-2", "bo/submission"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        zipped(tmp_path / f"{name}.zip", {}, ANA)
    before = match(tmp_path, [])[0]
    zipped(tmp_path / "aaron.zip", {}, ANA)

    found = match(tmp_path, [])[0]

    assert sorted(before) == ["Ana García", "bo", "student-1", "student-2"]
    assert {name: files for name, files in found.items() if name != "aaron"} == before


def test_what_cannot_be_read_has_the_owner_that_its_name_says_and_no_link_is_followed(tmp_path):
    (tmp_path / "submission-ana-garcia.zip").write_text("no zip")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "s3.zip").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.zip")
    deep = json.dumps(MANIFEST).replace("1", "[" * 900 + "]" * 900, 1)
    with zipfile.ZipFile(tmp_path / "bo-ray-s3.zip", "w") as archive:
        archive.writestr("manifest.json", deep)

    found, others = match(tmp_path)

    assert ([files[0] for files in found.values()], others) == (
        ["submission-ana-garcia.zip", None, "bo-ray-s3.zip"],
        [],
    )


def test_odd_names_of_files_stay_apart_and_are_shown_by_codes(tmp_path):
    for name in (b" .zip", b".zip", b"..zip", b"x\xff.zip", b"y\x1b[2J.zip", b"a\nb.zip"):
        (tmp_path / os.fsdecode(name)).write_text("no zip")

    found, _ = match(tmp_path, [])
    refused = []
    for path in tmp_path.iterdir():
        with pytest.raises(UsageError) as error:
            submission.read(path)
        refused.append(str(error.value))

    assert sorted(found) == ["' '", "''", ".", "a[U+000A]b", "x[U+DCFF]", "y[U+001B][2J"]
    assert all(each.isascii() and each.isprintable() for each in refused)


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    with (tmp_path / "x.zip").open("wb") as file:
        file.truncate(submission.MOST_BYTES + 1)
    zipped(tmp_path / "y.zip", {f"{number}.py": b"" for number in range(1_000)})

    for name in ("x", "y"):
        with pytest.raises(UsageError, match=rf"{name}\.zip is too large\. Ask for"):
            submission.read(tmp_path / f"{name}.zip")


def test_a_folder_without_submissions_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no zip file"):
        handed_in.find(tmp_path)


def test_what_is_graded_is_not_graded_again_unless_the_file_has_changed(tmp_path):
    zipped(tmp_path / "s1.zip", {})
    (out := tmp_path / "out").mkdir()

    def to_do(resume, seed="s"):
        works, _ = handed_in.match(handed_in.find(tmp_path), CLASS[:2], out, trust=False, seconds=60, seed=seed)
        return [each.path for each in session.left_to_do(works, resume)], works

    paths, works = to_do(resume=False)
    assert paths == [tmp_path / "s1.zip", None]
    job.write(works[0], state="done")
    assert to_do(resume=True)[0] == [tmp_path / "s1.zip", None]  # it was not compared with the untouched edition
    job.write(works[0], state="done", baseline={})
    assert to_do(resume=True)[0] == [None]
    assert grading.seed_of(out) == "s"  # all students of a grading have the same cases
    assert to_do(resume=True, seed="other")[0] == [tmp_path / "s1.zip", None]
    assert [record["state"] for record in session.records(works)] == ["done", "missing"]
    with pytest.raises(UsageError, match="--resume"):
        to_do(resume=False)
    zipped(tmp_path / "s1.zip", {"my_notifier.py": "# better"})
    assert to_do(resume=True)[0] == [tmp_path / "s1.zip", None]


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """graded(error): the records of two submissions, of which the second one's judge has died."""
    zipped(tmp_path / "s1.zip", {})
    zipped(tmp_path / "s2.zip", {})
    works, _ = handed_in.match(handed_in.find(tmp_path), [], tmp_path / "out", trust=False, seconds=60, seed="s")

    def graded(error):
        def judge(work, *_):
            if work.path.name == "s2.zip":
                job.begin(work)
                job.note(work, job.GRADED, json.dumps({"checks": [check("bucket"), check("stream")]}))
                raise LabError("It has died.")
            is_untouched = work not in works
            made = [check("bucket"), check("stream", "not yet" if is_untouched else "ok")]
            return job.write(work, state="done", checks=made, answers=[], error=error if is_untouched else None)

        monkeypatch.setattr(job, "do_in_process", judge)
        with grading.processes(1, trust=False, seconds=60, seed="s") as submit:
            return sorted(session.run(works, submit), key=lambda record: record["name"]), works

    return graded


def test_each_record_gets_what_the_untouched_edition_has_right_and_one_whose_judge_has_died_is_not_graded(graded):
    records, works = graded(None)

    assert [record["state"] for record in records] == ["done", "failed"]
    assert records[0]["baseline"] == {"checks": ["bucket"], "answers": [], "trial": []}
    assert [points.earned(record, ["00"])["00"] for record in records] == [5, None]
    assert session.records(works) == records
    assert session.left_to_do(works, resume=True) == works[1:]


def test_nobody_is_graded_if_the_untouched_edition_cannot_be(graded):
    records, works = graded("no time")

    assert [record["state"] for record in records] == ["failed", "failed"]
    assert "The untouched edition cannot be graded, to compare this one with it: no time" in records[0]["error"]
    assert [points.earned(record, ["00"])["00"] for record in records] == [None, None]
    assert session.left_to_do(works, resume=True) == works


def test_the_untouched_edition_is_a_submission_with_stubs_and_the_naive_function(tmp_path):
    submission.write_untouched(tmp_path / "untouched.zip")

    files = submission.read(tmp_path / "untouched.zip").files
    assert b"BEGIN SOLUTION" not in b"".join(files.values())
    assert files[submission.FUNCTION].startswith(b"# This is the naive function once more")


def test_a_sandbox_that_ends_costs_only_what_it_was_for(tmp_path, monkeypatch):
    def opened(*_):
        raise Ended("It took too much.")

    monkeypatch.setattr(sandbox, "opened", opened)
    job.begin(work := grading.Grading(CLASS[0], tmp_path))
    files = {submission.FUNCTION: b"def lambda_handler(event, context):\n    pass\n"}
    judge = Judge(submission.Submission("", "", "", files), Limits(), False, work)

    judge.run()

    assert (judge.faults, judge.trial) == (["It took too much."] * 2, None)
