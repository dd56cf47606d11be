from pathlib import Path

import pytest

from lab_lib.classroom import roster
from lab_lib.errors import RosterError, UsageError

SAMPLE = Path(__file__).parents[2] / "data" / "roster.csv"
ROLE = "arn:{}:iam::{}:role/Grader".format("aws", "111122223333")  # in two parts: no ARN is spelled out in this house
ANA = "Ana,111122223333"


@pytest.fixture
def read(tmp_path):
    """Read a roster of these lines, or of these bytes."""

    def read(*lines, **how):
        content = lines[0] if isinstance(lines[0], bytes) else "\n".join([*lines, ""]).encode()
        (tmp_path / "roster.csv").write_bytes(content)
        return roster.read(tmp_path / "roster.csv", **how)

    return read


def row(column, value):
    return f"name,account,{column}", f"{ANA},{value}"


def test_a_line_becomes_a_student_without_what_is_empty(read):
    [student] = read(
        "name,account,role_arn,external_id,id,region,email,phone,threshold",
        f"Ana García,111122223333,{ROLE},class-7,ana,eu-west-1,ana@example.com,,99.50",
    )

    parameters = {"region": "eu-west-1", "email": "ana@example.com", "threshold": "99.50"}
    assert student == roster.Student("Ana García", "111122223333", "ana", "", ROLE, "class-7", parameters)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffname,account\r\nAna,111122223333\r\n",
        "name;account\nAna;111122223333\n;\n",
        "name\taccount\nAna\t111122223333\n",
        ' Name ,"ACCOUNT",,\n\n,,\n Ana , 111122223333\n',
    ],
)
def test_a_roster_is_read_however_a_spreadsheet_writes_it(read, content):
    [student] = read(content.encode())

    assert (student.name, student.account, student.parameters) == ("Ana", "111122223333", {})


def test_all_faults_are_listed_with_their_lines(read):
    with pytest.raises(RosterError) as refused:
        read("name,account,threshold", "Ana,22,much", ",111122223333,", "Bo,333344445555,1500")

    first, *others = str(refused.value).splitlines()
    assert first.endswith("roster.csv has these faults. Nothing was started.")
    begins = ["  line 2: account is '22'", "  line 2: threshold is 'much'", "  line 3: there is no name"]
    assert [line[: len(begin)] for line, begin in zip(others, begins, strict=True)] == begins


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([b""], "line 1: there is no column account"),
        (["name,acount", "Ana,111122223333", "Bo,2"], "line 1: unknown column 'acount'; the columns are account, "),
        (["name,account", f"{ANA},x"], "line 2 has more cells than the header"),
        (["name,account", "Ana,"], "line 2: there is no account"),
        (["name,account", "Ana,1.11122E+11"], "and write all twelve digits"),
        (["name,account", ANA, '"Bo,2', "Cem,3"], "the quotes do not match after line 2"),
        (["name,account,region", f"{ANA},", "Bo,111122223333,us-east-1"], "line 3: account 111122223333, region us-"),
        (["name,account", ANA, "ANA,444455556666"], "line 3: name ANA is the same as in line 2. Give each"),
        (["name,account,id", f"{ANA},x1", "Bo,444455556666,X1"], "line 3: id X1 is the same as in line 2"),
        (row("profile", "nobody"), "line 2: there is no profile 'nobody' in your AWS configuration"),
        (row("data_file", "roster.csv"), "roster.csv is no transactions file: its first line is 'n"),
        (row("handed_in", "1.12.2026"), "line 2: handed_in is '1.12.2026'; wanted 2026-12-01 18:00, for example"),
        ([b"PK\x03\x04\x14\x00\xff"], 'UTF-8 text, but an Excel file (.xlsx), UTF-16 or an older encoding. Save it'),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_line(read, tmp_path, lines, wanted):
    (tmp_path / "config").write_text("[profile mine]\n")

    with pytest.raises(UsageError) as refused:
        read(*lines)

    assert wanted in str(refused.value)


def test_a_roster_of_those_whose_files_are_graded_needs_names_only(read):
    lines = "name,id,prefix,threshold", "Ana,a1,ana-,99.50", "Bo,,,", "Bo,b2,,"

    students = read(*lines, accounts=False)

    assert [student.parameters for student in students] == [{"prefix": "ana-", "threshold": "99.50"}, {}, {}]
    assert len({student.folder for student in students}) == 3  # ids tell two students of one name apart
    with pytest.raises(RosterError, match="line 1: there is no column account"):
        read(*lines)


def test_a_data_file_is_found_beside_the_roster(read, tmp_path, monkeypatch):
    (tmp_path / "march.txt").write_bytes(SAMPLE.with_name("transactions.txt").read_bytes())
    monkeypatch.chdir("/")

    [student] = read(*row("data_file", "march.txt"))

    assert student.parameters == {"data_file": str(tmp_path / "march.txt")}


def test_students_share_an_account_with_a_prefix_or_a_region_each(read):
    bo = "Bo,111122223333,bo-,"
    assert len(read("name,account,prefix,region", f"{ANA},ana-,", bo, "Cem,111122223333,bo-,eu-west-1")) == 3


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("😀" * 200, "student"),
        ("Zoë🦄 Straße", "zoe-strasse"),
        ("a\u202eb\u0000c/../d", "a-b-c-d"),
    ],
)
def test_a_folder_is_made_of_letters_of_any_script_and_digits(name, folder):
    student = roster.Student(name, "111122229012")

    assert student.folder == f"{folder}-9012"
    assert len(student.folder.encode()) <= 255
