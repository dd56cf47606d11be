"""What `lab check` says is in the user's language, and no grade depends on it. test_learner.py runs the notebooks."""

import pytest
from commands import in_process

from lab_lib import language
from lab_lib.aws import queues
from tests import artificial_language
from tests.shown import english

pytestmark = pytest.mark.slow


def test_a_broken_account_is_told_in_the_language_and_its_json_is_in_english(chain, tmp_path, monkeypatch):
    name, lab = str(artificial_language.make(tmp_path / "xx")), chain.lab
    queues.delete_queue(lab, queues.ALERT_QUEUES[0])
    lab.client("sqs").set_queue_attributes(
        QueueUrl=queues.find_queue(lab, queues.ALERT_QUEUES[1]), Attributes={"Policy": ""}
    )
    monkeypatch.setenv(language.VARIABLE, language.ENGLISH)

    told = {lang: in_process("check", "--account", lab.account, "--lang", lang) for lang in (name, language.ENGLISH)}
    graded = {lang: in_process("check", "--account", lab.account, "--lang", lang, "--json") for lang in told}

    assert {done.exit_code for done in [*told.values(), *graded.values()]} == {1}
    assert english(told[name].stdout) == []
    assert len(english(told[language.ENGLISH].stdout)) > 10
    assert graded[name].stdout == graded[language.ENGLISH].stdout
