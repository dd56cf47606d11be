"""What a learner makes is judged by all that the text asks for, and a fixed cell makes it anew.

The cells are those of the notebooks, with another call in the place of the solution.
"""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from lab_lib.aws import functions, tables, topics
from lab_lib.exercises import cells, made
from lab_lib.exercises.experiments import create_functions
from lab_lib.lab import Lab, open_lab
from tests.learners import cell, solutions

SOLUTION = re.compile(r"( *)### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.DOTALL)
IMPORTS = """
import json
from lab_lib import aws, notebook
"""
FOR_EVERYBODY = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}}'
OWN_TABLE = """
    dynamodb.create_table(TableName=lab.name("TransactionTotal"), Tags=[dict(Key="lab", Value="serverless-lab")],
        KeySchema=[dict(KeyType="HASH", AttributeName="CustomerId")], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[dict(AttributeType="S", AttributeName="CustomerId")])"""
EMPTY = "{'ZipFile': aws.functions.zipped({'total_notifier.py': b''})}"
UNITS = '"PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 50, "WriteCapacityUnits": 50}'

ABOVE = {  # the cell that makes what the exercise is given
    "create-function": "01-13a",
    "create-bucket-trigger": "02-05a",
    "create-mapping": "02-07e",
    "create-topic": "03-05a",
    "create-queue": "04-09p",
}
# The exercise; what stands in the place of which part of the solution; the check that says so, and what was found.
WRONG = [
    ("create-table", '"PAY_PER_REQUEST"', UNITS, "billing of TransactionTotal", "PROVISIONED"),
    ("create-function", "**arguments", "**arguments | dict(Environment={})", "environment", "TOPIC_ARN is not"),
    ("create-function", "**arguments", f"**arguments | dict(Code={EMPTY})", "archive of", "another one"),
    ("create-function", 'Tags={"lab": "serverless-lab"},', "", "tag of TotalNotifier", "not there"),
    ("create-bucket-trigger", "SourceArn=bucket,", "", "bucket in the permission", "not asked for"),
    ("create-bucket-trigger", '".txt"', '".csv"', "suffix of the bucket trigger", ".csv"),
    ("create-mapping", "TRIM_HORIZON", "LATEST", "starting position that misses nothing", "LATEST"),
    ("create-mapping", "=1000,", "=1000, Enabled=False,", "state of the stream trigger", "Disabled"),
    ("create-mapping", "TotalNotifier", "TransactionProcessor", "stream trigger", "TransactionProcessor"),
    ("create-topic", '"HighAlert"', '"Alert"', "display name of the topic", "Alert"),
    ("create-queue", "{\"Policy\": policy}", f"dict(Policy='{FOR_EVERYBODY}')", "other senders to", "anyone"),
    ("create-queue", "Attributes={\"Policy\": policy},", "", "access policy of", "may not send"),
    ("create-queue", "sns.subscribe(", "dict(", "subscription of", "not there"),
]  # fmt: skip
# Right calls of another form.
RIGHT = [
    ("create-table", OWN_TABLE, ""),
    ("create-function", "Timeout=20,", "Timeout=20, MemorySize=512, Description='mine',"),
    ("create-bucket-trigger", '"bucket"', '"mine"'),
    ("create-mapping", 'lab.name("TotalNotifier")', 'lab.arn("lambda", f"function:{lab.name(\'TotalNotifier\')}")'),
    ("create-queue", '{"Policy": policy}', "{'Policy': json.dumps(json.loads(policy), indent=2)}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(new_account):
    """Return the lab after notebooks 00 and 01."""
    create_functions(lab := open_lab(account=new_account()))
    return lab


@pytest.fixture
def clean(lab):
    """clean(exercise): return the lab with what this exercise needs of others, and without what it makes."""

    def without(exercise):
        tables.ensure_table(lab, "TransactionTotal")
        functions.ensure_function(lab, "TotalNotifier")
        topics.delete_topic(lab)  # with its subscriptions
        topics.ensure_topic(lab)
        if made.EXERCISES[exercise].find(lab):
            made.EXERCISES[exercise].delete(lab)
        return lab

    return without


def call(exercise, old="", new=""):
    """Return the cell of an exercise, below the one above it. Something else, or a whole call, is in the solution."""
    source = solutions()[exercise]
    if exercise in ABOVE:
        source = f"{cell(ABOVE[exercise])}\n{source}"
    indent, solution = SOLUTION.search(source).groups()
    changed = old if "create_table(" in old else solution.replace(old, new)
    return SOLUTION.sub(lambda _: changed or f"{indent}pass", source)


def run(lab, source):
    exec(compile(IMPORTS + source, "cell", "exec"), {"lab": lab})  # a cell of the notebooks


def judged(lab, exercise, capsys):
    capsys.readouterr()
    made.judge(lab, exercise)
    return capsys.readouterr().out


@pytest.mark.parametrize(("exercise", "old", "new", "part", "words"), WRONG)
def test_a_wrong_call_is_named_and_the_fixed_cell_makes_it_anew(clean, capsys, exercise, old, new, part, words):
    lab = clean(exercise)
    run(lab, call(exercise, old, new))
    said = judged(lab, exercise, capsys)
    assert "\nNot yet.\nIf you are stuck" in said
    lines = [line for line in said.splitlines() if line.startswith("✘") and part in line]
    assert words in lines[0]

    made.complete(lab, exercise)
    assert "The helper changes nothing yet. Fix your cell above" in capsys.readouterr().out
    run(lab, call(exercise))

    out = capsys.readouterr().out
    assert "It is deleted, to be made anew." in out
    assert "Right.\n" in judged(lab, exercise, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "old", "new"), RIGHT)
def test_a_right_call_in_another_form_is_right(clean, capsys, exercise, old, new):
    lab = clean(exercise)
    run(lab, call(exercise, old, new))

    assert "Right.\n" in judged(lab, exercise, capsys)
    run(lab, call(exercise))
    assert capsys.readouterr().out.endswith("as it should be. The call is not made again.\n")


def test_what_holds_something_or_was_made_by_others_is_never_deleted(clean, capsys, monkeypatch):
    lab = clean("create-table")
    wrong = call("create-table", '"PAY_PER_REQUEST"', UNITS)
    run(lab, wrong)
    tables.put_item(lab, "TransactionTotal", {"CustomerId": "C1"})
    run(lab, call("create-table"))
    assert "since that would lose its items" in capsys.readouterr().out

    tables.delete_item(lab, "TransactionTotal", {"CustomerId": "C1"})
    lab.client("dynamodb").untag_resource(ResourceArn=tables.find_table(lab, "TransactionTotal"), TagKeys=["lab"])
    with monkeypatch.context() as aws:
        aws.setattr(Lab, "is_real", True)
        run(lab, call("create-table"))
    assert "since somebody else may have made it" in capsys.readouterr().out
    assert "PROVISIONED" in judged(lab, "create-table", capsys)


def test_a_helper_prints_what_it_adds_and_why(clean, capsys):
    lab = clean("create-mapping")
    run(lab, call("create-mapping"))
    made.complete(lab, "create-mapping")
    said = capsys.readouterr().out
    assert "MaximumRetryAttempts was without limit, and is 10 now. A batch that fails" in said
    assert ":LabDeadLetters now." in said

    made.complete(lab, "create-mapping")
    assert capsys.readouterr().out == "The helper changed nothing: your mapping has all that it adds.\n"


@pytest.fixture
def run_cell(lab, monkeypatch):
    """run_cell(source): run a cell as a kernel does, and return its error."""
    shell = InteractiveShell(user_ns={"lab": lab})
    monkeypatch.setattr(made, "get_ipython", lambda: shell)
    cells.register(shell)
    shell.run_cell(IMPORTS)
    yield lambda source: shell.run_cell(source).error_in_exec
    shell.history_manager.end_session()


@pytest.mark.parametrize("exercise", made.EXERCISES)
def test_in_an_exercises_own_cell_no_helper_makes_its_resource_and_elsewhere_all_that_it_asks_for(
    clean, run_cell, exercise
):
    lab, resource = clean(exercise), made.EXERCISES[exercise]
    made.is_missing(lab, exercise)  # as the grader does before the cell
    error = run_cell(f"if notebook.is_missing(lab, '{exercise}'): notebook.made.EXERCISES['{exercise}'].make(lab)")
    assert str(error).endswith(f"is yours to make: write the call {next(iter(resource.calls.values()))}(…).")
    assert not resource.find(lab)

    assert run_cell(call(exercise)) is None
    resource.delete(lab)
    assert not resource.find(lab)
    resource.make(lab)  # in another cell
    assert not made.run_checks(lab, exercise).failed


def test_after_an_error_in_its_cell_no_earlier_answer_is_judged(run_cell, capsys):
    run_cell("my_answer = [2, 3]")
    for failing in ("my_answer = [2 3]", "my_answer = [2, 3]\nprint(rosw)"):
        run_cell(failing)
        capsys.readouterr()
        run_cell("notebook.judge('rejected', my_answer)\nnotebook.compare(my_answer, [2, 3])")
        assert capsys.readouterr().out == f"{cells.FAILED}\n" * 2


def test_who_is_stuck_lets_the_lab_make_it_for_no_points(clean, run_cell, capsys, monkeypatch):
    lab = clean("create-queue")
    run_cell(call("create-queue", "sns.subscribe(", "dict("))
    made.judge(lab, "create-queue")
    (offered,) = re.findall(r"run (notebook\.solve.*?):", capsys.readouterr().out)
    with monkeypatch.context() as graded:
        graded.setenv("LAB_HEADLESS", "keeping")
        run_cell(offered)
        assert made.run_checks(lab, "create-queue").wrong  # the grader makes it

    run_cell(f"notebook.is_missing(lab, 'create-queue')\n{offered}")
    assert not made.run_checks(lab, "create-queue").wrong
    assert "so this exercise is worth 0 points." in capsys.readouterr().out
    run_cell(offered)
    assert "as it should be" in capsys.readouterr().out
