"""Write down what a proof has seen: its steps, what was waited for in each, and how that differs from the estimates."""

import importlib.metadata
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from lab_lib import html_pages
from lab_lib.lab import Lab
from lab_lib.looks import LOOKS
from lab_lib.masking import without_names
from lab_lib.private_files import write_file
from lab_lib.run import costs
from lab_lib.run.executed import Step

PROOF, REHEARSAL = "A proof on AWS.", "REHEARSAL: this says nothing about AWS."
_TEMPLATES = Path(__file__).parent / "templates"

Note = dict[str, Any]


class Proof:
    """The steps that were done so far, and what lab_lib.waited has noted in the file `notes`."""

    def __init__(self, lab: Lab, notes: IO[str], finished: Callable[[Step], None]) -> None:
        self._lab, self._notes, self._finished = lab, notes, finished
        self._steps, self._noted = list[Step](), list[Note]()
        self._when, self._first = datetime.now(UTC), time.monotonic()
        self.left: list[str] | None = None  # of the lab, at the end; None if nobody has looked
        self.begin()

    def begin(self) -> None:
        """Let a step begin now. Earlier waits do not count."""
        self._notes.readlines()
        self._begun = time.monotonic()

    def enter(self, name: str, seen: str, ok: bool = True, seconds: float | None = None) -> None:
        """Enter a step that ends now, and let the next one begin."""
        took = time.monotonic() - self._begun if seconds is None else seconds
        self._steps.append(Step(name, ok, took, None if ok else seen, seen))
        self._noted += [{"step": name, **json.loads(line)} for line in self._notes.readlines()]
        self.begin()
        self._finished(self._steps[-1])

    def as_dict(self, numbers: Iterable[str], requests: Mapping[str, int]) -> dict[str, Any]:
        """Return all that was seen, beside what `costs` estimates for these notebooks. Private values are masked."""
        seconds = time.monotonic() - self._first
        whole = {
            "what": PROOF if self._lab.is_real else REHEARSAL,
            "ok": self.left == [] and all(step.ok for step in self._steps),
            "when": f"{self._when:%Y-%m-%d %H:%M} UTC",
            "version": importlib.metadata.version("serverless-lab-workbook"),
            "region": self._lab.region,
            "seconds": round(seconds),
            "estimate": round(costs.minutes(numbers) * 60),
            "steps": [_as_dict(step) for step in self._steps],
            "left": self.left,
            "requests": dict(sorted(requests.items())),
            "minutes.json": self._minutes(seconds),
            "waits": [note for note in self._noted if "operation" not in note],
            "retries": [note for note in self._noted if "operation" in note],
        }
        masked: dict[str, Any] = json.loads(without_names(json.dumps(whole, ensure_ascii=False), self._lab))
        return masked

    def _minutes(self, seconds: float) -> dict[str, int]:
        """Return the seconds of each notebook when it ran first, and those of all else, as minutes.json has them."""
        notebooks = {number: step.seconds for step in self._steps[::-1] if (number := _number(step))}
        beside = seconds - sum(step.seconds for step in self._steps if _number(step))
        return {number: round(taken) for number, taken in [*sorted(notebooks.items()), (costs.PROOF, beside)]}


def _number(step: Step) -> str:
    """Return the number of the notebook that the step is about; "" if it is about none."""
    return step.notebook.partition(": ")[2][:2]


def _as_dict(step: Step) -> dict[str, Any]:
    number, taken = _number(step), round(step.seconds, 1)
    estimate = round(costs.minutes([number]) * 60) if number else None
    return {"step": step.notebook, "ok": step.ok, "seen": step.seen, "seconds": taken, "estimate": estimate}


def write(proof: dict[str, Any], folder: Path) -> None:
    """Write proof.json and proof.html to the folder. The page loads nothing and runs no script."""
    page = html_pages.templates(_TEMPLATES).get_template("proof.html.j2")
    html = page.render(
        proof=proof,
        is_rehearsal=proof["what"] == REHEARSAL,
        looks=LOOKS,
        waits=_longest(proof["waits"]),
        retries=_longest(proof["retries"]),
        style=html_pages.style(_TEMPLATES / "proof.css"),
    )
    write_file(folder / "proof.json", json.dumps(proof, indent=1, ensure_ascii=False) + "\n")
    write_file(folder / "proof.html", html)


def _longest(notes: list[Note]) -> list[Note]:
    """Return the longest of all notes that are alike but for step and seconds, and how many times there is one."""
    groups = defaultdict[tuple[str, ...], list[Note]](list)
    for note in sorted(notes, key=lambda note: -float(note["seconds"])):
        groups[tuple(value for name, value in note.items() if name not in ("step", "seconds"))].append(note)
    return [{**alike[0], "times": len(alike)} for alike in groups.values()]
