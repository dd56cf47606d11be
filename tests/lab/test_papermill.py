"""The documented loop over the notebooks with papermill's own command."""

import sys

import pytest

from lab_lib.aws import cleanup
from lab_lib.lab import open_lab
from lab_lib.run.headless import notebooks
from tests import documents


@pytest.mark.slow
def test_papermill_gives_the_notebooks_their_settings(tmp_path, own_home):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "notebooks").mkdir()
    first, last = notebooks()[0], notebooks()[-1]
    for path in (first, last):
        (tmp_path / "notebooks" / path.name).symlink_to(path)
    loop, _ = documents.commands("docs/instructors.md", "papermill and nbval")

    ran = documents.begin(loop, tmp_path)

    shown = ran.communicate()[0]
    assert ran.returncode == 0, shown
    assert "prefix ana-" in (tmp_path / "runs" / "ana" / first.name).read_text()
    assert cleanup.remaining(open_lab(prefix="ana-")) == []  # the last one has deleted what the first one made
