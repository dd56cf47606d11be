"""What `lab submit` writes, and that a file that it has not written is refused with a reason."""

import io
import json
import os
import shutil
import zipfile
from contextlib import suppress
from unittest.mock import Mock

import pytest

from lab_lib.checks.reports import Report
from lab_lib.classroom import class_run, grading, points, sandbox, submission, submitted_files
from lab_lib.classroom.judge import Judge
from lab_lib.classroom.sandbox import Ended, Limits
from lab_lib.classroom.students import Student
from lab_lib.classroom.work import GRADED
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
    read = submission.read(tmp_path / "ana.zip")
    files = {path.name for path in [*copies.solved_notebooks(), *copies.pictures()]}
    assert set(read.files) == files | {"my_notifier.py", "answers.jsonl", "manifest.json"}
    assert [value for value in PRIVATE.values() if any(value.encode() in text for text in read.files.values())] == []
    assert (read.name, read.id) == ("Ana", "s1")


def test_a_renamed_notebook_is_found_by_its_cells_also_where_an_editor_has_dropped_their_ids(copy, tmp_path):
    (copy / "03-create-topic.ipynb").rename(copy / "Topic of Ana.ipynb")
    dropped = json.loads((copy / "04-create-queues.ipynb").read_text(encoding="utf-8"))
    (copy / "04-create-queues.ipynb").unlink()
    cells = [{name: value for name, value in cell.items() if name != "id"} for cell in dropped["cells"]]
    write_file(copy / "queues.ipynb", json.dumps(dropped | {"cells": cells, "nbformat_minor": 4}))
    write_file(copy / "notes.ipynb", json.dumps({"cells": [5]}))

    done = in_process("submit", "--name", "Ana", "--out", tmp_path / "ana.zip")

    assert "Your Topic of Ana.ipynb is there as 03-create-topic.ipynb, by its cells." in done.stdout
    files = submission.read(tmp_path / "ana.zip").files
    assert b"Create the topic" in files["03-create-topic.ipynb"]
    assert json.loads(files["04-create-queues.ipynb"])["cells"] == cells


def test_two_renamed_copies_of_a_missing_notebook_are_refused_and_beside_it_none_counts(copy, tmp_path):
    original = copy / "03-create-topic.ipynb"
    shutil.copy(original, copy / "a.ipynb")
    assert in_process("submit", "--name", "Ana", "--out", tmp_path / "ana.zip").exit_code == 0
    original.rename(copy / "b.ipynb")

    done = in_process("submit", "--name", "Ana", "--out", tmp_path / "ana.zip")

    assert (done.exit_code, "a.ipynb and b.ipynb are both 03-create-topic.ipynb." in done.stderr) == (2, True)


