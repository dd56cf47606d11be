"""README's loop over the notebooks with papermill's own command."""

import json
import re
import sys
from itertools import chain

import pytest
from chains import Chain

from lab_lib.aws import buckets
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE, notebooks
from tests import readme


def printed(path):
    """Return what the cells of an executed notebook have printed."""
    outputs = chain.from_iterable(cell.get("outputs", []) for cell in json.loads(path.read_text())["cells"])
    return "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")


@pytest.mark.slow
def test_papermill_gives_the_notebooks_their_settings(tmp_path, own_home):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "notebooks").mkdir()
    chosen = [path for path in notebooks() if path.stem[:2] in ("00", "05")]  # 05 tells all that may differ
    for path in chosen:
        (tmp_path / "notebooks" / path.name).symlink_to(path)
    built = Chain(open_lab(prefix="ana-", threshold=500)).build()  # what the notebooks between them make
    buckets.upload(built.lab, DATA_FILE)  # so that the lab is in use
    built.wait_for_totals(C1="598", C2="1750")
    loop, _ = readme.commands("Run them with papermill, or nbval")

    ran = readme.begin(loop.replace("threshold: 900", "threshold: 500"), tmp_path)  # which C1 reaches, too

    shown = ran.communicate()[0]
    assert ran.returncode == 0, shown
    first, last = (printed(tmp_path / "runs" / "ana" / path.name) for path in chosen)
    assert "prefix ana-" in first
    assert re.findall("You predicted .*: it is (C.*).$", last, re.M) == ["C1, C2"]
