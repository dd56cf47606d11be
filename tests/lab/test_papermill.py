"""README's loop over the notebooks with papermill's own command, for two accounts side by side."""

import json
import re
import sys

import pytest
from chains import Chain

from lab_lib.lab import open_lab
from lab_lib.run.headless import notebooks
from tests import readme


@pytest.mark.slow
def test_two_accounts_side_by_side_have_settings_and_results_of_their_own(tmp_path, own_home):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "notebooks").mkdir()
    chosen = [path for path in notebooks() if path.stem[:2] in ("00", "05")]  # 05 tells all that may differ
    for path in chosen:
        (tmp_path / "notebooks" / path.name).symlink_to(path)
    for prefix, threshold in (("ana-", 900), ("bo-", 500)):
        Chain(open_lab(prefix=prefix, threshold=threshold)).build()  # what the notebooks between them make
    loop, _ = readme.commands("Run them with papermill, or nbval")
    by_name = loop.replace("settings: {prefix: ana-, threshold: 900}", "{prefix: bo-, threshold: 500}")

    ran = [readme.begin(block, tmp_path) for block in (loop, by_name.replace("ana", "bo"))]

    shown = [process.communicate()[0] for process in ran]
    assert [process.returncode for process in ran] == [0, 0], shown
    ana, bo = (json.loads((tmp_path / "runs" / name / "result.json").read_text()) for name in ("ana", "bo"))
    for run in (ana, bo):
        assert [(step["notebook"], step["ok"]) for step in run["steps"]] == [(path.stem, True) for path in chosen]
    assert (ana["prefix"], bo["prefix"], ana["ok"], bo["ok"]) == ("ana-", "bo-", True, True)
    alerts = [re.findall("You predicted .*: it is (C.*).$", run["steps"][-1]["printed"], re.M) for run in (ana, bo)]
    assert alerts == [["C2"], ["C1, C2"]]