def test_without_a_copy_there_is_nothing_to_submit(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_COPY", str(tmp_path / "nothing"))

    done = in_process("submit", "--out", tmp_path / "x.zip")

    assert (done.exit_code, (tmp_path / "x.zip").exists()) == (2, False)
    assert "`lab open` makes your own copy" in done.stderr


BOMB = b"0" * (submission.MOST_BYTES_OF_FILE + 1)
FULL = {path.name: BOMB[:-1] for path in copies.solved_notebooks()}


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
    works, others = submitted_files.match(
        submitted_files.find(folder), roster, folder, trust=False, seconds=60, seed="s"
    )
    files = {f"{work.student.name}{work.student.id}": (work.path and work.path.name, *work.remarks) for work in works}
    return files, [other.path.name for other in others]


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

    students, others = match(tmp_path)

    assert {person: files[0] for person, files in students.items() if files[0]} == (
        {owner: name.split("/")[-1]} if owner else {}
    )
    assert len(others) == (owner is None)


def test_a_file_that_claims_to_be_of_somebody_else_is_remarked(tmp_path):
    zipped(tmp_path / "ana-garcia.zip", {}, ANA)
    zipped(tmp_path / "bo-ray-s3.zip", {}, {**ANA, "name": "Ana\x1b[2J García"})

    students, _ = match(tmp_path)

    assert students["Ana Garcías1"] == ("ana-garcia.zip",)
    claim = "Ana[U+001B][2J García (s1)"
    assert students["Bo Rays3"][1:] == (
        f"bo-ray-s3.zip claims to be from {claim}. It counts for Bo Ray, as its name says.",
    )


@pytest.mark.parametrize("roster", [CLASS, []])
def test_the_latest_of_two_files_counts_and_both_are_named(tmp_path, roster):
    for number, name in enumerate(["submission-ana-garcia (1).zip", "submission-ana-garcia.zip"]):
        zipped(tmp_path / name, {}, ANA)
        os.utime(tmp_path / name, (number, number))

    [counted] = [files for files in match(tmp_path, roster)[0].values() if files[0]]

    latest = "submission-ana-garcia.zip"
    assert counted == (latest, f"2 files: submission-ana-garcia (1).zip, {latest}. The latest counts: {latest}.")


def test_without_a_roster_each_name_is_a_student_and_a_number_only_beside_the_same_name_a_second_try(tmp_path):
    for name in ("submission-ana-garcia", "submission-ana-garcia-2", "student-1", "student-2", "bo/submission"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        zipped(tmp_path / f"{name}.zip", {}, ANA)
    before = match(tmp_path, [])[0]
    zipped(tmp_path / "aaron.zip", {}, ANA)

    students = match(tmp_path, [])[0]

    assert sorted(before) == ["Ana García", "bo", "student-1", "student-2"]
    assert {name: files for name, files in students.items() if name != "aaron"} == before


def test_what_cannot_be_read_has_the_owner_that_its_name_says_and_no_link_is_followed(tmp_path):
    (tmp_path / "submission-ana-garcia.zip").write_text("no zip")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "s3.zip").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.zip")
    deep = json.dumps(MANIFEST).replace("1", "[" * 900 + "]" * 900, 1)
    with zipfile.ZipFile(tmp_path / "bo-ray-s3.zip", "w") as archive:
        archive.writestr("manifest.json", deep)

    students, others = match(tmp_path)

    assert ([files[0] for files in students.values()], others) == (
        ["submission-ana-garcia.zip", None, "bo-ray-s3.zip"],
        [],
    )


def test_odd_names_of_files_stay_apart_and_are_shown_by_codes(tmp_path):
    for name in (b" .zip", b".zip", b"..zip", b"x\xff.zip", b"y\x1b[2J.zip", b"a\nb.zip"):
        (tmp_path / os.fsdecode(name)).write_text("no zip")

    students, _ = match(tmp_path, [])
    refused = []
    for path in tmp_path.iterdir():
        with pytest.raises(UsageError) as error:
            submission.read(path)
        refused.append(str(error.value))

    assert sorted(students) == ["' '", "''", ".", "a[U+000A]b", "x[U+DCFF]", "y[U+001B][2J"]
    assert all(error.isascii() and error.isprintable() for error in refused)


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    with (tmp_path / "x.zip").open("wb") as file:
        file.truncate(submission.MOST_BYTES + 1)
    zipped(tmp_path / "y.zip", {f"{number}.py": b"" for number in range(1_000)})

    for name in ("x", "y"):
        with pytest.raises(UsageError, match=rf"{name}\.zip is too large\. Ask for"):
            submission.read(tmp_path / f"{name}.zip")


def test_a_folder_without_submissions_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no zip file"):
        submitted_files.find(tmp_path)


def test_what_is_graded_is_not_graded_again_unless_the_file_has_changed(tmp_path):
    zipped(tmp_path / "s1.zip", {})
    (out := tmp_path / "out").mkdir()

    def to_do(resume, seed="s"):
        works, _ = submitted_files.match(
            submitted_files.find(tmp_path), CLASS[:2], out, trust=False, seconds=60, seed=seed
        )
        return [work.path for work in class_run.unfinished(works, resume)], works

    paths, works = to_do(resume=False)
    assert paths == [tmp_path / "s1.zip", None]
    works[0].write(state="done")
    assert to_do(resume=True)[0] == [tmp_path / "s1.zip", None]  # it was not compared with the untouched edition
    works[0].write(state="done", baseline={})
    assert to_do(resume=True)[0] == [None]
    assert grading.seed_of(out) == "s"  # all students of a grading have the same cases
    assert to_do(resume=True, seed="other")[0] == [tmp_path / "s1.zip", None]
    assert [record["state"] for record in class_run.records(works)] == ["done", "missing"]
    with pytest.raises(UsageError, match="--resume"):
        to_do(resume=False)
    zipped(tmp_path / "s1.zip", {"my_notifier.py": "# better"})
    assert to_do(resume=True)[0] == [tmp_path / "s1.zip", None]


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """graded(error): the records of two submissions, of which the second one's judge has died."""
    zipped(tmp_path / "s1.zip", {})
    zipped(tmp_path / "s2.zip", {})
    works, _ = submitted_files.match(
        submitted_files.find(tmp_path), [], tmp_path / "out", trust=False, seconds=60, seed="s"
    )

    def graded(error):
        def judge(work, *_):
            if work.path.name == "s2.zip":
                work.begin()
                work.note(GRADED, json.dumps({"checks": [check("bucket"), check("stream")]}))
                raise LabError("It has died.")
            is_untouched = work not in works
            made = [check("bucket"), check("stream", "not yet" if is_untouched else "ok")]
            return work.write(state="done", checks=made, answers=[], error=error if is_untouched else None)

        records = []
        with grading.untouched(trust=False, seconds=60, seed="s") as untouched:
            class_run.run(works, 1, records.append, judge, untouched)
        return sorted(records, key=lambda record: record["name"]), works

    return graded


def test_each_record_gets_what_the_untouched_edition_has_right_and_one_whose_judge_has_died_is_not_graded(graded):
    records, works = graded(None)

    assert [record["state"] for record in records] == ["done", "failed"]
    assert records[0]["baseline"] == {"checks": ["bucket"], "answers": [], "trial": []}
    assert [points.earned(record, ["00"])["00"] for record in records] == [5, None]
    assert class_run.records(works) == records
    assert class_run.unfinished(works, resume=True) == works[1:]


def test_nobody_is_graded_if_the_untouched_edition_cannot_be(graded):
    records, works = graded("no time")

    assert [record["state"] for record in records] == ["failed", "failed"]
    assert "The untouched edition cannot be graded, to compare this one with it: no time" in records[0]["error"]
    assert [points.earned(record, ["00"])["00"] for record in records] == [None, None]
    assert class_run.unfinished(works, resume=True) == works


def test_the_untouched_edition_is_a_submission_with_stubs_and_the_naive_function(tmp_path):
    submission.write_untouched(tmp_path / "untouched.zip")

    files = submission.read(tmp_path / "untouched.zip").files
    assert b"BEGIN SOLUTION" not in b"".join(files.values())
    assert files[submission.FUNCTION].startswith(b"# This is the naive function once more")


class Box:
    """A sandbox in which each notebook runs, but this one ends it."""

    port = 1

    def __init__(self, culprit):
        self.culprit, self.heard = culprit, iter(())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def require(self):
        pass

    def say(self, request):
        if "notebooks" in request:
            self.heard = self.running(request)

    def running(self, request):
        yield {"is_open": True}
        for name in request["notebooks"]:
            if name == self.culprit:
                raise Ended("It took too much.")
            yield {"notebook": name, "stopped": "", "failed": "", "answers": "", "text": ""}
            if name == request["last"]:
                yield {"is_built": True}
        yield {"is_done": True}

    def hear(self):
        return next(self.heard)


@pytest.mark.parametrize(
    ("culprit", "runs", "checked_after"),
    [("00-start-here.ipynb", 1, None), ("03-create-topic.ipynb", 2, "02-add-triggers"), ("06-break-it.ipynb", 1, "05")],
)
def test_a_notebook_that_ends_its_sandbox_costs_nothing_that_was_earned_before_it(
    tmp_path, monkeypatch, culprit, runs, checked_after
):
    boxes, checked = [], []

    def opened(*_):
        boxes.append(Box(culprit))
        return boxes[-1]

    def judge_account(judge, lab):
        checked.append(judge.steps[-1]["notebook"])
        judge.report = Report(["a check"])

    monkeypatch.setattr(sandbox, "opened", opened)
    monkeypatch.setattr(Judge, "_judge_account", judge_account)
    monkeypatch.setattr(Judge, "_tried", lambda _: [])
    (work := grading.Grading(CLASS[0], tmp_path)).begin()
    judge = Judge(submission.Submission("", "", "", {}), Limits(), False, work)

    judge.run()

    assert judge.faults == [f"{culprit.removesuffix('.ipynb')}: It took too much."]
    assert (len(boxes), [name[: len(checked_after or "")] for name in checked]) == (
        runs,
        [checked_after] if checked_after else [],
    )


def test_a_function_whose_sandbox_ends_has_no_points_and_says_why(tmp_path, monkeypatch):
    def opened(*_):
        raise Ended("It took too much.")

    monkeypatch.setattr(sandbox, "opened", opened)
    (work := grading.Grading(CLASS[0], tmp_path)).begin()
    files = {submission.FUNCTION: b"def lambda_handler(event, context):\n    pass\n"}
    judge = Judge(submission.Submission("", "", "", files), Limits(), False, work)

    judge.run()

    assert ({case["state"] for case in judge.trial}, judge.trial[0]["found"]) == ({"not tried"}, "It took too much.")
    assert judge.faults[1:] == ["my_notifier.py: It took too much."]


def test_an_answer_has_the_points_of_its_notebook(tmp_path):
    judge = Judge(submission.Submission("", "", "", {}), Limits(), False, grading.Grading(CLASS[0], tmp_path))

    worth = {answer["question"]: answer["points"] for answer in judge.answers()}

    assert (worth["create-table"], worth["keys"]) == (2, 1)


def test_a_file_that_cannot_be_read_gives_0_points_and_says_why(tmp_path, monkeypatch):
    (tmp_path / "s1.zip").write_text("no zip")
    work = grading.Grading(CLASS[0], tmp_path, path=tmp_path / "s1.zip")

    # It is done in this process, which must not be limited.
    monkeypatch.setattr(grading, "Timer", Mock())
    monkeypatch.setattr(grading.resource, "setrlimit", Mock())

    work.do()

    record = work.read() | {"baseline": {}}
    assert {*points.earned(record, points.WORTH).values()} == {0}
    assert "s1.zip is not a file of `lab submit`" in record["error"]
