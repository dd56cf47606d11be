"""`lab run --data` of a file that outgrows one call: with low limits, so that it is small."""

import json
from decimal import Decimal

import pytest
from commands import in_process

from lab_lib import transactions
from lab_lib.aws import buckets, functions, machines, tables
from lab_lib.errors import LabError
from lab_lib.exercises import copies
from lab_lib.handlers.large_file_processor import parts
from lab_lib.run import large_file_step, large_files
from tests.learners import write_notebook

DIES = "def lambda_handler(event, context):\n    raise ValueError('sorry')\n"


@pytest.fixture(autouse=True)
def low_limits(monkeypatch):
    """Let a call write at most 60 rows, and a part have about 40."""
    monkeypatch.setattr(functions, "MOST_ROWS", 60)
    monkeypatch.setattr(parts, "ROWS_A_PART", 40)


@pytest.fixture
def large(tmp_path):
    """large("march"): a file with 70 rows, of which one total reaches the threshold, and with a rejected line."""

    def large(stem):
        rows = [row | {"CustomerId": f"{stem}{number % 9}"} for number, row in enumerate(transactions.make_up(70, 9))]
        rows[0]["TransactionAmount"] = Decimal(3000)
        with (path := tmp_path / f"{stem}.dat").open("w") as stream:
            transactions.write(stream, rows)
            stream.write("C1|1 Mill Lane|T1|no day|1\n")
        return large_files.find(path)

    return large


@pytest.fixture
def few_notebooks(tmp_path, monkeypatch):
    """Put notebooks that do nothing in the place of the lab's: its chain is there already."""
    (folder := tmp_path / "notebooks").mkdir()
    for number in ("00", "05", "06", "99"):
        write_notebook(folder / f"{number}-nothing.ipynb")
    monkeypatch.setattr(copies, "NOTEBOOKS", folder)


def ended(lab):
    """Return how the executions of the machine have ended, the newest first."""
    found = lab.client("stepfunctions").list_executions(stateMachineArn=machines.arn(lab))["executions"]
    return [execution["status"] for execution in found]


def stop(done, of):
    raise KeyboardInterrupt


def test_a_run_goes_on_with_the_execution_that_a_stopped_one_has_started(busy, large, few_notebooks, tmp_path):
    lab, march = busy.lab, large("march")
    with pytest.raises(KeyboardInterrupt):
        large_file_step.take_in(lab, march, stop)

    done = in_process("run", "--account", lab.account, "--data", march.path, "--out", tmp_path / "out")

    result = json.loads((tmp_path / "out" / "result.json").read_text())
    file = transactions.recount(march.key, march.path.read_bytes())
    assert done.exit_code == 0, done.output
    assert {name: Decimal(total) for name, total in result["totals"].items()} == transactions.totals(file.amounts)
    assert [row["line"] for row in result["rejected"]] == file.rejected == [72]
    assert [alert["customerID"] for alert in result["alerts"]] == ["march0"]
    assert [step["notebook"] for step in result["steps"]] == ["00-nothing", large_file_step.STEP, "99-nothing"]
    assert "70 rows, 1 rejected line in 2 parts; 9 totals exact, 1 alert" in done.stdout
    assert (done.stdout.count("not run"), "writes them in 2 parts" in done.stderr) == (0, True)
    assert ended(lab) == ["SUCCEEDED"]


def test_what_fails_says_why_and_the_next_run_starts_it_again(busy, large, monkeypatch):
    lab, april, ensure_all = busy.lab, large("april"), machines.ensure_all

    def ensure_broken(lab):
        ensure_all(lab)
        code = functions.zipped({"large_file_processor.py": DIES.encode()})
        lab.client("lambda").update_function_code(FunctionName=lab.name(functions.LARGE), ZipFile=code)

    monkeypatch.setattr(machines, "ensure_all", ensure_broken)
    with pytest.raises(LabError, match=r"not taken in large/april\.csv: ValueError: sorry\. .*The same command"):
        large_file_step.take_in(lab, april)
    monkeypatch.setattr(machines, "ensure_all", ensure_all)

    assert large_file_step.take_in(lab, april).startswith("70 rows, 1 rejected line in 2 parts; ")
    assert ended(lab)[:2] == ["SUCCEEDED", "FAILED"]


def test_a_missing_alert_or_row_a_wrong_total_and_a_replaced_object_are_told(busy, large):
    lab, may, june = busy.lab, large("may"), large("june")

    def replace(done, of):
        buckets.put(lab, june.key, may.path.read_bytes())

    large_file_step.take_in(lab, may)
    high = tables.find_item(lab, "TransactionTotal", {"CustomerId": "may0"})
    tables.put_item(lab, "TransactionTotal", high | {"alerted": False})
    with pytest.raises(LabError, match="nothing more comes: no alert for may0, who has 3"):
        large_file_step.take_in(lab, may)
    tables.put_item(lab, "TransactionTotal", {"CustomerId": "may1", "accountBalance": 5})
    with pytest.raises(LabError, match=r"1 total or alert of .* nothing more comes: may1 has accountBalance 5, not "):
        large_file_step.take_in(lab, may)
    tables.delete_item(lab, "Transactions", {"CustomerId": "may0", "TransactionId": "T000001"})
    with pytest.raises(LabError, match=r"1 row of large/may\.csv differ: may0 T000001 is missing\. `lab clean`"):
        large_file_step.take_in(lab, may)
    with pytest.raises(LabError, match="was replaced, and the machine took in the newer one"):
        large_file_step.take_in(lab, june, replace)
