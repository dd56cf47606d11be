"""environment.yml, pyproject.toml and requirements.lock say the same."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [*PROJECT["dependencies"], *(each for extra in PROJECT["optional-dependencies"].values() for each in extra)]


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower()


def test_environment_yml_says_why_each_dependency_is_there_and_names_no_other() -> None:
    reasons = re.findall(r"^#   (\S+) +\S", (ROOT / "environment.yml").read_text(), re.MULTILINE)

    assert reasons == [name_of(each) for each in DECLARED]


def test_environment_yml_installs_the_project_and_all_its_extras_and_nothing_else() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, nested = environment["dependencies"]

    extras = ",".join(PROJECT["optional-dependencies"])
    assert (pip, nested) == ("pip", {"pip": [f"-e .[{extras}]"]})
    assert tuple(map(int, python.removeprefix("python=").split("."))) >= (3, 11)
    assert PROJECT["requires-python"] == ">=3.11"


def test_every_dependency_is_locked_to_one_version_and_no_address_is_in_the_lock() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    locked = {name_of(line) for line in lock.splitlines() if "==" in line}

    assert {name_of(each) for each in DECLARED} <= locked
    assert "://" not in lock
    assert "--" not in lock
