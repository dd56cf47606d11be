"""Find out which part of a class this computer does, by an option such as "2/5", and where its results go."""

import re
from pathlib import Path
from typing import NamedTuple, TypeVar

from lab_lib.errors import UsageError

FOLDERS = "part-*-of-*"  # below the folder of the results
T = TypeVar("T")


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


def read(option: str) -> Shard:
    """Return the shard of the option --shard; the whole class if it is empty. UsageError if there is no such part."""
    numbers = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", option or "1/1")
    if numbers and 1 <= int(numbers[1]) <= int(numbers[2]):
        return Shard(int(numbers[1]), int(numbers[2]))
    raise UsageError(f"--shard is {option!r}; wanted a part and the number of parts, such as 2/5.")
