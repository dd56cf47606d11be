"""`make prove` with a `lab` that does nothing: the order of its steps, and what follows one that fails."""

import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
ALL = ["clean", "run", "check", "clean", "run", "clean"]


@pytest.mark.parametrize(
    ("failing", "done", "status"),
    [
        (0, ALL, 0),
        (2, ["clean", "run", "clean"], 2),
        (3, ["clean", "run", "check", "clean"], 2),
        (6, ALL, 2),
    ],
)
def test_the_first_step_that_fails_is_followed_by_the_clean_up(failing, done, status, tmp_path):
    lab = tmp_path / "lab"
    lab.write_text(f"#!/bin/sh\necho $1 >> done\n[ $(wc -l < done) -ne {failing} ]\n")
    lab.chmod(0o700)
    settings = [f"BIN={tmp_path}", "PROFILE=class", "ACCOUNT=123456789012"]

    ended = subprocess.run(
        ["make", "--file", MAKEFILE, "--old-file", ".venv/.ready", "prove", *settings],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ((tmp_path / "done").read_text().split(), ended.returncode) == (done, status), ended.stderr
    assert ("Resources may be left" in ended.stdout) == (failing == 6)
