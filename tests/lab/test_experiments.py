"""Notebook 06 beside a lab: what it leaves alone, and a learner's function that cannot run.

What the notebook itself shows, with the naive function and with one that is right, is compared by nbval.
"""

import pytest
from chains import logged, stop, uploaded

from lab_lib import checks, notebook
from lab_lib.aws import cleanup, tables, topics, triggers
from lab_lib.errors import LabError, WrongResource

pytestmark = pytest.mark.slow

WORKS = "def lambda_handler(event, context):\n    pass\n"


@pytest.fixture(scope="module")
def used(build):
    """Yield the lab after notebook 05."""
    yield (lab := logged(uploaded(build().lab)))
    stop(lab)


@pytest.fixture
def lab(used):
    """Yield the lab of all tests; what a test has tried in it is taken away afterwards."""
    yield used
    list(cleanup.delete_experiments(used))
    triggers.ensure_bucket_trigger(used)


@pytest.fixture
def upload(lab, tmp_path):
    """upload(code): uploads a file beside the lab, with this code as the learner's function."""

    def upload(code):
        notebook.prepare_experiments(lab)
        (tmp_path / "my_notifier.py").write_text(code)
        notebook.deploy_notifier(lab, tmp_path / "my_notifier.py")
        notebook.upload_experiment(lab, "break-it.txt")

    return upload


def amiss(lab):
    """Return the ids of the checks that do not hold, going further included."""
    return {check.id for check in checks.run(lab).checks if not check.ok}


def test_a_try_that_stopped_half_way_harms_no_check_and_is_deleted_by_the_next_try_or_the_clean_up(lab, upload):
    before = cleanup.remaining(lab)
    for _ in range(2):
        upload(WORKS)
        for part in (lab.variant("BreakIt_"), lab.variant("BreakItMy_")):
            topics.delete_topic(part)
            notebook.switch_mappings([part], on=False)
    assert amiss(lab) == set()

    assert [name for name in cleanup.delete_experiments(lab) if name in before] == []

    assert cleanup.remaining(lab) == before
    assert amiss(lab) == set()


def test_nothing_is_made_beside_a_bucket_whose_trigger_would_take_the_uploads(lab):
    trigger = triggers.find_bucket_trigger(lab)
    del trigger["Filter"]
    everything = {"LambdaFunctionConfigurations": [trigger]}
    lab.client("s3").put_bucket_notification_configuration(Bucket=lab.bucket, NotificationConfiguration=everything)

    with pytest.raises(WrongResource, match=r"Give it the suffix \.txt"):
        notebook.prepare_experiments(lab)

    assert not [name for name in tables.names(lab) if "BreakIt" in name]


def test_a_function_that_fails_is_stuck_and_its_error_is_told(lab, upload, capsys):
    upload("def handler(event, context): pass\n")

    compared = notebook.compare_functions(lab, "Break Ana")

    assert "Your function fails: AttributeError: " in capsys.readouterr().out
    assert compared.iloc[0].tolist() == ["Break Ana", 1400, 0, 0, 0, True]
    ours, mine = notebook.deliver_again(lab, "Break Ana")["ended"]
    assert (ours, "no attribute 'lambda_handler'" in mine) == ("without an error", True)


def test_a_file_that_fails_becomes_a_dead_letter_which_stays_until_the_file_is_fixed(lab, capsys):
    ours, _ = notebook.prepare_experiments(lab)
    key = "break-it/break-it-utf16.csv"
    assert notebook.upload_experiment(lab, "wrong/break-it-utf16.txt") == {}
    assert "it is not UTF-8 text. Its log tells more." in capsys.readouterr().out
    assert notebook.dead_letters(ours, key)["what"].tolist() == [key]

    with pytest.raises(LabError, match="it is not UTF-8 text"):
        notebook.resend_dead_letter(lab, key)

    assert len(notebook.dead_letters(ours)) == 1
