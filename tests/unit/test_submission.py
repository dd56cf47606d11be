"""What `lab submit` writes, and that a file that it has not written is refused with a reason."""

import json
import os
import re
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from unittest.mock import Mock

import pytest

from lab_lib import checks, transactions
from lab_lib.checks.bank import plain_file
from lab_lib.checks.reports import Report
from lab_lib.classroom import class_run, grading, own_work, sandbox, submission
from lab_lib.classroom.grading import Judge
from lab_lib.classroom.own_work import OwnWork
from lab_lib.classroom.roster import Student
from lab_lib.classroom.sandbox import Ended
from lab_lib.exercises import copies, questions
from lab_lib.run.headless import notebooks
from lab_lib.workspace.private_files import write_file
from tests.classes import check, made_by
from tests.lab.commands import assert_refused, in_process

MANIFEST = {"name": "Ana", "id": "s1", "when": "2026-11-26 15:04"}
PRIVATE = {"account": "111122223333", "email": "ana@example.com", "phone": "+15555550100"}


def zipped(path, members, manifest=MANIFEST):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, "manifest.json": json.dumps(manifest)}.items():
            archive.writestr(name, content)
    return path


def test_a_submission_holds_the_learners_work_the_id_of_its_transactions_and_nothing_private(tmp_path, monkeypatch):
    copy = copies.complete("s12")
    monkeypatch.chdir(copy)
    first = copy / "00-start-here.ipynb"
    text = first.read_text(encoding="utf-8")
    for name, value in PRIVATE.items():
        text = text.replace(f'\\"{name}\\": \\"\\"', f'\\"{name}\\": \\"{value}\\"')
    write_file(first, text)
    for name in ("my_notifier.py", "my_add.py", "my_add-Copy1.py"):  # Python cannot import the last one
        write_file(copy / name, "# of account 111122223333\n")

    done = in_process("submit", "--name", "Ana")

    assert "not sent anywhere" in done.stdout
    read = submission.read(copy / "submission-ana-s12.zip", copy)
    files = submission.unpack(read.content)
    ours = {path.name for path in copies.solved_notebooks()}
    assert files.keys() - ours == {"my_notifier.py", "my_add.py", "manifest.json"}
    assert [value for value in PRIVATE.values() if value.encode() in b"".join(files.values())] == []
    assert (read.name, read.id, read.data_id) == ("Ana", "s12", "s12")


def test_a_file_with_other_transactions_than_those_of_its_id_is_remarked_once(tmp_path):
    for name, data_id in (("ana-garcia", "S1"), ("s3", "s7"), ("s4", "")):
        zipped(tmp_path / f"{name}.zip", {}, {"data_id": data_id})
    (tmp_path / "s5.zip").write_text("no zip")
    students = [*CLASS[::2], Student("Cem", id="s4"), Student("Dee", id="s5")]

    remarks = [" ".join(remarks) for _, *remarks in match(tmp_path, students)[0].values()]

    made = "{}.zip was made with the transactions of {}, not of {}. It was judged by them."
    assert remarks == ["", made.format("s3", "s7", "s3"), made.format("s4", "the handout", "s4"), ""]


def test_an_answer_about_totals_is_judged_by_the_transactions_of_the_student(monkeypatch):
    totals = transactions.totals(transactions.recount("", plain_file("s7")).amounts)
    room = " ".join(str(max(1500 - total, 0)) for _, total in sorted(totals.items()))
    items = [{"CustomerId": name, "accountBalance": total} for name, total in totals.items()]
    monkeypatch.setattr(own_work.tables, "items", lambda *_: items)  # the file of s7 was uploaded

    def right(data_id):
        own = OwnWork(data_id)
        own.judge(Mock(threshold=Decimal(1500)), questions.asked()["room"], room, is_before=False)
        return [verdict.question for verdict in own.verdicts if verdict.right]

    assert (right("s12"), right("s7"), right("")) == ([], ["room"], ["room"])


