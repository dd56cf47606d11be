"""What a learner runs needs no extra, and what fails says what to do."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = [Requirement(line).name for group in PROJECT["optional-dependencies"].values() for line in group]
OF_EXTRAS = {name.replace("-", "_") for name in EXTRAS} - {"pydantic"}  # typer needs it
WITHOUT_EXTRAS = f"import sys; sys.modules.update(dict.fromkeys({OF_EXTRAS}));"
IMPORT_ALL = """
import importlib, pkgutil, lab_lib
of_class = ("lab_lib.classroom.", "lab_lib.cli.class_work", "lab_lib.handlers.")
names = [module.name for module in pkgutil.walk_packages(lab_lib.__path__, "lab_lib.")]
for name in [*(name for name in names if not name.startswith(of_class)), "lab_lib.classroom.submission"]:
    importlib.import_module(name)
"""


@pytest.mark.slow
def test_what_a_learner_runs_needs_no_package_of_the_extras():
    subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS + IMPORT_ALL], check=True)


@pytest.mark.slow
def test_a_command_whose_extra_is_not_installed_says_in_one_line_what_to_install(tmp_path):
    lab = [sys.executable, "-c", f"{WITHOUT_EXTRAS} from lab_lib.__main__ import main; main()"]
    lab += ["class", "report", "roster.csv", "--out", "out"]

    done = subprocess.run(lab, capture_output=True, text=True, cwd=tmp_path)

    assert re.fullmatch(r"\w+ is not installed. .*pip install 'serverless-lab-workbook\[class\]'.*\n", done.stderr)
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, "", [])


def test_what_nobody_foresaw_ends_a_command_with_one_line():
    code = "from lab_lib.cli import main; main.app = lambda: open(b'\\xff'); from lab_lib.__main__ import main; main()"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"FileNotFoundError: .* Do the same again.*\n", done.stderr), done.stderr
