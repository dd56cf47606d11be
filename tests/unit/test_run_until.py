"""`lab run --until` and `--keep`: which notebooks are run, and what the command says at the end. None is run here."""

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lab_lib.cli import main
from lab_lib.errors import UsageError
from lab_lib.run import headless

NUMBERS = ["00", "01", "02", "03", "04", "05", "06"]
HELD = {"totals": {}, "transactions": 0, "alerts": [], "queues": {}, "rejected": []}


@pytest.fixture
def lab_run(monkeypatch, tmp_path):
    """lab_run("--keep", ok=True): run the command; what it printed, and until where the notebooks were to be run."""

    def lab_run(*options, ok=True):
        asked = []

        def run(parameters, folder, until, *_):
            asked.append(until)
            return {"ok": ok, **HELD}

        monkeypatch.setattr(headless, "run", run)
        return CliRunner().invoke(main.app, ["run", "--out", str(tmp_path), *options]), asked

    monkeypatch.setattr(main, "out", Console(width=120, force_terminal=False))
    monkeypatch.setattr(main, "err", Console(width=120, force_terminal=False, stderr=True))
    return lab_run


def numbers(paths):
    return [path.stem[:2] for path in paths]


def test_without_a_number_the_notebooks_are_all_and_end_with_the_clean_up():
    assert numbers(headless.notebooks()) == [*NUMBERS, "99"]


@pytest.mark.parametrize(("until", "count"), [("00", 1), ("04", 5), ("4", 5), ("06", 7)])
def test_with_a_number_the_notebooks_end_there(until, count):
    assert numbers(headless.notebooks(until)) == NUMBERS[:count]


@pytest.mark.parametrize("until", ["07", "99", "04-create-queues", "-1", ""])
def test_another_number_is_refused_with_those_that_there_are(lab_run, until):
    with pytest.raises(UsageError, match=", ".join(NUMBERS)):
        headless.notebooks(until)

    ended, asked = lab_run(f"--until={until}", "--keep")
    assert (ended.exit_code, ended.stdout, asked) == (2, "", [])


@pytest.mark.parametrize(
    ("options", "until"), [(["--keep"], "06"), (["--until", "04"], "04"), (["--until", "04", "--keep"], "04")]
)
def test_a_run_that_keeps_all_says_what_is_there_and_how_to_go_on(lab_run, options, until):
    ended, asked = lab_run(*options, "--account", "123456789012", "--prefix", "ana")

    last, following = [path.stem for path in headless.notebooks() if path.stem[:2] >= until][:2]
    shown = [line for line in ended.stdout.splitlines() if "not run" in line]
    assert asked == [until]
    assert len(shown) == NUMBERS.index(until) + 1
    assert ended.stdout.splitlines()[-1] == (
        f"Everything up to {last} is there now. Go on with {following} in `lab open --account … --prefix …`. "
        "`lab clean --account … --prefix …` deletes it."
    )


def test_a_run_that_failed_does_not_say_so(lab_run):
    ended, _ = lab_run("--until", "04", ok=False)

    assert ended.exit_code == 1
    assert "is there now" not in ended.stdout