def test_without_a_notebook_nothing_is_written_and_its_name_is_told(copy):
    (copy / "03-create-topic.ipynb").rename(copy / "Topic of Ana.ipynb")

    done = in_process("submit", "--name", "Ana")

    assert_refused(done)
    assert "03-create-topic.ipynb. `lab open` makes" in done.stderr
    assert not [*copy.glob("*.zip")]


BOMB = b"0" * submission.MOST_BYTES


@pytest.mark.parametrize(
    ("members", "manifest", "why"),
    [
        ({"../../etc/passwd": b"x"}, MANIFEST, r"'\.\./\.\./etc/passwd', which `lab submit` does not write"),
        ({"my_/../add.py": b"x"}, MANIFEST, r"'my_/\.\./add\.py', which `lab submit` does not write"),
        ({"Topic of Ana.ipynb": b"x"}, MANIFEST, "holds 'Topic of Ana.ipynb', which .* way. Ask for"),
        ({"my_add.py": b"x", "my_notifier.py": BOMB}, MANIFEST, "my_notifier.py has 10.0 MB"),
        ({}, ["no object"], "x.zip is not a file of `lab submit`"),
    ],
)
def test_a_file_that_lab_submit_does_not_write_is_refused_with_a_reason(tmp_path, members, manifest, why):
    assert re.search(why, submission.read(zipped(tmp_path / "x.zip", members, manifest), tmp_path).fault)


CLASS = [Student("Ana García", "0" * 12, "s1"), Student("Bo Ray", "1" * 12), Student("Bo Ray", "2" * 12, "s3")]
ANA = {**MANIFEST, "name": "Ana García"}


def match(folder, roster=CLASS):
    """Return the file of each student and its remarks, and the files of nobody."""
    matched, others = submission.match(submission.find(folder), roster)
    files = {f"{student.name}{student.id}": (file and file.place.name, *remarks) for student, file, remarks in matched}
    return files, [other.place.name for other in others]


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("submission-ana-garcia.zip", "Ana Garcías1"),
        ("submission-ana-garcia-s1.zip", "Ana Garcías1"),
        ("Ana García_4242_assignsubmission_file/submission-bo-ray-s3.zip", "Ana Garcías1"),  # as Moodle names folders
        ("garciaana_LATE_4242_99_submission-ana-garcia-1.zip", "Ana Garcías1"),  # as Canvas names files
        ("submission-bo-ray-s3 (1).zip", "Bo Rays3"),
        ("submission-bo-ray.zip", ""),  # two have this name
        ("class-s1.zip", ""),
    ],
)
def test_the_names_of_a_file_and_its_folders_say_whose_it_is_and_its_claim_does_not(tmp_path, name, owner):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    zipped(tmp_path / name, {}, {**MANIFEST, "name": "Bo Ray", "id": "s3"})

    students, others = match(tmp_path)

    assert [person for person, files in students.items() if files[0]] == [owner] * bool(owner)
    assert len(others) == (not owner)


def test_a_file_that_claims_to_be_of_somebody_else_is_remarked(tmp_path):
    zipped(tmp_path / "ana-garcia.zip", {}, {"name": "Anita", "id": "S1"})
    zipped(tmp_path / "bo-ray-s3.zip", {}, {**ANA, "name": "Ana\x1b[2J García"})

    students, _ = match(tmp_path)

    assert students["Ana Garcías1"] == ("ana-garcia.zip",)
    claim = "bo-ray-s3.zip claims to be from Ana[U+001B][2J García (s1). It counts for Bo Ray, as its name says."
    assert students["Bo Rays3"][1] == claim


