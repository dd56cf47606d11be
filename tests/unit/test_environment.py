"""environment.yml and requirements.lock agree with pyproject.toml, the one source of the dependencies."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [Requirement(line) for group in (PROJECT["dependencies"], *EXTRAS.values()) for line in group]
ENVIRONMENT = (ROOT / "environment.yml").read_text()


def test_environment_yml_gives_a_reason_for_each_dependency_and_for_no_other():
    assert re.findall(r"^#   (\S+) +\S", ENVIRONMENT, re.MULTILINE) == [requirement.name for requirement in DECLARED]


def test_environment_yml_installs_the_project_with_all_its_extras_on_a_python_that_it_supports():
    python = re.search(r"^  - python=3\.(\d+)\n  - pip\n  - pip:\n      - -e \.\[(.+)\]\n\Z", ENVIRONMENT, re.MULTILINE)

    assert python[2].split(",") == list(EXTRAS)
    assert int(python[1]) >= int(PROJECT["requires-python"].removeprefix(">=3."))


def test_the_lock_has_a_version_that_is_allowed_and_hashes_for_each_dependency_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    hashed = dict(re.findall(r"^([\w.-]+)==(\S+) .*\\\n    --hash=sha256:", lock, re.MULTILINE))

    assert [wanted for wanted in DECLARED if not wanted.specifier.contains(hashed[wanted.name])] == []
    assert not re.search("://|^--", lock, re.MULTILINE)
