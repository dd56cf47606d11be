"""Which functions and answers are remarked as like others, and that nothing else is."""

import ast
import zipfile
from itertools import combinations

import pytest

from lab_lib.aws import functions
from lab_lib.classroom import likeness, submission
from lab_lib.classroom.grading import Grading
from lab_lib.classroom.students import Student
from tests import right_functions
from tests.learners import hand_in, my_notifiers

NOTIFIERS, RIGHT = my_notifiers(), right_functions.ALL
OURS = "my_notifier.py is like the solved edition's (100% of its statements)."


@pytest.fixture
def remarks(tmp_path):
    """remarks({"Ben": function, ...}): the remarks about each of them, by name. Their answers are those of `more`."""

    def remarks(functions, **more):
        for name, function in functions.items():
            hand_in(path := tmp_path / f"{name}.zip", name, **({"left_out": None, "notifier": None} | more))
            if function is not None:
                with zipfile.ZipFile(path, "a") as archive:
                    archive.writestr("my_notifier.py", function)
        works = [Grading(Student(path.stem), tmp_path, path=path) for path in sorted(tmp_path.glob("*.zip"))]
        return {work.student.name: list(work.remarks) for work in likeness.remarked(works)}

    return remarks


def disguised(code):
    """Return the code with other names and layout, type hints, docstrings, another order, and a first try."""
    tree = ast.parse(code)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names = (names | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}) - {"lambda_handler"}
    for node in ast.walk(tree):
        for field in {"id", "arg", "name"}.intersection(node._fields):
            if getattr(node, field) in names and not isinstance(node, ast.keyword):
                setattr(node, field, getattr(node, field) + "_of_mine")
        if isinstance(node, ast.FunctionDef):
            node.returns = ast.Name("object")
            node.body.insert(0, ast.Expr(ast.Constant("Do it.")))
    tree.body.sort(key=lambda node: getattr(node, "name", ""), reverse=True)
    first_try = "def lambda_handler(event, context):\n    print(event, context)\n\n"
    return first_try + ast.unparse(tree).replace("\n\n", "\n\n# Mine.\n\n")


def test_a_copy_with_other_names_layout_and_order_is_remarked_for_both(remarks):
    texts = remarks({"Ana": RIGHT["hints"], "Ben": disguised(RIGHT["hints"]), "Cem": RIGHT["set of ids"]})

    like = "my_notifier.py is like that of {} (100% of its statements)."
    assert texts == {"Ana": [like.format("Ben")], "Ben": [like.format("Ana")], "Cem": []}


def test_a_copy_with_one_statement_changed_and_one_added_is_remarked(remarks):
    changed = (
        RIGHT["low level"]
        .replace(">= Decimal(", "> Decimal(")
        .replace("    accounts = {}", "    accounts = {}\n    print(event)")
    )

    texts = remarks({"Ana": RIGHT["low level"], "Ben": changed})

    assert texts["Ben"] == ["my_notifier.py is like that of Ana (95% of its statements)."]


def test_a_copy_of_the_labs_own_functions_is_remarked_as_that_only(remarks):
    ours = "\n".join(path.read_text() for path in functions.source_files("TotalNotifier"))

    texts = remarks({"Ana": NOTIFIERS["solution"], "Ben": disguised(NOTIFIERS["solution"]), "Cem": ours, "Dee": ours})

    theirs = ["my_notifier.py is like the lab's own TotalNotifier (100% of its statements)."]
    assert texts == {"Ana": [OURS], "Ben": [OURS], "Cem": theirs, "Dee": theirs}


def test_right_functions_of_different_designs_are_far_from_alike():
    solution = likeness.statements(NOTIFIERS["solution"])
    designs = [solution, *map(likeness.statements, RIGHT.values())]

    shares = [likeness.share(*two) for two in combinations(designs, 2)]

    assert max(shares) < 0.5


def test_what_everybody_is_given_and_small_changes_to_it_are_not_remarked(remarks, tmp_path):
    submission.write_untouched(tmp_path / "untouched.zip")
    corrected = NOTIFIERS["naive"].replace('["NewImage"]', '.get("NewImage") or {}')
    corrected += "\n            print(customer)\n            print(total, customer)\n"

    texts = remarks({"Ana": NOTIFIERS["naive"], "Ben": corrected, "Cem": corrected})

    assert texts == {"Ana": [], "Ben": [], "Cem": [], "untouched": []}


@pytest.mark.parametrize(
    "content",
    [
        "x = " + "-" * 50_000 + "1",
        "x" + ".a" * 900,
        "if a:\n b()\n" + "elif a:\n b()\n" * 5_000,
        NOTIFIERS["solution"] + "\n)",
        NOTIFIERS["solution"].encode("utf-16"),
        "",
        None,
    ],
    ids=["deep", "long name", "many branches", "not Python", "not UTF-8", "empty", "none"],
)
def test_about_what_cannot_be_read_nothing_is_said(content, remarks, tmp_path):
    (tmp_path / "no zip.zip").write_bytes(b"PK")

    assert remarks({"Ana": content, "Ben": content}) == {"Ana": [], "Ben": [], "no zip": []}


def test_long_answers_that_are_all_as_in_the_solved_edition_are_remarked_whatever_the_short_ones_are(remarks):
    remark = "Each exercise whose answer is several lines of code is as in the solved edition."
    other = {"create-queue": "sqs.create_queue(QueueName=name, tags=TAGS, Attributes={'Policy': policy})"}

    assert remarks({"Ana": None}, left_out=["keys", "room", "effect"], comment="\n# mine") == {"Ana": [remark]}
    assert remarks({"Ana": None}, left_out=[], written=other) == {"Ana": []}
    assert remarks({"Ana": None}, left_out=["create-queue"]) == {"Ana": []}


def test_two_among_many_and_each_of_a_class_with_one_function_are_found():
    def own(places):
        usual = [f"print(v0, {number})" for number in range(25)]
        return [likeness.Statements([*usual, *(f"v0 = {place} + {more}" for more in range(20))]) for place in places]

    def pairs(functions):
        return [(one, another) for one, another, _ in likeness.pairs(functions)]

    assert pairs(own([*range(3_000), 7])) == [(3_000, 7)]  # comparing all pairs would take minutes
    assert {one for one, _ in pairs(own([1] * 100))} == {*range(1, 100)}
