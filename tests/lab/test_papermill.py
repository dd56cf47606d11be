"""README's loop over the notebooks with papermill's own command."""

import json
import sys

import pytest

from lab_lib.aws import topics
from lab_lib.lab import open_lab
from lab_lib.run.headless import notebooks
from tests import readme


@pytest.mark.slow
def test_papermill_gives_the_notebooks_their_settings_and_lab_result_reads_what_they_held(tmp_path, own_home):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "notebooks").mkdir()
    chosen = [path for path in notebooks() if path.stem[:2] in ("00", "03")]  # they need no other
    for path in chosen:
        (tmp_path / "notebooks" / path.name).symlink_to(path)
    loop, _ = readme.commands("Run them with papermill, or nbval")

    ran = readme.begin(loop, tmp_path)

    shown = ran.communicate()[0]
    assert ran.returncode == 0, shown
    ana = json.loads((tmp_path / "runs" / "ana" / "result.json").read_text())
    assert [(step["notebook"], step["ok"]) for step in ana["steps"]] == [(path.stem, True) for path in chosen]
    assert ana["ok"]
    assert "prefix ana-" in ana["steps"][0]["printed"]
    assert topics.find_topic(open_lab(prefix="ana-")) is not None
