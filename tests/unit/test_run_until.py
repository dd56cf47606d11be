"""`lab run --until` and `--keep`: which notebooks are run, and what the command says at the end. None is run here."""

import pytest

from lab_lib.cli import run_command
from lab_lib.cli.terminal import Terminal
from lab_lib.run import headless
from tests.lab.commands import in_process

NUMBERS = ["00", "01", "02", "03", "04", "05", "06"]
HELD = {"ok": True, "totals": {}, "transactions": 0, "alerts": [], "queues": {}, "rejected": []}


@pytest.fixture
def lab_run(lab, monkeypatch, tmp_path):
    """lab_run("--keep"): run the command; how it ended, and the last notebook that it ran."""

    def lab_run(*options):
        asked = []

        def run(prepared, *_):
            asked.append(prepared.notebooks[-1].stem)
            return [], HELD

        monkeypatch.setattr(headless, "open_lab", lambda **_: lab)
        monkeypatch.setattr(headless, "run", run)
        return in_process("run", "--yes", "--out", tmp_path, *options), asked

    monkeypatch.setattr(run_command, "out", Terminal(width=120, force_terminal=False))
    return lab_run


@pytest.mark.parametrize(("options", "until"), [(["--keep"], "06"), (["--until", "4", "--keep"], "04")])
def test_a_run_that_keeps_everything_says_what_is_there_and_how_to_go_on(lab_run, options, until):
    ended, asked = lab_run(*options, "--account", "123456789012", "--prefix", "ana")

    last, following = [path.stem for path in headless.notebooks() if path.stem[:2] >= until][:2]
    assert asked == [last]
    assert ended.stdout.count("not run") == NUMBERS.index(until) + 1
    assert ended.stdout.splitlines()[-1] == (
        f"Everything up to {last} is there now. Go on with {following} in `lab open --account … --prefix …`. "
        "`lab clean --account … --prefix …` deletes it."
    )
