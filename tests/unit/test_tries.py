"""The learner's own files: what is refused."""

import pytest
from handlers import HEADER

from lab_lib.aws import topics
from lab_lib.errors import StepMissing, UsageError
from lab_lib.exercises import tries


def file(*rows):
    lines = [f"{customer}|Lima|A{number}|03/01/2017|{amount}" for number, (customer, amount) in enumerate(rows, 1)]
    return "\n".join([HEADER, *lines])


def test_a_file_with_a_customer_of_the_banks_is_refused(lab):
    with pytest.raises(UsageError, match="has the customer C1; wanted ids that begin with my-"):
        tries.upload_mine(lab, tries.FIRST, file(("my-ana", 1), ("C1", 1)))


def test_a_total_stays_below_the_threshold_as_long_as_no_topic_takes_the_alert(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tries.chain, "wait_until_uploads_start", lambda lab: 1 / 0)
    rows = ("my-ana", 900), ("my-ana", 700)

    with pytest.raises(UsageError, match="my-ana can come to 1600; wanted less"):
        tries.upload_mine(lab, tries.FIRST, file(*rows))
    topics.ensure_topic(lab)
    with pytest.raises(ZeroDivisionError):  # it goes on
        tries.upload_mine(lab, tries.FIRST, file(*rows))


def test_without_the_first_file_there_is_no_total_to_wait_for(lab):
    with pytest.raises(StepMissing, match="Run the cell that uploads it"):
        tries.wait_for_totals(lab)
