"""Find out which part of a class this computer does, and where its results go.

An option says it, such as "2/5", or "auto": then the engine that runs the command on several computers says it.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple, TypeVar

from lab_lib.errors import UsageError

FOLDERS = "part-*-of-*"  # below the folder of the results
T = TypeVar("T")
_BY_HAND = "Or write the part and the number of parts yourself, such as --shard 2/5."


class Shard(NamedTuple):
    """A part of a class, and the number of parts."""

    part: int
    parts: int

    def of(self, everybody: list[T]) -> list[T]:
        """Return those who are in the part."""
        return everybody[self.part - 1 :: self.parts]

    def folder(self, out: Path) -> Path:
        """Return the folder of the part below `out`, so that no two computers write to the same one."""
        return out / f"part-{self.part}-of-{self.parts}" if self.parts > 1 else out


class _Engine(NamedTuple):
    """The variables that say the place of a computer and the number of places, and the first place."""

    name: str
    place: str
    number: str
    first: int


# Where this is documented, in the order of the table:
# man sbatch, "Output environment variables"
# kubernetes.io/docs/tasks/job/indexed-parallel-processing-static: the number is for the manifest to set
# docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
# docs.gitlab.com/ci/variables/predefined_variables: without `parallel`, there is a total of 1 and no index
# docs.github.com/en/actions/reference/workflows-and-actions/contexts#strategy-context: the workflow sets both variables
_ENGINES = (
    _Engine("a Slurm array", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 1),
    _Engine("a Kubernetes indexed Job", "JOB_COMPLETION_INDEX", "LAB_SHARDS", 0),
    _Engine("an AWS Batch array", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", 0),
    _Engine("GitLab's parallel", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    _Engine("a GitHub matrix", "LAB_SHARD_INDEX", "LAB_SHARDS", 0),
)
_SLURM = _ENGINES[0]
WHOLE = Shard(1, 1)


def read(option: str) -> Shard:
    """Return the shard of the option --shard; the whole class if it is empty. UsageError if there is no such part."""
    if option == "auto":
        return _of_engine()
    numbers = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", option or "1/1")
    shard = Shard(int(numbers[1]), int(numbers[2])) if numbers else Shard(0, 0)
    if not 1 <= shard.part <= shard.parts:
        raise UsageError(f"--shard is {option!r}; wanted a part and the number of parts, such as 2/5, or auto.")
    return shard


def _of_engine() -> Shard:
    """Return the shard that the variables of the one engine say. UsageError if none, several or half of them do."""
    found = [engine for engine in _ENGINES if os.environ.get(engine.place)]
    if len(found) != 1:
        wanted = ", ".join(f"{engine.place} ({engine.name})" for engine in _ENGINES)
        are_set = " and ".join(engine.place for engine in found) or "none"
        raise UsageError(f"--shard auto wants one of {wanted} to be set; found {are_set}. {_BY_HAND}")
    [engine] = found
    first = _first_of_slurm() if engine is _SLURM else engine.first
    part, parts = _number(engine.place) - first + 1, _number(engine.number)
    if not 1 <= part <= parts:
        said = f"{engine.place} is {part + first - 1} and {engine.number} is {parts}"
        raise UsageError(f"--shard auto: {said}; wanted a place from {first} to {parts + first - 1}. {_BY_HAND}")
    return Shard(part, parts)


def _first_of_slurm() -> int:
    """Return the first id of the array. UsageError if ids are left out: then nobody would do their parts."""
    first, last, count = (_number(f"SLURM_ARRAY_TASK_{name}") for name in ("MIN", "MAX", "COUNT"))
    if first > 1 or last - first + 1 != count:
        ids = f"the array has {count} ids from {first} to {last}"
        raise UsageError(f"--shard auto: {ids}; wanted all from 0 or 1 on, such as --array=1-{count}. {_BY_HAND}")
    return first


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    if not re.fullmatch("[0-9]{1,9}", value):
        raise UsageError(f"--shard auto: {variable} is {value!r}; wanted a number. {_BY_HAND}")
    return int(value)
