"""The first look of notebook 00 leaves nothing behind, and is cleaned up where it was cut off."""

import pytest

from lab_lib import notebook
from lab_lib.aws import buckets, cleanup, tables
from lab_lib.exercises import experiments
from lab_lib.lab import open_lab
from tests.learners import written

ROWS = """customer_id|customer_address|trn_id|trn_date|trn_amount
Ana|1 Hill Road, York|T1|03/01/2017|1500
Ben|2 Hill Road, York|T2|03/02/2017|
"""


@pytest.fixture
def lab(new_account):
    return open_lab(account=new_account(), threshold=9)


def test_a_first_look_shows_rows_totals_and_alerts_and_leaves_nothing(lab, capsys):
    for _ in range(2):
        experiments.show_first_look(lab, ROWS)

    out = capsys.readouterr().out
    assert out.count("'text/html'") == 2  # the last picture of each
    assert "✔ messages in CreditCollection  1 of 1" in out
    assert "Ana           1500     True" in out
    assert [*cleanup.remaining(lab), *cleanup.remaining(lab.first_look)] == []


def test_what_a_cut_off_look_left_is_listed_and_deleted_with_the_lab(lab, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments.buckets, "upload", interrupt)
    with pytest.raises(KeyboardInterrupt):
        experiments.show_first_look(lab, ROWS)
    assert cleanup.remaining(lab) == []

    experiments.create_functions(lab.first_look)  # a kernel that was killed deletes nothing
    assert {"function TotalNotifier", "role 1st-TotalNotifierRole"} <= {*cleanup.remaining(lab)}
    list(cleanup.delete_all(lab))
    assert cleanup.remaining(lab) == []


def test_elsewhere_than_on_the_embedded_aws_the_first_look_is_off(lab, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", lab.endpoint)

    experiments.show_first_look(lab, ROWS)

    assert capsys.readouterr().out.startswith("On AWS the first look would take up to ten minutes, so it is off.")


def test_the_first_function_leaves_the_lab_alone_and_its_failure_is_shown(lab, tmp_path, capsys):
    experiments.create_functions(lab)
    before = cleanup.remaining(lab)
    (tmp_path / "my_processor.py").write_text(dict(written("01"))["my_processor.py"])
    part = experiments.deploy_first(lab, tmp_path / "my_processor.py")
    for rows, told in ((ROWS, "TransactionProcessor failed: "), (ROWS.replace("03/02/2017|", "03/02/2017|9"), "None")):
        lab.client("s3").put_object(Bucket=lab.bucket, Key="break-it/first.csv", Body=rows.encode())
        notebook.invoke(part, "TransactionProcessor", buckets.creation(lab, "break-it/first.csv"))
        assert told in capsys.readouterr().out
    assert [len(tables.items(one, "Transactions")) for one in (part, lab)] == [2, 0]

    notebook.delete_experiments(lab)

    assert cleanup.remaining(lab) == before
