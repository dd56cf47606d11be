from pathlib import Path

import pytest

from lab_lib.classroom import roster
from lab_lib.errors import RosterError, UsageError

SAMPLE = Path(__file__).parents[2] / "data" / "roster.csv"
TRANSACTIONS = SAMPLE.with_name("transactions.txt")
ROLE = "arn:{}:iam::{}:role/Grader".format("aws", "111122223333")  # in two parts: no ARN is spelled out in this house
ANA = "Ana,111122223333"


@pytest.fixture
def read(tmp_path):
    """Read a roster of these lines, or of these bytes as they are."""

    def read(*lines, ending=".csv"):
        content = lines[0] if isinstance(lines[0], bytes) else "\n".join([*lines, ""]).encode()
        (tmp_path / f"roster{ending}").write_bytes(content)
        return roster.read(tmp_path / f"roster{ending}")

    return read


@pytest.fixture
def faults(read):
    """What is wrong with a roster: its message, without the first line."""

    def faults(*lines, **ending):
        with pytest.raises(RosterError) as refused:
            read(*lines, **ending)
        return [line.strip() for line in str(refused.value).splitlines()[1:]]

    return faults


def test_the_sample_has_twelve_students_of_whom_some_have_settings_of_their_own():
    students = roster.read(SAMPLE)

    assert len(students) == 12
    assert {student.folder for student in students} >= {"ana-garcia-0001", "王小明-0002", "siobhan-o-brien-0008"}
    assert [student.parameters for student in students[-3:]] == [
        {"region": "eu-west-1"},
        {"threshold": "99.50"},
        {"prefix": "ida-", "data_file": str(SAMPLE.with_name("branch.txt"))},
    ]


def test_a_line_becomes_a_student_and_what_is_empty_is_no_parameter(read):
    [student] = read(
        "name,account,role_arn,external_id,id,region,email,phone,threshold",
        f"Ana García,111122223333,{ROLE},class-7,ana,eu-west-1,ana@example.com,,99.50",
    )

    parameters = {"region": "eu-west-1", "email": "ana@example.com", "threshold": "99.50"}
    assert student == roster.Student(2, "111122223333", "Ana García", "", ROLE, "class-7", parameters, "ana")


def test_what_is_true_or_false_in_a_notebook_is_no_text(read):
    students = read("name,account,yes", f"{ANA},TRUE", "Bo,444455556666,false", "Cem,444455557777,")

    assert [student.parameters for student in students] == [{"yes": True}, {"yes": False}, {}]


@pytest.mark.parametrize(
    "content",
    [
        "name,account\nAna,111122223333\n",
        "\ufeffname,account\r\nAna,111122223333\r\n",
        "name;account\nAna;111122223333\n;\n",
        "name\taccount\nAna\t111122223333\n",
        " Name , ACCOUNT ,\n Ana , 111122223333 ,\n",
        '\n"name","account"\n"Ana","111122223333"',
        "name,account,email\nAna,111122223333\n",
        "name,account\n\n,,\nAna,111122223333\n\n",
    ],
    ids=["plain", "Excel", "semicolons", "tabs", "blanks", "quotes", "short row", "blank lines"],
)
def test_a_roster_is_read_however_a_spreadsheet_writes_it(read, content):
    [student] = read(content.encode())

    assert (student.name, student.account, student.parameters) == ("Ana", "111122223333", {})


@pytest.mark.parametrize(
    "lines",
    [
        ["- name: Ana", "  account: 000000000022", "  threshold: 99.50"],
        ["students:", '- {name: Ana, account: "000000000022", threshold: 99.50, email: }'],
        ["- {name: Ana, account: 000000000022, threshold: 99.50, phone: ~}"],
    ],
    ids=["without quotes", "below students", "in one line"],
)
def test_a_yaml_roster_says_the_same_and_an_account_without_quotes_keeps_its_zeros(read, lines):
    [student] = read(*lines, ending=".yaml")

    assert (student.name, student.account, student.parameters) == ("Ana", "000000000022", {"threshold": "99.50"})


