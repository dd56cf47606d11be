"""`%%replace FILE`: definitions of a cell take the place of those of the same names in a file."""

import pytest

from lab_lib.errors import UsageError
from lab_lib.exercises.edition import stub
from lab_lib.exercises.replacing import merge, replace

FILE = '''# The function of Ana.
import json
from decimal import Decimal

import boto3

LIMIT = 5  # calls


# Written on a Monday.

# Adds up.
@cached
def add(changes):
    return sum(changes)  # fast


class Alert:
    """My own."""


print("loaded")
# The end.
'''
CELL = '''# What to write.

### BEGIN SOLUTION
import time

LIMIT = 9  # my calls

# Adds once.
@retried(LIMIT)
def add(changes):
    text = """
# no comment
"""


def marker():
    return time.time()
### END SOLUTION
'''
MERGED = '''# The function of Ana.
import json
from decimal import Decimal

import boto3
import time

LIMIT = 9  # my calls


# Written on a Monday.

# Adds once.
@retried(LIMIT)
def add(changes):
    text = """
# no comment
"""


class Alert:
    """My own."""


print("loaded")
# The end.


def marker():
    return time.time()
'''


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_notifier.py").write_text(FILE)
    return tmp_path / "my_notifier.py"


def test_definitions_are_replaced_where_they_stand_and_all_else_stays(file, capsys):
    for _ in range(2):  # the second time changes nothing
        replace(" my_notifier.py ", CELL)
        assert file.read_text() == MERGED

    assert capsys.readouterr().out.splitlines()[0] == "my_notifier.py: replaced LIMIT, add; added time, marker"


@pytest.mark.parametrize("cell", ["", f"# What to write.\n\n{stub()}", "# def add(): pass\n"])
def test_a_stub_replaces_nothing_and_says_so(cell, file, capsys):
    file.write_text("my own (")  # also where the file is broken

    replace("my_notifier.py", cell)

    assert (file.read_text(), "Write a function" in capsys.readouterr().out) == ("my own (", True)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("def add(changes):\n    return (\n", "The cell, line 3 `return (`: '(' was never closed."),
        (
            "def add():\n    pass\n\nadd[1] = 2",
            "The cell, line 5 `add[1] = 2`: wanted a function, a class, an import or",
        ),
        ("\0", "null bytes"),
    ],
)
def test_a_cell_that_cannot_be_put_into_a_file_is_one_sentence_and_changes_nothing(cell, says, file):
    with pytest.raises(UsageError) as error:
        replace("my_notifier.py", cell)

    assert says in str(error.value)
    assert "The file is as it was." in str(error.value)
    assert file.read_text() == FILE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "Cannot read my_notifier.py: No such file or directory."),
        (b"\xff", "Cannot read my_notifier.py: 'utf-8' codec can't decode"),
        (b"x = 1\ndef f(:\n", "my_notifier.py, line 2 `def f(:`: invalid syntax."),
    ],
)
def test_a_file_that_is_missing_or_broken_is_one_sentence_and_stays(content, says, file):
    file.unlink()
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(UsageError) as error:
        replace("my_notifier.py", CELL)

    assert says in str(error.value)
    assert "run the cell that writes it" in str(error.value)
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_file_that_is_not_a_python_file_is_one_sentence_and_stays(file):
    notebook = file.with_name("03.ipynb")
    notebook.write_text('{"cells": []}')  # Python could read it

    with pytest.raises(UsageError, match="wanted a Python file, as in `%%replace"):
        replace("03.ipynb", CELL)

    assert notebook.read_text() == '{"cells": []}'


def test_a_file_of_another_editor_keeps_its_definitions(file):
    file.write_bytes("\ufeff# Größe\r\n\r\nx = 1\r\n\r\n\r\ndef add():\r\n    pass\x0c\r\n".encode())

    replace("my_notifier.py", "x = 2")

    assert file.read_text(encoding="utf-8").splitlines()[:5] == ["# Größe", "", "x = 2", "", ""]


def values(code):
    """Return what the code gives its names. A function counts by its answer, a class by its x."""
    names = {}
    exec(code, names)
    defined = {name: value for name, value in names.items() if name in "abcd"}
    return {name: getattr(value, "x", value() if callable(value) else value) for name, value in defined.items()}


@pytest.mark.parametrize(
    ("file", "cell"),
    [
        ("a, b = 1, 0\n", "a = 1\na = 2\n"),
        ("a = 1\nb = 5\n", "class a:\n    x = 2\n"),
        ("from math import pi as a, e as b\n", "b: int = 3\n"),
        ("def a():\n    return 1\nb = 2\n", "c = 5\nimport math\nb = c\n"),
    ],
)
def test_a_name_is_what_the_cell_says_else_what_the_file_says(file, cell):
    merged, _ = merge(file, cell, "x.py")

    assert values(merged) == values(file) | values(cell)
    assert merge(merged, cell, "x.py")[0] == merged
