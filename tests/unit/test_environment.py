"""What learners and instructors run needs no extra, and what fails says what to do."""

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
IMPORT_ALL = f"""
import importlib, pkgutil, sys, lab_lib
sys.modules.update(dict.fromkeys({[name.replace("-", "_") for name in EXTRAS]}))
for module in pkgutil.walk_packages(lab_lib.__path__, "lab_lib."):
    if not module.name.startswith("lab_lib.handlers."):  # these run in AWS
        importlib.import_module(module.name)
"""


@pytest.mark.slow
def test_no_command_needs_a_package_of_the_extras():
    subprocess.run([sys.executable, "-c", IMPORT_ALL], check=True)


def test_what_nobody_foresaw_ends_a_command_with_one_line():
    code = "from lab_lib.cli import main; main.app = lambda: open(b'\\xff'); from lab_lib.__main__ import main; main()"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"FileNotFoundError: .* Do the same again.*\n", done.stderr), done.stderr