@pytest.mark.parametrize("character", [r"\ud800", r"\e"])
def test_a_name_that_no_file_or_terminal_could_show_is_a_fault(read, character):
    with pytest.raises(RosterError, match="line 1: name holds a character that is none of a text"):
        read(f'- name: "Ana{character}"', "  account: 111122220001", ending=".yaml")


def test_every_fault_is_listed_with_its_line_and_nothing_else_is_said(read):
    with pytest.raises(RosterError) as refused:
        read("name,account,threshold", "Ana,22,much", ",111122223333,", "Bo,333344445555,1500")

    first, *others = str(refused.value).splitlines()
    assert first.endswith("roster.csv has 3 faults. Nothing was begun.")
    assert others == [
        "  line 2: account is '22'; wanted twelve digits as text, such as \"000000000000\". A spreadsheet drops "
        "leading zeros: format the column as text, and write 000000000022",
        "  line 2: threshold is 'much'; wanted an amount such as 1500 or 99.50",
        "  line 3: there is no name",
    ]


def row(column, value, account="111122223333"):
    return f"name,account,{column}", f"Ana,{account},{value}"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["name,account"], "line 1: there is no student"),
        (["name,email", "Ana,ana@example.com"], "line 1: there is no column account"),
        (["account", "111122223333"], "line 1: there is no column name"),
        (["name,account,name", f"{ANA},Bo"], "line 1: the column name is there twice"),
        (row("colour", "red"), "line 1: no notebook has a parameter colour; the columns are account, "),
        (["name,account", f"{ANA},x"], "line 2: 3 cells, and the header has 2"),
        (["name,account", "Ana,"], "line 2: there is no account"),
        (["name,account", "Ana,1.11122E+11"], "A spreadsheet has rounded it"),
        (["name,account", "Ana,1111-2222-3333"], "Write 111122223333"),
        (["name,account", "Ana,1111222233334"], "line 2: account is '1111222233334'; wanted twelve digits"),
        (["name,account", "Ana,１１１１２２２２３３３３"], "wanted twelve digits"),
        (["name,account", ANA, '"Bo', '2",1'], "line 3: account is '1'"),
        (["name,account", '"Ana', 'B",111122223333', "Bo,1"], "line 4: account is '1'"),
        (["name,account", ANA, '"Bo,2'], "line 3: the quotes do not match"),
        (["name,account", ANA, "Bo,111122223333"], "line 3: account 111122223333, Region us-east-1, without a prefix"),
        (["name,account,region", f"{ANA},", "Bo,111122223333,us-east-1"], "is that of line 2 too"),
        (["name,account", ANA, "ANA,444455553333"], "line 3: the results would go to ana-3333, as those of line 2 do"),
        (row("region", "mars-1"), "line 2: There is no Region 'mars-1'"),
        (row("prefix", "1-"), "line 2: prefix is '1-'; wanted a letter"),
        (row("threshold", "inf"), "line 2: threshold is 'inf'"),
        (row("email", "ana"), "line 2: email is 'ana'; wanted an address"),
        (row("yes", "no"), "line 2: yes is 'no'; wanted true or false"),
        (row("phone", "555"), "line 2: phone is '555'; wanted a number"),
        (row("role_arn", "Grader"), "line 2: role_arn is 'Grader'; wanted a role of this account"),
        (row("role_arn", ROLE, "444455556666"), "line 2: role_arn is a role of account 111122223333, and the"),
        (row("role_arn,region", f"{ROLE},cn-north-1"), "of partition aws, and Region cn-north-1 is of another"),
        (row("role_arn,profile", f"{ROLE},mine"), "line 2: there is a profile and a role_arn. Name one"),
        (row("external_id", "class-7"), "line 2: there is an external_id without a role_arn"),
        (row("role_arn,external_id", f"{ROLE},7"), "line 2: external_id wants 2 to 1224"),
        (row("data_file", "none.txt"), "none.txt: No such file or directory"),
        (row("data_file", "roster.csv"), "roster.csv is no transactions file: line 1 is"),
        ([b"name,account\nAna,1\nJos\xe9,2\n"], "line 3: this is not UTF-8. Save it as"),
        (["name,account".encode("utf-16")], "line 1: this is not UTF-8"),
        ([b""], "line 1: there is no column account"),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_line(faults, lines, wanted):
    said = faults(*lines)

    assert any(wanted in fault for fault in said), said


