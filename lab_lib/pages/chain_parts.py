"""The parts of the chain: its boxes and arrows, where they stand in a picture, and how they are called."""

from typing import NamedTuple

from lab_lib.language import N_, _
from lab_lib.resources import RESOURCES, Resource, in_chain, messages

QUEUES = in_chain("queue")
TALL, STEP = 46, 78  # the height of a box, and from row to row where the screen is narrow, in pixels
_LEFT, _RIGHT = 67, 237  # the middles of the two columns there


class Box(NamedTuple):
    """A part of the chain. `x` and `y` are its left edge and its top; `middle` and `row` are for a narrow screen."""

    service: str
    name: str
    width: int
    x: int
    y: int
    middle: int
    row: int

    @property
    def narrow(self) -> tuple[int, int]:
        """Return its left edge and its top on a narrow screen."""
        return self.middle - self.width // 2, 24 + STEP * self.row

    @property
    def outline(self) -> str:
        """Return the path of its border: a cylinder keeps things, a hexagon hands them on, a page is a file."""
        right, bottom, middle = self.width, TALL, TALL // 2
        if self.service in ("S3", "DynamoDB"):
            front = f"a{right / 2:g} 6 0 0 1 {-right} 0"
            back = f"a{right / 2:g} 6 0 0 1 {right} 0"
            return f"M0 4{back}V{bottom - 4}{front}ZM{right} 4{front}"
        if self.service == "SNS topic":
            return f"M0 {middle}L10 0H{right - 10}L{right} {middle}L{right - 10} {bottom}H10Z"
        if self.service == "file":
            return f"M0 0H{right - 12}L{right} 12V{bottom}H0ZM{right - 12} 0V12H{right}"
        return f"M0 0H{right}V{bottom}H0Z"


class Arrow(NamedTuple):
    """A link between two boxes, and its label."""

    start: str
    end: str
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.start}→{self.end}"


class Link(NamedTuple):
    """A link of the chain: how much has come through it, how much is due, and why nothing is, if nothing is.

    `note` tells of what was tried again. `when` is the moment of the last that came, in milliseconds since 1970.
    """

    name: str
    have: int
    want: int
    why: str = ""
    note: str = ""
    when: int | None = None

    @property
    def called(self) -> str:
        """Return its name in the user's language."""
        queue = self.name.removeprefix(messages(""))
        return _(self.name) if queue == self.name else _("messages in {}").format(queue)

    @property
    def amount(self) -> str:
        return _("{link.have:,} of {link.want:,}", link=self) if self.want else _("none is due")

    @property
    def has_arrived(self) -> bool:
        return self.have >= self.want

    def __str__(self) -> str:
        return _(": ").join([self.called, self.amount])


class Progress(NamedTuple):
    """A look at an upload on its way: the links, and what is known at the end.

    That is whether the look `is_last`, when the file was `uploaded`, in milliseconds since 1970, and the `broken` part.
    """

    links: list[Link]
    is_last: bool = False
    uploaded: int | None = None
    broken: str = ""


_BOXES = [
    Box(N_("file"), "transactions.txt", 108, 14, 24, _LEFT, 0),
    Box("S3", N_("bucket"), 84, 154, 24, _RIGHT, 0),
    Box("Lambda", "TransactionProcessor", 150, 112, 112, _RIGHT, 1),
    Box("DynamoDB", "Customer", 96, 290, 24, _LEFT, 1),
    Box("DynamoDB", "Transactions", 96, 290, 112, _RIGHT, 2),
    Box("Lambda", "TotalNotifier", 118, 446, 112, _RIGHT, 3),
    Box("DynamoDB", "TransactionTotal", 118, 446, 24, _LEFT, 3),
    Box(N_("SNS topic"), "HighBalanceAlert", 124, 590, 112, _RIGHT, 4),
    Box(N_("subscribers"), N_("e-mail, SMS"), 112, 740, 24, _LEFT, 4),
    *(
        Box("SQS", queue, 112, 740, 112 + 88 * place, (_LEFT, _RIGHT)[place % 2], 5 + place // 2)
        for place, queue in enumerate(QUEUES)
    ),
]
BOXES = {box.name: box for box in _BOXES}
ARROWS = [
    Arrow("transactions.txt", "bucket"),
    Arrow("bucket", "TransactionProcessor", "ObjectCreated"),
    Arrow("TransactionProcessor", "Customer"),
    Arrow("TransactionProcessor", "Transactions"),
    Arrow("Transactions", "TotalNotifier", N_("stream")),
    Arrow("TotalNotifier", "TransactionTotal"),
    Arrow("TotalNotifier", "HighBalanceAlert"),
    Arrow("HighBalanceAlert", "e-mail, SMS"),
    *(Arrow("HighBalanceAlert", queue) for queue in QUEUES),
]
PARTS = list[str]()  # in the order in which a row comes to them: each box behind the arrows that lead to it
for _box in BOXES:
    PARTS += [arrow.name for arrow in ARROWS if arrow.end == _box]
    PARTS.append(_box)
_ONLY = {  # the parts that stand for a resource without a name, by its kind
    N_("upload"): "transactions.txt→bucket",
    N_("bucket"): "bucket",
    N_("bucket trigger"): "bucket→TransactionProcessor",
    N_("stream trigger"): "Transactions→TotalNotifier",
}


def part_of(resource: Resource) -> str:
    """Return the name of the part that stands for this resource; "" if none does."""
    if resource.kind == "subscription":
        return f"HighBalanceAlert→{resource.name}"
    part = _ONLY.get(resource.kind, resource.name)
    return part if part in PARTS else ""


# The resources that parts stand for, by these parts in their order.
FLOW = {part: resource for part in PARTS for resource in RESOURCES if part_of(resource) == part}


def called(part: str) -> str:
    """Return how a part of FLOW is called."""
    kind, name, *_rest = FLOW[part]
    return _("subscription of {}").format(name) if kind == "subscription" else name or _(kind)


def in_words() -> str:
    """Return the chain in words."""
    return _(
        "The chain of the lab. transactions.txt goes to an S3 bucket. ObjectCreated starts the Lambda function "
        "TransactionProcessor, which writes the DynamoDB tables Customer and Transactions. The stream of Transactions "
        "starts the Lambda function TotalNotifier, which writes the table TransactionTotal and publishes to the SNS "
        "topic HighBalanceAlert. The topic sends to e-mail and SMS, and to the SQS queues {queues}.",
        queues=_(" and ").join(QUEUES),
    )
