"""List the resources, each with the cell that makes it.

Checks, hints, the clean-up, the pictures and the policies take them from here. Nothing here calls AWS.
"""

import functools
import json
import re
from pathlib import Path
from typing import NamedTuple, TypeVar

from lab_lib.errors import StepMissing
from lab_lib.language import N_, _

T = TypeVar("T")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
HEADINGS = Path(__file__).with_name("headings.json")  # of the notebooks, which a sandbox lacks; `make docs` writes it
# The links of the chain, by the words that the live cell shows.
ROWS, REJECTED, CHANGES = N_("rows written"), N_("lines rejected"), N_("changes counted")
TOTALS, ALERTS = N_("totals that agree"), N_("alerts out")


def messages(queue: str) -> str:
    """Return the link of the chain that ends in this queue."""
    return f"messages in {queue}"


class Cell(NamedTuple):
    """A code cell of the notebooks, by its id. `is_yours` is one that the learner writes."""

    id: str
    is_yours: bool = False

    @property
    def notebook(self) -> str:
        """Return the number of its notebook, such as "04"."""
        return self.id[:2]

    @property
    def heading(self) -> str:
        """Return the heading above it."""
        return heading(self.id)

    @property
    def run(self) -> str:
        """Return what a hint says to do with it. Below a cell of the learner's, others add what it need not have."""
        yours = N_("Look over your call under {cell} and run that section again")
        ours = N_("Run {cell}")
        return _(yours if self.is_yours else ours, cell=self)

    def __str__(self) -> str:
        return _('"{cell.heading}" in notebook {cell.notebook}', cell=self)


class Resource(NamedTuple):
    """A resource, and the cell that makes it.

    `name` is without prefix, and empty where the lab has one of a kind. `link` is the link of the handout's chain that
    breaks without it; what no row or alert passes has none.
    """

    kind: str
    name: str
    cell: Cell
    link: str | None = None

    @property
    def title(self) -> str:
        """Return what a learner reads of it."""
        return title(self.kind, self.name)


RESOURCES = (
    Resource("bucket", "", Cell("00-07"), ROWS),
    Resource("table", "Customer", Cell("00-09"), ROWS),
    Resource("table", "Transactions", Cell("00-08b"), ROWS),
    Resource("table", "ProcessedRecords", Cell("00-09")),
    Resource("table", "TransactionTotal", Cell("00-10a", True), CHANGES),
    Resource("queue", "LabDeadLetters", Cell("00-11")),
    Resource("role", "TransactionProcessorRole", Cell("00-13"), ROWS),
    Resource("role", "TotalNotifierRole", Cell("00-13"), CHANGES),
    Resource("function", "TransactionProcessor", Cell("01-08"), ROWS),
    Resource("function", "TotalNotifier", Cell("01-14", True), CHANGES),
    Resource("bucket trigger", "", Cell("02-06", True), ROWS),
    Resource("stream trigger", "", Cell("02-08", True), CHANGES),
    Resource("topic", "HighBalanceAlert", Cell("03-06", True), ALERTS),
    Resource("queue", "CustomerNotify", Cell("04-06"), messages("CustomerNotify")),
    Resource("subscription", "CustomerNotify", Cell("04-08"), messages("CustomerNotify")),
    Resource("queue", "CreditCollection", Cell("04-09a", True), messages("CreditCollection")),
    Resource("subscription", "CreditCollection", Cell("04-09a", True), messages("CreditCollection")),
    Resource("upload", "", Cell("05-10")),
)
ALL_LINKS = [*dict.fromkeys(resource.link for resource in RESOURCES if resource.link)]  # in the order of the chain
PEOPLE, CONFIRMATION = Cell("03-08"), Cell("03-10")  # subscribes an e-mail address or a number, confirms the former
SETTINGS, CLEAN_UP = Cell("00-03"), Cell("99-08")
# The checks mark the titles of the other kinds.
_TITLES = N_("role {}"), N_("topic {}"), N_("log of {}"), N_("stream trigger of {}"), N_("policy break-it of {}")
_UPLOADS = N_("uploads to break-it/")


def title(kind: str, name: str) -> str:
    """Return what a learner reads of a resource; the name is empty if the lab has one of the kind."""
    if not name:
        return _(kind)
    text = f"{kind} of {{}}"
    if text not in _TITLES and kind != "subscription":
        text = f"{kind} {{}}"
    return _(text).format(name)


def heading(cell: str, otherwise: str = "") -> str:
    """Return the heading above the cell with this id, in the user's language; or another text, if there is none."""
    return _(_headings().get(cell, otherwise))


def get(kind: str, name: str = "") -> Resource:
    """Return the resource of this kind and name, or without a name the first of the kind."""
    of_kind = (resource for resource in RESOURCES if resource.kind == kind)
    return next(resource for resource in of_kind if name in (resource.name, ""))


def cell(kind: str, name: str = "") -> Cell:
    """Return the cell that makes this resource."""
    return get(kind, name).cell


def require(value: T | None, kind: str, name: str = "") -> T:
    """Return what was read of a resource. If it is nothing, StepMissing names it and the cell to run."""
    if not value:
        raise StepMissing(
            'The {resource} is not there yet. Run notebook {cell.notebook} first, where "{cell.heading}" makes it, '
            "then this cell again.",
            resource=get(kind, name).title,
            cell=cell(kind, name),
        )
    return value


def names(kind: str) -> list[str]:
    """Return the names of all resources of a kind, in the order of the notebooks."""
    return [resource.name for resource in RESOURCES if resource.kind == kind]


def in_chain(kind: str) -> list[str]:
    """Return the names of the resources of a kind that the handout's chain goes through."""
    return [resource.name for resource in RESOURCES if resource.kind == kind and resource.link]


def for_each(text: str) -> list[str]:
    """Return the text for each resource in the handout's chain of the kind that it has in braces, such as {queue}.

    A text without braces stands for itself.
    """
    braces = re.search(r"\{(\w+)\}", text)
    if not braces:
        return [text]
    kind = braces[1]
    return [text.replace(braces[0], name) for name in in_chain(kind)]


@functools.cache
def _headings() -> dict[str, str]:
    """Return the heading of each code cell and the title of each notebook, by ids that begin with its number."""
    return dict(json.loads(HEADINGS.read_text("utf-8")))