def test_a_header_without_what_every_line_needs_is_the_only_fault(faults):
    assert faults("name,acount", "Ana,111122223333", "Bo,2") == [
        "line 1: no notebook has a parameter acount; the columns are account, data_file, email, external_id, id, name, "
        "phone, prefix, profile, region, role_arn, threshold, yes",
        "line 1: there is no column account",
    ]


def test_a_data_file_that_the_trigger_would_not_take_is_a_fault(faults, tmp_path):
    (tmp_path / "march.csv").write_bytes(TRANSACTIONS.read_bytes())

    [fault] = faults(*row("data_file", "march.csv"))

    assert fault.startswith("line 2: march.csv does not end in .txt")


def test_a_data_file_is_looked_for_beside_the_roster(read, tmp_path, monkeypatch):
    (tmp_path / "march.txt").write_bytes(TRANSACTIONS.read_bytes())
    monkeypatch.chdir("/")

    [student] = read(*row("data_file", "march.txt"))

    assert student.parameters == {"data_file": str(tmp_path / "march.txt")}


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["- name: Ana", "  account: 22"], "line 1: account is '22'"),
        (["- name: Ana", "  account: 111122223333", "  colour: red"], "line 3: no notebook has a parameter colour"),
        (["- name: Ana", "  name: Bo", "  account: 111122223333"], "line 2: name is there twice"),
        (["- name: Ana", "  account: [1]"], "line 2: account is neither text nor a number"),
        (["- name: !!python/object/apply:os.getcwd []", "  account: 111122223333"], "line 1: name is neither text nor"),
        (["- name: !mine Ana", "  account: 111122223333"], "line 1: name is neither text nor a number"),
        (["- Ana"], "line 1: wanted a student: name: …, account: …"),
        (["name: Ana"], "line 1: wanted a list of students"),
        (["- name: Ana", "  account: '1"], "this is no YAML"),
        (["- name: A\x07", "  account: 1"], "line 1: this is no YAML: it holds a character that YAML does not allow"),
        (["# nobody"], "line 1: there is no student"),
        (["students: []"], "line 1: there is no student"),
    ],
)
def test_a_fault_in_yaml_is_said_with_its_line(faults, lines, wanted):
    said = faults(*lines, ending=".yml")

    assert any(wanted in fault for fault in said), said


def test_two_students_share_an_account_with_a_prefix_or_a_region_each(read):
    students = read(
        "name,account,prefix,region",
        "Ana,111122223333,ana-,",
        "Bo,111122223333,bo-,",
        "Cem,111122223333,bo-,eu-west-1",
    )

    assert len(students) == 3


def test_prefixes_that_differ_in_capitals_only_are_one_since_their_buckets_would_be(faults):
    said = faults("name,account,prefix", f"{ANA},lab-", "Bo,111122223333,LAB-")

    assert said == ["line 3: account 111122223333, Region us-east-1 and prefix LAB- is that of line 2 too"]


@pytest.mark.parametrize("name", ["roster.txt", "roster"])
def test_a_roster_of_another_kind_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"a roster ends in \.csv, \.yaml or \.yml"):
        roster.read(tmp_path / name)


def test_a_roster_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file or directory"):
        roster.read(tmp_path / "roster.csv")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Ana García", "ana-garcia"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "student"),
        ("C:\\Windows", "c-windows"),
        ("CON", "con"),
        ("  .hidden ", "hidden"),
        ("王小明", "王小明"),
        ("प्रिया नायर", "प्रिया-नायर"),
        ("김서연", "김서연"),
        ("محمد", "محمد"),
        ("🦄🦄", "student"),
        ("Zoë🦄 Straße", "zoe-strasse"),
        ("İpek", "ipek"),
        ("a" * 200, "a" * 40),
        ("a\u202eb\u0000c/../d", "a-b-c-d"),
        ("<script>", "script"),
    ],
)
def test_a_folder_is_made_of_letters_of_any_script_and_digits(name, folder):
    student = roster.Student(2, "111122229012", name, "", "", "", {})

    assert student.folder == f"{folder}-9012"
    assert Path(student.folder).name == student.folder
    assert len(student.folder.encode()) <= 255
