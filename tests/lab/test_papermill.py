"""README's loop over the notebooks with papermill's own command."""

import json
import re
import sys

import pytest
from chains import Chain

from lab_lib.aws import buckets
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE, notebooks
from tests import readme


@pytest.mark.slow
def test_papermill_gives_the_notebooks_their_settings_and_lab_result_reads_what_they_held(tmp_path, own_home):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "notebooks").mkdir()
    chosen = [path for path in notebooks() if path.stem[:2] in ("00", "05")]  # 05 tells all that may differ
    for path in chosen:
        (tmp_path / "notebooks" / path.name).symlink_to(path)
    chain = Chain(open_lab(prefix="ana-", threshold=500))
    chain.build()  # what the notebooks between them make
    buckets.upload(chain.lab, DATA_FILE)  # so that the lab is in use
    chain.wait_for_totals(C1="598", C2="1750")
    loop, _ = readme.commands("Run them with papermill, or nbval")

    ran = readme.begin(loop.replace("threshold: 900", "threshold: 500"), tmp_path)  # which C1 reaches, too

    shown = ran.communicate()[0]
    assert ran.returncode == 0, shown
    ana = json.loads((tmp_path / "runs" / "ana" / "result.json").read_text())
    assert [(step["notebook"], step["ok"]) for step in ana["steps"]] == [(path.stem, True) for path in chosen]
    assert ana["ok"]
    assert "prefix ana-" in ana["steps"][0]["printed"]
    assert re.findall("You predicted .*: it is (C.*).$", ana["steps"][-1]["printed"], re.M) == ["C1, C2"]
