"""A learner's wrong try, in each exercise of notebooks 00 to 05, is told apart from a right one, and can be mended."""

import json
import os
import re
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from lab_lib.exercises import edition
from lab_lib.lab import Lab, open_lab
from lab_lib.run.headless import notebooks

pytestmark = pytest.mark.slow

ACCOUNT = "300000000029"
# By the id of the exercise: what the learner writes instead of the solution, and what the next cell says of it.
WRONG = {
    "create-table": (
        """dynamodb.create_table(
            TableName=name, Tags=[TAG], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "Customer", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "Customer", "KeyType": "HASH"}],
        )""",
        "✘ not yet key of TransactionTotal Customer; wanted: CustomerId.",
    ),
    "actions": ('my_answer = "Scan, PutItem"', "Not yet. PutItem does not belong there. 2 of 3 are missing."),
    "create-function": (
        """lambda_.create_function(
            **arguments, Runtime="python3.13", Handler="total_notifier.lambda_handler",
            Code={"ZipFile": archive}, Tags=TAGS,
        )""",
        "✘ not yet Timeout of TotalNotifier 3; wanted: 20.",
    ),
    "rejected": ("my_answer = 2", "Not yet. 1 of 2 is missing."),
    "create-mapping": (
        """lambda_.create_event_source_mapping(
            EventSourceArn=stream, FunctionName=lab.name("TransactionProcessor"),
            BatchSize=1000, StartingPosition="TRIM_HORIZON", Tags=TAGS
        )""",
        "✘ not yet stream trigger ",
    ),
    "keys": ("my_answer = keys", "Not yet. MARCH.TXT, rejected/march.txt.csv does not belong there."),
    "create-topic": (
        'sns.create_topic(Name=name + "s", Attributes=attributes, Tags=[TAG])',
        "HighBalanceAlerts is there: the name must be the same to the letter.",
    ),
    "message": (
        """my_message = '{"customerID": "' + customer + '", "accountBalance": "' + balance + '"}'""",
        "Not yet. It is not JSON",
    ),
    "create-queue": (
        """sqs.create_queue(QueueName=name, tags=TAGS)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)""",
        "✘ not yet access policy of CreditCollection HighBalanceAlert may not send",
    ),
    "policy": ('my_answer = "c"', "Not yet. It is not c."),
    "room": (
        'my_room = lab.threshold - totals["accountBalance"]',
        "Not yet. Look again at customer C2, where you wrote -250.",
    ),
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    os.environ["LAB_ACCOUNT"] = ACCOUNT
    yield open_lab()
    del os.environ["LAB_ACCOUNT"]


def exercise(cell: Any) -> str:
    """Return the id of the exercise that a cell belongs to."""
    marked = cell.metadata.get("nbgrader", {})
    return marked["grade_id"].removesuffix("-check") if marked else ""


def run(notebook: Any, path: Any) -> dict[str, str]:
    """Run a notebook to its end, and return the text that the last cell of each exercise shows."""
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(path.parent))
    return {
        exercise(cell): "".join(
            output.get("text") or output.get("data", {}).get("text/plain") or output["ename"] for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code" and exercise(cell)
    }


@pytest.mark.parametrize("path", notebooks("05"), ids=lambda path: path.stem)
def test_a_wrong_try_is_told_apart_and_can_be_mended(lab: Lab, path: Any) -> None:
    solved = nbformat.read(path, as_version=4)
    wrong = nbformat.reads(json.dumps(edition.of_learner(json.loads(path.read_text()))), as_version=4)
    for cell in wrong.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and exercise(cell) in WRONG:
            cell.source = cell.source.replace(edition.STUB, WRONG[exercise(cell)][0])

    said = run(wrong, path)
    mended = run(solved, path)

    told = {name: re.sub(" +", " ", text) for name, text in said.items()}
    assert [text for name, text in told.items() if name in WRONG and WRONG[name][1] not in text] == []
    assert [(name, text) for name, text in mended.items() if "Error" in text or "not yet" in text.lower()] == []


def test_every_exercise_of_these_notebooks_is_tried() -> None:
    cells = [cell for path in notebooks("05") for cell in nbformat.read(path, as_version=4).cells]
    solutions = {exercise(cell) for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")}

    assert {name for name in solutions if not name.startswith("predict-")} == WRONG.keys()
