"""The wait for an upload ends when it has arrived, or at once with the reason if it never will."""

import pytest
from chains import HEADER, replace_code

from lab_lib import checks
from lab_lib.aws import buckets, functions, queues, triggers
from lab_lib.checks.chain import following, wait_until_logged
from lab_lib.errors import CheckFailed, LabError

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
HIGH = ["C1|a|T1|03/16/2017|1600"]


@pytest.fixture
def wait_for(chain, tmp_path):
    """wait_for(rows): upload these rows, and wait until they have arrived."""

    def wait_for(rows):
        path = tmp_path / "mine.txt"
        path.write_text("\n".join([HEADER, *rows, ""]))
        with following(chain.lab, path):
            buckets.upload(chain.lab, path)

    return wait_for


def test_a_file_of_rejected_rows_alone_comes_to_its_end(chain, wait_for):
    wait_for(["C1|a|T1|03/16/2017|ninety"])

    wait_until_logged(chain.lab)  # TotalNotifier has not run

    assert [row["line"] for row in buckets.rejected_rows(chain.lab, "mine.txt")] == [2]


def change(chain, function, **settings):
    chain.lab.client("lambda").update_function_configuration(FunctionName=function, **settings)


def test_a_broken_link_ends_the_wait_also_where_nothing_is_due_and_the_same_is_told_of_it_everywhere(chain, wait_for):
    wait_for(HIGH)
    wait_for(HIGH)  # nothing is due

    triggers.switch_mappings([chain.lab], on=False)

    broken = "state of the stream trigger: Disabled; wanted: Enabled."
    stops = rf'The chain stops at "changes counted: 0 of 1"\. {broken}.* under "Let the stream start'
    with pytest.raises(CheckFailed, match=rf"^{stops}.* Then run this cell again\.$"):
        wait_for(["C2|a|T1|03/16/2017|5"])
    with pytest.raises(CheckFailed, match=f"^All that was due has come, but nothing more could: {broken}"):
        wait_for(HIGH)
    for step in ("04", "05"):
        with pytest.raises(CheckFailed, match=f"^{broken}"):
            checks.checkpoint(chain.lab, step)
    assert checks.run(chain.lab).failed[0].in_one_line.startswith(broken)


@pytest.mark.slow
def test_code_that_cannot_be_loaded_ends_the_wait(chain, wait_for):
    name = functions.source_files(NOTIFIER)[-1].name
    replace_code(chain.lab, NOTIFIER, "import nothing\n\n\ndef lambda_handler(event, context): ...\n", name)

    with pytest.raises(LabError, match="No module named 'nothing'"):
        wait_for(HIGH)


@pytest.mark.slow
def test_alerts_that_a_queue_could_not_get_are_missed_and_can_be_sent_again(chain, wait_for):
    url = queues.find_queue(chain.lab, NOTIFY)
    chain.lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    stops = rf'^The chain stops at "messages in {NOTIFY}: 0 of 1"\.'

    why = r'access policy of CustomerNotify: HighBalanceAlert may not send.*Run "Subscribe CustomerNotify.*'
    with pytest.raises(CheckFailed, match=rf"{stops} {why}Then run notebook\.alert_again\(lab\)"):
        wait_for(HIGH)
    triggers.ensure_queue_subscription(chain.lab, NOTIFY)

    assert functions.alert_again(chain.lab) == ["C1"]
    assert "C1" in {alert["customerID"] for alert in queues.alerts(chain.lab, NOTIFY)}


@pytest.mark.slow
def test_a_function_that_keeps_failing_ends_the_wait_with_its_error(chain, wait_for, tmp_path):
    pure, calling = functions.source_files(NOTIFIER)
    changed = tmp_path / pure.name
    changed.write_text(pure.read_text().replace("def read_changes(records):", "def read_changes(rows):"))
    archive = functions.package([changed, calling])
    chain.lab.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive)

    with pytest.raises(LabError, match=rf'"changes counted: 0 of 1"\. {NOTIFIER} fails: .*NameError'):
        wait_for(HIGH)


@pytest.mark.slow
def test_a_file_that_takes_too_long_ends_the_wait_with_the_timeout_and_can_be_uploaded_again(chain, wait_for):
    change(chain, PROCESSOR, Timeout=1)

    with pytest.raises(CheckFailed, match=r"timeout of TransactionProcessor: 1 s; wanted: 20 to 900 s.* again"):
        wait_for([f"C1|a|T{number}|03/16/2017|1" for number in range(20_000)])

    change(chain, PROCESSOR, Timeout=20)
    wait_for(["C1|a|T1|03/16/2017|2"])