@pytest.mark.parametrize(
    ("other", "students", "remark"),
    [
        ({"name": "ana garcia", "id": "S1"}, {"ana garciaS1"}, "2 files: z.zip, b/a.zip. The latest counts: b/a.zip."),
        ({"name": "Bo\x1b", "id": "s1"}, {"Ana Garcías1", "Bo[U+001B]s1"}, ""),
        ({"name": "Ana Garcia", "id": "s2"}, {"Ana Garcías1", "Ana Garcias2"}, ""),
    ],
)
def test_without_a_roster_a_name_and_an_id_are_a_student(tmp_path, other, students, remark):
    zipped(tmp_path / "z.zip", {}, ANA)
    os.utime(tmp_path / "z.zip", (1, 1))
    (tmp_path / "b").mkdir()
    zipped(tmp_path / "b" / "a.zip", {}, other)

    found, _ = match(tmp_path, [])

    assert found.keys() == students
    assert ("z.zip" in {name for name, *_ in found.values()}) == (len(students) > 1)  # else it is the older of two
    assert all(" ".join(remarks).startswith(remark) and bool(remarks) == bool(remark) for _, *remarks in found.values())


def test_what_cannot_be_read_has_the_owner_that_its_name_says_and_no_link_is_followed(tmp_path):
    (tmp_path / "submission-ana-garcia.zip").write_text("no zip")
    (tmp_path / "s3.zip").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.zip")

    students, others = match(tmp_path)

    assert ([files[0] for files in students.values()], others) == (["submission-ana-garcia.zip", None, None], [])


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    with (tmp_path / "x.zip").open("wb") as file:
        file.truncate(submission.MOST_BYTES + 1)

    assert "x.zip is too large. Ask for" in submission.read(tmp_path / "x.zip", tmp_path).fault


def test_a_file_is_graded_again_with_other_settings_that_count(tmp_path):
    file = submission.read(zipped(tmp_path / "s1.zip", {}), tmp_path)
    settings = ({}, {"phone": "+15555550100"}, {"prefix": "ana-"})
    students = [replace(CLASS[0], parameters=parameters) for parameters in settings]
    works = [grading.Grading(student, tmp_path, submitted=file) for student in students]
    works[0].write(made_by(works[0], state="done"))

    assert class_run.unfinished(works, resume=True) == works[2:]


@contextmanager
def opened(culprit):
    """Yield a sandbox in which each notebook runs, but this one ends it."""

    def hear():
        yield {"secret": "x"}
        for name in box.say.call_args_list[0].args[0]["files"]:
            if name == culprit:
                raise Ended("It took too much.")
            yield {"notebook": name}

    yield (box := Mock(port=1, hear=hear().__next__))


@pytest.fixture
def judge(tmp_path):
    """judge(files): a judge of a submission of Ana that holds these files, and empty notebooks."""
    (work := grading.Grading(CLASS[0], tmp_path)).draft.mkdir()
    empty = {path.name: b"" for path in notebooks()}
    return lambda files: Judge(work, work.record(), empty | files, OwnWork())


def test_a_notebook_that_ends_its_sandbox_costs_nothing_that_was_earned_before_it(judge, monkeypatch):
    def run(lab, step, *_, **__):
        return Report([check("bucket", found=step)])

    monkeypatch.setattr(sandbox, "opened", lambda *_: opened("03-create-topic.ipynb"))
    monkeypatch.setattr(checks, "run", run)
    monkeypatch.setattr(OwnWork, "judge", Mock())
    monkeypatch.setattr(Judge, "_try_function", lambda _: [])
    judging = judge({})

    judging.run()

    assert judging.faults == ["03-create-topic: It took too much."]
    assert [check.found for check in judging.record.checks] == ["00", "01", "02"]
    assert judging.work.found() == judging.record  # if the judge died now


def test_a_function_whose_sandbox_ends_has_no_points_and_says_why(judge, monkeypatch):
    monkeypatch.setattr(sandbox, "opened", Mock(side_effect=Ended("It took too much.")))
    judging = judge({submission.FUNCTION: b"def lambda_handler(event, context):\n    pass\n"})

    judging.run()

    assert {case.state for case in judging.record.trial} == {"not tried"}
    assert judging.record.trial[0].cause == "It took too much."
    assert judging.faults[1:] == ["my_notifier.py: It took too much."]
