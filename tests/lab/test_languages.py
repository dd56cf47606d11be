"""The lab in a language that was made up, in China: all runs, nothing is left in English, no grade depends on it.

tests/browser/test_jupyterlab.py runs all notebooks but 06 in Chinese.
"""

import json

import pytest
from commands import in_process, run

from lab_lib import language
from lab_lib.aws import queues
from lab_lib.lab import open_lab
from tests import artificial_language
from tests.shown import english, shown

pytestmark = pytest.mark.slow

CHINA = ["--region", "cn-north-1"]


@pytest.fixture(scope="module")
def ran(new_account, tmp_path_factory):
    """Run the lab in a language. Return the language, the account, which is kept, the folder, and the output."""
    folder, account = tmp_path_factory.mktemp("language"), new_account()
    name = str(artificial_language.make(folder / "xx"))
    done = run("run", "--lang", name, "--until", "06", "--account", account, *CHINA, "--out", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    return name, account, folder / "out", done.stdout


def test_no_english_is_left_in_what_the_notebooks_show(ran):
    _name, _account, folder, printed = ran
    notebooks = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.ipynb"))]

    left = {words for notebook in notebooks for text in shown(notebook) for words in english(text)}

    assert left == set()
    assert english(printed) == []


def test_a_broken_account_is_told_in_the_language_and_its_json_is_in_english(ran, monkeypatch):
    name, account, *_ = ran
    lab = open_lab(account=account, region=CHINA[1])
    queues.delete_queue(lab, queues.ALERT_QUEUES[0])
    lab.client("sqs").set_queue_attributes(
        QueueUrl=queues.find_queue(lab, queues.ALERT_QUEUES[1]), Attributes={"Policy": ""}
    )
    monkeypatch.setenv(language.VARIABLE, language.ENGLISH)

    told = {
        lang: in_process("check", "--account", account, *CHINA, "--lang", lang) for lang in (name, language.ENGLISH)
    }
    graded = {lang: in_process("check", "--account", account, *CHINA, "--lang", lang, "--json") for lang in told}

    assert {done.exit_code for done in [*told.values(), *graded.values()]} == {1}
    assert english(told[name].stdout) == []
    assert len(english(told[language.ENGLISH].stdout)) > 10
    assert graded[name].stdout == graded[language.ENGLISH].stdout
